"""One file of what root has confirmed that is damaged keeps nobody but its owner from anything, and is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.administration.confirmed import ConfirmedKey, fingerprint_of
from appliance.health.check_context import open_check_context
from appliance.health.findings import Condition, HealthFinding, RunbookPage
from appliance.health.machine_checks import passkeys
from appliance.model.administration import AdministratorRole, AdminRequest, DualControlRole
from tests.administration.conftest import House, confirm_key, opened_house

S, Y = AdministratorRole.SYSTEM, AdministratorRole.SECURITY
HANDS = frozenset({ExecutedBy.CONSOLE})


def damaged(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:40])
    return "it is damaged"


def nested(path: Path) -> str:
    path.write_bytes(b"[" * 100_000)
    return "it is damaged"


def of_no_kind(path: Path) -> str:
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), "role": "emperor"}).encode())
    return "it is damaged"


def a_directory(path: Path) -> str:
    path.unlink()
    path.mkdir()
    return "Is a directory"


def of_another_login(path: Path) -> str:
    """Its owner's name was changed, and not the file's."""
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), "login": "sun"}).encode())
    return "its name is not the passkey's fingerprint"


def in_two_files(path: Path) -> str:
    """Whose passkey it is nobody can tell."""
    content = {**json.loads(path.read_bytes()), "login": "sun"}
    parts = bytes.fromhex(content["credential"]), bytes.fromhex(content["public_key"])
    other = fingerprint_of(ConfirmedKey("sun", AdministratorRole(content["role"]), *parts)).replace(" ", "")
    path.with_name(f"{other}.json").write_bytes(json.dumps(content).encode())
    return "another file has the same passkey"


def found(house: House) -> HealthFinding:
    with open_check_context(house.settings.home, role="operator", now=house.at) as asked:
        return passkeys(asked)


def both_sign(house: House) -> AdminRequest:
    """Two whose passkeys can be read."""
    act = house.ask_signed("administrators.resume", {"login": "kong"}, "shi")
    answer = house.sign(act, DualControlRole.APPROVES, "sun")
    return house.administration.requests.approve_request(act.id, by=house.actor("sun"), answer=answer)


@pytest.mark.parametrize("spoil", [damaged, nested, of_no_kind, a_directory, of_another_login, in_two_files])
def test_one_file_that_is_not_what_it_should_be_keeps_nobody_else_from_anything(
    tmp_path: Path, spoil: Callable[[Path], str]
) -> None:
    with opened_house(tmp_path, hands=HANDS, attests=False) as house:
        for login, role in (("sun", S), ("kong", S), ("shi", Y)):
            house.set_up_with_key(login, role)
        assert found(house).condition is Condition.GOOD
        draft = house.administration.requests.draft_request("release.rollback", {}, by=house.actor("kong"))
        assert (
            house.administration.requests.signing_options(draft, DualControlRole.ASKS, by=house.actor("kong"))
            is not None
        )
        [its] = [key for key in house.administration.confirming.confirmed() if key.login == "kong"]
        path = house.settings.home.confirmed / "keys" / f"{fingerprint_of(its).replace(' ', '')}.json"
        why = spoil(path)

        told = both_sign(house).outcome
        assert told is not None and told.template.startswith("The account of {login} is {state}"), "it was tried"
        assert (
            house.administration.requests.signing_options(draft, DualControlRole.ASKS, by=house.actor("kong"))
            is None
        )
        house.set_up_with_key("lan", Y)  # root goes on confirming, too
        finding = found(house)
        assert (finding.condition, finding.page) == (Condition.ATTENTION, RunbookPage.PASSKEY_UNREADABLE)
        assert str(path.parent) in str(finding) and why in str(finding)
        assert f"rm {finding.values['path']}" in finding.advice

        for each in house.administration.confirming.unreadable():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        assert found(house).condition is Condition.GOOD
        mine = house.administration.own.passkeys_of("kong")[0].fingerprint
        confirm_key(house.administration.confirming, "kong", mine)
        assert (
            house.administration.requests.signing_options(draft, DualControlRole.ASKS, by=house.actor("kong"))
            is not None
        )
