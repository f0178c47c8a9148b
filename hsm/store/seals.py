"""Seals as the authority knows them: who releases one, how many it takes, and whether it may be used at all."""

from __future__ import annotations

from dataclasses import dataclass

from hsm.errors import UnknownKey
from hsm.rows import RowMapper
from hsm.store.database import AuthorityDatabase


@dataclass(frozen=True, slots=True)
class CompanySealRecord:
    """A seal. ``kind`` as in its certificate (empty for one of before); ``needed``: so many custodians release it,
    1 or 2; ``picture``: SHA-256 (hex) of the picture in use, None for the drawn one; times in Unix seconds."""

    subject: str
    kind: str
    needed: int
    picture: str | None = None
    suspended: int | None = None
    destroyed: int | None = None


_SEALS = RowMapper(CompanySealRecord)


class CompanySealStore:
    """The seals. Changes belong into one transaction with the intent that authorises them."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def add_seal(self, subject: str, kind: str, needed: int) -> None:
        """Adds a seal whose subject is there."""
        self._database.insert("seals", subject=subject, kind=kind, needed=needed)

    def seal(self, subject: str) -> CompanySealRecord:
        """The seal. Raises :class:`UnknownKey`."""
        rows = self._database.rows(
            "SELECT subject, kind, needed, picture, suspended, destroyed FROM seals WHERE subject = ?", (subject,)
        )
        found = _SEALS.first(rows)
        if found is None:
            raise UnknownKey("There is no seal {subject}.", subject=subject)
        return found

    def suspend(self, subject: str, *, since: int) -> None:
        """Stops the seal; one that stands still keeps its time."""
        self._database.run(
            "UPDATE seals SET suspended = ? WHERE subject = ? AND suspended IS NULL", (since, subject)
        )

    def resume(self, subject: str) -> None:
        """Lets the seal be used again."""
        self._database.run("UPDATE seals SET suspended = NULL WHERE subject = ?", (subject,))

    def set_needed(self, subject: str, needed: int) -> None:
        """So many custodians release it from now on."""
        self._database.run("UPDATE seals SET needed = ? WHERE subject = ?", (needed, subject))

    def set_picture(self, subject: str, digest: str | None) -> None:
        """It looks like the picture of this SHA-256 (hex) from now on; None: as it is drawn."""
        self._database.run("UPDATE seals SET picture = ? WHERE subject = ?", (digest, subject))

    def destroy(self, subject: str, *, at: int) -> None:
        """Ends the seal for good; its custodians stay on record."""
        self._database.run(
            "UPDATE seals SET suspended = coalesce(suspended, ?1), destroyed = ?1 WHERE subject = ?2",
            (at, subject),
        )

    def add_custodian(self, subject: str, person: str) -> int:
        """One more who may release it; 0 when the person is one already."""
        return self._database.insert("custodians", "ON CONFLICT DO NOTHING", seal=subject, person=person)

    def remove_custodian(self, subject: str, person: str) -> int:
        """One less; 0 when the person was none."""
        return self._database.run("DELETE FROM custodians WHERE seal = ? AND person = ?", (subject, person))

    def seals_of_custodian(self, person: str) -> list[CompanySealRecord]:
        """The seals of which *person* is a custodian."""
        query = "SELECT seal FROM custodians WHERE person = ? ORDER BY seal"
        return [self.seal(seal) for seal in self._database.column(str, query, (person,))]

    def keys_left(self, subject: str) -> list[str]:
        """The labels of its keys that were not destroyed."""
        return self._database.column(
            str,
            "SELECT label FROM keys WHERE subject = ? AND label NOT IN (SELECT label FROM destroyed_keys)"
            " ORDER BY made, label",
            (subject,),
        )

    def key_destroyed(self, label: str, *, at: int) -> None:
        """The token was asked and does not hold this key any more."""
        self._database.insert("destroyed_keys", "ON CONFLICT DO NOTHING", label=label, destroyed=at)
