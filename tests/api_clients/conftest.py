"""A register of clients over a real database, with a clock that tests move."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.api_clients import ApiClients, new_client_id, new_secret, secret_digest
from appliance.demonstration.participants import ZHANG
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientTerms, Scope
from appliance.store import ledger, people
from appliance.store.database import Database

START = datetime(2026, 11, 25, 8, 0, 3, tzinfo=UTC)
SCOPES = frozenset({Scope.CONTRACTS_READ, Scope.CONTRACTS_WRITE})
ALPHA = ZHANG.organisation


@dataclass(slots=True)
class Register:
    """The clients, their database and clock."""

    clients: ApiClients
    database: Database
    clock: list[datetime]

    def later(self, **gone: float) -> None:
        self.clock[0] += timedelta(**gone)

    def made(self, name: str = "示例 ERP", **authentication: Any) -> tuple[ApiClient, str]:
        """A client, and its secret where it has one."""
        secret = new_secret()
        proof = ClientAuthentication(**(authentication or {"secret": secret_digest(secret)}))
        terms = ClientTerms(name, SCOPES, frozenset({ALPHA}))
        return self.clients.create(new_client_id(), terms, proof, by="root"), secret

    def logged(self) -> list[dict[str, Any]]:
        """The entries of the log, in order."""
        with self.database.reading() as tx:
            return [json.loads(leaf) for leaf in ledger.leaves(tx, 0, 10_000)]

    def bytes_of(self) -> bytes:
        """All that is in the files of the database."""
        path = self.database.path
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    database, clock = Database(tmp_path / "vermilion.db"), [START]
    with database.transaction() as tx:
        people.insert_person(tx, ZHANG, secrets.token_bytes(8))
    yield Register(ApiClients(database, lambda: clock[0]), database, clock)
    database.close()
