"""Dual control: what waits, runs out, is decided once, says what it will do, and is performed exactly once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pysqlite3
import pytest

from appliance.administration import actions as registry
from appliance.administration.action import (
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
    quoted_argument,
)
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.model.administration import ROOT, Actor, AdministratorRole, AdminRequestOutcome, AdminRequestState
from appliance.store.administration import ADMINISTRATION, admin_requests
from appliance.store.database import Database
from tests.administration.conftest import Site, opened_site

SYSTEM, SECURITY = frozenset({AdministratorRole.SYSTEM}), frozenset({AdministratorRole.SECURITY})
ASKER, SECOND = Actor("sun", AdministratorRole.SYSTEM), Actor("shi", AdministratorRole.SECURITY)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the actions of these tests did: ``count.one`` by one person, ``count.two`` by two, ``count.secret``."""
    done: list[str] = []

    def perform(_parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
        done.append(f"{arguments.get('thing', 'nothing')} by {by.login}")
        if arguments.get("thing") == "broken":
            raise StateRefused("The thing is {state}.", state="broken")
        return AdminRequestOutcome(
            "Counted {number}.", {"number": len(done)}, secret="shown once" if "pin" in arguments else ""
        )

    one = Action(
        name="count.one",
        title="Count",
        effect="{thing} is counted.",
        undo="It is not.",
        who=SYSTEM | SECURITY,
        approvers=frozenset(),
        arguments=(Argument("thing", "The thing"),),
        executed_by=ExecutedBy.CONSOLE,
        perform=perform,
    )
    two = replace(one, name="count.two", who=SYSTEM, approvers=SECURITY)
    secret = replace(
        one, name="count.secret", arguments=(*one.arguments, Argument("pin", "PIN", ArgumentKind.SECRET))
    )
    far = replace(one, name="count.far", executed_by=ExecutedBy.SCHEDULER)
    actions = {each.name: each for each in (one, two, secret, far)}
    monkeypatch.setattr("appliance.administration.actions.REGISTRY", MappingProxyType(actions))
    return done


@pytest.fixture
def crew(site: Site) -> Site:
    site.set_up(ASKER.login, AdministratorRole.SYSTEM)
    site.set_up(SECOND.login, AdministratorRole.SECURITY)
    return site


def test_one_person_is_enough_where_nobody_has_to_approve(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.one", {"thing": " clocks "}, by=ASKER)
    assert (act.state, act.arguments, act.effect) == (
        AdminRequestState.DONE,
        {"thing": "clocks"},
        "“clocks” is counted.",
    )
    assert act.outcome == AdminRequestOutcome("Counted {number}.", {"number": 1})
    assert done == ["clocks by sun"]
    assert crew.told()[-2:] == ["act-begun", "act-done"]


def test_two_persons_see_the_same_sentence_and_it_is_done_once(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.two", {"thing": "clocks"}, by=ASKER)
    assert (act.state, done) == (AdminRequestState.WAITING, [])
    assert crew.administration.requests.waiting() == [act]
    approved = crew.administration.requests.approve_request(act.id, by=SECOND)
    assert (approved.state, approved.effect, approved.decided_by) == (AdminRequestState.DONE, act.effect, "shi")
    assert done == ["clocks by sun"]
    for decide in (crew.administration.requests.approve_request, crew.administration.requests.refuse_request):
        with pytest.raises(StateRefused, match="done"):
            decide(act.id, by=SECOND)
    assert crew.told()[-3:] == ["act-asked", "act-approved", "act-done"]


def test_what_is_refused_or_withdrawn_is_not_done(crew: Site, done: list[str]) -> None:
    requests = crew.administration.requests
    refused = requests.refuse_request(requests.submit_request("count.two", {"thing": "a"}, by=ASKER).id, by=SECOND)
    withdrawn = requests.withdraw_request(
        requests.submit_request("count.two", {"thing": "b"}, by=ASKER).id, by=ASKER
    )
    for act in (refused, withdrawn):
        with pytest.raises(StateRefused):
            requests.approve_request(act.id, by=SECOND)
    assert done == []


def test_a_request_runs_out_after_a_day(crew: Site, done: list[str]) -> None:
    requests = crew.administration.requests
    act = requests.submit_request("count.two", {"thing": "clocks"}, by=ASKER)
    crew.later(hours=23, minutes=59)
    assert requests.waiting() == [act]
    crew.later(minutes=1)
    with pytest.raises(StateRefused, match="expired"):
        requests.approve_request(act.id, by=SECOND)
    assert requests.waiting() == []
    assert requests.find_request(act.id).state is AdminRequestState.EXPIRED
    assert (crew.told()[-1], done) == ("act-expired", [])


def test_who_may_not_ask_any_more_has_asked_in_vain(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.two", {"thing": "clocks"}, by=ASKER)
    crew.administration.administrators.suspend(ASKER.login, by=ROOT)
    with pytest.raises(NotAllowed, match="any more"):
        crew.administration.requests.approve_request(act.id, by=SECOND)
    assert done == []


def test_a_sentence_that_has_changed_is_not_approved(
    crew: Site, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade, between asking and approving."""
    act = crew.administration.requests.submit_request("count.two", {"thing": "clocks"}, by=ASKER)
    changed = replace(registry.REGISTRY["count.two"], effect="{thing} is melted down.")
    monkeypatch.setattr(registry, "REGISTRY", MappingProxyType({**registry.REGISTRY, "count.two": changed}))
    with pytest.raises(StateRefused, match="ask anew"):
        crew.administration.requests.approve_request(act.id, by=SECOND)
    assert (crew.administration.requests.find_request(act.id).state, done) == (AdminRequestState.WAITING, [])


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("count.one", {}),
        ("count.one", {"thing": "  "}),
        ("count.one", {"thing": "a\nb"}),
        ("count.one", {"thing": "a" * 501}),
        ("count.one", {"thing": "a", "more": "b"}),
        ("count.secret", {"thing": "a"}),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_written(
    crew: Site, done: list[str], name: str, given: dict[str, str]
) -> None:
    before = crew.told()
    with pytest.raises(PreconditionRefused):
        crew.administration.requests.submit_request(name, given, by=ASKER)
    assert (done, crew.told(), crew.administration.requests.recent()) == ([], before, [])


def test_nothing_in_an_argument_looks_like_the_end_of_it() -> None:
    assert quoted_argument("O’Neill, d'Arc") == "“O’Neill, d'Arc”"
    for mark in ("”", '"', "״", "〃", "’’", "''", "’'"):
        inside = quoted_argument(f"x{mark} is gone")[1:-1]
        assert mark not in inside and f"\\u{ord(mark[0]):04x}" in inside, mark


@pytest.mark.parametrize(
    ("argument", "text", "kept"),
    [
        (Argument("n", "N", ArgumentKind.NUMBER), " 007 ", "7"),
        (Argument("n", "N", ArgumentKind.NUMBER), "-1", None),
        (Argument("n", "N", ArgumentKind.NUMBER), "1e3", None),
        (Argument("c", "C", ArgumentKind.CHOICE, choices=("web", "tsa")), "tsa", "tsa"),
        (Argument("c", "C", ArgumentKind.CHOICE, choices=("web", "tsa")), "ssh", None),
        (Argument("m", "M", ArgumentKind.MOMENT), "2027-01-31T22:00+08:00", "2027-01-31T14:00:00Z"),
        (Argument("m", "M", ArgumentKind.MOMENT), "2027-01-31T22:00", None),
        (Argument("m", "M", ArgumentKind.MOMENT), "tomorrow", None),
        (Argument("m", "M", ArgumentKind.MOMENT), "0001-01-01T00:00+08:00", None),
        (Argument("s", "S", ArgumentKind.SECRET), " with spaces ", " with spaces "),
    ],
)
def test_each_kind_of_argument_has_one_form(argument: Argument, text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(PreconditionRefused):
            argument.checked(text)
    else:
        assert argument.checked(text) == kept


def test_an_unknown_action_and_an_unknown_request_are_said_to_be(crew: Site, done: list[str]) -> None:
    with pytest.raises(NotFound, match=r"count\.three"):
        crew.administration.requests.submit_request("count.three", {}, by=ROOT)
    with pytest.raises(NotFound):
        crew.administration.requests.approve_request("000000000000", by=SECOND)


def test_what_fails_says_why_and_is_not_tried_again(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.one", {"thing": "broken"}, by=ASKER)
    assert (act.state, act.outcome) == (
        AdminRequestState.FAILED,
        AdminRequestOutcome("The thing is {state}.", {"state": "broken"}),
    )
    crew.administration.executor.execute_waiting()
    assert len(done) == 1


def test_a_secret_is_used_and_kept_nowhere(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request(
        "count.secret", {"thing": "clocks", "pin": "s3cret-of-somebody"}, by=ASKER
    )
    assert act.outcome is not None
    assert act.outcome.secret == "shown once"
    again = crew.administration.requests.find_request(act.id).outcome
    assert again is not None
    assert again.secret == ""
    for path in crew.settings.home.root.rglob("*.db*"):
        assert b"s3cret-of-somebody" not in path.read_bytes()
        assert b"shown once" not in path.read_bytes()


def at_once(count: int, work: Callable[[], object]) -> list[BaseException | None]:
    """*work* in so many threads that begin together; what each raised."""
    barrier = threading.Barrier(count)

    def begin() -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(count) as pool:
        return [future.exception() for future in [pool.submit(begin) for _ in range(count)]]


def test_of_two_who_approve_at_once_one_does_and_it_is_done_once(crew: Site, done: list[str]) -> None:
    for number in range(10):
        act = crew.administration.requests.submit_request("count.two", {"thing": f"thing {number}"}, by=ASKER)
        raised = at_once(2, lambda: crew.administration.requests.approve_request(act.id, by=SECOND))  # noqa: B023  # ends here
        assert sorted(isinstance(each, StateRefused) for each in raised) == [False, True]
    assert len(done) == 10


def test_of_two_processes_that_perform_at_once_one_does(crew: Site, done: list[str], tmp_path: Path) -> None:
    with opened_site(tmp_path, hands=frozenset({ExecutedBy.SCHEDULER})) as scheduler:
        for number in range(10):
            act = crew.administration.requests.submit_request("count.far", {"thing": f"thing {number}"}, by=ASKER)
            assert act.state is AdminRequestState.PERFORMING
            raised = at_once(2, lambda: scheduler.administration.executor.execute_request(act.id))  # noqa: B023
            assert sorted(isinstance(each, StateRefused) for each in raised) == [False, True]
            assert crew.administration.requests.find_request(act.id).state is AdminRequestState.DONE
    assert len(done) == 10


def test_nobody_performs_what_is_another_processs(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.far", {"thing": "clocks"}, by=ASKER)
    with pytest.raises(StateRefused, match="another process"):
        crew.administration.executor.execute_request(act.id)
    crew.administration.executor.execute_waiting()
    assert (crew.administration.requests.find_request(act.id).state, done) == (AdminRequestState.PERFORMING, [])


def test_what_a_process_left_is_interrupted_and_never_done_again(crew: Site, done: list[str]) -> None:
    """The act was taken, and its process died before it said what came of it."""
    act = crew.administration.requests.submit_request("count.far", {"thing": "clocks"}, by=ASKER)
    database = Database(crew.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        assert admin_requests.start(tx, act.id, crew.at)
    database.close()
    crew.administration.executor.interrupt_overdue()
    assert crew.administration.requests.find_request(act.id).state is AdminRequestState.PERFORMING
    crew.later(minutes=10)
    crew.administration.executor.interrupt_overdue()
    assert crew.administration.requests.find_request(act.id).state is AdminRequestState.INTERRUPTED
    assert (crew.told()[-1], done) == ("act-interrupted", [])


def test_an_act_that_this_release_does_not_know_ends_by_itself(crew: Site, done: list[str]) -> None:
    """As after going back to an older release; the others are performed."""
    act = crew.administration.requests.submit_request("count.far", {"thing": "clocks"}, by=ASKER)
    database = Database(crew.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        admin_requests.insert_request(tx, replace(act, id="0123456789ab", action="count.tomorrow"))
    database.close()
    crew.administration.executor.execute_waiting()
    crew.later(hours=24)
    crew.administration.executor.execute_waiting()
    assert crew.administration.requests.find_request("0123456789ab").state is AdminRequestState.INTERRUPTED


def test_what_nobody_took_in_time_is_not_done_later(crew: Site, done: list[str]) -> None:
    act = crew.administration.requests.submit_request("count.far", {"thing": "clocks"}, by=ASKER)
    crew.later(minutes=10)
    crew.administration.executor.interrupt_overdue()
    ended = crew.administration.requests.find_request(act.id)
    assert ended.state is AdminRequestState.INTERRUPTED
    assert ended.outcome is not None
    assert "not done" in ended.outcome.template


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE acts SET asked_by = 'shi'",
        "UPDATE acts SET effect = 'Something else.'",
        "UPDATE acts SET state = 'done'",
        "UPDATE acts SET state = 'performing', decided_by = 'sun', decided = asked",
        "UPDATE acts SET state = 'performing'",
        "DELETE FROM acts",
    ],
)
def test_the_table_itself_refuses_to_skip_a_person_or_a_step(crew: Site, done: list[str], statement: str) -> None:
    crew.administration.requests.submit_request("count.two", {"thing": "clocks"}, by=ASKER)
    database = Database(crew.settings.home.administration, ADMINISTRATION)
    with pytest.raises(pysqlite3.IntegrityError), database.transaction() as tx:
        tx.execute(statement)
    database.close()
