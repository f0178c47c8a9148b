"""Requests for a seal (用印申请): one person asks and activates, a custodian approves, the seal is used."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from appliance.contracts.access import Command, admit, refresh_lists
from appliance.contracts.batches import joint_activation, together_fields
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.permissions import Permission
from appliance.contracts.preconditions import SigningContext, require_preconditions
from appliance.contracts.signing import SigningService
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.api_clients import require_person
from appliance.model.contract import Contract, PartyKind
from appliance.model.intent import IntentRecord, IntentState, JointActivation
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import SealRequest, SealRequestState
from appliance.seal_requests.status import (
    NO_ANSWER,
    Lapse,
    after_lapse,
    lapse_of,
    require_custodian,
    require_request_reason,
    require_waiting,
    to_custodians,
)
from appliance.store import contracts, intents, outbox, people, seal_requests
from appliance.store.database import Transaction, reads
from hsm.errors import ActivationRefused, ActivationUsed
from hsm.intents import SigningIntent
from hsm.names import visible

_EFFECTS = {
    SealRequestState.REFUSED: (EventKind.SEAL_REFUSED, NoticeKind.SEAL_REFUSED),
    SealRequestState.WITHDRAWN: (EventKind.SEAL_REQUEST_WITHDRAWN, None),
}

NOT_CONFIRMED = "Nothing was done: you did not confirm. Open the page again to confirm."

_GIVEN = (SealRequestState.APPROVED, SealRequestState.USED)


class SealRequests:
    """Nobody can release a seal alone: the authority itself counts the activations. Thread-safe.

    1. The one who asks proposes the use for a reason, and activates a prepared intent
       (:mod:`webui.activation`): the authority remembers it, then the request is on disk. Of another company's
       seal, who asks and keeps it has approved it, too.
    2. A custodian activates the same intent, or two where policy or the seal demands it: remembered too, then each
       approval is on disk.
    3. The signature is made from what the authority remembers. A process that dies before may be followed by any
       other call of :meth:`approve` or :meth:`finish`: nobody has to activate again.

    A request that ends is withdrawn at the authority first, so that no approval of it counts, and then recorded.
    When the authority does not answer, the request stays as it was. A process that dies in between may be followed
    by the same call.
    """

    def __init__(
        self, records: ContractRecords, rules: SigningRules, backend: SigningBackend, signing: SigningService
    ) -> None:
        self._records = records
        self._database = records.database
        self._rules = rules
        self._backend = backend
        self._signing = signing

    def propose(self, intent_id: str, *, by: str, reason: str) -> IntentRecord:
        """The prepared intent with the *reason* for which *by* asks for the seal, before they activate it.

        With another reason it is another intent, and has a nonce of its own. A request that was made keeps its
        reason. Raises :class:`StateRefused`, :class:`PreconditionRefused`.
        """
        words = require_request_reason(visible(reason))
        self._withdraw_proposed(intent_id, words, by)
        with self._records.database.transaction() as tx:
            record = intents.load_intent(tx, intent_id)
            self._require_askable(tx, record, by)
            if record.intent.reason != words and seal_requests.of_intent(tx, intent_id) is None:
                renewed = replace(record.intent, reason=words, nonce=secrets.token_bytes(16))
                intents.save_seal_reason(tx, intent_id, renewed)
            return intents.load_intent(tx, intent_id)

    def keep_reason(self, intent_id: str, *, reason: str) -> None:
        """Remembers, with a person's own prepared intent, for what they ask for a seal straight after they have
        signed; for an empty *reason* they ask for none. Raises :class:`PreconditionRefused`."""
        words = visible(reason)
        kept = require_request_reason(words) if words else None
        self._database.commit(intents.save_next_reason, intent_id, kept)

    def ask(self, intent_id: str, *, by: str) -> SealRequest:
        """The request of *by*, who has activated the intent that was proposed; the custodians are told.

        The same intent again gives the same request. Who keeps another company's seal and asks for it has released
        it with that, when it takes nobody else: the signature is made at once. Raises :class:`StateRefused` (not
        activated is one), :class:`PreconditionRefused`.
        """
        with self._records.database.reading() as tx:
            record = intents.load_intent(tx, intent_id)
            asked = seal_requests.of_intent(tx, intent_id)
            if asked is None or asked.requester != by:
                self._require_askable(tx, record, by)
        if asked is not None:
            return asked
        reason = require_request_reason(record.intent.reason or record.seal_reason or "")
        joint = self._require_activated(record, by)
        with self._records.database.transaction() as tx:
            asked = seal_requests.of_intent(tx, intent_id)
            if asked is not None:
                return asked
            contract = self._require_askable(tx, intents.load_intent(tx, intent_id), by)
            request = _request(contract, record, reason, self._records.now())
            self._keep_asked(tx, request, record, joint)
            asked = seal_requests.load_request(tx, request.id)
        if asked.state is SealRequestState.APPROVED:
            self.finish(asked.id)
            return self.get(asked.id)
        return asked

    def approve(self, request_id: str, *, by: str) -> Contract:
        """After a custodian, *by*, has activated it; with enough of them the signature is made at once. The
        contract as it then is.

        Raises :class:`StateRefused` (not activated, or the request no longer waits), :class:`PreconditionRefused`
        (not by this person, or not now).
        """
        with self._records.database.reading() as tx:
            request = seal_requests.load_request(tx, request_id)
            record = intents.load_intent(tx, request.intent)
            require_custodian(tx, request, by)
        if request.state is SealRequestState.WAITING:
            self.require_usable(request)
            self._keep_approval(request, by, self._require_activated(record, by))
            request = self.get(request_id)
            if request.state is SealRequestState.WAITING:
                command = Command(request.contract, Permission.READ, by, self._records.now())
                return self._records.database.query(admit, command)
        elif request.state not in _GIVEN or by not in request.approved_by:
            raise StateRefused("This request has been answered already; look at what became of it.")
        return self.finish(request_id)

    def finish(self, request_id: str) -> Contract:
        """The signature of an approved request; one that was made already gives the contract as it stands.

        Raises :class:`StateRefused` when it cannot be made any more; both sides are told then.
        """
        request = self._records.database.query(seal_requests.load_request, request_id)
        if request.state not in _GIVEN:
            raise StateRefused("This request is not approved, so the seal is not used.")
        try:
            contract = self._signing.finish(request.intent)
        except (ActivationRefused, PreconditionRefused, StateRefused):
            self._settle(request, Lapse.NOT_MADE)
            raise
        self._records.database.commit(seal_requests.close, request.id, SealRequestState.USED)
        return contract

    def refuse(self, request_id: str, *, by: str, reason: str) -> SealRequest:
        """A custodian says no, with a reason; the requester is told and may ask again."""
        words = require_request_reason(reason, NO_ANSWER)
        with self._records.database.reading() as tx:
            request = seal_requests.load_request(tx, request_id)
            require_custodian(tx, request, by)
        return self._decide(request, SealRequestState.REFUSED, by=by, answer=words)

    def take_back(self, request_id: str, *, by: str) -> SealRequest:
        """The first of two custodians takes their approval back while the other one's is missing; they may approve
        again. Once more, it changes nothing.

        Raises :class:`StateRefused` when the request has been answered, :class:`PreconditionRefused` for anybody
        who has not approved it.
        """
        request = self.get(request_id)
        if request.state is SealRequestState.WAITING and by in request.approved_by:
            self._backend.authority.take_back_approval(self.act(request), by)
        with self._records.database.transaction() as tx:
            seen = seal_requests.load_request(tx, request_id)
            require_waiting(seen)
            require_custodian(tx, seen, by)
            if seal_requests.take_back(tx, request_id, by):
                _record_event(tx, seen, EventKind.SEAL_APPROVAL_TAKEN_BACK, self._records.now(), by, {})
            return seal_requests.load_request(tx, request_id)

    def withdraw(self, request_id: str, *, by: str) -> SealRequest:
        """The one who asked takes the request back. Raises :class:`PreconditionRefused` for anybody else."""
        require_person()
        request = self._records.database.query(seal_requests.load_request, request_id)
        if request.requester != by:
            raise PreconditionRefused("Only the one who asked for the seal takes the request back.")
        return self._decide(request, SealRequestState.WITHDRAWN, by=by)

    def _withdraw_proposed(self, intent_id: str, words: str, by: str) -> None:
        """Withdraws what *by* may have activated for another reason than *words*, and never asked for."""
        with self._records.database.reading() as tx:
            record, asked = intents.load_intent(tx, intent_id), seal_requests.of_intent(tx, intent_id)
            self._require_askable(tx, record, by)
        if asked is None and record.intent.reason not in ("", words):
            self._backend.authority.withdraw(record.intent)

    def _require_askable(self, tx: Transaction, record: IntentRecord, subject: str) -> Contract:
        """The contract, when the intent is a seal's, still open, and *subject* is the one who asks."""
        contract = contracts.load_contract(tx, record.intent.contract)
        party = contract.require_party(record.intent.party)
        if party.kind is not PartyKind.SEAL or party.requester != subject:
            raise PreconditionRefused("Only the one who asks for a seal makes a request for it.")
        require_preconditions(self._rules.preconditions, tx, SigningContext(contract, party, self._records.now()))
        stale = record.state is not IntentState.PREPARED or contract.current.number != record.base
        if stale or self._records.now() >= record.intent.expires:
            raise StateRefused("The document has changed or the time is over; prepare it again.")
        return contract

    def _require_activated(self, record: IntentRecord, subject: str) -> JointActivation | None:
        """In which batch *subject* has activated it, None for alone. Raises :class:`StateRefused`."""
        told = self._backend.authority.approvals(record.intent)
        if subject not in told.given:
            raise StateRefused(NOT_CONFIRMED)
        return joint_activation(told, subject)

    def require_usable(self, request: SealRequest) -> None:
        """Everything that the signature will ask for holds now. What cannot be used any more is closed."""
        now = self._records.now()
        with self._records.database.reading() as tx:
            lapse = lapse_of(tx, request, now)
            if lapse is None:
                contract = contracts.load_contract(tx, request.contract)
                party = contract.require_party(request.party)
                require_preconditions(self._rules.preconditions, tx, SigningContext(contract, party, now))
        if lapse is not None:
            self.lapse(request, lapse)
            raise StateRefused(lapse.value)

    get = reads(seal_requests.load_request)

    def act(self, request: SealRequest) -> SigningIntent:
        """What both activate."""
        return self._records.database.query(intents.load_intent, request.intent).intent

    of_party = reads(seal_requests.of_party)
    of_intent = reads(seal_requests.of_intent)
    for_custodian = reads(seal_requests.for_custodian)
    by_requester = reads(seal_requests.of_requester)
    waiting_for = reads(seal_requests.waiting_for)

    def may_answer(self, seal: str, requester: str, subject: str) -> bool:
        """Whether *subject* answers a request of *requester* for *seal*: a custodian, and not the one who asks."""
        with self._records.database.reading() as tx:
            return subject != requester and subject in people.seal(tx, seal).custodians

    def sweep(self) -> int:
        """Closes what can no longer be used (expired, stale, contract ended), and tells; how many."""
        open_requests = self._records.database.query(seal_requests.open_requests)
        return sum(self._settle(request) for request in open_requests)

    def lapse(self, request: SealRequest, lapse: Lapse) -> None:
        """Ends *request* without an answer; nothing happens when it is closed already. Raises
        :class:`AuthorityError` when the authority does not answer."""
        now = self._records.now()
        if request.open and now < request.expires:
            with suppress(ActivationUsed):  # a signature that was lost: it is used, and nobody has it
                self._backend.authority.withdraw(self.act(request))
        with self._records.database.transaction() as tx:
            seen = seal_requests.load_request(tx, request.id)
            if not seen.open:
                return
            if seen.state is SealRequestState.WAITING:
                seal_requests.decide(tx, seen, SealRequestState.LAPSED, at=now, answer=lapse.value)
            else:
                seal_requests.close(tx, seen.id, SealRequestState.LAPSED, answer=lapse.value)
            intents.abandon_if_prepared(tx, seen.intent, lapse.value)
            _record_event(tx, seen, EventKind.SEAL_REQUEST_LAPSED, now, SYSTEM, {})
            refresh_lists(tx, seen.contract)
            _enqueue(tx, after_lapse(tx, seen, now))

    def _settle(self, request: SealRequest, otherwise: Lapse | None = None) -> bool:
        """Closes *request* as its intent and contract say; for *otherwise* when they say nothing."""
        with self._records.database.reading() as tx:
            state = intents.load_intent(tx, request.intent).state
            lapse = lapse_of(tx, request, self._records.now()) or otherwise
        if state is IntentState.COMPLETED:
            return self._records.database.commit(seal_requests.close, request.id, SealRequestState.USED)
        if lapse is not None and state in (IntentState.PREPARED, IntentState.ABANDONED):
            self.lapse(request, lapse)
            return True
        return False

    def _keep_asked(
        self, tx: Transaction, request: SealRequest, record: IntentRecord, joint: JointActivation | None
    ) -> None:
        seal_requests.insert_request(tx, request)
        private: dict[str, Field] = {"reason": request.reason, "address": record.origin.address}
        more: dict[str, Field] = {"digest": record.intent.digest.hex(), **together_fields(joint)}
        _record_event(tx, request, EventKind.SEAL_REQUESTED, request.asked, request.requester, private, **more)
        refresh_lists(tx, request.contract)
        if people.seal(tx, request.seal).counts_as_custodian(request.requester):
            seal_requests.approve(tx, request.id, request.requester, request.asked)
            self._count(tx, seal_requests.load_request(tx, request.id), request.requester, joint)
        if seal_requests.load_request(tx, request.id).state is SealRequestState.WAITING:
            _enqueue(tx, to_custodians(tx, request, request.asked))

    def _keep_approval(self, request: SealRequest, by: str, joint: JointActivation | None) -> None:
        """*by* has approved, as the only custodian or as one of two; the same approval again changes nothing.

        Raises :class:`StateRefused` when the request has been answered otherwise.
        """
        now = self._records.now()
        with self._records.database.transaction() as tx:
            seen = seal_requests.load_request(tx, request.id)
            if by in seen.approved_by and len(seen.approved_by) < seen.needed:
                return
            if seen.state is SealRequestState.WAITING:
                seal_requests.approve(tx, request.id, by, now)
                self._count(tx, seal_requests.load_request(tx, request.id), by, joint)
            elif by not in seen.approved_by:
                raise StateRefused("This request has been answered already; look at what became of it.")

    def _count(self, tx: Transaction, request: SealRequest, by: str, joint: JointActivation | None) -> None:
        now = self._records.now()
        enough = len(request.approved_by) >= request.needed
        kind = EventKind.SEAL_APPROVED if enough else EventKind.SEAL_HALF_APPROVED
        digest = intents.load_intent(tx, request.intent).intent.digest.hex()
        more: dict[str, Field] = {"digest": digest, "needed": request.needed, **together_fields(joint)}
        _record_event(tx, request, kind, now, by, {}, **more)
        if not enough:
            return
        seal_requests.decide(tx, request, SealRequestState.APPROVED, at=now, by=by)
        if by != request.requester:
            notice = Notice(request.contract, request.requester, NoticeKind.SEAL_APPROVED, now, request.id)
            _enqueue(tx, [notice])

    def _decide(
        self, request: SealRequest, state: SealRequestState, *, by: str, answer: str | None = None
    ) -> SealRequest:
        """waiting → *state*. Raises :class:`StateRefused` when somebody was faster."""
        require_waiting(request)
        self._backend.authority.withdraw(self.act(request))
        now = self._records.now()
        event, notice = _EFFECTS[state]
        with self._records.database.transaction() as tx:
            seal_requests.decide(tx, request, state, at=now, by=by, answer=answer)
            intents.abandon_if_prepared(tx, request.intent, f"the request for the seal is {state.value}")
            _record_event(tx, request, event, now, by, {"reason": answer})
            refresh_lists(tx, request.contract)
            if notice is not None:
                _enqueue(tx, [Notice(request.contract, request.requester, notice, now, request.id)])
            return seal_requests.load_request(tx, request.id)


def _request(contract: Contract, record: IntentRecord, reason: str, now: datetime) -> SealRequest:
    party = contract.require_party(record.intent.party)
    return SealRequest(
        id=secrets.token_hex(12),
        contract=contract.id,
        party=party.id,
        seal=party.subject,
        requester=party.responsible,
        reason=reason,
        intent=record.id,
        state=SealRequestState.WAITING,
        asked=now.replace(microsecond=0),  # as it is kept
        expires=record.intent.expires,
        needed=record.intent.custodians,
    )


def _record_event(
    tx: Transaction,
    request: SealRequest,
    kind: EventKind,
    at: datetime,
    actor: str,
    private: dict[str, Field],
    **more: Field,
) -> None:
    public = {"party": request.party, "seal": request.seal, "request": request.id, **more}
    append_event(tx, AuditEvent(kind, at, actor, request.contract, public, private))


def _enqueue(tx: Transaction, notices: Iterable[Notice]) -> None:
    for notice in notices:
        outbox.enqueue(tx, notice)
