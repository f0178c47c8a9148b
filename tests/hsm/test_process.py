"""What systemd is told."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

import pytest

from hsm.process import ServiceManager


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
def test_it_is_told_at_the_address_in_the_environment(kind: str, tmp_path: Path) -> None:
    address = f"{tmp_path}/notify" if kind == "a path" else f"@vermilion/{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(address.replace("@", "\0"))
        told.settimeout(60)
        manager = ServiceManager.taken_from({"NOTIFY_SOCKET": address})
        manager.ready()
        manager.alive()
        assert [told.recv(100), told.recv(100)] == [b"READY=1", b"WATCHDOG=1"]


def test_children_and_libraries_do_not_learn_the_address() -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "PATH": "/bin"}
    ServiceManager.taken_from(environment)
    assert environment == {"PATH": "/bin"}


def test_without_systemd_nobody_is_told_and_nothing_fails(tmp_path: Path) -> None:
    ServiceManager.taken_from({}).ready()
    ServiceManager(f"{tmp_path}/nobody").alive()
