"""Partner organisations, their documents and their representatives in the database. Each function runs in the
caller's transaction."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.partners import (
    ListedPartner,
    Partner,
    PartnerContract,
    PartnerDetails,
    PartnerDocument,
    PartnerVouching,
    Representative,
)
from appliance.store.database import Transaction, pattern_of
from hsm.names import name_key
from hsm.rows import Query, columns, fields_of, refusing

_DETAILS = "name code registration address contact email phone"
_PARTNER = (
    "SELECT id, name, code, registration, address, contact, email, phone, registered, registered_by FROM partners"
)
_PARTNERS = Query(Partner, _PARTNER, details=columns(PartnerDetails, *_DETAILS.split()))
_VOUCHINGS = Query(PartnerVouching, "SELECT by, at, means, note FROM partner_vouchings")
_DOCUMENTS = Query(
    PartnerDocument, "SELECT id, partner, kind, media, digest, size, added, added_by FROM partner_documents"
)
_REPRESENTATIVES = Query(
    Representative,
    "SELECT r.subject, r.partner, p.organisation, p.name, p.email, r.phone, r.administrator, a.state,"
    " EXISTS (SELECT 1 FROM certificates AS c WHERE c.subject = r.subject) AS enrolled,"
    " EXISTS (SELECT 1 FROM enrolment_requests AS e WHERE e.subject = r.subject AND e.state = 'open') AS waiting,"
    " r.invited, r.invited_by FROM representatives AS r JOIN people AS p ON p.subject = r.subject"
    " JOIN accounts AS a ON a.subject = r.subject",
)
_LISTED = Query(
    ListedPartner,
    "SELECT id, name, code, registration, contact, (SELECT p.name FROM representatives AS r"
    " JOIN people AS p ON p.subject = r.subject WHERE r.partner = partners.id AND r.administrator = 1)"
    " AS administrator,"
    " (SELECT count(*) FROM representatives AS r JOIN accounts AS a ON a.subject = r.subject"
    " WHERE r.partner = partners.id AND a.state <> 'left') AS representatives FROM partners",
)


def insert_partner(tx: Transaction, partner: Partner) -> None:
    """A new partner with its vouchings. Raises :class:`StateRefused` when name or code is another one's."""
    with _refusing_doubles(partner.details):
        own = fields_of(partner, "id registered registered_by")
        tx.insert("partners", own | _row(partner.details))
    for vouching in partner.vouchings:
        insert_vouching(tx, partner.id, vouching)


def update_details(tx: Transaction, partner_id: str, details: PartnerDetails) -> None:
    """Other details. Raises as :func:`insert_partner`."""
    with _refusing_doubles(details):
        tx.update("partners", _row(details), id=partner_id)


def _row(details: PartnerDetails) -> dict[str, object]:
    return {"key": name_key(details.name), **fields_of(details, _DETAILS)}


def _refusing_doubles(details: PartnerDetails) -> AbstractContextManager[None]:
    return refusing(
        StateRefused(
            "{name}, or another organisation with this code, is a partner already; search for it.",
            name=details.name,
        )
    )


def insert_vouching(tx: Transaction, partner_id: str, vouching: PartnerVouching) -> None:
    tx.insert("partner_vouchings", {"partner": partner_id, **fields_of(vouching, "by at means note")})


def load_partner(tx: Transaction, partner_id: str) -> Partner:
    """The partner. Raises :class:`NotFound`."""
    missing = NotFound("There is no partner {partner}.", partner=partner_id)
    vouchings = tuple(_VOUCHINGS.all(tx, "WHERE partner = ? ORDER BY at, rowid", (partner_id,)))
    return _PARTNERS.one(tx, "WHERE id = ?", (partner_id,), missing=missing, vouchings=vouchings)


