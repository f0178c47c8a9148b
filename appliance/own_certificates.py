"""Signing with a certificate of one's own: an outside signer takes the prepared document, signs it elsewhere in
their field, and hands it in.

No key of this house is used for it, and no activation: what counts is the file. It is taken when

1. it begins with the current revision, byte for byte, and one revision follows;
2. that revision does nothing but fill the party's own field, and its signature covers the file to the last byte
   (:meth:`appliance.pdf.workshop.PdfWorkshop.require_filled`);
3. the signature holds, by a certificate that leads to an authority that officers have approved for the party's
   organisation, and that names this organisation, or the person where they sign for none;
4. with a document timestamp of ours over it, the whole passes the verifier.

The file is kept as it came, as a revision of its own; the timestamp is the next one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.contracts import authorisation_basis
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.completion import MAX_VERIFIER_ATTEMPTS, require_signed, signed_event
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.finalisation import Archived, Archiving
from appliance.contracts.permissions import Permission
from appliance.contracts.preconditions import SigningContext, require_preconditions
from appliance.contracts.rules import after_signature
from appliance.errors import DocumentRefused, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, Field
from appliance.model.anchors import ApprovedAnchor, OwnSignature
from appliance.model.contract import Contract, ContractRevision, Party, RevisionKind
from appliance.model.intent import IntentRecord, IntentState, SigningOrigin
from appliance.pdf.byte_ranges import ByteRange
from appliance.pdf.workshop import LARGEST_DOCUMENT
from appliance.signing_methods import SigningMethod
from appliance.store import anchors, contracts, intents
from appliance.store.database import Transaction
from appliance.store.intents import COMPLETED
from appliance.verification import Indication, SignatureReport, TrustAnchors
from appliance.verification.ber import length_of
from appliance.verification.messages import UnreadableMessage, read_message
from appliance.verification.own_anchors import anchors_of
from appliance.verification.trust import SignerAnchor, read_certificate, shown_name
from hsm.errors import Sentence
from hsm.intents import SigningIntent
from hsm.names import name_in, same_name, same_organisation, visible
from hsm.timestamp import parse_token

LARGEST_LIST, MOST_LISTS = 4 * 1024 * 1024, 5
"""Bytes of an uploaded revocation list; how many may come."""

_WAITS = timedelta(minutes=1)
"""How long the intent of such a signature is open: it is closed in the transaction that makes it."""


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """What somebody hands in: the signed ``document``, revocation lists (DER or PEM) of their authority, and that
    they ``accept`` the agreement on electronic signing."""

    document: bytes
    accepts: bool
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    """An upload that was found good: its place, its message, whose certificate it is, and the anchor it leads
    to."""

    signed: ByteRange
    message: bytes
    certificate: x509.Certificate
    path: tuple[x509.Certificate, ...]
    anchor: ApprovedAnchor
    crls: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Received:
    """A good upload with what this house added: a timestamp token over the signature's value, and the document
    with a timestamp of its own."""

    judged: _Judged
    token: bytes
    archived: Archived


class OwnCertificates:
    """Takes signatures that were made elsewhere. Thread-safe."""

    def __init__(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend
        self._archiving = Archiving(backend)

    def document(self, contract_id: str, party_id: str, *, by: str) -> bytes:
        """The document to sign: the current revision, the very bytes on record. Raises as :meth:`hand_in`."""
        contract, _ = self._records.database.query(self._open, contract_id, party_id, by)
        return self._backend.blobs.get(contract.current.digest)

    def hand_in(
        self, contract_id: str, party_id: str, upload: SignedUpload, *, by: str, origin: SigningOrigin
    ) -> Contract:
        """The contract with the signature in *upload*.

        Raises :class:`DocumentRefused` or :class:`PreconditionRefused` with one sentence for whoever signed, and
        :class:`StateRefused` when it is not their turn any more, or somebody else signed since the document was
        handed out.
        """
        contract, party = self._records.database.query(self._open, contract_id, party_id, by)
        if not upload.accepts:
            raise PreconditionRefused("Accept the agreement on electronic signing, which this signature rests on.")
        crls = tuple(_crl(each) for each in upload.crls[:MOST_LISTS] if each)
        self._require_current(contract, upload.document)
        filled = self._backend.workshop.require_filled(
            upload.document,
            base=contract.current.size,
            field=party.field,
            others=[each.field for each in contract.parties if each.id != party.id],
        )
        judged = self._judged(contract, party, upload.document, filled.contents, crls)
        received = self._received(upload.document, judged)
        self._require_whole(contract, party, received)
        blobs = self._backend.blobs
        digests = blobs.put(upload.document), blobs.put(received.archived.document)
        with self._records.database.transaction() as tx:
            return self._commit(tx, contract, party, received, digests, origin)

    def _open(self, tx: Transaction, contract_id: str, party_id: str, by: str) -> tuple[Contract, Party]:
        now = self._records.now()
        contract = admit(tx, Command(contract_id, Permission.SIGN, by, now, party=party_id))
        party = contract.require_party(party_id)
        if party.method is not SigningMethod.OWN_CERTIFICATE or party.responsible != by:
            raise PreconditionRefused("{name} signs here, and uploads no signed file.", name=party.name)
        require_preconditions(self._rules.preconditions, tx, SigningContext(contract, party, now))
        return contract, party

    def _require_current(self, contract: Contract, document: bytes) -> None:
        """The upload goes on from the current revision."""
        if len(document) > LARGEST_DOCUMENT:
            self._backend.workshop.require_filled(document, base=0, field="", others=())  # says so
        sizes = [revision for revision in contract.revisions if revision.size <= len(document)]
        begins = [each for each in sizes if hashlib.sha256(document[: each.size]).hexdigest() == each.digest]
        if contract.current in begins:
            return
        if any(each.kind is not RevisionKind.ORIGINAL for each in begins):
            signed = [party.name for party in contract.parties if party.signed_at is not None]
            raise StateRefused(
                "{name} signed “{title}” after you had downloaded it, so your file is no longer the newest."
                " Download"
                " it again, sign it, and upload that.",
                name=signed[-1] if signed else contract.title,
                title=contract.title,
            )
        raise DocumentRefused(
            "other-file",
            "This is not the file that was given out: it does not begin with its bytes. Download it here, sign it"
            " without saving it anew or printing it, and upload that.",
        )

    def _judged(
        self,
        contract: Contract,
        party: Party,
        document: bytes,
        contents: tuple[int, int],
        crls: tuple[bytes, ...],
    ) -> _Judged:
        approved = self._approved(party)
        end, lists = len(document), TrustAnchors((), crls=crls)
        apart = tuple(SignerAnchor(end, x509.load_der_x509_certificate(anchor.certificate)) for anchor in approved)
        known = self._records.database.query(anchors_of, contract.id)
        trusted = replace(known, crls=(*known.crls, *lists.crls), apart=(*known.apart, *apart))
        report = self._backend.verifier.trusting(trusted).verify_pdf(document)
        found = next((each for each in report.signatures if each.field == party.field and each.end == end), None)
        if found is None or found.verdict.indication is not Indication.PASSED:
            raise _not_good(found.verdict.reasons[0] if found and found.verdict.reasons else None)
        signed = ByteRange(contents[0], contents[0] + contents[1], end)
        message = _message(signed.contents(document) or b"")
        path, certificate = _path(message, found)
        anchor = next(each for each in approved if each.digest == found.path[-1].fingerprint)
        _require_named(party, certificate)
        return _Judged(signed, message, certificate, path, anchor, crls)

    def _approved(self, party: Party) -> list[ApprovedAnchor]:
        wanted = party.organisation or party.name
        every = self._records.database.query(anchors.in_force)
        found = [each for each in every if same_organisation(each.organisation, wanted)]
        if not found:
            raise PreconditionRefused(
                "No certification authority is approved for {organisation} here yet. Send the certificate of your"
                " authority to whoever invited you, and ask them to have it approved; then upload the file again.",
                organisation=wanted,
            )
        return found

    def _received(self, document: bytes, judged: _Judged) -> _Received:
        value = hashlib.sha256(read_message(judged.message).signature).digest()
        token = self._backend.timestamps.issue_token(value)
        material = self._archiving.received_material(judged.path, judged.crls)
        return _Received(judged, token, self._archiving.extend(document, material))

    def _require_whole(self, contract: Contract, party: Party, received: _Received) -> None:
        """The document with its timestamp passes the verifier, as it will for whoever signs next."""
        judged = received.judged
        own = SignerAnchor(judged.signed.end, x509.load_der_x509_certificate(judged.anchor.certificate))
        known = self._records.database.query(anchors_of, contract.id)
        trusted = replace(known, crls=(*known.crls, *judged.crls), apart=(*known.apart, own))
        report = self._backend.verifier.trusting(trusted).verify_pdf(
            received.archived.document, readers=MAX_VERIFIER_ATTEMPTS
        )
        require_signed(report, contract, party.field, dated_by_document={party.field})

    def _commit(
        self,
        tx: Transaction,
        contract: Contract,
        party: Party,
        received: _Received,
        digests: tuple[str, str],
        origin: SigningOrigin,
    ) -> Contract:
        """The signature, the revisions, the log entry and the notices, at once. *contract* is as it was before."""
        seen = contracts.load_contract(tx, contract.id)
        if seen.current != contract.current:
            raise StateRefused("Another party signed “{title}” in the meantime; prepare again.", title=seen.title)
        signing = SigningContext(seen, seen.require_party(party.id), self._records.now())
        require_preconditions(self._rules.preconditions, tx, signing)
        judged, archived = received.judged, received.archived
        if judged.anchor not in anchors.in_force(tx):
            raise PreconditionRefused(
                "Officers ended the authority of your certificate while your file was checked, so it is not taken."
                " Ask whoever invited you which authority is approved now."
            )
        record = _record(seen, party, received, signing.now, origin)
        self._insert(tx, record, received)
        basis = self._rules.basis_finder.find_basis(tx, signing)
        rests_on = authorisation_basis.save_basis(tx, record.id, COMPLETED, basis)
        number, at, size = seen.current.number + 1, record.stamped or signing.now, judged.signed.end
        signed = ContractRevision(number, RevisionKind.SIGNATURE, digests[0], size, at, party.id)
        dated = ContractRevision(number + 1, RevisionKind.ARCHIVE, digests[1], len(archived.document), archived.at)
        contracts.add_revision(tx, seen, signed, state=seen.state)
        halfway = replace(seen, revisions=(*seen.revisions, signed))
        contracts.add_revision(tx, halfway, dated, state=seen.state_after(party))
        contracts.mark_signed(tx, seen, party, at)
        name = visible(shown_name(judged.certificate))
        own = OwnSignature(party.id, judged.anchor.id, name, size, received.token, judged.crls)
        anchors.insert_signature(tx, contract.id, own)
        intents.abandon_prepared(tx, contract.id, "another party signed first")
        event = self._event(record, party, (signed, dated), judged, rests_on)
        completed = record_change(tx, contract, event)
        self._records.notify(tx, after_signature(seen, completed, party, self._records.now()))
        return completed

    def _insert(self, tx: Transaction, record: IntentRecord, received: _Received) -> None:
        """The intent goes through all of its states: there is one such signature at a time, as of all."""
        message = received.judged.message
        intents.abandon_of_party(tx, record.intent.party, "prepared again")
        intents.insert_intent(tx, record)
        owner = self._backend.leases.own_lease()
        intents.lease_intent(tx, record.id, lease_owner=owner, now=record.created)
        intents.save_cms(tx, record.id, message)
        intents.save_stamped(tx, record.id, cms=message, at=parse_token(received.token).gen_time)
        intents.complete(tx, record.id)

    def _event(
        self,
        record: IntentRecord,
        party: Party,
        revisions: tuple[ContractRevision, ContractRevision],
        judged: _Judged,
        rests_on: dict[str, str],
    ) -> AuditEvent:
        signed, dated = revisions
        agreement = self._rules.agreement
        public: dict[str, Field] = {
            "dated_digest": dated.digest,
            "anchor": judged.anchor.id,
            "certificate": judged.certificate.fingerprint(hashes.SHA256()).hex(),
            "declared_version": agreement.version,
            **{f"declared_{language}": digest for language, digest in agreement.digests().items()},
            **rests_on,
        }
        private = {
            "certified": visible(shown_name(judged.certificate)),
            "authority": visible(judged.certificate.issuer.rfc4514_string()),
        }
        return signed_event(record, party, signed, public, private)


def _record(
    contract: Contract, party: Party, received: _Received, now: datetime, origin: SigningOrigin
) -> IntentRecord:
    """The signature as all others are kept: nobody has activated it here, and its nonce was never given out."""
    judged = received.judged
    end, start = judged.signed.end, judged.signed.gap_start
    digest = judged.signed.digest(received.archived.document[:end], "sha256")
    intent = SigningIntent(
        contract=contract.id,
        party=party.id,
        field=party.field,
        signer=party.subject,
        digest=digest,
        expires=(now + _WAITS).replace(microsecond=0),
        nonce=secrets.token_bytes(16),
        title=visible(contract.title),
        parties=contract.visible_party_names,
    )
    return IntentRecord(
        id=secrets.token_hex(16),
        intent=intent,
        base=contract.current.number,
        suffix=received.archived.document[contract.current.size : end],
        contents=(start, judged.signed.gap_end - start),
        state=IntentState.PREPARED,
        created=now,
        origin=origin,
        stamped=parse_token(received.token).gen_time,
    )


def _message(contents: bytes) -> bytes:
    """The CMS in a signature's room, without the zeros after it, in whatever form it came (the verifier has passed
    it). Raises :class:`DocumentRefused`."""
    try:
        message = contents[: length_of(contents)]
        read_message(message)
    except (UnreadableMessage, ValueError) as error:
        raise DocumentRefused(
            "odd-signature", "The signature could not be read; choose PAdES in your software."
        ) from error
    return message


def _path(message: bytes, found: SignatureReport) -> tuple[tuple[x509.Certificate, ...], x509.Certificate]:
    """The certificates in the message that are on the path that was found good, and the signer's."""
    carried = {}
    for each in read_message(message).certificates:
        if (certificate := read_certificate(each)) is not None:  # what cannot be read is on no path
            carried[certificate.fingerprint(hashes.SHA256()).hex()] = certificate
    path = tuple(carried[each.fingerprint] for each in found.path if each.fingerprint in carried)
    signer = carried.get(found.path[0].fingerprint) if found.path else None
    if signer is None:
        raise DocumentRefused(
            "no-certificate", "The signature does not carry its certificate; choose to include it when you sign."
        )
    return path, signer


