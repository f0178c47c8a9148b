"""What changes about seals after they are registered: custodians, pictures, suspension."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound
from appliance.model.people import Seal
from appliance.store import people
from appliance.store.database import Transaction


def suspend(tx: Transaction, seal: str, *, since: datetime | None) -> bool:
    """Suspends *seal*, or (None) lets it be used again; False when it is so already."""
    return tx.changed(
        "UPDATE seals SET suspended = ?1 WHERE subject = ?2 AND (suspended IS NULL) = (?1 IS NOT NULL)",
        (since, seal),
    )


def destroy(tx: Transaction, seal: str, *, at: datetime) -> None:
    """The seal has ended; its custodians stay on record."""
    tx.execute(
        "UPDATE seals SET suspended = coalesce(suspended, ?1), destroyed = ?1"
        " WHERE subject = ?2 AND destroyed IS NULL",
        (at, seal),
    )


def add_custodian(tx: Transaction, seal: str, person: str) -> None:
    """One more who may release *seal*."""
    tx.execute("INSERT INTO custodians (seal, person) VALUES (?, ?) ON CONFLICT DO NOTHING", (seal, person))


def remove_custodian(tx: Transaction, seal: str, person: str) -> None:
    """*person* releases *seal* no more."""
    tx.execute("DELETE FROM custodians WHERE seal = ? AND person = ?", (seal, person))


def set_needed(tx: Transaction, seal: str, needed: int) -> None:
    """So many custodians release *seal*."""
    tx.execute("UPDATE seals SET needed = ? WHERE subject = ?", (needed, seal))


def set_picture(tx: Transaction, seal: str, digest: str | None) -> None:
    """*seal* looks like the picture with this digest from now on; None: as it is drawn."""
    tx.execute("UPDATE seals SET picture = ? WHERE subject = ?", (digest, seal))


def offer_picture(tx: Transaction, seal: str, digest: str, png: bytes, *, at: datetime, by: str) -> None:
    """Keeps a picture that may be taken into use; the same one again changes nothing."""
    tx.execute(
        "INSERT INTO seal_pictures (seal, digest, png, offered, offered_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (seal, digest, png, at, by),
    )


def picture(tx: Transaction, seal: str, digest: str) -> bytes:
    """The PNG. Raises :class:`NotFound`."""
    found = tx.value(bytes, "SELECT png FROM seal_pictures WHERE seal = ? AND digest = ?", (seal, digest))
    if found is None:
        raise NotFound("The seal {seal} has no picture {digest}.", seal=seal, digest=digest)
    return found


def seals_kept_by(tx: Transaction, person: str) -> frozenset[str]:
    """The seals (subjects) in the custody of *person*."""
    return frozenset(tx.column(str, "SELECT seal FROM custodians WHERE person = ?", (person,)))


def seals_in_use_kept_by(tx: Transaction, person: str) -> list[Seal]:
    """The same as values, without those that are destroyed: they keep their custodians on record."""
    every = (people.seal(tx, subject) for subject in sorted(seals_kept_by(tx, person)))
    return [seal for seal in every if seal.destroyed is None]
