"""The table of who may what (`tests/administration/matrix.py`) through the console's pages, pair by pair: what is
offered is what is taken, and nothing else is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY
from appliance.model.administration import AdministratorRole, AdminRequestState
from tests.administration.matrix import APPROVED_BY, ASKED_BY, arguments_of, listening
from tests.authority import RunningAuthority
from tests.console.conftest import Console, id_of, opened, post
from tests.sweeps import one_in

FIRST = {AdministratorRole.SYSTEM: "sun", AdministratorRole.SECURITY: "zhou", AdministratorRole.AUDITOR: "wu"}
SECOND = {AdministratorRole.SYSTEM: "qian", AdministratorRole.SECURITY: "zheng", AdministratorRole.AUDITOR: "han"}
PAIRS = list(itertools.product(REGISTRY.values(), AdministratorRole))


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory, authority: RunningAuthority) -> Iterator[Console]:
    """Two of each kind; nothing is performed."""
    folder = tmp_path_factory.mktemp("crew")
    with opened(folder, authority.socket("console"), hands=frozenset()) as console, listening(console.site):
        for role, login in SECOND.items():
            if login != "zheng":  # one of those that every console here has
                console.site.set_up_with_key(login, role)
        yield console


def count(crew: Console) -> int:
    return len(crew.site.administration.requests.recent(1000))


def asked(crew: Console, action: Action) -> str:
    """By somebody who may; the id."""
    return id_of(crew.act(FIRST[sorted(ASKED_BY[action.name])[0]], action.name, **arguments_of(action)))


@pytest.mark.parametrize(
    ("action", "role"), one_in(4, PAIRS), ids=lambda each: getattr(each, "name", None) or str(each)
)
def test_who_may_ask(crew: Console, action: Action, role: AdministratorRole) -> None:
    before, may = count(crew), role in ASKED_BY[action.name]
    form = crew.browser(FIRST[role]).get(f"/operations/{action.name}")
    if may:
        answer = crew.act(FIRST[role], action.name, **arguments_of(action))
    else:
        answer = post(crew.browser(FIRST[role]), form.request.path, {**arguments_of(action), "sure": "yes"})
    assert (form.status_code, answer.status_code) == ((200, 303) if may else (403, 403))
    assert count(crew) == before + may
    if may:
        act = crew.site.administration.requests.find_request(id_of(answer))
        assert act.asked_by == FIRST[role]
        assert act.state is (
            AdminRequestState.WAITING if action.name in APPROVED_BY else AdminRequestState.PERFORMING
        )


@pytest.mark.parametrize("name", one_in(3, APPROVED_BY))
@pytest.mark.parametrize("role", AdministratorRole)
@pytest.mark.parametrize(
    ("way", "then"), [("approve", AdminRequestState.PERFORMING), ("refuse", AdminRequestState.REFUSED)]
)
def test_who_may_decide(
    crew: Console, name: str, role: AdministratorRole, way: str, then: AdminRequestState
) -> None:
    act, may = asked(crew, REGISTRY[name]), role in APPROVED_BY[name]
    browser = crew.browser(SECOND[role])
    offers = f'action="/requests/{act}/{way}"' in browser.get(f"/requests/{act}").text
    signs = may and way == "approve"
    answer = crew.approve(SECOND[role], act) if signs else post(browser, f"/requests/{act}/{way}")
    assert (offers, answer.status_code) == ((True, 303) if may else (False, 403))
    assert crew.site.administration.requests.find_request(act).state is (
        then if may else AdminRequestState.WAITING
    )


@pytest.mark.parametrize("name", APPROVED_BY)
def test_nobody_decides_on_their_own(crew: Console, name: str) -> None:
    act = asked(crew, REGISTRY[name])
    author = crew.site.administration.requests.find_request(act).asked_by
    for way in ("approve", "refuse"):
        answer = post(crew.browser(author), f"/requests/{act}/{way}", {"credential": "{}"})
        assert answer.status_code == 403
    assert crew.site.administration.requests.find_request(act).state is AdminRequestState.WAITING
