"""Whatever goes wrong with a directory, no user is given out, and one sentence says why."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from appliance.directory_service.client import DirectoryService, DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from tests.directories import cases
from tests.directories.authority import Authority
from tests.directories.conftest import Ask
from tests.directories.people import SUFFIX
from tests.directories.relay import relay
from tests.directories.slapd import BLIND, LIMITED, PASSWORD, Slapd, needs_slapd, slapd
from tests.ports import free_port

pytestmark = [needs_slapd, pytest.mark.processes]


def fault_of(service: DirectoryService) -> tuple[DirectoryFault, str]:
    """The cause of the failure of a reading, and its sentence."""
    with pytest.raises(DirectoryUnavailable) as failure:
        service.read_users()
    return failure.value.cause, str(failure.value)


def test_nobody_listens(ask: Ask) -> None:
    cause, said = fault_of(ask(url=f"ldaps://127.0.0.1:{free_port()}"))
    assert cause is DirectoryFault.UNREACHABLE and "Connection refused" in said


def test_a_host_without_an_address(ask: Ask) -> None:
    cause, said = fault_of(ask(url="ldaps://directory.invalid"))
    assert cause is DirectoryFault.UNREACHABLE and "directory.invalid has no address" in said


def test_a_wrong_password_is_refused_and_not_told(ask: Ask) -> None:
    cause, said = fault_of(ask(password="not-that-one"))
    assert cause is DirectoryFault.REFUSED and "Invalid credentials" in said
    assert "not-that-one" not in said


def test_no_password_at_all(ask: Ask, home: Path) -> None:
    service = ask()
    (home / "secrets/ldap.password").write_text("\n")
    cause, said = fault_of(service)
    assert cause is DirectoryFault.UNSET and "ldap.password is empty" in said


def test_another_authority(ask: Ask, tmp_path: Path) -> None:
    cause, said = fault_of(ask(tls=str(Authority(tmp_path, "Another").path)))
    assert cause is DirectoryFault.TLS and "does not count" in said


def test_the_systems_authorities_do_not_know_the_organisations(ask: Ask) -> None:
    assert fault_of(ask(tls=""))[0] is DirectoryFault.TLS


def test_a_file_of_authorities_that_is_not_there(ask: Ask, home: Path) -> None:
    cause, said = fault_of(ask(tls="none.pem"))
    assert cause is DirectoryFault.UNSET and f"{home}/config/none.pem (ldap.tls)" in said


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_certificate_of_another_host(ask: Ask, server: Slapd, scheme: str) -> None:
    port = server.ldap if scheme == "ldap" else server.ldaps
    cause, said = fault_of(ask(url=f"{scheme}://localhost:{port}"))
    assert cause is DirectoryFault.TLS and "Hostname mismatch" in said


def test_a_server_without_start_tls_hears_no_password(ask: Ask, tmp_path: Path) -> None:
    with slapd(tmp_path / "plain", [], None) as plain:
        cause, said = fault_of(ask(url=f"ldap://127.0.0.1:{plain.ldap}"))
    assert cause is DirectoryFault.TLS and "does not offer StartTLS" in said


def test_a_server_that_is_stopped(ask: Ask, server: Slapd) -> None:
    service = ask(seconds=5)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        cause, _ = fault_of(service)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert cause is DirectoryFault.LATE


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_connection_that_is_cut_within_a_page(ask: Ask, server: Slapd, scheme: str) -> None:
    to = server.ldap if scheme == "ldap" else server.ldaps
    with relay(to, after=100_000, cut=True) as port:
        cause, _ = fault_of(ask(url=f"{scheme}://127.0.0.1:{port}"))
    assert cause is DirectoryFault.UNREACHABLE


def test_a_server_that_falls_silent_within_a_page(ask: Ask, server: Slapd) -> None:
    with relay(server.ldaps, after=100_000, cut=False) as port:
        cause, _ = fault_of(ask(url=f"ldaps://127.0.0.1:{port}", seconds=5))
    assert cause is DirectoryFault.LATE


def test_a_limit_of_the_server_for_all_pages(ask: Ask) -> None:
    cause, said = fault_of(ask(bind_dn=LIMITED))
    assert cause is DirectoryFault.INCOMPLETE and "Size limit exceeded" in said


def test_a_place_where_nobody_is(ask: Ask) -> None:
    cause, said = fault_of(ask(people=cases.EMPTY))
    assert cause is DirectoryFault.UNBELIEVABLE and f"nobody is found below {cases.EMPTY}" in said


@pytest.mark.parametrize("setting", ["people", "groups"])
def test_a_place_that_does_not_exist(ask: Ask, setting: str) -> None:
    cause, said = fault_of(ask(**{setting: f"ou=nowhere,{SUFFIX}"}))
    assert cause is DirectoryFault.INCOMPLETE and "No such object" in said


def test_a_place_that_only_another_server_has(ask: Ask) -> None:
    cause, said = fault_of(ask(people="dc=other,dc=example"))
    assert cause is DirectoryFault.INCOMPLETE and "elsewhere" in said


def test_people_beside_a_referral(ask: Ask) -> None:
    cause, said = fault_of(ask(people=cases.PARTLY))
    assert cause is DirectoryFault.INCOMPLETE and "elsewhere.enterprise.example" in said


def test_people_whose_key_cannot_be_read(ask: Ask) -> None:
    cause, said = fault_of(ask(bind_dn=BLIND))
    assert cause is DirectoryFault.UNBELIEVABLE and "sees no entryuuid" in said


@pytest.mark.parametrize("wanted", ["(uid=*", "uid=a)(b=*"])
def test_a_filter_that_is_none(ask: Ask, wanted: str) -> None:
    assert fault_of(ask(filter=wanted))[0] is DirectoryFault.INCOMPLETE


def test_no_directory_is_set_up(ask: Ask) -> None:
    cause, said = fault_of(ask(url="", password=PASSWORD))
    assert cause is DirectoryFault.UNSET and "ldap.url is empty" in said
