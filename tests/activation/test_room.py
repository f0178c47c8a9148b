"""Large documents come one after another, and whoever asks for many pictures keeps nobody from confirming."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.exceptions import ServiceUnavailable

from appliance.activation_requests import BatchedDocument, BatchRequest
from appliance.demonstration.participants import ZHANG, ZONE
from appliance.pdf.workshop import PdfWorkshop
from tests import activation_service as visits
from tests.activation.conftest import BACK, ORIGIN, Desk
from webui.shared import room
from webui.shared.room import Room, share_of

ALONE = room.AT_ONCE
THREADS = 2 * room.DRAWN_AT_ONCE + room.KEPT_FREE
"""So many that all pictures that find a thread are drawn together."""


class Held:
    """Somebody who is in the room, or waits for it, until they are let go."""

    def __init__(self, pool: ThreadPoolExecutor, enter: Callable[[Any], object], size: Any) -> None:
        self.inside, self._over = threading.Event(), threading.Event()
        self._enter, self._size = enter, size
        self.done: Future[None] = pool.submit(self._stay)

    def _stay(self) -> None:
        with self._enter(self._size):  # type: ignore[attr-defined]  # a context
            self.inside.set()
            self._over.wait()

    def leave(self) -> None:
        self._over.set()
        self.done.result()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def test_what_is_large_comes_one_after_another_and_pages_first() -> None:
    own = Room(THREADS)
    with ThreadPoolExecutor(4) as pool:
        first = Held(pool, own.for_picture, 3 * ALONE)
        assert first.inside.wait(60)
        picture = Held(pool, own.for_picture, ALONE)
        wait_until(lambda: own._pictures)
        page = Held(pool, own.for_page, ALONE)
        wait_until(lambda: own._pages)
        assert not picture.inside.is_set() and not page.inside.is_set()
        first.leave()
        assert page.inside.wait(60) and not picture.inside.is_set()
        page.leave()
        assert picture.inside.wait(60)
        picture.leave()


def test_what_is_small_comes_together() -> None:
    own = Room(THREADS)
    with ThreadPoolExecutor(4) as pool:
        everybody = [Held(pool, own.for_page, ALONE // 4) for _ in range(4)]
        assert all(each.inside.wait(60) for each in everybody)
        for each in everybody:
            each.leave()


def test_some_threads_are_for_neither_pictures_nor_what_is_large() -> None:
    own, share = Room(THREADS), share_of(THREADS)
    assert 2 * share < THREADS
    with ThreadPoolExecutor(2 * share) as pool:
        drawing = [Held(pool, own.for_picture, 1) for _ in range(share)]
        large = [Held(pool, own.for_page, room.LARGE + 1) for _ in range(share)]
        assert all(each.inside.wait(60) for each in (*drawing, *large))
        for enter, size in ((own.for_picture, 1), (own.for_page, room.LARGE + 1)):
            with pytest.raises(ServiceUnavailable), enter(size):
                pass
        with own.for_page(1):
            pass
        for each in (*drawing, *large):
            each.leave()


def test_further_pictures_wait_until_one_is_drawn() -> None:
    """A reader's browser asks for many at once: none of them is refused, and not all are drawn together."""
    own = Room(4 * room.DRAWN_AT_ONCE + room.KEPT_FREE)
    with ThreadPoolExecutor(2 * room.DRAWN_AT_ONCE) as pool:
        drawing = [Held(pool, own.for_picture, 1) for _ in range(room.DRAWN_AT_ONCE)]
        assert all(each.inside.wait(60) for each in drawing)
        waiting = [Held(pool, own.for_picture, 1) for _ in range(room.DRAWN_AT_ONCE)]
        assert not any(each.inside.wait(0.05) or each.done.done() for each in waiting)
        for each in drawing:
            each.leave()
        assert all(each.inside.wait(60) for each in waiting)
        for each in waiting:
            each.leave()


