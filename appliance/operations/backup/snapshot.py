"""Database and authority as of one moment, while people sign.

The log's sequencer waits from before the database's moment until the authority has made its part: so the log holds
all that the authority remembers having signed, and the authority remembers all that was published. What is signed
meanwhile is in neither; an act of which the authority knows and the database does not yet, recovery abandons.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BackupFailed
from appliance.ledger import sequencing_held
from appliance.store.copying import DatabaseSnapshot, moment_of
from hsm.backup.statement import BackupPartStatement
from hsm.client import AuthorityClient

PATIENCE = 600.0
"""Seconds that the authority has for its part."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database's moment, and the authority's part under the name by which it is fetched."""

    database: DatabaseSnapshot
    part: str
    statement: BackupPartStatement


@contextmanager
def snapshot(database: Path, authority: AuthorityClient) -> Iterator[Snapshot]:
    """Takes the moment and lets the authority make its part; the moment lasts until the context is left."""
    with ExitStack() as lasting:
        with sequencing_held(database):
            moment = lasting.enter_context(moment_of(database))
            name = authority.begin_backup()
            statement = _made(authority, name)
        yield Snapshot(moment, name, statement)


def _made(authority: AuthorityClient, name: str) -> BackupPartStatement:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        statement = authority.backup_made(name)
        if statement is not None:
            return statement
        time.sleep(0.05)
    raise BackupFailed("The authority has not made its part of the backup in {seconds} s.", seconds=int(PATIENCE))


def fetch_authority_part(authority: AuthorityClient, snapshot: Snapshot, target: Path) -> None:
    """Writes the authority's sealed part to the new file *target*, piece by piece."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        while piece := authority.backup_piece(snapshot.part, stream.tell()):
            stream.write(piece)