def _require_named(party: Party, certificate: x509.Certificate) -> None:
    """The certificate names the organisation that is a party, or the person where they sign for none."""
    name = name_in(certificate)
    if party.organisation:
        if same_organisation(name.organisation, party.organisation):
            return
        raise DocumentRefused(
            "wrong-signer",
            "The certificate is of {found}, and {organisation} is to sign; sign with a certificate of theirs.",
            found=name.organisation or shown_name(certificate),
            organisation=party.organisation,
        )
    if not same_name(name.common_name, party.name):
        raise DocumentRefused(
            "wrong-signer",
            "The certificate is of {found}, and {name} is to sign; sign with a certificate of theirs.",
            found=name.common_name or shown_name(certificate),
            name=party.name,
        )


def _crl(content: bytes) -> bytes:
    """The revocation list (DER) in an uploaded file. Raises :class:`PreconditionRefused`."""
    refusal = PreconditionRefused("The revocation list is none (CRL in DER or PEM), or too large.")
    if len(content) > LARGEST_LIST:
        raise refusal
    with _turning(refusal):
        pem = content.lstrip().startswith(b"-----BEGIN")
        read = x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
        return read.public_bytes(Encoding.DER)


@contextmanager
def _turning(refusal: PreconditionRefused) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise refusal from error


def _not_good(reason: Sentence | None) -> DocumentRefused:
    if reason is None:
        return DocumentRefused("not-good", "The signature could not be verified; sign the file once more.")
    return DocumentRefused("not-good", reason.template, **reason.values)
