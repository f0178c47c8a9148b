"""Ordered captures are made by the scheduler: the real service, browser, authority and log."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.capture_service.client import CaptureService, CaptureUnavailable
from appliance.capture_service.messages import CaptureFault
from appliance.captures.orders import CaptureDraft
from appliance.captures.queue import INTERRUPTED, MOST_ATTEMPTS, PAUSE
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.evidence.captures.layout import FACTS, PICTURE, WACZ, WARC
from appliance.model.captures import CaptureState
from appliance.model.notice import NoticeKind
from appliance.store import captures, outbox
from appliance.verification import Indication
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import CaptureFailed, CaptureProgress, CaptureStage, CaptureStep, StepKind
from appliance.wiring import Appliance
from tests.captures.conftest import Web, forget_all, now_of, ordered
from tests.web_capture.servers import Asked
from tests.world import World

WHO = ZHANG.subject


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


def told(appliance: Appliance, kind: NoticeKind, about: str) -> bool:
    return appliance.database.query(outbox.newest_about, WHO, kind, about) is not None


def test_a_page_is_captured_recorded_and_packed(appliance: Appliance, web: Web, log: None) -> None:
    waiting = ordered(appliance, web.address())
    assert waiting.state is CaptureState.WAITING
    assert appliance.capture_queue.run_next()
    done = now_of(appliance, waiting)
    assert (done.state, done.work.refusal) == (CaptureState.DONE, None)
    assert done.record is not None
    assert done.record.title == "夏季新款"
    assert done.record.visited == web.address()
    assert done.work.requests >= 1
    assert appliance.capture_finishing.run_round() == 1
    assert appliance.capture_finishing.run_round() == 0
    files = {each.name: each for each in appliance.captures.files(done.id, by=WHO)}
    assert {WARC, WACZ, PICTURE, FACTS, "preview.jpg"} <= files.keys()
    package = appliance.capture_packages.package(done.id, by=WHO)
    assert appliance.capture_packages.package(done.id, by=WHO) == package, "it was made once"
    with pytest.raises(NotFound):
        appliance.capture_packages.package(done.id, by=LI.subject)
    report = appliance.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.read(WARC) == appliance.captures.content(done.id, WARC, by=WHO)
    assert not appliance.capture_queue.run_next()
    assert not told(appliance, NoticeKind.CAPTURE_FAILED, done.id)


def test_a_page_that_cannot_be_had_has_failed(appliance: Appliance, web: Web) -> None:
    """Its owner is told why, and nothing of it is kept."""
    waiting = ordered(appliance, f"http://nowhere.invalid:{web.port}/")
    assert appliance.capture_queue.run_next()
    failed = now_of(appliance, waiting)
    assert (failed.state, failed.record) == (CaptureState.FAILED, None)
    assert "not found" in str(failed.work.refusal)
    assert told(appliance, NoticeKind.CAPTURE_FAILED, failed.id)


def test_a_capture_whose_browser_ends_has_failed(appliance: Appliance, web: Web) -> None:
    """Its owner is told, and nothing of it is kept."""
    waiting = ordered(appliance, web.address())
    web.asked = lambda _: end_browsers()
    assert appliance.capture_queue.run_next()
    failed = now_of(appliance, waiting)
    assert failed.state is CaptureState.FAILED
    assert failed.work.refusal is not None
    assert failed.record is None
    assert appliance.captures.files(failed.id, by=WHO) == []
    with pytest.raises(StateRefused):
        appliance.capture_packages.package(failed.id, by=WHO)
    assert told(appliance, NoticeKind.CAPTURE_FAILED, failed.id)


def end_browsers() -> None:
    """Kills the browsers that this process has started."""
    parents: dict[int, tuple[int, str]] = {}
    for each in Path("/proc").iterdir():
        with suppress(OSError):
            if each.name.isdigit():
                name, _, rest = (each / "stat").read_text().partition("(")[2].rpartition(")")
                parents[int(each.name)] = int(rest.split()[1]), name

    def is_ours(process: int) -> bool:
        return process in parents and (parents[process][0] == os.getpid() or is_ours(parents[process][0]))

    for process, (_, name) in parents.items():
        if name.startswith(("chrom", "headless")) and is_ours(process):
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)


def test_what_a_killed_scheduler_was_making_is_made_once_more(
    world: World, appliance: Appliance, web: Web, tmp_path: Path
) -> None:
    """Twice: the second time it has failed, and its owner is told."""
    asked = threading.Event()

    def hang(_: Asked) -> None:
        asked.set()
        time.sleep(30)

    web.asked = hang
    waiting = ordered(appliance, web.address())
    for attempt in (1, 2):
        asked.clear()
        process = scheduler(world, tmp_path)
        try:
            assert asked.wait(60), (tmp_path / "log").read_text()
            running = now_of(appliance, waiting)
            assert (running.state, running.work.attempts) == (CaptureState.RUNNING, attempt)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if attempt == 1:
            appliance.database.commit(appliance.capture_queue._take_up_abandoned)
            assert now_of(appliance, waiting).state is CaptureState.WAITING
    appliance.capture_queue.run_next()
    failed = now_of(appliance, waiting)
    assert (failed.state, failed.work.refusal) == (CaptureState.FAILED, INTERRUPTED)
    assert told(appliance, NoticeKind.CAPTURE_FAILED, failed.id)


def scheduler(world: World, folder: Path) -> subprocess.Popen[bytes]:
    """A process of its own that makes the next capture."""
    program = (
        "from appliance.config import load\nfrom appliance.home import Home\n"
        "from appliance.wiring import open_appliance\nimport sys\nfrom pathlib import Path\n"
        "with open_appliance(load(Home(Path(sys.argv[1]))), role='scheduler') as appliance:\n"
        "    appliance.capture_queue.run_next()\n"
    )
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(world.home.root)], stdout=log, stderr=log, env=dict(os.environ)
        )


def test_one_that_is_being_made_is_cancelled(appliance: Appliance, web: Web) -> None:
    """The browser ends, and nothing is recorded."""
    waiting = ordered(appliance, web.address("/slow"))
    web.pages["/slow"] = "<p>x</p><img src='/hangs'>"

    def cancel(asked: Asked) -> None:
        if asked.path == "/hangs":
            appliance.captures.cancel(waiting.id, by=WHO)
            time.sleep(5)

    web.asked = cancel
    appliance.capture_queue.run_next()
    cancelled = now_of(appliance, waiting)
    assert (cancelled.state, cancelled.record) == (CaptureState.CANCELLED, None)
    with pytest.raises(StateRefused):
        appliance.captures.cancel(waiting.id, by=WHO)


def test_one_that_waits_is_cancelled_by_its_owner_alone(appliance: Appliance, web: Web) -> None:
    waiting = ordered(appliance, web.address())
    with pytest.raises(NotFound):
        appliance.captures.cancel(waiting.id, by=LI.subject)
    appliance.captures.cancel(waiting.id, by=WHO)
    assert not appliance.capture_queue.run_next()


def test_what_is_no_fault_of_the_page_is_tried_again_for_an_hour(
    world: World, appliance: Appliance, web: Web
) -> None:
    waiting = ordered(appliance, web.address())
    keys = world.home.authority_socket("web")
    aside = keys.with_name("aside.sock")
    keys.rename(aside)  # nothing can be dated now
    try:
        with world.opened() as cut_off:
            cut_off.capture_queue.run_next()
        again = now_of(appliance, waiting)
        assert (again.state, again.work.attempts) == (CaptureState.WAITING, 0)
        assert again.work.refusal is not None
        assert again.work.retry_at >= waiting.ordered + PAUSE
        with world.opened(ahead=timedelta(hours=2)) as cut_off:
            cut_off.capture_queue.run_next()
    finally:
        aside.rename(keys)
    assert now_of(appliance, waiting).state is CaptureState.FAILED


def test_two_are_made_at_a_time_and_the_oldest_first(appliance: Appliance, web: Web) -> None:
    both = threading.Barrier(2, timeout=60)
    first, second, third = (ordered(appliance, web.address(f"/{name}")) for name in "abc")
    web.pages |= {f"/{name}": f"<title>{name}</title>" for name in "abc"}

    def meet(asked: Asked) -> None:
        if asked.path in ("/a", "/b"):
            both.wait()

    web.asked = meet
    assert appliance.captures.count_ahead(third) == 2
    lanes = [threading.Thread(target=appliance.capture_queue.run_next) for _ in range(2)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    states = [now_of(appliance, each).state for each in (first, second, third)]
    assert states == [CaptureState.DONE, CaptureState.DONE, CaptureState.WAITING]


def test_nobody_waits_for_anothers_fifty(appliance: Appliance) -> None:
    """And the number that each is told is the place that it is taken at."""
    mine = [ordered(appliance, "https://example.com/") for _ in range(4)]
    others = [ordered(appliance, "https://example.com/", by=LI.subject) for _ in range(2)]
    resting = ordered(appliance, "https://example.com/", by=LI.subject)
    now = datetime.now(UTC)
    appliance.database.commit(captures.begin, mine[0].id, "somebody", now)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE captures SET retry_at = ? WHERE id = ?", (now + PAUSE, resting.id))
    told = {each.id: appliance.captures.count_ahead(each) for each in [*mine[1:], *others, resting]}
    taken = []
    while (turn := appliance.database.query(captures.next_waiting, now)) is not None:
        appliance.database.commit(captures.begin, turn.id, "somebody", now)
        taken.append(turn.id)
    assert taken == [each.id for each in (others[0], mine[1], others[1], mine[2], mine[3])]
    assert sorted(told, key=told.__getitem__) == [*taken, resting.id]
    assert sorted(told.values()) == list(range(6))


@pytest.mark.parametrize(
    ("cause", "told"),
    [(CaptureFault.UNBELIEVABLE, False), (CaptureFault.LATE, False), (CaptureFault.PROGRAM, True)],
)
def test_a_page_that_takes_the_program_over_gets_it_twice(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, cause: CaptureFault, told: bool
) -> None:
    """Not again and again for an hour; and so does one that takes all its memory, once it was begun (told)."""
    asked = []

    def end(*_: object, progress: Callable[[CaptureProgress], None], **__: object) -> Capture:
        asked.append(1)
        if told:
            progress(CaptureProgress(CaptureStage.LOADING))
        raise CaptureUnavailable(cause, "the other side closed")

    monkeypatch.setattr(CaptureService, "capture", end)
    waiting = ordered(appliance, "https://example.com/")
    for _ in range(3):
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE captures SET retry_at = ordered WHERE id = ?", (waiting.id,))
        appliance.capture_queue.run_next()
    assert len(asked) == MOST_ATTEMPTS
    assert now_of(appliance, waiting).state is CaptureState.FAILED


def test_whoever_may_not_capture_now_rests(appliance: Appliance, web: Web) -> None:
    """Who lost the role, or whose account is suspended: what they ordered waits."""
    waiting = ordered(appliance, web.address(), by=LI.subject)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'suspended' WHERE subject = ?", (LI.subject,))
    assert not appliance.capture_queue.run_next()
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'active' WHERE subject = ?", (LI.subject,))
        assert captures.next_waiting(tx, appliance.now()) == waiting


@pytest.mark.parametrize(
    "address",
    ["example.com", "ftp://example.com/", "file:///etc/passwd", "https://u:p@example.com/", "", "http://"],
)
def test_an_address_that_is_none_is_refused_at_once(appliance: Appliance, address: str) -> None:
    with pytest.raises(CaptureFailed):
        ordered(appliance, address)


def test_what_else_is_wrong_gets_one_sentence(appliance: Appliance) -> None:
    register, address = appliance.captures, "https://example.com/"
    for draft, match in (
        (CaptureDraft(address, " \u200b"), "what the capture is for"),
        (CaptureDraft(address, "x" * 501), "500"),
    ):
        with pytest.raises(PreconditionRefused, match=match):
            register.order(draft, by=WHO)
    with pytest.raises(CaptureFailed, match="Step 2"):
        register.order(
            CaptureDraft(address, "x", (CaptureStep(StepKind.SCROLL), CaptureStep(StepKind.CLICK))), by=WHO
        )
    with pytest.raises(NotAllowed):
        register.order(CaptureDraft(address, "x"), by=CUSTODIAN.subject)


def test_a_day_has_so_many_captures_of_one_person(appliance: Appliance) -> None:
    most = appliance.settings.capture.per_day
    for _ in range(most):
        last = ordered(appliance, "https://example.com/")
    with pytest.raises(PreconditionRefused, match="24 hours"):
        ordered(appliance, "https://example.com/")
    appliance.captures.cancel(last.id, by=WHO)
    assert ordered(appliance, "https://example.com/")
    assert ordered(appliance, "https://example.com/", by=LI.subject)


def test_what_was_begun_counts_although_it_was_cancelled(appliance: Appliance) -> None:
    """Else somebody who orders and cancels visits an address as often as he likes."""
    forget_all(appliance)
    last = ordered(appliance, "https://example.com/")
    appliance.database.commit(captures.begin, last.id, "somebody", datetime.now(UTC))
    for _ in range(appliance.settings.capture.per_day - 1):
        ordered(appliance, "https://example.com/")
    appliance.captures.cancel(last.id, by=WHO)
    with pytest.raises(PreconditionRefused, match="24 hours"):
        ordered(appliance, "https://example.com/")
    forget_all(appliance)


def test_the_number_that_a_client_chose_is_ordered_once(appliance: Appliance) -> None:
    draft, number = CaptureDraft("https://example.com/", "x"), "0123456789abcdef01234567"
    made = appliance.captures.order(draft, by=WHO, number=number, client="client-1")
    assert appliance.captures.order(draft, by=WHO, number=number, client="client-1") == made
    assert (made.id, made.client) == (number, "client-1")