def test_many_small_ones_together_are_large() -> None:
    """The documents of a batch are looked at one after another: they take a thread as long as a large one does."""
    own, several = Room(THREADS), [room.LARGE // 2, room.LARGE // 2 + 1]
    with ThreadPoolExecutor(THREADS) as pool:
        listed = [Held(pool, own.for_list, several) for _ in range(share_of(THREADS))]
        assert all(each.inside.wait(60) for each in listed)
        with pytest.raises(ServiceUnavailable), own.for_list(several):
            pass
        with own.for_list([1, 2]), own.for_page(1):
            pass
        for each in listed:
            each.leave()


def test_who_fails_gives_room_and_thread_back() -> None:
    own = Room(THREADS)
    for enter in (own.for_page, own.for_picture) * (share_of(THREADS) + 1):
        with pytest.raises(ValueError, match="broken"), enter(ALONE):
            raise ValueError("broken")


def test_whoever_asks_for_many_pictures_keeps_nobody_from_confirming(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder of one act has pictures drawn on every thread that pictures may take."""
    request = desk.document()
    path = desk.put(request)
    picture = f"{path}/{desk.form(path).fields['seen']}/1.png"
    most = share_of(desk.appliance.settings.activation.threads)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slowly(*_given: object, **_named: object) -> bytes:
        begun.release()
        go_on.wait()
        return b"png"

    monkeypatch.setattr(PdfWorkshop, "draw_prepared", slowly)
    with ThreadPoolExecutor(most + 1) as pool:
        try:
            asked = {
                pool.submit(visits.browser_at(desk.service).get, picture, base_url=ORIGIN) for _ in range(most + 1)
            }
            assert all(begun.acquire(timeout=60) for _ in range(room.DRAWN_AT_ONCE))
            over, waiting = wait(asked, timeout=60, return_when=FIRST_COMPLETED)
            assert [each.result().status_code for each in over] == [503]
            assert all(int(each.result().headers["Retry-After"]) > 0 for each in over)
            assert desk.confirm(ZHANG.subject, path).status_code == 303
        finally:
            go_on.set()
        assert [each.result().status_code for each in waiting] == [200] * most
    assert desk.get(picture).status_code == 200
    assert desk.given(request) == (ZHANG.subject,)


def test_whoever_has_a_slow_document_keeps_nobody_from_confirming(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may take a minute to look at. The holder of its act asks for its page on every thread."""
    request = desk.prepared("A slow one", 1)
    slow, other = desk.put(request), desk.put(desk.prepared("Another", 1))
    threads, found = desk.appliance.settings.activation.threads, PdfWorkshop.require_plain_gap
    looking, go_on = threading.Semaphore(0), threading.Event()

    def slowly(own: PdfWorkshop, prepared: Any, **given: Any) -> Any:
        if prepared.document == request.content:
            looking.release()
            go_on.wait()
        return found(own, prepared, **given)

    monkeypatch.setattr(PdfWorkshop, "require_plain_gap", slowly)
    with ThreadPoolExecutor(threads) as pool:
        try:
            asked = [
                pool.submit(visits.browser_at(desk.service).get, slow, base_url=ORIGIN) for _ in range(threads)
            ]
            assert all(looking.acquire(timeout=60) for _ in range(room.CHECKED_AT_ONCE))
            wait_until(lambda: sum(each.done() for each in asked) == threads - room.CHECKED_AT_ONCE)
            assert {each.result().status_code for each in asked if each.done()} == {503}
            assert desk.confirm(ZHANG.subject, other).status_code == 303
        finally:
            go_on.set()
        assert sorted(each.result().status_code for each in asked)[: room.CHECKED_AT_ONCE] == [200, 200]
    assert desk.get(slow).status_code == 200


def test_not_every_thread_looks_at_documents() -> None:
    checks = room.Checks(2)
    with checks.of(b"one"), checks.of(b"two"), pytest.raises(ServiceUnavailable), checks.of(b"three"):
        pass
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), checks.of(b"three"):
            raise ValueError("broken")


def test_no_more_is_read_than_there_is_room_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal puts a large document in the place of a small one when room was made, before it is read."""
    small = replace(desk.document(), back="/")
    large, enter, made = replace(small, back=f"/{'x' * 5000}"), Room.for_list, [0]

    def made_for(own: Room, sizes: list[int]) -> AbstractContextManager[None]:
        made[0] = sum(sizes)
        desk.swap(path, large)
        return enter(own, sizes)

    path = desk.put(small)
    listed = (BatchedDocument(path[5:], "One"), BatchedDocument(desk.put(desk.document())[5:], "Two"))
    batch = desk.appliance.activation_requests.add(BatchRequest(ZHANG.subject, listed, BACK, "en", ZONE))
    for page in (path, f"/batch/{batch}"):
        desk.swap(path, small)
        with monkeypatch.context() as patch:
            patch.setattr(Room, "for_list", made_for)
            shown = desk.get(page)
        assert shown.status_code >= 400 and "<form" not in shown.text
        assert made[0] > 0
    assert desk.get(path).status_code == 200, "with room for it"


def test_no_room_is_needed_for_a_list(desk: Desk) -> None:
    """It is read before there is room for its documents, so it is small."""
    documents = desk.document(), desk.prepared("Another", 1)
    listed = tuple(BatchedDocument(desk.put(each)[5:], "Title") for each in documents)
    for back, status in (("/", 200), ("/" + "x" * 300_000, 404)):
        batch = desk.appliance.activation_requests.add(BatchRequest(ZHANG.subject, listed, back, "en", ZONE))
        shown = desk.get(f"/batch/{batch}")
        assert shown.status_code == status, shown.text


def test_no_size_is_told_of_what_is_no_request(desk: Desk) -> None:
    requests = desk.appliance.activation_requests
    path = desk.put(desk.document())
    assert requests.size(path[5:]) == (desk.folder / path[5:]).stat().st_size
    assert [requests.size(each) for each in ("x" * 32, "", "..", "../state/vermilion.db")] == [0] * 4


@pytest.mark.parametrize("page", ["batch", "register"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_document_is_not_read_to_find_that_it_is_no_list(desk: Desk, page: str, method: str) -> None:
    """Whoever has the address of a large one would have all threads hold it at once, whatever room there is."""
    large = desk.document(content=b"%PDF-1.7\n" + bytes(30 * 1024 * 1024))
    ticket = desk.put(large).rpartition("/")[2]
    tracemalloc.start()
    try:
        answer = desk.browser.open(f"/{page}/{ticket}", method=method, headers={"Origin": ORIGIN})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 404 and most < 10 * 1024 * 1024
