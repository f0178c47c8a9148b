"""Renewing archive timestamps before they stop proving anything (PAdES B-LTA; EN 319 142-1, 5.5).

A document timestamp proves what lies before it for as long as its certificate is good and its algorithms count.
The next one is put over it, with fresh revocation lists, in one more incremental revision, while it still holds.

Key ceremonies are recorded in the log, so that changing the authority's record of one would show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.config import KeepingSettings
from appliance.contracts.completion import MAX_VERIFIER_ATTEMPTS, require_archived
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.contracts.finalisation import Archived, Archiving
from appliance.errors import ApplianceError, ResultRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.contract import Contract, ContractRevision, ContractState, RevisionKind
from appliance.model.notice import NoticeKind
from appliance.office.notifying import notify_officers
from appliance.pdf.byte_ranges import newest_contents
from appliance.pdf.values import ValidationMaterial
from appliance.store import archive_renewals, contracts, ledger, retention
from appliance.store.database import Database
from appliance.timestamping.issuing import horizon_of_certificate, horizon_of_token, signer_of_token
from appliance.verification.own_anchors import verifier_of
from hsm import der
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey
from hsm.intents import instant
from hsm.operation_types import HeldCeremony

KEPT = (ContractState.COMPLETED, ContractState.VOIDED)
"""A voided contract is kept like any other: that it was signed, and voided, may have to be shown."""

SLICE = 20.0
"""Seconds that one round takes at most; what is left is due at the next."""

MOST = 500
"""Contracts that one round looks up."""

Materials = dict[x509.Certificate, ValidationMaterial]
"""By the timestamp key that is succeeded: the same for thousands of contracts in one round."""

_FIRST_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RenewalRound:
    """What a round did: contracts read for the first time, renewed, and failed (to be tried again)."""

    read: int = 0
    renewed: int = 0
    failed: int = 0


class RenewalAttempts:
    """Works through what is due in one table, and notes what fails with the time of its next try."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        table: archive_renewals.KeptTable,
        last_retry: timedelta = timedelta(days=1),
        faults: tuple[type[Exception], ...] = (ApplianceError, UnknownKey),
    ) -> None:
        """*last_retry* is the longest time until the next try, *faults* are noted, and all else is raised."""
        self._database, self._now, self._table, self._last_retry = database, now, table, last_retry
        self._faults = faults

    def each(self, numbers: Sequence[str], work: Callable[[str], object], until: float) -> tuple[int, int]:
        """Done and failed, of as many as there is time for (monotonic seconds), but one at least: each round gets
        on."""
        done = failed = 0
        for number in numbers:
            if done + failed and time.monotonic() > until:
                break
            ok = self.attempt(number, work)
            done, failed = done + ok, failed + (not ok)
        return done, failed

    def attempt(self, number: str, work: Callable[[str], object]) -> bool:
        """Whether it was done. Raises what is no fault of that one."""
        try:
            work(number)
        except self._faults as error:
            with self._database.transaction() as tx:
                attempts = archive_renewals.attempts(tx, number, of=self._table)
                wait = min(_FIRST_RETRY * 2 ** min(attempts, 10), self._last_retry)
                again = self._now() + wait
                archive_renewals.fail(tx, number, reason=str(error), retry_at=again, of=self._table)
            return False
        return True


