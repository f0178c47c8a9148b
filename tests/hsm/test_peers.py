"""Who may speak to the authority: users by name or number."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hsm.config import AuthorityHome, AuthoritySettings, PeerRole, parse
from hsm.errors import ConfigurationRefused


def settings(tmp_path: Path, **peers: Any) -> AuthoritySettings:
    return parse({"peers": peers}, AuthorityHome(tmp_path))


def test_users_are_named_or_numbered(tmp_path: Path) -> None:
    peers = settings(tmp_path, web=["daemon", 4242]).peers
    assert peers.allowed(PeerRole.WEB) == {1, 4242}  # "daemon" is user 1 on every Debian
    assert peers.allowed(PeerRole.TSA) == {os.getuid()}


def test_a_name_that_nobody_has_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationRefused, match=r"peers\.tsa names vermilion-nobody, but this machine has no such"
    ):
        settings(tmp_path, tsa=["vermilion-nobody"])


@pytest.mark.parametrize("value", ["daemon", [True], [1.5], [["daemon"]]])
def test_anything_else_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match=r"peers\.web must be a list of names and numbers"):
        settings(tmp_path, web=value)
