"""The record of requests for seals: what each step writes, in one transaction, and what can be looked up."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.contracts.room import SigningRoom
from appliance.contracts.seal_standing import Lapse, after_lapse, lapse_of, to_custodians
from appliance.errors import StateRefused
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.intent import IntentRecord, IntentState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.seal_request import SealRequest, SealRequestState
from appliance.store import intents, outbox, people, seal_requests
from appliance.store.database import Transaction
from hsm.acts import SigningIntent

_TOLD = {
    SealRequestState.REFUSED: (EventKind.SEAL_REFUSED, NoticeKind.SEAL_REFUSED),
    SealRequestState.WITHDRAWN: (EventKind.SEAL_REQUEST_WITHDRAWN, None),
}


class SealRegister:
    """Reads and records; what it cannot record does not happen. Thread-safe."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def get(self, request_id: str) -> SealRequest:
        """The request. Raises :class:`NotFound`."""
        with self._room.database.reading() as tx:
            return seal_requests.load(tx, request_id)

    def act(self, request: SealRequest) -> SigningIntent:
        """What both activate."""
        with self._room.database.reading() as tx:
            return intents.load(tx, request.intent).intent

    def of_party(self, party_id: str) -> SealRequest | None:
        """The newest request of a seal party, whatever became of it."""
        with self._room.database.reading() as tx:
            return seal_requests.of_party(tx, party_id)

    def for_custodian(self, subject: str, *, limit: int = 50) -> list[SealRequest]:
        """Requests for the seals that *subject* keeps: those that wait first, then the decided, newest first."""
        with self._room.database.reading() as tx:
            return seal_requests.for_custodian(tx, subject, limit=limit)

    def by_requester(self, subject: str, *, limit: int = 50) -> list[SealRequest]:
        """What *subject* has asked for, the newest first."""
        with self._room.database.reading() as tx:
            return seal_requests.of_requester(tx, subject, limit=limit)

    def waiting_for(self, subject: str) -> int:
        """How many requests wait for *subject* as custodian."""
        with self._room.database.reading() as tx:
            return seal_requests.waiting_for(tx, subject)

    def may_answer(self, seal: str, requester: str, subject: str) -> bool:
        """Whether *subject* answers a request of *requester* for *seal*: a custodian, and not the one who asks."""
        with self._room.database.reading() as tx:
            return subject != requester and subject in people.seal(tx, seal).custodians

    def sweep(self) -> int:
        """Closes what can no longer be used (expired, stale, contract ended), and tells; how many."""
        with self._room.database.reading() as tx:
            open_requests = seal_requests.open_requests(tx)
        return sum(self._settle(request) for request in open_requests)

    def lapse(self, request: SealRequest, lapse: Lapse) -> None:
        """Ends *request* without an answer; nothing happens when it is closed already."""
        now = self._room.now()
        with self._room.database.transaction() as tx:
            seen = seal_requests.load(tx, request.id)
            if not seen.open:
                return
            if seen.state is SealRequestState.WAITING:
                seal_requests.decide(tx, seen, SealRequestState.LAPSED, at=now, answer=lapse.value)
            else:
                seal_requests.close(tx, seen.id, SealRequestState.LAPSED, answer=lapse.value)
            intents.abandon_if_prepared(tx, seen.intent, lapse.value)
            self._tell(tx, seen, EventKind.SEAL_REQUEST_LAPSED, SYSTEM)
            _enqueue(tx, after_lapse(tx, seen, now))

    def _settle(self, request: SealRequest, otherwise: Lapse | None = None) -> bool:
        """Closes *request* as its intent and contract say; for *otherwise* when they say nothing."""
        with self._room.database.reading() as tx:
            state = intents.load(tx, request.intent).state
            lapse = lapse_of(tx, request, self._room.now()) or otherwise
        if state is IntentState.COMPLETED:
            return self._close(request, SealRequestState.USED)
        if lapse is not None and state in (IntentState.PREPARED, IntentState.ABANDONED):
            self.lapse(request, lapse)
            return True
        return False

    def _close(self, request: SealRequest, state: SealRequestState) -> bool:
        with self._room.database.transaction() as tx:
            return seal_requests.close(tx, request.id, state)

    def _keep_asked(self, tx: Transaction, request: SealRequest, record: IntentRecord) -> None:
        seal_requests.insert(tx, request)
        event = AuditEvent(
            kind=EventKind.SEAL_REQUESTED,
            contract=request.contract,
            at=request.asked,
            actor=request.requester,
            public={**_public(request), "digest": record.intent.digest.hex()},
            private={"reason": request.reason, "address": record.origin.address},
        )
        self._room.audit.append(tx, event)
        _enqueue(tx, to_custodians(tx, request, request.asked))

    def _keep_approval(self, request: SealRequest, by: str) -> None:
        """*by* has approved, as the only custodian or as one of two; the same approval again changes nothing.

        Raises :class:`StateRefused` when the request has been answered otherwise.
        """
        now = self._room.now()
        with self._room.database.transaction() as tx:
            seen = seal_requests.load(tx, request.id)
            if by in seen.approved_by and len(seen.approved_by) < seen.needed:
                return
            if seen.state is SealRequestState.WAITING:
                seal_requests.approve(tx, request.id, by, now)
                self._count(tx, seal_requests.load(tx, request.id), by)
            elif by not in seen.approved_by:
                raise StateRefused("This request has been answered already; look at what became of it.")

    def _count(self, tx: Transaction, request: SealRequest, by: str) -> None:
        now = self._room.now()
        enough = len(request.approved_by) >= request.needed
        kind = EventKind.SEAL_APPROVED if enough else EventKind.SEAL_HALF_APPROVED
        digest = intents.load(tx, request.intent).intent.digest.hex()
        public: dict[str, Field] = {**_public(request), "digest": digest, "needed": request.needed}
        self._room.audit.append(tx, AuditEvent(kind, now, by, request.contract, public))
        if not enough:
            return
        seal_requests.decide(tx, request, SealRequestState.APPROVED, at=now, by=by)
        _enqueue(tx, [Notice(request.contract, request.requester, NoticeKind.SEAL_APPROVED, now, request.id)])

    def _decide(
        self, request: SealRequest, state: SealRequestState, *, by: str, answer: str | None = None
    ) -> SealRequest:
        """waiting → *state*. Raises :class:`StateRefused` when somebody was faster."""
        now = self._room.now()
        event, notice = _TOLD[state]
        with self._room.database.transaction() as tx:
            seal_requests.decide(tx, request, state, at=now, by=by, answer=answer)
            intents.abandon_if_prepared(tx, request.intent, f"the request for the seal is {state.value}")
            self._tell(tx, request, event, by, answer)
            if notice is not None:
                _enqueue(tx, [Notice(request.contract, request.requester, notice, now, request.id)])
            return seal_requests.load(tx, request.id)

    def _tell(
        self, tx: Transaction, request: SealRequest, kind: EventKind, actor: str, reason: str | None = None
    ) -> None:
        event = AuditEvent(
            kind=kind,
            contract=request.contract,
            at=self._room.now(),
            actor=actor,
            public=_public(request),
            private={"reason": reason},
        )
        self._room.audit.append(tx, event)


def _public(request: SealRequest) -> dict[str, str]:
    return {"party": request.party, "seal": request.seal, "request": request.id}


def _enqueue(tx: Transaction, notices: Iterable[Notice]) -> None:
    for notice in notices:
        outbox.enqueue(tx, notice)
