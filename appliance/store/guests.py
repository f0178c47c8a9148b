"""Invitations of outside signers in the database."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import GuestInvitation
from appliance.store.database import Transaction
from hsm.names import OUTSIDE
from hsm.rows import Query, fields_of, refusing

_INVITATIONS = Query(
    GuestInvitation,
    "SELECT id, person, contract, party, invited_by, invited, round, tries, opened, ended, used,"
    " revoked, arrived FROM guest_invitations",
)


def insert_invitation(tx: Transaction, invitation: GuestInvitation) -> None:
    """A new link, after an earlier one has ended. Raises :class:`StateRefused` for a guest bound elsewhere."""
    with refusing(StateRefused("A guest signs for one party of one contract only.")):
        names = "id person contract party invited_by invited round tries opened"
        tx.insert("guest_invitations", fields_of(invitation, names))


def end(tx: Transaction, person: str, now: datetime) -> int:
    """The guest's link stops to work, also one to a contract that another one replaces; how many did (0 or 1)."""
    return tx.change("UPDATE guest_invitations SET ended = ? WHERE person = ? AND ended IS NULL", (now, person))


def count_try(tx: Transaction, invitation: GuestInvitation, *, most: int) -> bool:
    """One more try of this round's code, counted before it is looked at. False when there is none left."""
    return tx.changed(
        "UPDATE guest_invitations SET tries = tries + 1"
        " WHERE id = ? AND round = ? AND tries < ? AND ended IS NULL",
        (invitation.id, invitation.round, most),
    )


def mark_opened(tx: Transaction, invitation: GuestInvitation, now: datetime) -> bool:
    """The code was right: the tries begin anew, and the link is used. False when it was used before, or something
    took its place since *invitation* was read."""
    return tx.changed(
        "UPDATE guest_invitations SET tries = 0, opened = coalesce(opened, ?1), used = ?1"
        " WHERE id = ?2 AND used IS NULL AND ended IS NULL AND round = ?3",
        (now, invitation.id, invitation.round),
    )


def mark_entered(tx: Transaction, invitation: GuestInvitation, now: datetime) -> bool:
    """The code was right in a frame: the tries begin anew, and the link is not used by it. False when something
    took its place since *invitation* was read."""
    return tx.changed(
        "UPDATE guest_invitations SET tries = 0, opened = coalesce(opened, ?1)"
        " WHERE id = ?2 AND ended IS NULL AND round = ?3",
        (now, invitation.id, invitation.round),
    )


def next_round(tx: Transaction, invitation: GuestInvitation) -> None:
    """Another code in place of the old one."""
    tx.execute("UPDATE guest_invitations SET round = round + 1, tries = 0 WHERE id = ?", (invitation.id,))


def arrive(tx: Transaction, invitation: GuestInvitation, now: datetime) -> bool:
    """The link is opened; whether for the first time."""
    return tx.update("guest_invitations", {"arrived": now}, id=invitation.id, arrived=None)


def revoke(tx: Transaction, party_id: str, now: datetime) -> None:
    """All links of the party so far lead nowhere from now on."""
    tx.execute(
        "UPDATE guest_invitations SET revoked = ?1, ended = coalesce(ended, ?1)"
        " WHERE party = ?2 AND revoked IS NULL",
        (now, party_id),
    )


def is_revoked(tx: Transaction, person: str) -> bool:
    """Whether all that the guest was invited by was revoked; False for somebody who was never invited."""
    query = "SELECT count(*) > 0 AND count(*) = count(revoked) FROM guest_invitations WHERE person = ?"
    return bool(tx.count(query, (person,)))


def load_invitation(tx: Transaction, invitation_id: str) -> GuestInvitation:
    """The invitation with this id, ended ones too. Raises :class:`NotFound`."""
    return _one(tx, "id = ?", invitation_id)


def of_party(tx: Transaction, party_id: str) -> GuestInvitation:
    """The invitation whose link opens the party now. Raises :class:`NotFound`."""
    return _one(tx, "party = ? AND ended IS NULL", party_id)


def is_invited(tx: Transaction, party_id: str) -> bool:
    """Whether an invitation of the party holds."""
    return tx.exists("SELECT 1 FROM guest_invitations WHERE party = ? AND ended IS NULL", (party_id,))


def of_person(tx: Transaction, subject: str) -> GuestInvitation:
    """The invitation whose link works for the guest now. Raises :class:`NotFound`."""
    return _one(tx, "person = ? AND ended IS NULL", subject)


def spent_of_person(tx: Transaction, subject: str) -> GuestInvitation:
    """The guest's newest invitation whose link takes no code any more, but still names the guest. Raises
    :class:`NotFound`."""
    condition = "person = ? AND revoked IS NULL AND (used IS NOT NULL OR ended IS NOT NULL)"
    return _one(tx, f"{condition} ORDER BY invited DESC, rowid DESC LIMIT 1", subject)


def _one(tx: Transaction, condition: str, value: str) -> GuestInvitation:
    return _INVITATIONS.one(tx, f"WHERE {condition}", (value,), missing=unknown())


def is_invited_by_link(tx: Transaction, subject: str) -> bool:
    """Whether *subject* is from outside and has no account: the way in is the link of an invitation."""
    return subject.startswith(OUTSIDE) and not tx.exists(
        "SELECT 1 FROM representatives WHERE subject = ?", (subject,)
    )


def inviters(tx: Transaction, subject: str) -> list[str]:
    """Who of the house has invited somebody from outside, or will when the contract is sent, or has registered the
    partner organisation that they act for; nobody for a subject that is nobody's from outside."""
    return tx.column(
        str,
        "SELECT contracts.initiator FROM parties JOIN contracts ON contracts.id = parties.contract"
        " WHERE parties.subject = ?1 UNION SELECT invited_by FROM guest_invitations WHERE person = ?1"
        " UNION SELECT p.registered_by FROM representatives AS r JOIN partners AS p ON p.id = r.partner"
        " WHERE r.subject = ?1",
        (subject,),
    )


def unknown() -> NotFound:
    """What is said of a link that leads nowhere."""
    return NotFound("This invitation does not exist or no longer holds; ask whoever invited you for a new one.")
