"""What ends a contract before everybody has signed: declined, recalled, expired."""

from __future__ import annotations

from appliance.contracts import rules
from appliance.contracts.announcements import to_everybody
from appliance.contracts.room import SigningRoom
from appliance.errors import PreconditionRefused, StateRefused
from appliance.history.events import SYSTEM, EventKind, HistoryEvent
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import NoticeKind
from appliance.store import contracts, intents, outbox
from appliance.store.database import Transaction


class Endings:
    """Each ending is one transaction: the state, prepared signatures abandoned, the log entry, the notices."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def decline(self, contract_id: str, party_id: str, *, reason: str) -> Contract:
        """A party whose turn it is will not sign. Raises :class:`PreconditionRefused` or :class:`StateRefused`."""
        now = self._room.now()
        with self._room.database.transaction() as tx:
            contract = contracts.load(tx, contract_id)
            rules.require_state(contract, ContractState.SENT)
            party = rules.party_of(contract, party_id)
            if party not in rules.whose_turn(contract):
                raise PreconditionRefused("It is not {name}'s turn to answer.", name=party.name)
            contracts.mark_declined(tx, contract, party, reason)
            event = HistoryEvent(
                kind=EventKind.PARTY_DECLINED,
                contract=contract_id,
                at=now,
                actor=party.responsible,
                public={"party": party.id},
                private={"reason": reason},
            )
            return self._end(tx, contract, ContractState.DECLINED, event)

    def recall(self, contract_id: str, *, by: str, reason: str) -> Contract:
        """The initiator takes the contract back. Raises :class:`PreconditionRefused` for anybody else."""
        now = self._room.now()
        with self._room.database.transaction() as tx:
            contract = contracts.load(tx, contract_id)
            if contract.state not in (ContractState.DRAFT, ContractState.SENT):
                raise StateRefused(
                    "Contract “{title}” is {state}; it can no longer be recalled.",
                    title=contract.title,
                    state=contract.state,
                )
            if by != contract.initiator:
                raise PreconditionRefused("Only the initiator recalls “{title}”.", title=contract.title)
            event = HistoryEvent(
                kind=EventKind.CONTRACT_RECALLED,
                contract=contract_id,
                at=now,
                actor=by,
                private={"reason": reason},
            )
            return self._end(tx, contract, ContractState.RECALLED, event)

    def expire(self) -> list[str]:
        """End every sent contract whose deadline has come; their ids."""
        now = self._room.now()
        with self._room.database.reading() as tx:
            due = contracts.overdue(tx, now)
        for contract_id in due:
            with self._room.database.transaction() as tx:
                contract = contracts.load(tx, contract_id)
                if not rules.is_overdue(contract, now):
                    continue
                event = HistoryEvent(kind=EventKind.CONTRACT_EXPIRED, contract=contract_id, at=now, actor=SYSTEM)
                self._end(tx, contract, ContractState.EXPIRED, event)
        return due

    def _end(self, tx: Transaction, contract: Contract, state: ContractState, event: HistoryEvent) -> Contract:
        contracts.move(tx, contract, state)
        intents.abandon_prepared(tx, contract.id, f"the contract is {state.value}")
        self._room.chronicle.tell(tx, event)
        for notice in to_everybody(contract, NoticeKind(state.value), event.at):
            outbox.enqueue(tx, notice)
        return contracts.load(tx, contract.id)