def search(tx: Transaction, words: str, *, after: str = "", limit: int) -> list[ListedPartner]:
    """At most *limit* partners by name, after the one of the id *after*, that have *words* in their name, code or
    number, or in the name of a representative who has not left."""
    return _LISTED.all(
        tx,
        "WHERE (?1 = '' OR (name, id) > (SELECT name, id FROM partners WHERE id = ?1))"
        " AND (name LIKE ?2 ESCAPE '\\' OR code LIKE ?2 ESCAPE '\\' OR registration LIKE ?2 ESCAPE '\\'"
        " OR EXISTS (SELECT 1 FROM representatives AS r JOIN people AS p ON p.subject = r.subject"
        " JOIN accounts AS a ON a.subject = r.subject"
        " WHERE r.partner = partners.id AND a.state <> 'left' AND p.name LIKE ?2 ESCAPE '\\'))"
        " ORDER BY name, id LIMIT ?3",
        (after, pattern_of(words), limit),
    )


def insert_document(tx: Transaction, document: PartnerDocument) -> None:
    """One more document. Raises :class:`StateRefused` for the same file again."""
    with refusing(StateRefused("This document is kept with the partner already.")):
        names = "id partner kind media digest size added added_by"
        tx.insert("partner_documents", fields_of(document, names))


def documents_of(tx: Transaction, partner_id: str) -> list[PartnerDocument]:
    """The partner's documents, the newest first."""
    return _DOCUMENTS.all(tx, "WHERE partner = ? ORDER BY added DESC, rowid DESC", (partner_id,))


def load_document(tx: Transaction, partner_id: str, document_id: str) -> PartnerDocument:
    """A document of this partner. Raises :class:`NotFound`."""
    missing = NotFound("The partner has no document {document}.", document=document_id)
    return _DOCUMENTS.one(tx, "WHERE partner = ? AND id = ?", (partner_id, document_id), missing=missing)


def insert_representative(
    tx: Transaction, subject: str, partner_id: str, *, administrator: bool, phone: str, at: datetime, by: str
) -> None:
    """Somebody of the register acts for the partner from now on; the account follows."""
    row = {"subject": subject, "partner": partner_id, "administrator": administrator, "phone": phone}
    tx.insert("representatives", row | {"invited": at, "invited_by": by})


def representatives_of(tx: Transaction, partner_id: str) -> list[Representative]:
    """Everybody who acts or acted for the partner: the administrator, then by name; who has left at the end."""
    rest = "WHERE r.partner = ? ORDER BY a.state = 'left', r.administrator DESC, p.name, r.subject"
    return _REPRESENTATIVES.all(tx, rest, (partner_id,))


def load_representative(tx: Transaction, partner_id: str, subject: str) -> Representative:
    """A representative of this partner. Raises :class:`NotFound`."""
    missing = NotFound("The partner has no representative {subject}.", subject=subject)
    return _REPRESENTATIVES.one(
        tx, "WHERE r.partner = ? AND r.subject = ?", (partner_id, subject), missing=missing
    )


def partner_of(tx: Transaction, subject: str) -> str | None:
    """The id of the partner that *subject* acts or acted for; None for everybody else."""
    return tx.value(str, "SELECT partner FROM representatives WHERE subject = ?", (subject,))


def administered_by(tx: Transaction, subject: str) -> str | None:
    """The id of the partner whose administrator *subject* is now, with an account that is active."""
    return tx.value(
        str,
        "SELECT r.partner FROM representatives AS r JOIN accounts AS a ON a.subject = r.subject"
        " WHERE r.subject = ? AND r.administrator = 1 AND a.state = 'active'",
        (subject,),
    )


def set_administrator(tx: Transaction, partner_id: str, subject: str | None) -> None:
    """*subject*, or nobody, is the administrator from now on."""
    tx.update("representatives", {"administrator": False}, partner=partner_id)
    if subject is not None:
        tx.update("representatives", {"administrator": True}, partner=partner_id, subject=subject)


def is_address_taken(tx: Transaction, email: str) -> bool:
    """Whether somebody who has an account, or could have one, is written to at *email*."""
    return tx.exists(
        "SELECT 1 FROM people AS p INDEXED BY people_one_address WHERE p.guest = 0 AND p.email = ?1 COLLATE NOCASE"
        " UNION ALL SELECT 1 FROM representatives AS r CROSS JOIN people AS p ON p.subject = r.subject"
        " JOIN accounts AS a ON a.subject = r.subject WHERE a.state <> 'left' AND p.email = ?1 COLLATE NOCASE",
        (email,),
    )


