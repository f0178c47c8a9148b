"""A form that makes something is sent once, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.errors import KeyReused, PreconditionRefused, RequestUnderWay, StateRefused
from appliance.home import Home
from appliance.store.database import Database
from appliance.submissions import (
    ABANDONED,
    KEPT,
    MOST_WAITING,
    ClaimedRequest,
    KeptAnswer,
    KeyedRequests,
    Submissions,
)
from webui.portal.process import let_requests_be_repeated

ONCE = "a-value-of-24-characters"
ZHANG = "person-zhang"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def submissions(tmp_path: Path, clock: Clock) -> Iterator[Submissions]:
    database = Database(tmp_path / "vermilion.db")
    yield Submissions(database, clock, patience=0.2)
    database.close()


@pytest.mark.parametrize("once", ["", "short", "x" * 65, "朱印" * 10])
def test_a_value_that_no_form_of_ours_carries_is_refused(submissions: Submissions, once: str) -> None:
    with pytest.raises(PreconditionRefused, match="incomplete"):
        submissions.claim(ZHANG, once)


def test_the_second_gets_what_the_first_made(submissions: Submissions) -> None:
    assert submissions.claim(ZHANG, ONCE) is None
    submissions.finish(ZHANG, ONCE, "/contracts/1")
    assert submissions.claim(ZHANG, ONCE) == "/contracts/1"
    submissions.finish(ZHANG, ONCE, "/contracts/2")
    assert submissions.claim(ZHANG, ONCE) == "/contracts/1"


def test_somebody_else_with_the_same_value_is_the_first_of_the_own(submissions: Submissions) -> None:
    submissions.claim(ZHANG, ONCE)
    submissions.finish(ZHANG, ONCE, "/contracts/1")
    assert submissions.claim("person-li", ONCE) is None


def test_who_was_refused_may_send_again(submissions: Submissions) -> None:
    submissions.claim(ZHANG, ONCE)
    submissions.release(ZHANG, ONCE)
    assert submissions.claim(ZHANG, ONCE) is None


def test_the_second_is_told_when_the_first_takes_too_long(submissions: Submissions) -> None:
    submissions.claim(ZHANG, ONCE)
    with pytest.raises(StateRefused, match="being worked on"):
        submissions.claim(ZHANG, ONCE)


def test_a_claim_without_a_result_is_abandoned_after_a_while(submissions: Submissions, clock: Clock) -> None:
    submissions.claim(ZHANG, ONCE)
    clock.at += ABANDONED + timedelta(seconds=1)
    assert submissions.claim(ZHANG, ONCE) is None
    with pytest.raises(StateRefused):
        submissions.claim(ZHANG, ONCE)


def test_what_forms_made_is_forgotten_when_no_page_can_be_open_any_more(
    submissions: Submissions, clock: Clock
) -> None:
    submissions.claim(ZHANG, ONCE)
    submissions.finish(ZHANG, ONCE, "/contracts/1")
    clock.at += KEPT + timedelta(seconds=1)
    assert submissions.claim(ZHANG, ONCE) is None


def test_of_many_at_the_same_moment_one_makes_it_and_all_get_it(tmp_path: Path, clock: Clock) -> None:
    database = Database(tmp_path / "vermilion.db")
    submissions = Submissions(database, clock)
    start = threading.Barrier(8)
    made: list[str] = []
    got: list[str] = []

    def send(number: int) -> None:
        start.wait()
        address = submissions.claim(ZHANG, ONCE)
        if address is None:
            address = f"/contracts/{number}"
            made.append(address)
            submissions.finish(ZHANG, ONCE, address)
        got.append(address)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()
    assert len(made) == 1
    assert got == made * 8


def test_those_who_wait_try_themselves_when_the_first_gives_up(tmp_path: Path, clock: Clock) -> None:
    database = Database(tmp_path / "vermilion.db")
    submissions = Submissions(database, clock, wait=lambda _seconds: submissions.release(ZHANG, ONCE))
    assert submissions.claim(ZHANG, ONCE) is None
    assert submissions.claim(ZHANG, ONCE) is None
    database.close()


CLIENT, KEY = "client-erp", "order-4711"
REQUEST = ("POST", "/contracts", "a" * 64)
ANSWER = KeptAnswer(201, {"ETag": '"1"'}, b'{"id":"1"}')


@pytest.fixture
def requests(tmp_path: Path, clock: Clock) -> Iterator[KeyedRequests]:
    database = Database(tmp_path / "vermilion.db")
    yield KeyedRequests(database, clock, patience=0.2)
    database.close()


def claimed(requests: KeyedRequests) -> ClaimedRequest:
    claim = requests.claim(CLIENT, KEY, REQUEST)
    assert isinstance(claim, ClaimedRequest)
    return claim


def test_a_repeated_request_gets_the_kept_answer(requests: KeyedRequests) -> None:
    first = claimed(requests)
    requests.finish(first, ANSWER)
    assert requests.claim(CLIENT, KEY, REQUEST) == ANSWER
    requests.finish(first, KeptAnswer(200, {}, b"another"))
    assert requests.claim(CLIENT, KEY, REQUEST) == ANSWER


@pytest.mark.parametrize(
    "other", [("PUT", *REQUEST[1:]), ("POST", "/people", REQUEST[2]), (*REQUEST[:2], "b" * 64)]
)
def test_a_key_is_for_one_method_path_and_body(requests: KeyedRequests, other: tuple[str, str, str]) -> None:
    requests.finish(claimed(requests), ANSWER)
    with pytest.raises(KeyReused):
        requests.claim(CLIENT, KEY, other)
    assert isinstance(requests.claim("client-oa", KEY, other), ClaimedRequest)


def test_a_concurrent_request_is_told_after_a_while(requests: KeyedRequests) -> None:
    claimed(requests)
    with pytest.raises(RequestUnderWay):
        requests.claim(CLIENT, KEY, REQUEST)


@pytest.mark.parametrize("managed", [True, False])
def test_after_the_end_of_all_who_worked_on_it_a_request_is_taken_over_at_once(
    tmp_path: Path, clock: Clock, managed: bool
) -> None:
    """As the portal does before its first worker starts, on an appliance: elsewhere an orphan may be at it yet."""
    home = Home(tmp_path)
    home.state.mkdir()
    if managed:
        (tmp_path / "config").symlink_to(tmp_path)
    let_requests_be_repeated(home)
    assert not home.database.exists(), "nobody makes one by asking"
    database = Database(home.database)
    requests = KeyedRequests(database, clock, patience=0.0)
    answered, cut_off = claimed(requests), requests.claim(CLIENT, "another", REQUEST)
    requests.finish(answered, ANSWER)
    assert isinstance(cut_off, ClaimedRequest)

    let_requests_be_repeated(home)

    assert requests.claim(CLIENT, KEY, REQUEST) == ANSWER
    if managed:
        assert requests.claim(CLIENT, "another", REQUEST) == replace(cut_off, again=True)
    else:
        with pytest.raises(RequestUnderWay):
            requests.claim(CLIENT, "another", REQUEST)
    database.close()


def test_repetitions_do_not_take_all_threads(tmp_path: Path, clock: Clock) -> None:
    database, waiting, over = Database(tmp_path / "vermilion.db"), threading.Semaphore(0), threading.Event()

    def wait(_seconds: float) -> None:
        waiting.release()
        over.wait(60)

    requests = KeyedRequests(database, clock, wait=wait)
    first, answers = claimed(requests), list[object]()
    threads = [
        threading.Thread(target=lambda: answers.append(requests.claim(CLIENT, KEY, REQUEST)))
        for _ in range(MOST_WAITING)
    ]
    for thread in threads:
        thread.start()
        assert waiting.acquire(timeout=60)
    with pytest.raises(RequestUnderWay):
        requests.claim(CLIENT, KEY, REQUEST)
    assert isinstance(requests.claim(CLIENT, "another", REQUEST), ClaimedRequest)
    requests.finish(first, ANSWER)
    assert requests.claim(CLIENT, KEY, REQUEST) == ANSWER, "what is answered already needs no wait"
    over.set()
    for thread in threads:
        thread.join()
    database.close()
    assert answers == [ANSWER] * MOST_WAITING


def test_a_refused_request_frees_its_key(requests: KeyedRequests) -> None:
    requests.release(claimed(requests))
    changed = requests.claim(CLIENT, KEY, (*REQUEST[:2], "b" * 64))
    assert isinstance(changed, ClaimedRequest) and not changed.again


def test_a_failed_request_is_taken_over_with_the_chosen_id(requests: KeyedRequests) -> None:
    first = claimed(requests)
    requests.fail(first)
    second = claimed(requests)
    assert second.again and second.chosen == first.chosen
    requests.release(second)  # what the first has made may be there all the same
    assert claimed(requests).chosen == first.chosen


def test_a_request_whose_process_died_is_taken_over_after_some_minutes(
    requests: KeyedRequests, clock: Clock
) -> None:
    first = claimed(requests)
    clock.at += ABANDONED + timedelta(seconds=1)
    second = claimed(requests)
    assert second.again and second.chosen == first.chosen


def test_a_request_is_forgotten_after_a_week(requests: KeyedRequests, clock: Clock) -> None:
    first = claimed(requests)
    requests.finish(first, ANSWER)
    clock.at += KEPT + timedelta(seconds=1)
    assert claimed(requests).chosen != first.chosen
