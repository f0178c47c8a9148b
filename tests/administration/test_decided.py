"""Whoever performs looks again: rows that nobody could have asked for, as who took the console over may write."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.administration.actions import find_action
from appliance.home import make_directory
from appliance.model.administration import (
    ROOT,
    AdministratorRole,
    AdminRequest,
    AdminRequestState,
    DualControlRole,
)
from appliance.store.administration import ADMINISTRATION, admin_requests
from appliance.store.database import Database
from tests.administration.conftest import Site, opened_site

UNIT = "vermilion-web.service"
BACKUP = {"archive": "20261125T020000Z", "identity": "/mnt/recovery.key"}


WHO = {"sun": "system", "shi": "security", "xia": "security", "ming": "auditor"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One that performs what is root's, with administrators of all kinds."""
    hands = frozenset({ExecutedBy.PRIVILEGED_HELPER, ExecutedBy.CONSOLE})
    with opened_site(tmp_path_factory.mktemp("decided"), hands=hands) as site:
        for login, role in WHO.items():
            site.set_up_with_key(login, AdministratorRole(role))
        yield site


@pytest.fixture
def alarm(site: Site) -> Path:
    path = make_directory(site.settings.home.alarms) / UNIT
    path.write_text("2026-11-25T08:00:00Z exit-code\n")
    return path


def forged(
    site: Site, name: str, arguments: dict[str, str], *, signed: bool = False, **other: str | int
) -> AdminRequest:
    """An act that nobody asked for, as if it was decided, and what became of it; or one that both have
    *signed*."""
    action, request_id = find_action(name), secrets.token_hex(6)
    given = {each.name: arguments.get(each.name, "") for each in action.arguments if each.required}
    second = "shi" if action.persons == 2 else None
    row: dict[str, str | int | None] = {
        "id": request_id,
        "action": name,
        "arguments": json.dumps(arguments, separators=(",", ":"), sort_keys=True),
        "effect": action.effect_in_english(given),
        "state": "performing",
        "persons": action.persons,
        "asked_by": "sun",
        "asked": "2026-11-25T08:00:00.000000Z",
        "expires": "2026-11-26T08:00:00.000000Z",
        "decided_by": second,
        "decided": second and "2026-11-25T08:00:00.000000Z",
        **other,
    }
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        tx.execute(f"INSERT INTO acts ({columns}) VALUES ({places})", list(row.values()))  # noqa: S608  # ours
        if signed:
            act = admin_requests.load_request(tx, request_id)
            for part, login in (
                (DualControlRole.ASKS, act.asked_by),
                (DualControlRole.APPROVES, act.decided_by or ""),
            ):
                admin_requests.insert_signature(tx, request_id, part, login, site.sign(act, part, login))
    database.close()
    return site.administration.executor.execute_request(request_id)


def refused(act: AdminRequest) -> bool:
    """Whether it was refused before anything was done."""
    assert act.state is AdminRequestState.FAILED
    assert act.outcome is not None
    return act.outcome.template in (
        "{id} is not what {action} takes and says now; it was not done, ask anew.",
        "{who} may not ask for this any more.",
        "{who} may not approve this any more.",
        "{who} has not signed this act; it was not done.",
    )


def test_what_could_have_been_decided_is_performed(site: Site, alarm: Path) -> None:
    assert forged(site, "alarm.dismiss", {"unit": UNIT}).state is AdminRequestState.DONE
    assert not alarm.exists()


def test_what_two_persons_could_have_decided_is_performed(site: Site) -> None:
    """It says so itself that there is no appliance here: it was tried."""
    assert not refused(forged(site, "restore", BACKUP, signed=True))


def test_what_two_persons_did_not_sign_is_not_done(site: Site) -> None:
    """Whoever took the console over writes the row, and both names into it."""
    assert refused(forged(site, "restore", BACKUP))


@pytest.mark.parametrize(
    "other",
    [
        {"effect": "Nothing at all is done."},
        {"persons": 2, "decided_by": "shi", "decided": "2026-11-25T08:00:00.000000Z"},
        {"asked_by": "ming"},
        {"asked_by": "nobody"},
        {"asked_by": "system"},
    ],
)
def test_what_does_not_say_what_it_does_or_who_may_is_not_done(
    site: Site, alarm: Path, other: dict[str, str]
) -> None:
    assert refused(forged(site, "alarm.dismiss", {"unit": UNIT}, **other))
    assert alarm.exists()


@pytest.mark.parametrize("arguments", [{"service": "../../sshd"}, {"service": "web", "more": "x"}, {}])
def test_arguments_that_are_not_taken_reach_nobody(site: Site, arguments: dict[str, str]) -> None:
    assert refused(forged(site, "service.restart", arguments))


@pytest.mark.parametrize(
    "other",
    [
        {"persons": 1},
        {"decided_by": "ming"},
        {"decided_by": "nobody"},
        {"decided_by": "root"},
        {"asked_by": "shi", "decided_by": "sun"},
    ],
)
def test_what_takes_two_persons_is_not_done_for_others(site: Site, other: dict[str, str]) -> None:
    assert refused(forged(site, "restore", BACKUP, **other))


@pytest.mark.parametrize("other", [{"decided_by": "ming"}, {"asked_by": "shi", "decided_by": "sun"}])
def test_who_may_not_signs_in_vain(site: Site, other: dict[str, str]) -> None:
    assert refused(forged(site, "restore", BACKUP, signed=True, **other))


def test_who_was_suspended_since_has_decided_in_vain(site: Site) -> None:
    """Between the approval and the action."""
    assert not refused(forged(site, "restore", BACKUP, signed=True, decided_by="xia"))
    site.administration.administrators.suspend("xia", by=ROOT)
    assert refused(forged(site, "restore", BACKUP, signed=True, decided_by="xia"))
