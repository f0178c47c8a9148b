"""An identity provider that does not answer is noted for administrators, until it does again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.config import load
from appliance.directories import NotedProvider
from appliance.directory_service.client import DirectoryService, DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault, ProviderDescription, TokenReply
from appliance.home import Home
from appliance.model.directory_status import ProviderState
from appliance.store import directory_health
from appliance.store.database import Database
from tests.ports import free_port

pytestmark = pytest.mark.processes

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DESCRIBED = ProviderDescription(
    issuer="https://id.enterprise.example",
    authorization_endpoint="https://id.enterprise.example/authorize",
)


@dataclass
class Answers:
    """A provider that answers as it is told."""

    failure: DirectoryUnavailable | None = None

    def provider(self) -> ProviderDescription:
        if self.failure is not None:
            raise self.failure
        return DESCRIBED

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        raise self.failure or AssertionError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "vermilion.db")
    yield opened
    opened.close()


def noted(database: Database, issuer: str) -> ProviderState:
    return database.query(directory_health.provider_state, issuer)


def test_a_provider_that_cannot_be_reached_is_noted_until_it_answers(database: Database, tmp_path: Path) -> None:
    home, issuer, now = Home(tmp_path), f"http://127.0.0.1:{free_port()}", [NOON]
    home.settings.parent.mkdir()
    home.settings.write_text(f'[openid]\nissuer = "{issuer}"\nclient = "vermilion"\nseconds = 5\n')
    home.secrets.mkdir(mode=0o700)
    (home.secrets / "openid.secret").write_text("secret-of-a-test\n")
    (home.secrets / "openid.secret").chmod(0o600)
    asked = NotedProvider(DirectoryService(load(home), home.directory_socket), database, issuer, lambda: now[0])
    assert noted(database, issuer) == ProviderState(issuer)
    for minutes in (0, 3):
        now[0] = NOON + timedelta(minutes=minutes)
        with pytest.raises(DirectoryUnavailable):
            asked.provider()
    found = noted(database, issuer)
    assert (found.since, found.at) == (NOON, NOON + timedelta(minutes=3))
    assert found.problem is not None and "cannot be reached" in found.problem and "secret" not in found.problem
    assert NotedProvider(Answers(), database, issuer, lambda: now[0]).provider() == DESCRIBED
    assert noted(database, issuer) == ProviderState(issuer)


@pytest.mark.parametrize(("why", "fails"), [("invalid_grant", False), ("invalid_client", True)])
def test_a_code_that_is_none_is_not_the_providers_failure(database: Database, why: str, fails: bool) -> None:
    refusal = DirectoryUnavailable(DirectoryFault.REFUSED, "Refused: {why}", why=why)
    asked = NotedProvider(Answers(refusal), database, DESCRIBED.issuer, lambda: NOON)
    with pytest.raises(DirectoryUnavailable):
        asked.exchange(code="none", verifier="none", redirect_uri="https://sign.enterprise.example/")
    assert (noted(database, DESCRIBED.issuer).at == NOON) is fails
