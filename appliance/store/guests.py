"""Invitations of outside signers in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.guest import GuestInvitation
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_COLUMNS = "id, person, contract, party, invited_by, invited, round, tries, opened, ended, used, revoked, arrived"


def insert(tx: Transaction, invitation: GuestInvitation) -> None:
    """A new link, after an earlier one has ended. Raises :class:`StateRefused` for a guest bound elsewhere."""
    try:
        tx.execute(
            "INSERT INTO guest_invitations (id, person, contract, party, invited_by, invited, round, tries,"
            " opened) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                invitation.id,
                invitation.person,
                invitation.contract,
                invitation.party,
                invitation.invited_by,
                stored(invitation.invited),
                invitation.round,
                invitation.tries,
                None if invitation.opened is None else stored(invitation.opened),
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("A guest signs for one party of one contract only.") from error


def end(tx: Transaction, person: str, now: datetime) -> int:
    """The guest's link stops to work, also one to a contract that another one replaces; how many did (0 or 1)."""
    ended = tx.execute(
        "UPDATE guest_invitations SET ended = ? WHERE person = ? AND ended IS NULL", (stored(now), person)
    )
    return int(ended.rowcount)


def count_try(tx: Transaction, invitation: GuestInvitation, *, most: int) -> bool:
    """One more try of this round's code, counted before it is looked at. False when there is none left."""
    counted = tx.execute(
        "UPDATE guest_invitations SET tries = tries + 1"
        " WHERE id = ? AND round = ? AND tries < ? AND ended IS NULL",
        (invitation.id, invitation.round, most),
    )
    return bool(counted.rowcount)


def open_(tx: Transaction, invitation: GuestInvitation, now: datetime) -> bool:
    """The code was right: the tries begin anew, and the link is used. False when it was used before, or something
    took its place since *invitation* was read."""
    opened = tx.execute(
        "UPDATE guest_invitations SET tries = 0, opened = coalesce(opened, ?1), used = ?1"
        " WHERE id = ?2 AND used IS NULL AND ended IS NULL AND round = ?3",
        (stored(now), invitation.id, invitation.round),
    )
    return bool(opened.rowcount)


def next_round(tx: Transaction, invitation: GuestInvitation) -> None:
    """Another code in place of the old one."""
    tx.execute("UPDATE guest_invitations SET round = round + 1, tries = 0 WHERE id = ?", (invitation.id,))


def arrive(tx: Transaction, invitation: GuestInvitation, now: datetime) -> bool:
    """The link is opened; whether for the first time."""
    arrived = tx.execute(
        "UPDATE guest_invitations SET arrived = ? WHERE id = ? AND arrived IS NULL", (stored(now), invitation.id)
    )
    return bool(arrived.rowcount)


def revoke(tx: Transaction, party_id: str, now: datetime) -> None:
    """All links of the party so far lead nowhere from now on."""
    tx.execute(
        "UPDATE guest_invitations SET revoked = ?1, ended = coalesce(ended, ?1)"
        " WHERE party = ?2 AND revoked IS NULL",
        (stored(now), party_id),
    )


def is_revoked(tx: Transaction, person: str) -> bool:
    """Whether all that the guest was invited by was revoked; False for somebody who was never invited."""
    row = tx.execute(
        "SELECT count(*), count(revoked) FROM guest_invitations WHERE person = ?", (person,)
    ).fetchone()
    return bool(row[0] and row[0] == row[1])


def load(tx: Transaction, invitation_id: str) -> GuestInvitation:
    """The invitation with this id, ended ones too. Raises :class:`NotFound`."""
    return _one(tx, "id = ?", invitation_id)


def of_party(tx: Transaction, party_id: str) -> GuestInvitation:
    """The invitation whose link opens the party now. Raises :class:`NotFound`."""
    return _one(tx, "party = ? AND ended IS NULL", party_id)


def of_person(tx: Transaction, subject: str) -> GuestInvitation:
    """The invitation whose link works for the guest now. Raises :class:`NotFound`."""
    return _one(tx, "person = ? AND ended IS NULL", subject)


def spent_of_person(tx: Transaction, subject: str) -> GuestInvitation:
    """The guest's newest invitation whose link takes no code any more, but still names the guest. Raises
    :class:`NotFound`."""
    condition = "person = ? AND revoked IS NULL AND (used IS NOT NULL OR ended IS NOT NULL)"
    return _one(tx, f"{condition} ORDER BY invited DESC, rowid DESC LIMIT 1", subject)


def _one(tx: Transaction, condition: str, value: str) -> GuestInvitation:
    query = f"SELECT {_COLUMNS} FROM guest_invitations WHERE {condition}"  # noqa: S608 -- literals of this file
    row = tx.execute(query, (value,)).fetchone()
    if row is None:
        raise unknown()
    return _invitation(row)


def inviters(tx: Transaction, subject: str) -> list[str]:
    """Who has invited the guest, or will when the contract is sent; nobody for a subject that is no guest's."""
    rows = tx.execute(
        "SELECT contracts.initiator FROM parties JOIN contracts ON contracts.id = parties.contract"
        " WHERE parties.subject = ?1 UNION SELECT invited_by FROM guest_invitations WHERE person = ?1",
        (subject,),
    )
    return [row[0] for row in rows]


def unknown() -> NotFound:
    """What is said of a link that leads nowhere."""
    return NotFound("This invitation does not exist or no longer holds; ask whoever invited you for a new one.")


def _invitation(row: tuple[Any, ...]) -> GuestInvitation:
    identifier, person, contract, party, invited_by, invited, turn, tries, *moments = row
    dates = [loaded(each) for each in moments]
    return GuestInvitation(identifier, person, contract, party, invited_by, loaded(invited), turn, tries, *dates)
