"""Who it is that runs a command as root, as far as the machine knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.administration.composition import user_behind
from appliance.model.administration import ROOT, AdministratorRole
from tests.administration.conftest import opened_site


@pytest.mark.parametrize(
    ("environment", "user"),
    [
        ({"SUDO_USER": "lin"}, "lin"),
        ({"DOAS_USER": "lin"}, "lin"),
        ({"SUDO_USER": "root", "DOAS_USER": "lin"}, "lin"),
        ({"SUDO_USER": "li n; x"}, ""),
        ({"SUDO_USER": "x" * 100}, ""),
        ({}, ""),
    ],
)
def test_sudo_says_who_it_was(environment: dict[str, str], user: str, tmp_path: Path) -> None:
    assert user_behind(environment, loginuid=tmp_path / "none") == user


@pytest.mark.parametrize(("loginuid", "user"), [("1", "daemon"), ("4294967295", ""), ("0", ""), ("x", "")])
def test_else_the_login_does(loginuid: str, user: str, tmp_path: Path) -> None:
    (tmp_path / "loginuid").write_text(loginuid)
    assert user_behind({}, loginuid=tmp_path / "loginuid") == user


def test_the_journal_names_the_user_beside_root(tmp_path: Path) -> None:
    with opened_site(tmp_path, user="lin") as site:
        site.add("wei", AdministratorRole.SYSTEM)
        told = site.administration.journal.lines()
        assert {(line.who, line.detail["user"]) for line in told} == {(ROOT.login, "lin")}
