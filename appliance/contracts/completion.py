"""Timestamp a signature, the end of sign; and complete it: embed, verify as strangers would, commit at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping

from appliance.contracts import authorisation_basis
from appliance.contracts.access import record_change
from appliance.contracts.batches import together_fields
from appliance.contracts.crash_safety import Failpoint
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.preconditions import (
    SigningContext,
    require_acceptances,
    require_current,
    require_preconditions,
    signing_party,
)
from appliance.contracts.rules import after_signature
from appliance.errors import ApplianceError, PreconditionRefused, ResultRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractRevision, Party, PartyState, RevisionKind
from appliance.model.intent import IntentRecord, IntentState, OutsideStamp
from appliance.pdf.values import PreparedRevision
from appliance.signing_methods import SigningMethod
from appliance.store import contracts, intents
from appliance.store.database import Transaction
from appliance.store.intents import COMPLETED
from appliance.timestamping import OutsideToken
from appliance.verification import Indication, Level, SignatureReport, VerificationReport
from appliance.verification.own_anchors import verifier_of
from hsm import cms
from hsm.cms import add_signature_timestamp, signature_value
from hsm.intents import instant
from hsm.timestamp import parse_token

MAX_VERIFIER_ATTEMPTS = 3
"""A signature is not thrown away because something ended the process that read the result, once or twice."""


class Completion:
    """The last step for one signer. It may be repeated: a completed intent gives the contract as it stands."""

    def __init__(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend

    def complete(self, intent_id: str) -> Contract:
        """The contract with the new revision.

        When the result cannot stand (stale, a precondition gone, not verified) the intent is abandoned, the
        signature never leaves this machine, and the reason is raised. When a part does not answer (clock, disk),
        the intent stays, and the recovery or another call completes it.
        """
        with self._records.database.reading() as tx:
            record = intents.load_intent(tx, intent_id)
            contract = contracts.load_contract(tx, record.intent.contract)
        if record.state is IntentState.COMPLETED:
            return contract
        if record.state is IntentState.SIGNED and record.cms is not None:
            record = self.stamp(record, contract, record.cms)
        if record.state is not IntentState.STAMPED:
            raise StateRefused(
                "The signature {intent} is {state}, so there is nothing to complete.",
                intent=record.id,
                state=record.state,
            )
        return self.complete_stamped(record, contract)

    def complete_stamped(self, record: IntentRecord, contract: Contract) -> Contract:
        """As :meth:`complete`, for a timestamped signature; *contract* is the one whose revision was signed."""
        try:
            return self._finish(record, contract)
        except (PreconditionRefused, ResultRefused, StateRefused) as refusal:
            self._records.database.commit(intents.abandon, record.id, str(refusal))
            raise

    def stamp(self, record: IntentRecord, contract: Contract, signed: bytes) -> IntentRecord:
        """The intent with a timestamp over the value of its signature in *signed* (CMS, DER), on disk.

        A second one of the authority outside is beside it where one is configured, answers, and the result still
        passes with it.
        """
        value, outside = signature_value(signed), self._backend.outside
        wait = None if outside is None else outside.start_fetching(value)
        token = self._backend.timestamps.issue_token(hashlib.sha256(value).digest())
        stamped, became = self._with_second(record, contract, add_signature_timestamp(signed, token), wait)
        self._backend.reach(Failpoint.TIMESTAMP_RECEIVED)
        with self._records.database.transaction() as tx:
            intents.save_stamped(tx, record.id, cms=stamped, at=parse_token(token).gen_time, outside=became)
            record = intents.load_intent(tx, record.id)
        self._backend.reach(Failpoint.TIMESTAMP_PERSISTED)
        return record

    def _with_second(
        self, record: IntentRecord, contract: Contract, dated: bytes, wait: Callable[[], OutsideToken] | None
    ) -> tuple[bytes, OutsideStamp | None]:
        """*dated*, and the second timestamp where that came and fits; and what became of it."""
        if wait is None:
            return dated, None
        found = wait()
        if found.stamp is not OutsideStamp.DATED:
            return dated, found.stamp
        twice = add_signature_timestamp(dated, found.token)
        try:
            self._verified(record, contract, twice, readers=1)
        except ApplianceError:
            return dated, OutsideStamp.WRONG
        return twice, OutsideStamp.DATED

    def _finish(self, record: IntentRecord, contract: Contract) -> Contract:
        require_current(contract, record)
        document = self._verified(record, contract, record.cms or b"", readers=MAX_VERIFIER_ATTEMPTS)
        self._backend.reach(Failpoint.RESULT_VERIFIED)
        digest = self._backend.blobs.put(document)
        self._backend.reach(Failpoint.RESULT_STORED)
        revision = ContractRevision(
            number=contract.current.number + 1,
            kind=RevisionKind.SIGNATURE,
            digest=digest,
            size=len(document),
            at=record.stamped or self._records.now(),
            party=record.intent.party,
        )
        with self._records.database.transaction() as tx:
            completed = self._commit(tx, record, contract, revision)
            self._backend.reach(Failpoint.COMPLETION_WRITTEN)
        self._backend.reach(Failpoint.COMPLETION_COMMITTED)
        return completed

    def _verified(self, record: IntentRecord, contract: Contract, signed: bytes, *, readers: int) -> bytes:
        """The document with the CMS *signed*, when our own verifier passes it. Raises :class:`ResultRefused`."""
        base = self._backend.blobs.get(contract.current.digest)
        prepared = PreparedRevision(base + record.suffix, record.intent.digest, record.contents)
        document = self._backend.workshop.embed(prepared, signed)
        require_signed(self._report(contract, base, document, readers), contract, record.intent.field)
        return document

    def _report(self, contract: Contract, base: bytes, document: bytes, readers: int) -> VerificationReport:
        """What the verifier says of *document*.

        A revision with a signature was put on record by :meth:`_finish`, by the digest of the very bytes that had
        passed. On top of it only the new revision is judged, unless there are signatures of strangers, whose
        document need not have been TOTAL-PASSED. Finalisation, export and ``/verify`` judge everything.
        """
        current = contract.current
        verifier = verifier_of(self._records.database, self._backend.verifier, contract.id)
        if current.kind is RevisionKind.SIGNATURE:
            report = verifier.verify_increment(current.digest, base, document, readers=readers)
            if {signature.field for signature in report.signatures} <= {party.field for party in contract.parties}:
                return report
        return verifier.verify_pdf(document, readers=readers)

    def _commit(
        self, tx: Transaction, record: IntentRecord, contract: Contract, revision: ContractRevision
    ) -> Contract:
        """Everything that the signature changes. *contract* is as it was before; what it is now is returned."""
        seen = contracts.load_contract(tx, contract.id)
        party = signing_party(seen, record.intent)
        signing = SigningContext(seen, party, self._records.now())
        require_preconditions(self._rules.preconditions, tx, signing)
        basis = self._rules.basis_finder.find_basis(tx, signing)
        rests_on = authorisation_basis.save_basis(tx, record.id, COMPLETED, basis)
        rests_on["agreement"] = self._agreement(tx, signing)
        contracts.add_revision(tx, contract, revision, state=seen.state_after(party))
        contracts.mark_signed(tx, contract, party, revision.at)
        intents.complete(tx, record.id)
        intents.abandon_prepared(tx, contract.id, "another party signed first")
        public: dict[str, Field] = {
            **_activation(record, revision),
            **_outside(record, revision),
            **together_fields(record.together),
            **rests_on,
        }
        private = {
            "values": "; ".join(f"{label}: {value}" for label, value in record.intent.values) or None,
            "location": record.origin.location,
        }
        event = signed_event(record, party, revision, public, private)
        completed = record_change(tx, contract, event)
        self._records.notify(tx, after_signature(seen, completed, party, self._records.now()))
        return completed

    def _agreement(self, tx: Transaction, signing: SigningContext) -> str:
        """The log's entries of the acceptances on electronic signing that the signature rests on."""
        party, version = signing.party, self._rules.agreement.version
        entries = require_acceptances(tx, party.subject, party.side, signing.contract.other_sides(party), version)
        return " ".join(map(str, entries))


