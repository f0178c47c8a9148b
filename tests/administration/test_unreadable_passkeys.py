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
from tests.administration.conftest import Site, confirm_key, opened_site

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


def found(site: Site) -> HealthFinding:
    with open_check_context(site.settings.home, role="operator", now=site.at) as asked:
        return passkeys(asked)


def both_sign(site: Site) -> AdminRequest:
    """Two whose passkeys can be read."""
    act = site.ask_signed("administrators.resume", {"login": "kong"}, "shi")
    answer = site.sign(act, DualControlRole.APPROVES, "sun")
    return site.administration.requests.approve_request(act.id, by=site.actor("sun"), answer=answer)


@pytest.mark.parametrize("spoil", [damaged, nested, of_no_kind, a_directory, of_another_login, in_two_files])
def test_one_file_that_is_not_what_it_should_be_keeps_nobody_else_from_anything(
    tmp_path: Path, spoil: Callable[[Path], str]
) -> None:
    with opened_site(tmp_path, hands=HANDS, attests=False) as site:
        for login, role in (("sun", S), ("kong", S), ("shi", Y)):
            site.set_up_with_key(login, role)
        assert found(site).condition is Condition.GOOD
        draft = site.administration.requests.draft_request("release.rollback", {}, by=site.actor("kong"))
        assert (
            site.administration.requests.signing_options(draft, DualControlRole.ASKS, by=site.actor("kong"))
            is not None
        )
        [its] = [key for key in site.administration.confirming.confirmed() if key.login == "kong"]
        path = site.settings.home.confirmed / "keys" / f"{fingerprint_of(its).replace(' ', '')}.json"
        why = spoil(path)

        told = both_sign(site).outcome
        assert told is not None and told.template.startswith("The account of {login} is {state}"), "it was tried"
        assert (
            site.administration.requests.signing_options(draft, DualControlRole.ASKS, by=site.actor("kong"))
            is None
        )
        site.set_up_with_key("lan", Y)  # root goes on confirming, too
        finding = found(site)
        assert (finding.condition, finding.page) == (Condition.ATTENTION, RunbookPage.PASSKEY_UNREADABLE)
        assert str(path.parent) in str(finding) and why in str(finding)
        assert f"rm {finding.values['path']}" in finding.advice

        for each in site.administration.confirming.unreadable():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        assert found(site).condition is Condition.GOOD
        mine = site.administration.own.passkeys_of("kong")[0].fingerprint
        confirm_key(site.administration.confirming, "kong", mine)
        assert (
            site.administration.requests.signing_options(draft, DualControlRole.ASKS, by=site.actor("kong"))
            is not None
        )
