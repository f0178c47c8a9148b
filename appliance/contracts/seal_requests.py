"""Requests for a seal (用印申请): one person asks and activates, a custodian approves, the seal is used."""

from __future__ import annotations

import secrets
from datetime import datetime

from appliance.contracts import rules
from appliance.contracts.finishing import Finishing
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.room import SigningRoom
from appliance.contracts.seal_register import SealRegister
from appliance.contracts.seal_standing import Lapse, lapse_of, require_custodian, require_request_reason
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Contract, PartyKind
from appliance.model.intent import IntentRecord, IntentState
from appliance.model.seal_request import SealRequest, SealRequestState
from appliance.store import contracts, intents, seal_requests
from appliance.store.database import Transaction
from hsm.acts import Activation
from hsm.errors import ActivationRefused

_GIVEN = (SealRequestState.APPROVED, SealRequestState.USED)


class SealRequests(SealRegister):
    """Nobody can release a seal alone: the authority itself counts the activations. Thread-safe.

    1. The one who asks activates a prepared intent: the authority remembers it, the request is on disk.
    2. A custodian activates the same intent, or two where policy or the seal demands it: remembered too, then each
       approval is on disk.
    3. The signature is made from what the authority remembers. A process that dies before may be followed by any
       other call of :meth:`approve` or :meth:`finish`: nobody has to activate again.
    """

    def __init__(self, room: SigningRoom, finishing: Finishing) -> None:
        super().__init__(room)
        self._finishing = finishing

    def ask(self, intent_id: str, activation: Activation, *, reason: str) -> SealRequest:
        """The requester's activation of a prepared intent, with the *reason*; the custodians are told.

        The same intent again gives the same request. Raises :class:`ActivationRefused`, :class:`StateRefused`,
        :class:`PreconditionRefused`.
        """
        words = require_request_reason(reason)
        with self._room.database.reading() as tx:
            record = intents.load(tx, intent_id)
            asked = seal_requests.of_intent(tx, intent_id)
            if asked is None or asked.requester != activation.subject:
                self._require_askable(tx, record, activation.subject)
        if asked is not None:
            return asked
        self._remember(record, activation)
        with self._room.database.transaction() as tx:
            asked = seal_requests.of_intent(tx, intent_id)
            if asked is not None:
                return asked
            contract = self._require_askable(tx, intents.load(tx, intent_id), activation.subject)
            request = _request(contract, record, words, self._room.now())
            self._keep_asked(tx, request, record)
        return request

    def approve(self, request_id: str, activation: Activation) -> Contract:
        """A custodian's activation; with enough of them the signature is made at once. The contract as it then is.

        Raises :class:`ActivationRefused` (the request still waits), :class:`StateRefused` (it no longer does),
        :class:`PreconditionRefused` (not by this person, or not now).
        """
        with self._room.database.reading() as tx:
            request = seal_requests.load(tx, request_id)
            record = intents.load(tx, request.intent)
            require_custodian(tx, request, activation.subject)
        if request.state is SealRequestState.WAITING:
            self._require_usable(request)
            self._remember(record, activation)
            self._keep_approval(request, activation.subject)
            request = self.get(request_id)
            if request.state is SealRequestState.WAITING:
                with self._room.database.reading() as tx:
                    return contracts.load(tx, request.contract)
        elif request.state not in _GIVEN or activation.subject not in request.approved_by:
            raise StateRefused("This request has been answered already; look at what became of it.")
        return self.finish(request_id)

    def finish(self, request_id: str) -> Contract:
        """The signature of an approved request; one that was made already gives the contract as it stands.

        Raises :class:`StateRefused` when it cannot be made any more; both sides are told then.
        """
        with self._room.database.reading() as tx:
            request = seal_requests.load(tx, request_id)
        if request.state not in _GIVEN:
            raise StateRefused("This request is not approved, so the seal is not used.")
        try:
            contract = self._finishing.finish(request.intent)
        except (ActivationRefused, PreconditionRefused, StateRefused):
            self._settle(request, Lapse.NOT_MADE)
            raise
        self._close(request, SealRequestState.USED)
        return contract

    def refuse(self, request_id: str, *, by: str, reason: str) -> SealRequest:
        """A custodian says no, with a reason; the requester is told and may ask again."""
        words = require_request_reason(reason)
        with self._room.database.reading() as tx:
            request = seal_requests.load(tx, request_id)
            require_custodian(tx, request, by)
        return self._decide(request, SealRequestState.REFUSED, by=by, answer=words)

    def withdraw(self, request_id: str, *, by: str) -> SealRequest:
        """The one who asked takes the request back. Raises :class:`PreconditionRefused` for anybody else."""
        with self._room.database.reading() as tx:
            request = seal_requests.load(tx, request_id)
        if request.requester != by:
            raise PreconditionRefused("Only the one who asked for the seal takes the request back.")
        return self._decide(request, SealRequestState.WITHDRAWN, by=by)

    def _require_askable(self, tx: Transaction, record: IntentRecord, subject: str) -> Contract:
        """The contract, when the intent is a seal's, still open, and *subject* is the one who asks."""
        contract = contracts.load(tx, record.intent.contract)
        party = rules.party_of(contract, record.intent.party)
        if party.kind is not PartyKind.SEAL or party.requester != subject:
            raise PreconditionRefused("Only the one who asks for a seal makes a request for it.")
        require_preconditions(self._room.preconditions, tx, Signing(contract, party, self._room.now()))
        stale = record.state is not IntentState.PREPARED or contract.current.number != record.base
        if stale or self._room.now() >= record.intent.expires:
            raise StateRefused("The document has changed or the time is over; prepare it again.")
        return contract

    def _remember(self, record: IntentRecord, activation: Activation) -> None:
        """Has the authority verify and remember *activation*, once."""
        authority = self._room.authority
        if activation.subject in authority.approvals(record.intent).given:
            return
        try:
            authority.approve(record.intent, activation)
        except ActivationRefused as refusal:
            now = authority.approvals(record.intent)
            if activation.subject in now.given:  # the same form, sent twice at once
                return
            if now.enough:
                raise StateRefused("Another custodian has approved this at the same moment.") from refusal
            raise

    def _require_usable(self, request: SealRequest) -> None:
        """Everything that the signature will ask for holds now. What cannot be used any more is closed."""
        now = self._room.now()
        with self._room.database.reading() as tx:
            lapse = lapse_of(tx, request, now)
            if lapse is None:
                contract = contracts.load(tx, request.contract)
                party = rules.party_of(contract, request.party)
                require_preconditions(self._room.preconditions, tx, Signing(contract, party, now))
        if lapse is not None:
            self.lapse(request, lapse)
            raise StateRefused(lapse.value)


def _request(contract: Contract, record: IntentRecord, reason: str, now: datetime) -> SealRequest:
    party = rules.party_of(contract, record.intent.party)
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