def signed_event(
    record: IntentRecord,
    party: Party,
    revision: ContractRevision,
    public: Mapping[str, Field],
    private: Mapping[str, str | None],
) -> AuditEvent:
    """That *party* has signed, with what is *public* and *private* besides what each signature has."""
    return AuditEvent(
        kind=EventKind.PARTY_SIGNED,
        contract=record.intent.contract,
        at=revision.at,
        actor=party.responsible,
        public={
            "party": party.id,
            "field": party.field,
            "signer": party.subject,
            "signed": record.intent.digest.hex(),
            "revision": revision.number,
            "digest": revision.digest,
            "size": revision.size,
            **({} if party.method is None else {"method": party.method.value}),
            **public,
        },
        private={
            "name": party.name,
            "organisation": party.organisation,
            "title": record.intent.title or None,
            "address": record.origin.address,
            **private,
        },
    )


def _activation(record: IntentRecord, revision: ContractRevision) -> dict[str, str]:
    """How it was activated, as the authority has signed it, with the time of the signature; the name says which.
    Nothing where an earlier release of the authority did not say."""
    way = cms.parse(record.cms or b"").activation()
    return {} if way is None else {f"activated_{way.replace('-', '_')}": instant(revision.at)}


def _outside(record: IntentRecord, revision: ContractRevision) -> dict[str, str]:
    """The second timestamp with its time, or why there is none, with that of the first; the name says which."""
    if record.outside is None:
        return {}
    own = instant(revision.at)
    times = {instant(parse_token(token).gen_time) for token in cms.parse(record.cms or b"").timestamps()}
    return {f"outside_{record.outside}": next(iter(times - {own}), own)}


