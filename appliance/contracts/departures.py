"""What somebody who has left leaves behind: open contracts, each with a part that a colleague takes over.

Somebody who is gone hands nothing over, so an officer or the contract's initiator does it, with a reason, to a
colleague who may sign it or, for a contract of one's own, start contracts. The log names who decided.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contracts import rules
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.changes import record_change
from appliance.contracts.handing_over import Candidates, HandingOver
from appliance.contracts.reasons import require_reason
from appliance.contracts.room import SigningRoom
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState, Party, PartyState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import accounts, contracts, people, roll
from appliance.store.database import Transaction

MOST_STARTERS = 50
_OPEN = frozenset({ContractState.DRAFT, ContractState.SENT})


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A part of an open contract that *left* still has: ``party`` to sign, or (None) the contract itself."""

    contract: Contract
    left: str
    party: Party | None
    candidates: Candidates


class Departures:
    """Thread-safe."""

    def __init__(self, room: SigningRoom, handing_over: HandingOver) -> None:
        self._room = room
        self._handing_over = handing_over

    def left_behind(self, subject: str) -> tuple[LeftBehind, ...]:
        """Every part of open contracts that *subject* still has after leaving, and who can take it."""
        with self._room.database.reading() as tx:
            if not accounts.has_left(tx, subject):
                return ()
            found = [contracts.load(tx, each.id) for each in roll.open_contracts(tx, subject)]
        return tuple(part for contract in found for part in self._parts(contract, subject))

    def of_contract(self, contract: Contract) -> tuple[LeftBehind, ...]:
        """The parts of *contract* whose people have left."""
        if contract.state not in _OPEN:
            return ()
        with self._room.database.reading() as tx:
            gone = [each for each in rules.everybody(contract) if accounts.has_left(tx, each)]
        return tuple(part for subject in gone for part in self._parts(contract, subject))

    def reassign(
        self,
        contract_id: str,
        party_id: str,
        *,
        to: str,
        reason: str,
        by: str,
        left: str | None = None,
        seen: int | None = None,
    ) -> Contract:
        """*to* signs, or asks for the seal, in place of somebody who has left: *left*, where one is named.

        Raises :class:`NotFound` for a part that is not of *left*; :class:`StateRefused` or
        :class:`PreconditionRefused` when the person is still here, *by* is neither an officer nor the initiator,
        or *to* could not have been given the part.
        """
        with self._room.database.transaction() as tx:
            contract = contracts.load(tx, contract_id)
            giver = rules.party_of(contract, party_id).responsible
            _require_of(contract, giver, left)
            _require_decider(tx, contract, giver, by)
            _require_here(tx, people.person(tx, to))
            deed = Command(Permission.HAND_OVER, giver, seen, party_id)
            return self._handing_over.pass_on(
                tx, contract_id, deed, to=to, reason=require_reason(reason), decided_by=by
            )

    def take_over(
        self, contract_id: str, *, to: str, reason: str, by: str, left: str | None = None, seen: int | None = None
    ) -> Contract:
        """*to* becomes the initiator of an open contract, a draft too, in place of one who has left.

        Raises as :meth:`reassign`; *to* is of the same organisation and has the role of an initiator.
        """
        now, words = self._room.now(), require_reason(reason)
        with self._room.database.transaction() as tx:
            contract = contracts.load(tx, contract_id)
            _require_of(contract, contract.initiator, left)
            before = admitted(tx, contract_id, Command(Permission.READ, contract.initiator, seen), now)
            if before.state not in _OPEN:
                raise StateRefused("“{title}” is {state}; nobody has to take it over.", **_about(before))
            _require_decider(tx, before, before.initiator, by)
            person = people.person(tx, to)
            _require_here(tx, person)
            if to not in _starters(tx, people.person(tx, before.initiator)):
                raise PreconditionRefused("{name} cannot start contracts of this organisation.", name=person.name)
            contracts.set_initiator(tx, before, to)
            public = {"from": before.initiator, "to": to}
            event = AuditEvent(EventKind.INITIATOR_CHANGED, now, by, contract_id, public, {"reason": words})
            after = record_change(tx, self._room.audit, before, event)
            self._room.notify(tx, [Notice(contract_id, to, NoticeKind.TAKEN_OVER, now)])
            return after

    def _parts(self, contract: Contract, subject: str) -> list[LeftBehind]:
        found = []
        if contract.initiator == subject:
            with self._room.database.reading() as tx:
                able = _starters(tx, people.person(tx, subject))
                colleagues = tuple(people.person(tx, each) for each in able)
            found.append(LeftBehind(contract, subject, None, Candidates(colleagues, len(able) >= MOST_STARTERS)))
        if contract.state is ContractState.SENT:
            for party in contract.parties:
                if party.responsible == subject and party.state is PartyState.WAITING:
                    able_to_sign = self._handing_over.candidates(contract, party)
                    found.append(LeftBehind(contract, subject, party, able_to_sign))
        return found


def _starters(tx: Transaction, left: Person) -> list[str]:
    """Who of the organisation of *left* is here and may start contracts, at most :data:`MOST`, by name."""
    return [
        each
        for each in roll.with_role(tx, left.organisation, AccountRole.INITIATOR, limit=MOST_STARTERS)
        if each != left.subject
    ]


def _require_decider(tx: Transaction, contract: Contract, left: str, by: str) -> None:
    if not accounts.has_left(tx, left):
        raise StateRefused("{name} is still here and hands over alone.", name=people.person(tx, left).name)
    if by not in roll.officers(tx) and (by != contract.initiator or by == left):
        raise PreconditionRefused(
            "Only an officer or the initiator decides who takes over from somebody who left."
        )


def _require_of(contract: Contract, having: str, left: str | None) -> None:
    if left not in (None, having):
        raise NotFound("There is no contract {contract}.", contract=contract.id)


def _require_here(tx: Transaction, person: Person) -> None:
    if not accounts.is_there(tx, person.subject):
        raise PreconditionRefused("{name} is not here any more; name somebody else.", name=person.name)


def _about(contract: Contract) -> dict[str, object]:
    return {"title": contract.title, "state": contract.state}
