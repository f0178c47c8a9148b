"""Ceremonies that were held, and the hashes of their transcripts; rows are never changed or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hsm.errors import UnknownKey
from hsm.intents import instant
from hsm.store.database import AuthorityDatabase


@dataclass(frozen=True, slots=True)
class CeremonyRecord:
    """A ceremony, or a later change by which a key from one was exchanged or revoked. ``number`` counts from 1,
    ``sha256`` (32 bytes) is that of the transcript, ``held`` in Unix seconds."""

    number: int
    name: str
    sha256: bytes
    held: int


class CeremonyStore:
    """The records. Changes belong into one transaction with what they are about."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def add_ceremony(self, name: str, sha256: bytes, *, held: int) -> None:
        """One more."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO ceremonies (name, transcript_sha256, held) VALUES (?, ?, ?)", (name, sha256, held)
            )

    def all_ceremonies(self) -> list[CeremonyRecord]:
        """Every one, the first first."""
        rows = self._database.all("SELECT number, name, transcript_sha256, held FROM ceremonies ORDER BY number")
        return [CeremonyRecord(*row) for row in rows]

    def ceremony(self, number: int) -> CeremonyRecord:
        """The one with this *number*. Raises :class:`UnknownKey`."""
        found = next((each for each in self.all_ceremonies() if each.number == number), None)
        if found is None:
            raise UnknownKey("There is no ceremony {number}.", number=number)
        return found


def transcript_path(store: Path, name: str, held: int) -> Path:
    """Where the transcript lies of the ceremony *name*, held at *held* (Unix seconds), beside the *store*."""
    stamp = instant(datetime.fromtimestamp(held, UTC)).replace("-", "").replace(":", "")
    return store.parent / "ceremonies" / f"{name}-{stamp}.txt"