def require_signed(
    report: VerificationReport, contract: Contract, field: str, *, dated_by_document: Collection[str] = ()
) -> None:
    """The signature in *field* and those before it are good and dated.

    1. every signature of the contract, the new one included, is there and TOTAL-PASSED;
    2. each has a timestamp (B-T at least); one that was made elsewhere, or is in a field of *dated_by_document*,
    has one over the whole document;
    3. signatures that the document brought along are not broken by ours: they may be of people whom we do not
       know (INDETERMINATE), but not TOTAL-FAILED;
    4. the document as a whole is TOTAL-PASSED, or INDETERMINATE for such strangers alone.

    Raises :class:`ResultRefused` with the verifier's reason.
    """
    fields = {party.field for party in contract.parties if party.state is PartyState.SIGNED} | {field}
    dated = {*dated_by_document, *_made_elsewhere(contract)}
    _require(report, fields, {Level.T, Level.LT, Level.LTA}, dated)


def require_archived(report: VerificationReport, contract: Contract) -> None:
    """Like :func:`require_signed` for all parties, each at level B-LTA; of those that were made elsewhere nobody
    may have told whether their certificates were revoked. Raises :class:`ResultRefused`."""
    _require(report, {party.field for party in contract.parties}, {Level.LTA}, _made_elsewhere(contract))


def _made_elsewhere(contract: Contract) -> set[str]:
    return {each.field for each in contract.parties if each.method is SigningMethod.OWN_CERTIFICATE}


def _require(report: VerificationReport, fields: set[str], levels: set[Level], dated: set[str]) -> None:
    ours = [signature for signature in report.signatures if signature.field in fields]
    strangers = [
        signature
        for signature in report.signatures
        if signature.field not in fields and signature.verdict.indication is not Indication.PASSED
    ]
    for missing in fields - {signature.field for signature in ours}:
        raise ResultRefused(
            "The signature in field {field} is not found in the result; nothing was released.", field=missing
        )
    for signature in ours:
        _require_signature(signature, levels, by_document=signature.field in dated)
    for signature in strangers:
        if signature.verdict.indication is Indication.FAILED:
            raise _refused(signature.field, _reason(signature))
    if report.indication is Indication.FAILED or (report.indication is not Indication.PASSED and not strangers):
        raise _refused("–", "; ".join(report.reasons))


def _require_signature(signature: SignatureReport, levels: set[Level], *, by_document: bool) -> None:
    """*by_document*: its time is that of a document timestamp over it, and its level what the material allows."""
    if signature.verdict.indication is not Indication.PASSED:
        raise _refused(signature.field, _reason(signature))
    enough = {Level.T, Level.LT, Level.LTA} if by_document else levels
    if signature.level not in enough or (signature.timestamp is None and not by_document):
        level = signature.level.value if signature.level else "–"
        raise _refused(signature.field, f"level {level}, {' / '.join(sorted(levels))} needed")


def _reason(signature: SignatureReport) -> str:
    return "; ".join(str(reason) for reason in signature.verdict.reasons) or signature.verdict.indication.value


def _refused(field: str | None, why: str) -> ResultRefused:
    return ResultRefused(
        "The result does not pass our own verifier (field {field}: {why}); nothing was released.",
        field=field,
        why=why,
    )
