"""Servers for the session, and services that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config import load
from appliance.directory_service.client import DirectoryService
from appliance.home import Home
from tests.directories import cases
from tests.directories.authority import Authority
from tests.directories.people import GROUPS, PEOPLE, organisation
from tests.directories.slapd import PASSWORD, READER, Slapd, slapd

MANY = 3000
"""People below PEOPLE: more than the server gives in one page, or to anybody at once."""

Ask = Callable[..., DirectoryService]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The organisation's own authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Slapd]:
    """slapd with MANY people, and with the cases below a place of their own."""
    records = [*organisation(MANY), *cases.records()]
    with slapd(tmp_path_factory.mktemp("slapd") / "server", records, authority.issue("127.0.0.1")) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of those services; each has its settings read anew."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def ask(home: Path, server: Slapd, authority: Authority) -> Ask:
    """Makes a service of a home whose settings are those of the server, but for what is named."""

    def made(*, password: str = PASSWORD, **settings: str | int) -> DirectoryService:
        values: dict[str, str | int] = {
            "url": f"ldaps://127.0.0.1:{server.ldaps}",
            "tls": str(authority.path),
            "bind_dn": READER,
            "people": PEOPLE,
            "groups": GROUPS,
            "seconds": 60,
        }
        return service_at(home, values | settings, password)

    return made


def service_at(root: Path, ldap: dict[str, str | int], password: str) -> DirectoryService:
    """A service of the home *root*, which it makes."""
    home = Home(root)
    home.settings.parent.mkdir(exist_ok=True)
    lines = [f"{name} = {value if isinstance(value, int) else repr(value)}" for name, value in ldap.items()]
    home.settings.write_text("\n".join(["[ldap]", *lines, ""]), encoding="utf-8")
    home.secrets.mkdir(mode=0o700, exist_ok=True)
    secret = home.secrets / "ldap.password"
    secret.write_text(f"{password}\n", encoding="utf-8")
    secret.chmod(0o600)
    return DirectoryService(load(home), home.directory_socket)