class ArchiveRenewal:
    """Run by the scheduler. Any number may run at once: only a commit upon the revision that was read counts."""

    def __init__(self, records: ContractRecords, backend: SigningBackend, settings: KeepingSettings) -> None:
        self._records = records
        self._backend = backend
        self._settings = settings
        self._archiving = Archiving(backend)
        self._attempts = RenewalAttempts(records.database, records.now, archive_renewals.CONTRACTS)

    def run_round(self) -> RenewalRound:
        """One slice of what is due, most urgent first.

        1. horizons that nobody knows yet are read from their documents;
        2. due is what ends within the lead, if a timestamp made now would hold longer: else a new timestamp key is
           wanted first, and one more would only make the file longer;
        3. each is renewed, or its failure is noted with the time of the next try.

        Raises :class:`hsm.errors.AuthorityError` when the authority does not answer: that is no contract's fault.
        """
        until, now = time.monotonic() + SLICE, self._records.now()
        unread = self._records.database.query(archive_renewals.unread, now, limit=MOST)
        read, unreadable = self._attempts.each(unread, self._read, until)
        limit = self.due_before(now)
        due = self._records.database.query(archive_renewals.due, limit, self._settings.ends, now=now, limit=MOST)
        if not due:
            return RenewalRound(read, 0, unreadable)
        materials: Materials = {}
        renew = partial(self.renew_contract, materials=materials)
        renewed, failed = self._attempts.each(due, renew, until)
        return RenewalRound(read, renewed, unreadable + failed)

    def due_before(self, now: datetime) -> datetime:
        """Contracts that stop being proven before this are due, and better off with a timestamp made *now*."""
        certificate = x509.load_der_x509_certificate(self._backend.authority.certificate("tsa"))
        reached = horizon_of_certificate(certificate).end(self._settings.ends)
        return min(now + self._settings.lead, reached)

    def renew_contract(self, contract_id: str, materials: Materials | None = None) -> Contract:
        """The contract with one more archive timestamp, or as it is when somebody else was faster. *materials* is
        what was asked for just now, to be used again.

        1. the document gets one more revision; what was there is an exact prefix of it;
        2. the verifier that strangers use passes it, every signature at B-LTA: after the last timestamp has run
           out it no longer would, and nothing is released;
        3. the bytes go to the blob store;
        4. revision, horizon and log entry are one transaction, upon the revision that was read.

        Raises :class:`ResultRefused`, and what the parts raise.
        """
        contract = self._records.database.query(contracts.load_contract, contract_id)
        if not _is_kept(contract):
            self._let_go(contract_id)
            return contract
        document = self._backend.blobs.get(contract.current.digest)
        last = _last_token(document, contract)
        archived = self._archiving.extend(document, self._material(last, {} if materials is None else materials))
        verifier = verifier_of(self._records.database, self._backend.verifier, contract.id)
        require_archived(verifier.verify_pdf(archived.document, readers=MAX_VERIFIER_ATTEMPTS), contract)
        return self._commit(contract, archived, self._backend.blobs.put(archived.document))

    def _material(self, last: bytes, known: Materials) -> ValidationMaterial:
        """What the authority says now, also about the key that made the *last* token."""
        signer = signer_of_token(last)
        if signer not in known:
            known[signer] = self._archiving.later_material(signer.public_bytes(Encoding.DER))
        return known[signer]

    def _commit(self, contract: Contract, archived: Archived, digest: str) -> Contract:
        number, size = contract.current.number + 1, len(archived.document)
        revision = ContractRevision(number, RevisionKind.ARCHIVE, digest, size, archived.at)
        public: dict[str, Field] = {"revision": number, "digest": digest, "size": size}
        event = AuditEvent(EventKind.ARCHIVE_RENEWED, archived.at, SYSTEM, contract.id, public)
        with self._records.database.transaction() as tx:
            seen = contracts.load_contract(tx, contract.id)
            if not _is_kept(seen) or seen.current.number != contract.current.number:
                retention.mark_for_removal(
                    tx, [digest], since=self._records.now()
                )  # disposed of, or renewed by another, meanwhile
                return seen
            contracts.add_revision(tx, seen, revision, state=seen.state)
            archive_renewals.save_horizon(tx, contract.id, number, archived.horizon)
            append_event(tx, event)  # what the parties see is unchanged: no new version, no place in lists
            return contracts.load_contract(tx, contract.id)

    def _read(self, contract_id: str) -> None:
        contract = self._records.database.query(contracts.load_contract, contract_id)
        if not _is_kept(contract):
            self._let_go(contract_id)
            return
        horizon = horizon_of_token(_last_token(self._backend.blobs.get(contract.current.digest), contract))
        with self._records.database.transaction() as tx:
            known = archive_renewals.status_of(tx, contract_id)
            if known is not None and known.horizon is None:
                archive_renewals.save_horizon(tx, contract_id, contract.current.number, horizon)

    def _let_go(self, contract_id: str) -> None:
        self._records.database.commit(archive_renewals.drop, contract_id)


def _is_kept(contract: Contract) -> bool:
    return contract.state in KEPT and contract.disposed is None


def _last_token(document: bytes, contract: Contract) -> bytes:
    if contract.current.kind is not RevisionKind.ARCHIVE or len(contract.revisions) < 2:
        raise ResultRefused("The contract does not end with an archive timestamp.")
    return der.first(newest_contents(document, since=contract.revisions[-2].size))


class CeremonyRecords:
    """Puts into the log what is not there yet. Thread-safe."""

    def __init__(self, database: Database, authority: AuthorityClient, now: Callable[[], datetime]) -> None:
        self._database = database
        self._authority = authority
        self._now = now

    def record_ceremonies(self) -> None:
        """One look. Raises :class:`hsm.errors.AuthorityError` when the authority does not answer."""
        held = self._authority.ceremonies()
        known = self._database.query(ledger.ceremonies_in_log)
        if new := [each for each in held if each.number not in known]:
            with self._database.transaction() as tx:
                for each in new:
                    if each.recovers_officers:
                        notify_officers(tx, NoticeKind.OFFICER_RECOVERY, self._now(), about=str(each.number))
                    ledger.insert_ceremony_entry(tx, each.number, append_event(tx, self._event(each)))

    def _event(self, held: HeldCeremony) -> AuditEvent:
        public: dict[str, Field] = {
            "ceremony": held.number,
            "held": instant(held.held),
            "name": held.name,
            "transcript": held.sha256.hex(),
        }
        return AuditEvent(EventKind.KEY_CEREMONY, self._now(), SYSTEM, None, public)
