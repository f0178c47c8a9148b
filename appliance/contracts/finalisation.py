"""Finalisation: after the last signature, validation data and a document timestamp (PAdES B-LTA)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.contracts import rules
from appliance.contracts.access import record_change
from appliance.contracts.amendment_rules import take_effect
from appliance.contracts.completion import MAX_VERIFIER_ATTEMPTS, require_archived
from appliance.contracts.crash_safety import Failpoint
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.contracts.rules import to_everybody
from appliance.errors import ResultRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractRevision, ContractState, RevisionKind
from appliance.model.notice import NoticeKind
from appliance.model.retention import Horizon
from appliance.pdf.values import ValidationMaterial
from appliance.store import anchors, archive_renewals, contracts, people
from appliance.timestamping.issuing import horizon_of_token
from appliance.verification.own_anchors import verifier_of
from hsm.timestamp import parse_token


@dataclass(frozen=True, slots=True)
class Archived:
    """The document as it is then, the time that its new timestamp gives, and how long that one proves it."""

    document: bytes
    at: datetime
    horizon: Horizon


class Archiving:
    """Makes archive revisions, and saves nothing itself. Thread-safe."""

    def __init__(self, backend: SigningBackend) -> None:
        self._backend = backend

    def first_material(self, signers: Iterable[bytes], crls: Iterable[bytes] = ()) -> ValidationMaterial:
        """For a document that was signed just now by *signers* (certificates, DER): all authorities, what is known
        of each signer's and the timestamp key's revocation, and the lists of all CAs, made just now; *crls* are
        those of other houses that came with their signatures."""
        self._backend.authority.issue_crl()
        return self._material(signers, (*self._backend.authority.crls(), *crls))

    def received_material(self, path: Iterable[x509.Certificate], crls: tuple[bytes, ...]) -> ValidationMaterial:
        """For a document that was signed elsewhere, by a certificate with this *path*, and is dated now: that, the
        *crls* that came with it, and all about our timestamp key."""
        own = self._material((), (*self._backend.authority.crls(), *crls))
        others = tuple(each.public_bytes(Encoding.DER) for each in path)
        return ValidationMaterial((*own.certificates, *others), own.crls, own.responses)

    def later_material(self, stamper: bytes) -> ValidationMaterial:
        """For a document whose last timestamp is by the key of *stamper* (certificate, DER), before it runs out.

        Of issuing CAs no list: one that is younger than a signer's expired certificate says nothing about it any
        more (RFC 5280, 5), and validators that take the youngest word (pyHanko) would look no further.
        """
        return self._material([stamper], (self._backend.authority.crl("root"),))

    def _material(self, ends: Iterable[bytes], crls: tuple[bytes, ...]) -> ValidationMaterial:
        authority = self._backend.authority
        certified = tuple(dict.fromkeys([authority.certificate("tsa"), *ends]))
        responses = tuple(authority.ocsp(each) for each in certified)
        return ValidationMaterial((*authority.authorities(), *certified), crls, responses)

    def extend(self, document: bytes, material: ValidationMaterial) -> Archived:
        """*document* with one more revision; every byte of it is still there, in its place."""
        prepared = self._backend.workshop.prepare_archive(document, material)
        self._backend.reach(Failpoint.ARCHIVE_PREPARED)
        token = self._backend.timestamps.issue_token(prepared.digest)
        self._backend.reach(Failpoint.ARCHIVE_STAMPED)
        extended = self._backend.workshop.embed(prepared, token)
        if not extended.startswith(document):
            raise ResultRefused("The archive revision would change what was there before; nothing was released.")
        return Archived(extended, parse_token(token).gen_time, horizon_of_token(token))


def wait_until_after(signed: datetime, now: Callable[[], datetime]) -> None:
    """A revocation list dates itself in whole seconds: one made in the second of the signature would not show
    that the certificate was still good *after* it (EN 319 102-1, 5.2.5)."""
    ready = signed.replace(microsecond=0) + timedelta(seconds=1)
    while (left := (ready - now()).total_seconds()) > 0:
        time.sleep(min(left, 1.0))


class Finalisation:
    """Needs nobody's activation, so it may be repeated until it succeeds; only its commit counts."""

    def __init__(self, records: ContractRecords, backend: SigningBackend) -> None:
        self._records = records
        self._backend = backend
        self._archiving = Archiving(backend)

    def finalise(self, contract_id: str) -> Contract:
        """The completed contract. Raises :class:`StateRefused` unless everybody has signed.

        After any failure the contract stays ``signed``; the scheduler tries again.
        """
        contract = self._records.database.query(contracts.load_contract, contract_id)
        if contract.state is ContractState.COMPLETED:
            return contract
        rules.require_state(contract, ContractState.SIGNED)
        archived = self._archived(contract)
        verifier = verifier_of(self._records.database, self._backend.verifier, contract.id)
        require_archived(verifier.verify_pdf(archived.document, readers=MAX_VERIFIER_ATTEMPTS), contract)
        digest = self._backend.blobs.put(archived.document)
        self._backend.reach(Failpoint.ARCHIVE_STORED)
        number = contract.current.number + 1
        revision = ContractRevision(number, RevisionKind.ARCHIVE, digest, len(archived.document), archived.at)
        completed = self._commit(contract, revision, archived.horizon)
        self._backend.reach(Failpoint.ARCHIVE_COMMITTED)
        return completed

    def _commit(self, contract: Contract, revision: ContractRevision, horizon: Horizon) -> Contract:
        public: dict[str, Field] = {"revision": revision.number, "digest": revision.digest, "size": revision.size}
        event = AuditEvent(EventKind.CONTRACT_COMPLETED, revision.at, SYSTEM, contract.id, public)
        with self._records.database.transaction() as tx:
            seen = contracts.load_contract(tx, contract.id)
            if seen.state is ContractState.COMPLETED:  # another process was faster; its archive stands
                return seen
            contracts.add_revision(tx, contract, revision, state=ContractState.COMPLETED)
            archive_renewals.save_horizon(tx, contract.id, revision.number, horizon)
            completed = record_change(tx, contract, event)
            take_effect(tx, completed, revision.at)
            self._records.notify(tx, to_everybody(completed, NoticeKind.COMPLETED, self._records.now()))
            return completed

    def contracts_waiting(self) -> list[str]:
        """Ids of the contracts that everybody has signed and that are not finalised, as after a crash."""
        return self._records.database.query(contracts.to_finalise)

    def _archived(self, contract: Contract) -> Archived:
        """The document with certificates of every chain, revocation lists, and a document timestamp."""
        wait_until_after(contract.current.at, self._records.now)
        with self._records.database.reading() as tx:
            elsewhere = {own.party: own for own in anchors.signatures_of(tx, contract.id)}
            signers = [
                people.certificate(tx, party.subject) for party in contract.parties if party.id not in elsewhere
            ]
        return self._archiving.extend(
            self._backend.blobs.get(contract.current.digest),
            self._archiving.first_material(signers, [crl for own in elsewhere.values() for crl in own.crls]),
        )
