"""Handing over: another person of the same organisation signs in somebody's place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.contracts import rules
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.announcements import newly_on_turn
from appliance.contracts.changes import record_change
from appliance.contracts.grounds import signing_taken_over
from appliance.contracts.preconditions import Signing
from appliance.contracts.readiness import SigningReadiness
from appliance.contracts.reasons import require_reason
from appliance.contracts.room import SigningRoom
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import handovers, intents, parties, people
from appliance.store.database import Transaction

MOST_CANDIDATES = 50
"""People of whom one list of candidates shows those who may."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """People by name; ``more`` when not everybody of the organisation was considered: they are to be looked up."""

    people: tuple[Person, ...]
    more: bool


class HandingOver:
    """The field stays where it is; who signs in it changes. What the giver had prepared is abandoned."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room
        self._readiness = SigningReadiness(room.preconditions)

    def candidates(self, contract: Contract, party: Party, words: str = "") -> Candidates:
        """The people to whom *party* can be handed over and who have *words* in their name or mail address."""
        giver = party.responsible
        with self._room.database.reading() as tx:
            organisation = people.person(tx, giver).organisation
            found = people.enrolled_of(tx, organisation, words.strip(), limit=MOST_CANDIDATES + 1)
            fit = [
                one for one in found[:MOST_CANDIDATES] if self._why_not(tx, contract, party, one, giver) is None
            ]
        return Candidates(tuple(fit), len(found) > MOST_CANDIDATES)

    def hand_over(
        self, contract_id: str, party_id: str, *, to: str, reason: str, by: str, seen: int | None = None
    ) -> Contract:
        """*to* (a subject) takes the place of *by*; for a seal, as the one who asks for it.

        Raises :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed, or *to* is of another
        organisation, a party already, or cannot sign.
        """
        words = require_reason(reason)
        with self._room.database.transaction() as tx:
            deed = Command(Permission.HAND_OVER, by, seen, party_id)
            return self.pass_on(tx, contract_id, deed, to=to, reason=words)

    def pass_on(
        self, tx: Transaction, contract_id: str, deed: Command, *, to: str, reason: str, decided_by: str = ""
    ) -> Contract:
        """*to* takes the place of who does *deed*, in the caller's transaction; somebody else may have decided it,
        for a giver who has left. Raises as :meth:`hand_over`."""
        room, now, giver, party_id = self._room, self._room.now(), deed.by, str(deed.party)
        before = admitted(tx, contract_id, deed, now)
        party, person = rules.party_of(before, party_id), people.person(tx, to)
        refusal = self._why_not(tx, before, party, person, giver)
        if refusal is not None:
            raise refusal
        if intents.is_under_way(tx, party_id):
            raise StateRefused(
                "A signature on this contract is being made just now; look at it again in a moment."
            )
        parties.pass_on(tx, before, _passed_on(party, person))
        handovers.insert(tx, party=party_id, giver=giver, recipient=to, reason=reason, at=now)
        intents.abandon_of_party(tx, party_id, "handed over to somebody else")
        public, by = {"party": party_id, "from": giver, "to": to}, decided_by or giver
        event = AuditEvent(EventKind.PARTY_HANDED_OVER, now, by, contract_id, public, {"reason": reason})
        after = record_change(tx, room.audit, before, event)
        room.notify(tx, newly_on_turn(rules.whose_turn(before), after, now))
        if before.initiator not in (by, giver, to):
            room.notify(tx, [Notice(contract_id, before.initiator, NoticeKind.HANDED_OVER, now, party_id)])
        return after

    def _why_not(
        self, tx: Transaction, contract: Contract, party: Party, person: Person, giver: str
    ) -> PreconditionRefused | None:
        """What speaks against *person*, or None: last the same that signing asks for."""
        refusal = _unfit(tx, contract, party, person, giver)
        if refusal is not None:
            return refusal
        signing = signing_taken_over(Signing(contract, party, self._room.now()), person)
        for reason in self._readiness.lacking(tx, signing):
            return PreconditionRefused(reason.template, **reason.values)
        return None


def _passed_on(party: Party, person: Person) -> Party:
    if party.kind is PartyKind.SEAL:
        return replace(party, requester=person.subject)
    return replace(party, subject=person.subject, name=person.name, organisation=person.organisation)


def _unfit(
    tx: Transaction, contract: Contract, party: Party, person: Person, giver: str
) -> PreconditionRefused | None:
    """Why *person* cannot take the place at all, or None."""
    if person.subject == giver:
        return PreconditionRefused("You sign already; name somebody else.")
    if person.guest or not person.subject.startswith("person-"):
        return PreconditionRefused("{name} cannot sign contracts.", name=person.name)
    own = people.person(tx, giver)
    if own.guest or person.organisation != own.organisation:
        return PreconditionRefused(
            "{name} is not of {organisation}; hand over only within your own organisation.",
            name=person.name,
            organisation=own.organisation,
        )
    if party.kind is PartyKind.PERSON and any(other.subject == person.subject for other in contract.parties):
        return PreconditionRefused("{name} is a party already.", name=person.name)
    return None