def who_can_sign(tx: Transaction, words: str, *, limit: int, partner_id: str = "") -> list[Representative]:
    """At most *limit* representatives who have not left and are not suspended, of any partner or of *partner_id*
    alone, with *words* in their name, address or organisation; by organisation and name."""
    return _REPRESENTATIVES.all(
        tx,
        "WHERE a.state IN ('invited', 'active') AND (?1 = '' OR r.partner = ?1)"
        " AND (p.name LIKE ?2 ESCAPE '\\' OR p.email LIKE ?2 ESCAPE '\\' OR p.organisation LIKE ?2 ESCAPE '\\')"
        " ORDER BY p.organisation, p.name, r.subject LIMIT ?3",
        (partner_id, pattern_of(words), limit),
    )


_OF_PARTNER = (
    " FROM contracts AS c WHERE c.state NOT IN ('draft', 'discarded')"
    " AND NOT EXISTS (SELECT 1 FROM disposals AS d WHERE d.contract = c.id AND d.state = 'done')"
    " AND c.number IN (SELECT i.number FROM representatives AS r JOIN involvements AS i ON i.person = r.subject"
    " WHERE r.partner = ?1)"
)
_SHARED = Query(PartnerContract, "SELECT c.id, c.title, c.state, c.deadline, c.touched")


def contracts_of(tx: Transaction, partner_id: str, *, reader: str | None, limit: int) -> list[PartnerContract]:
    """At most *limit* contracts that were sent and in which representatives of the partner act, the last changed
    first; with a *reader* only those that this person has in a list."""
    return _SHARED.all(
        tx,
        f"{_OF_PARTNER} AND (?2 IS NULL OR EXISTS (SELECT 1 FROM involvements AS i"  # noqa: S608 -- a literal above
        " WHERE i.person = ?2 AND i.number = c.number)) ORDER BY c.touched DESC, c.number DESC LIMIT ?3",
        (partner_id, reader, limit),
    )


def left_with_work(tx: Transaction, partner_id: str) -> list[str]:
    """Representatives who have left while contracts wait for them."""
    return tx.column(
        str,
        "SELECT DISTINCT r.subject FROM representatives AS r JOIN accounts AS a ON a.subject = r.subject"
        " JOIN involvements AS i ON i.person = r.subject AND i.bucket IN ('to-sign', 'waiting')"
        " JOIN contracts AS c ON c.number = i.number JOIN parties AS q ON q.contract = c.id"
        " WHERE r.partner = ? AND a.state = 'left' AND c.state = 'sent' AND q.state = 'waiting'"
        " AND r.subject IN (q.subject, q.requester)"
        " ORDER BY r.subject",
        (partner_id,),
    )


def rename_people(tx: Transaction, partner_id: str, organisation: str) -> None:
    """The organisation of everybody who acts for the partner is written like this from now on."""
    tx.execute(
        "UPDATE people SET organisation = ?"
        " WHERE subject IN (SELECT subject FROM representatives WHERE partner = ?)",
        (organisation, partner_id),
    )


def is_certified(tx: Transaction, partner_id: str) -> bool:
    """Whether the partner's name stands in a certificate or a contract, or soon will."""
    return tx.exists(
        "SELECT 1 FROM representatives AS r WHERE r.partner = ?1 AND ("
        " EXISTS (SELECT 1 FROM certificates AS c WHERE c.subject = r.subject)"
        " OR EXISTS (SELECT 1 FROM enrolment_requests AS e WHERE e.subject = r.subject AND e.state = 'open')"
        " OR EXISTS (SELECT 1 FROM parties AS q WHERE q.subject = r.subject)"
        " OR EXISTS (SELECT 1 FROM involvements AS i WHERE i.person = r.subject))",
        (partner_id,),
    )
