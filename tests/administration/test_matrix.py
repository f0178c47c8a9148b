"""Role × action × (ask, approve), pair by pair, generated from the registry and held against a table of our own.

The workflows here; the same table through the command in `test_matrix_by_command.py`, through the console's pages
in `tests/console/test_matrix.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY
from appliance.errors import NotAllowed, PreconditionRefused
from appliance.model.administration import ROOT, Actor, AdministratorRole, AdminRequest, AdminRequestState
from tests.administration.conftest import RECEIVER, Site, opened_site
from tests.administration.matrix import APPROVED_BY, ASKED_BY, A, S, Y, arguments_of, listening

PAIRS = list(itertools.product(REGISTRY.values(), AdministratorRole))


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two administrators of each kind; nothing is performed here: no process performs requests, and whatever
    listens on the privileged helper's socket does nothing."""
    with opened_site(tmp_path_factory.mktemp("crew"), hands=frozenset()) as site, listening(site):
        for role in AdministratorRole:
            for number in (1, 2):
                site.set_up(f"{role}{number}", role)
        yield site


def asked(crew: Site, action: Action) -> AdminRequest:
    """By somebody who may, the first of the kind."""
    role = sorted(ASKED_BY[action.name])[0]
    return crew.administration.requests.submit_request(
        action.name, arguments_of(action), by=Actor(f"{role}1", role)
    )


def test_the_table_is_about_every_action() -> None:
    assert set(ASKED_BY) == set(REGISTRY)
    assert set(APPROVED_BY) == {action.name for action in REGISTRY.values() if action.persons == 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client": "ERP"},
        {"url": "https://elsewhere.example/hook"},
        {"url": f"https://{RECEIVER}:8443/hook"},
        {"url": f"http://{RECEIVER}/hook"},
        {"url": "hook"},
        {"types": "contract.sent contract.eaten"},
    ],
)
def test_a_webhook_that_cannot_be_is_refused_when_it_is_asked_for(crew: Site, wrong: dict[str, str]) -> None:
    requests, action = crew.administration.requests, REGISTRY["webhooks.add"]
    by, before = Actor(f"{S}1", S), len(requests.recent(1000))
    with pytest.raises(PreconditionRefused):
        requests.submit_request(action.name, arguments_of(action) | wrong, by=by)
    assert len(requests.recent(1000)) == before
    assert requests.draft_request(action.name, arguments_of(action), by=by).action == action.name


@pytest.mark.parametrize(("action", "role"), PAIRS, ids=lambda each: getattr(each, "name", None) or str(each))
def test_who_may_ask(crew: Site, action: Action, role: AdministratorRole) -> None:
    before = len(crew.administration.requests.recent(1000))
    if role not in ASKED_BY[action.name]:
        with pytest.raises(NotAllowed):
            crew.administration.requests.submit_request(
                action.name, arguments_of(action), by=Actor(f"{role}1", role)
            )
        assert len(crew.administration.requests.recent(1000)) == before
        return
    act = crew.administration.requests.submit_request(
        action.name, arguments_of(action), by=Actor(f"{role}1", role)
    )
    assert act.state is (AdminRequestState.WAITING if action.name in APPROVED_BY else AdminRequestState.PERFORMING)


@pytest.mark.parametrize(("action", "role"), PAIRS, ids=lambda each: getattr(each, "name", None) or str(each))
def test_who_may_decide(crew: Site, action: Action, role: AdministratorRole) -> None:
    if action.name not in APPROVED_BY:
        return
    requests, second = crew.administration.requests, Actor(f"{role}2", role)
    if role not in APPROVED_BY[action.name]:
        act = asked(crew, action)
        for decide in (requests.approve_request, requests.refuse_request):
            with pytest.raises(NotAllowed):
                decide(act.id, by=second)
        assert requests.find_request(act.id).state is AdminRequestState.WAITING
        return
    assert requests.approve_request(asked(crew, action).id, by=second).state is AdminRequestState.PERFORMING
    assert requests.refuse_request(asked(crew, action).id, by=second).state is AdminRequestState.REFUSED


@pytest.mark.parametrize("action", REGISTRY.values(), ids=lambda action: action.name)
def test_nobody_decides_on_their_own_and_root_on_nothing(crew: Site, action: Action) -> None:
    if action.name not in APPROVED_BY:
        return
    requests, act = crew.administration.requests, asked(crew, action)
    author = crew.actor(act.asked_by)
    for somebody in (author, ROOT):
        for decide in (requests.approve_request, requests.refuse_request):
            with pytest.raises(NotAllowed):
                decide(act.id, by=somebody)
    with pytest.raises(NotAllowed):
        requests.withdraw_request(act.id, by=Actor("security2", Y))
    assert requests.withdraw_request(act.id, by=author).state is AdminRequestState.WITHDRAWN


@pytest.mark.parametrize("action", REGISTRY.values(), ids=lambda action: action.name)
def test_root_asks_for_anything_under_that_name(crew: Site, action: Action) -> None:
    act = crew.administration.requests.submit_request(action.name, arguments_of(action), by=ROOT)
    assert act.asked_by == "root"
    assert act.state is (AdminRequestState.WAITING if action.persons == 2 else AdminRequestState.PERFORMING)


def test_no_auditor_is_in_either_table() -> None:
    assert all(A not in roles for roles in (*ASKED_BY.values(), *APPROVED_BY.values()))
