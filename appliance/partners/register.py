"""The register of partner organisations: who they are, who of the house vouches for them and by what, and the
documents about them.

Registering gives nobody a key or an account; :mod:`appliance.partners.representatives` invites people.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from appliance.appearances.scans import UNPROCESSABLE
from appliance.confinement.pool import Confinement
from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.contracts.sending import certified_here, own_organisation_refusal
from appliance.documents.blobs import BlobStore
from appliance.documents.intake import Intake
from appliance.entered_text import problem_at
from appliance.errors import DocumentRefused, NotFound, PreconditionRefused
from appliance.language.characters import without_hidden
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.contract import GUEST_PREFIX
from appliance.model.partners import (
    ListedPartner,
    Partner,
    PartnerDetails,
    PartnerDocument,
    PartnerDocumentKind,
    PartnerVouching,
    VouchingMeans,
    credit_code,
)
from appliance.store import partners
from appliance.store.database import Database, Transaction, reads
from hsm.client import AuthorityClient
from hsm.rows import fields_of

PAGE: Final = 50
LONGEST_LINE: Final = 200
LONGEST_NUMBER: Final = 60
LONGEST_NOTE: Final = 500
LARGEST_PICTURE: Final = 10 * 1024 * 1024


class PartnerRegister:
    """Thread-safe. *house* is the organisation of the appliance; ``by`` is who acts, a subject of the house where
    nothing else is said."""

    def __init__(
        self,
        database: Database,
        authority: AuthorityClient,
        documents: tuple[Intake, BlobStore, Confinement],
        house: str,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._authority = authority
        self._intake, self._blobs, self._confinement = documents
        self._house = house
        self._now = now

    partner = reads(partners.load_partner)
    documents_of = reads(partners.documents_of)
    partner_of = reads(partners.partner_of)
    administered_by = reads(partners.administered_by)
    contracts_of = reads(partners.contracts_of)
    is_certified = reads(partners.is_certified)

    def page(self, words: str = "", *, after: str = "") -> list[ListedPartner]:
        """At most :data:`PAGE` and one more, by name; see :func:`appliance.store.partners.search`."""
        with self._database.reading() as tx:
            return partners.search(tx, words.strip()[:100], after=after[:40], limit=PAGE + 1)

    def register(
        self,
        details: PartnerDetails,
        means: VouchingMeans,
        note: str,
        *,
        by: str,
        also: Callable[[Transaction, Partner], None] | None = None,
    ) -> Partner:
        """A new partner, for which *by* vouches by these *means*; what is *also* done with it is done together
        with it, or neither is.

        Raises :class:`PreconditionRefused` for what no partner can be, one's own house too, and
        :class:`StateRefused` for one that is known.
        """
        kept, now, certified = checked_details(details), self._now(), certified_here(self._authority)
        vouching = PartnerVouching(by, now, means, _note(note, means))
        partner = Partner(f"partner-{secrets.token_hex(6)}", kept, now, by, (vouching,))
        with self._database.transaction() as tx:
            self._require_another_house(tx, kept.name, certified)
            partners.insert_partner(tx, partner)
            self._append_event(tx, EventKind.PARTNER_REGISTERED, partner.id, by, private=_fields(kept))
            self._vouched(tx, partner.id, vouching)
            if also is not None:
                also(tx, partner)
            return partners.load_partner(tx, partner.id)

    def change(self, partner_id: str, details: PartnerDetails, *, by: str) -> Partner:
        """Other details; the name stays once it is certified or in a contract. Raises as :meth:`register`."""
        kept, certified = checked_details(details), certified_here(self._authority)
        with self._database.transaction() as tx:
            before = partners.load_partner(tx, partner_id)
            if kept.name != before.name:
                self._require_another_house(tx, kept.name, certified)
                if partners.is_certified(tx, partner_id):
                    raise PreconditionRefused(
                        "{name} stands in certificates or contracts already. A company that is called otherwise"
                        " now is registered anew, and its representatives are invited under the new name.",
                        name=before.name,
                    )
                partners.rename_people(tx, partner_id, kept.name)
            return self._changed(tx, before, kept, by)

    def change_contacts(self, partner_id: str, details: PartnerDetails, *, by: str) -> Partner:
        """Address, contact, mail address and telephone of *details*, changed by the partner's administrator.

        Raises :class:`NotFound` for anybody else, :class:`PreconditionRefused` for what cannot be.
        """
        with self._database.transaction() as tx:
            if partners.administered_by(tx, by) != partner_id:
                raise NotFound("There is no partner {partner}.", partner=partner_id)
            before = partners.load_partner(tx, partner_id)
            own = fields_of(details, "address contact email phone")
            return self._changed(tx, before, checked_details(replace(before.details, **own)), by)

    def _changed(self, tx: Transaction, before: Partner, kept: PartnerDetails, by: str) -> Partner:
        if kept != before.details:
            partners.update_details(tx, before.id, kept)
            self._append_event(tx, EventKind.PARTNER_CHANGED, before.id, by, private=_fields(kept))
        return partners.load_partner(tx, before.id)

    def vouch(self, partner_id: str, means: VouchingMeans, note: str, *, by: str) -> Partner:
        """*by* vouches for the partner, too, or again. Raises :class:`PreconditionRefused` for people from
        outside and for other means without a note."""
        if by.startswith(GUEST_PREFIX):
            raise PreconditionRefused("Somebody from outside cannot vouch for an organisation.")
        vouching = PartnerVouching(by, self._now(), means, _note(note, means))
        with self._database.transaction() as tx:
            partners.load_partner(tx, partner_id)
            partners.insert_vouching(tx, partner_id, vouching)
            self._vouched(tx, partner_id, vouching)
            return partners.load_partner(tx, partner_id)

    def add_document(self, partner_id: str, kind: PartnerDocumentKind, data: bytes, *, by: str) -> PartnerDocument:
        """A PDF, PNG or JPEG about the partner, kept as it came; by the house or the partner's administrator.

        Raises :class:`DocumentRefused` for other files, :class:`NotFound`, and :class:`StateRefused` for the same
        file again.
        """
        with self._database.reading() as tx:  # before the work of reading the file
            partners.load_partner(tx, partner_id)
            if by.startswith(GUEST_PREFIX) and partners.administered_by(tx, by) != partner_id:
                raise NotFound("There is no partner {partner}.", partner=partner_id)
        media, digest = self._kept(data)
        now = self._now()
        document = PartnerDocument(
            f"paper-{secrets.token_hex(6)}", partner_id, kind, media, digest, len(data), now, by
        )
        with self._database.transaction() as tx:
            partners.insert_document(tx, document)
            public: dict[str, Field] = {"document": document.id, "kind": kind.value, "digest": digest}
            self._append_event(tx, EventKind.PARTNER_DOCUMENT_ADDED, partner_id, by, public)
        return document

    def document(self, partner_id: str, document_id: str) -> tuple[PartnerDocument, bytes]:
        """A document of this partner with its bytes. Raises :class:`NotFound`."""
        found = self._database.query(partners.load_document, partner_id, document_id)
        return found, self._blobs.get(found.digest)

    def _kept(self, data: bytes) -> tuple[str, str]:
        """Type and digest of *data*, once a confined process has read it."""
        if data.startswith(b"%PDF-"):
            return "application/pdf", self._intake.accept(data).digest
        if len(data) > LARGEST_PICTURE:
            raise DocumentRefused("image-too-large", "The picture is larger than 10 MB; make it smaller.")
        media = next((media for start, media in _PICTURES.items() if data.startswith(start)), None)
        if media is None:
            raise DocumentRefused("not-a-document", "Choose a PDF file, or a picture as PNG or JPEG.")
        self._confinement.process(bool, "appearances.readable", sentence=UNPROCESSABLE, data=data)
        return media, self._blobs.put(data)

    def _require_another_house(self, tx: Transaction, name: str, certified: list[str]) -> None:
        refusal = own_organisation_refusal(tx, self._house, name, certified)
        if refusal is not None:
            raise PreconditionRefused("{name} is an organisation of this house, not a partner.", name=name)

    def _vouched(self, tx: Transaction, partner_id: str, vouching: PartnerVouching) -> None:
        public: dict[str, Field] = {"means": vouching.means.value}
        self._append_event(
            tx, EventKind.PARTNER_VOUCHED, partner_id, vouching.by, public, {"note": vouching.note or None}
        )

    def _append_event(
        self,
        tx: Transaction,
        kind: EventKind,
        partner_id: str,
        by: str,
        public: Mapping[str, Field] | None = None,
        private: Mapping[str, Field] | None = None,
    ) -> None:
        named: dict[str, Field] = {"partner": partner_id, **(public or {})}
        append_event(tx, AuditEvent(kind, self._now(), by, None, named, private or {}))


_PICTURES: Final[Mapping[bytes, str]] = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def _fields(details: PartnerDetails) -> dict[str, Field]:
    return fields_of(details, "name code registration address contact email phone")


def detail_problems(details: PartnerDetails) -> dict[str, PreconditionRefused]:
    """What is wrong with the details, by the name of the field; empty when nothing is."""
    optional = {"contact": person_name, "email": email_address, "phone": telephone_number}
    found = problem_at("name", organisation_name, details.name)
    if details.code:
        found |= problem_at("code", credit_code, details.code)
    elif not (details.registration or "").strip():
        found |= {
            "code": PreconditionRefused(
                "Give the unified social credit code; for a company of another country its registration number."
            )
        }
    found |= problem_at("registration", _line, details.registration or "", LONGEST_NUMBER)
    found |= problem_at("address", _line, details.address, LONGEST_LINE)
    for name, rule in optional.items():
        typed = getattr(details, name)
        found |= problem_at(name, rule, typed) if typed.strip() else {}
    return found


def checked_details(details: PartnerDetails) -> PartnerDetails:
    """*details* as they are kept. Raises :class:`PreconditionRefused` for the first of :func:`detail_problems`."""
    for problem in detail_problems(details).values():
        raise problem
    return PartnerDetails(
        organisation_name(details.name),
        credit_code(details.code) if details.code else None,
        _line(details.registration or "", LONGEST_NUMBER) or None,
        _line(details.address, LONGEST_LINE),
        person_name(details.contact) if details.contact.strip() else "",
        email_address(details.email) if details.email.strip() else "",
        telephone_number(details.phone) if details.phone.strip() else "",
    )


def _line(text: str, most: int) -> str:
    tidied = " ".join(without_hidden(text).split())
    if len(tidied) > most:
        raise PreconditionRefused("At most {most} characters.", most=most)
    return tidied


def _note(text: str, means: VouchingMeans) -> str:
    note = _line(text, LONGEST_NOTE)
    if means is VouchingMeans.OTHER and not note:
        raise PreconditionRefused("Say by what you made sure that the organisation is what it says.")
    return note
