"""Signature pictures in the database: kept, chosen, taken away; never changed."""

from __future__ import annotations

from appliance.errors import NotFound
from appliance.model.people import SignaturePicture
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_PICTURES = Query(SignaturePicture, "SELECT id, kind, made FROM signature_pictures")


def insert(tx: Transaction, person: str, kept: SignaturePicture, picture: bytes) -> None:
    """A new picture of *person*; the caller has made sure that there is room for it."""
    tx.insert("signature_pictures", fields_of(kept, "id kind made") | {"person": person, "picture": picture})


def of_person(tx: Transaction, person: str) -> list[SignaturePicture]:
    """The pictures that *person* keeps, the newest first."""
    return _PICTURES.all(tx, "WHERE person = ? ORDER BY made DESC, rowid DESC", (person,))


def picture(tx: Transaction, person: str, picture_id: str) -> bytes:
    """The PNG. Raises :class:`NotFound` unless it is one of *person*'s."""
    found = tx.value(
        bytes, "SELECT picture FROM signature_pictures WHERE id = ? AND person = ?", (picture_id, person)
    )
    if found is None:
        raise NotFound("You have no such signature picture; it may have been taken away.")
    return found


def chosen(tx: Transaction, person: str) -> str | None:
    """The id of the picture that *person* uses, or None for the typed name."""
    return tx.value(str, "SELECT picture FROM signature_choices WHERE person = ?", (person,))


def chosen_picture(tx: Transaction, person: str) -> bytes | None:
    """The picture (PNG) that *person* uses, or None for the typed name."""
    picture_id = chosen(tx, person)
    return None if picture_id is None else picture(tx, person, picture_id)


def choose(tx: Transaction, person: str, picture_id: str | None) -> None:
    """Use a picture from now on, or the typed name. Raises :class:`NotFound` unless it is one of *person*'s."""
    tx.execute("DELETE FROM signature_choices WHERE person = ?", (person,))
    if picture_id is not None:
        picture(tx, person, picture_id)
        tx.execute("INSERT INTO signature_choices (person, picture) VALUES (?, ?)", (person, picture_id))


def remove(tx: Transaction, person: str, picture_id: str) -> None:
    """Take the picture away; if it was in use, the typed name is from now on. Raises :class:`NotFound`."""
    picture(tx, person, picture_id)
    tx.execute("DELETE FROM signature_choices WHERE person = ? AND picture = ?", (person, picture_id))
    tx.execute("DELETE FROM signature_pictures WHERE id = ? AND person = ?", (picture_id, person))
