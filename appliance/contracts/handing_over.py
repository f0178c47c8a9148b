"""Handing over: another person of the same organisation signs in somebody's place.

Everybody hands over what is their own, one part or all that is open. Who has left hands nothing over, so an
officer or the contract's initiator does it, with a reason, to a colleague who may sign or, for a contract itself,
start contracts; for a representative of a partner organisation its administrator does, too;
the manager of somebody whom the organisation's directory has removed takes over by itself, where the settings say
so. The deputy of somebody who is away takes over what cannot wait. The log names who decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.authorisation_basis import party_taken_over
from appliance.contracts.dependencies import ContractRecords, SigningRules
from appliance.contracts.permissions import Permission
from appliance.contracts.preconditions import SigningContext, SigningReadiness
from appliance.contracts.rules import newly_on_turn, require_reason
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import DIRECTORY, AuditEvent, EventKind
from appliance.model.accounts import AccountRole
from appliance.model.api_clients import require_person
from appliance.model.contract import Contract, ContractState, Party, PartyKind, PartyState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import absences, contracts, directories, intents, members, partners, people
from appliance.store.database import Transaction
from hsm.errors import Sentence

MOST_CANDIDATES = 50
"""People of whom one list of candidates shows those who may."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """People by name; ``more`` when not everybody of the organisation was considered, so that they have to be
    searched for."""

    people: tuple[Person, ...]
    more: bool


MOST_STARTERS = 50
_OPEN = frozenset({ContractState.DRAFT, ContractState.SENT})


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part of an open contract that ``holder`` still has: ``party`` to sign, or (None) the contract itself."""

    contract: Contract
    holder: str
    party: Party | None
    candidates: Candidates

    @property
    def key(self) -> tuple[str, str]:
        """By which it is known: contract and party."""
        return self.contract.id, "" if self.party is None else self.party.id


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of a part that was to be handed over with others; ``refusal`` says why it stays."""

    part: OpenPart
    refusal: ApplianceError | None = None


class HandingOver:
    """The field stays where it is; who signs in it changes. What the giver had prepared is abandoned."""

    def __init__(self, records: ContractRecords, rules: SigningRules) -> None:
        self._records = records
        self._rules = rules
        self._readiness = SigningReadiness(self._rules.preconditions)

    def candidates(self, contract: Contract, party: Party, words: str = "") -> Candidates:
        """The people to whom *party* can be handed over and who have *words* in their name or mail address."""
        giver = party.responsible
        with self._records.database.reading() as tx:
            found = _colleagues(tx, people.person(tx, giver), words.strip(), limit=MOST_CANDIDATES + 1)
            fit = [
                one
                for one in found[:MOST_CANDIDATES]
                if next(self._unmet_reasons(tx, contract, party, one), None) is None
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
        with self._records.database.transaction() as tx:
            command = Command(contract_id, Permission.HAND_OVER, by, self._records.now(), seen, party_id)
            return self._pass_on(tx, command, to=to, reason=words, decided_by=by)

    def _pass_on(self, tx: Transaction, command: Command, *, to: str, reason: str, decided_by: str) -> Contract:
        """*to* takes the place of the giver, whose *command* it is; somebody else has decided it for a giver who
        has left. Raises as :meth:`hand_over`."""
        now, contract_id, party_id, by = command.now, command.contract, str(command.party), decided_by
        before = admit(tx, command)
        party, person = before.require_party(party_id), people.person(tx, to)
        giver = party.responsible
        for unmet in self._unmet_reasons(tx, before, party, person):
            raise PreconditionRefused(unmet.template, **unmet.values)
        if intents.is_under_way(tx, party_id):
            raise StateRefused(
                "A signature on this contract is being made just now; look at it again in a moment."
            )
        contracts.pass_on(tx, before, party_taken_over(party, person))
        contracts.insert_handover(tx, party=party_id, giver=giver, recipient=to, reason=reason, at=now)
        intents.abandon_of_party(tx, party_id, "handed over to somebody else")
        public = {"party": party_id, "from": giver, "to": to}
        event = AuditEvent(EventKind.PARTY_HANDED_OVER, now, by, contract_id, public, {"reason": reason})
        after = record_change(tx, before, event)
        self._records.notify(tx, newly_on_turn(before.on_turn, after, now))
        if before.initiator not in (by, giver, to):
            self._records.notify(
                tx, [Notice(contract_id, before.initiator, NoticeKind.HANDED_OVER, now, party_id)]
            )
        return after

    def left_behind(self, subject: str, words: str = "") -> tuple[OpenPart, ...]:
        """Every part of open contracts that *subject* still has after leaving, and who can take it; with *words*
        those found by them."""
        if not self._records.database.query(people.has_left, subject):
            return ()
        return self.open_parts(subject, words=words)

    def open_parts(self, subject: str, *, only: str | None = None, words: str = "") -> tuple[OpenPart, ...]:
        """Parts of open contracts that *subject* has, at most :data:`members.MOST_OPEN` contracts' at once, and
        who can take each: *only* this person, where one is named (empty: nobody is asked about); else those found
        by *words*, all where there are none."""
        with self._records.database.reading() as tx:
            found = [contracts.load_contract(tx, each.id) for each in members.open_contracts(tx, subject)]
        return tuple(part for contract in found for part in self._parts(contract, subject, only, words))

    def hand_over_all(
        self, subject: str, *, to: str, reason: str, by: str | None = None
    ) -> tuple[HandedOver, ...]:
        """Everything open that *subject* has goes to *to*, part by part: what cannot go stays, with the reason.
        *by* decides, *subject* alone where nobody is named.

        Raises :class:`PreconditionRefused` without a *reason*.
        """
        require_reason(reason)
        done: dict[tuple[str, str], HandedOver] = {}
        while new := [each for each in self.open_parts(subject, only="") if each.key not in done]:
            done |= {each.key: self._handed_over(each, to, reason, by or subject) for each in new}
        return tuple(done.values())

    def _handed_over(self, part: OpenPart, to: str, reason: str, by: str) -> HandedOver:
        contract, holder = part.contract.id, part.holder
        try:
            if part.party is None:
                self.take_over(contract, to=to, reason=reason, by=by, left=holder)
            else:
                self.reassign(contract, part.party.id, to=to, reason=reason, by=by, left=holder)
        except ApplianceError as refusal:
            return HandedOver(part, refusal)
        return HandedOver(part)

    def left_in_contract(self, contract: Contract, words: str = "") -> tuple[OpenPart, ...]:
        """The parts of *contract* whose people have left, and who can take each; with *words* those found by
        them."""
        if contract.state not in _OPEN:
            return ()
        with self._records.database.reading() as tx:
            gone = [each for each in contract.everybody if people.has_left(tx, each)]
        return tuple(part for subject in gone for part in self._parts(contract, subject, words=words))

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
        """*to* signs, or asks for the seal, in place of somebody who has left, is away, or gives it away: *left*,
        where one is named.

        Raises :class:`NotFound` for a part that is not of *left*; :class:`StateRefused` or
        :class:`PreconditionRefused` when *by* may not decide it (not the holder, nor the deputy who takes it
        over; for somebody who has left neither an officer nor the initiator), or *to* could not have been given
        the part.
        """
        require_person()
        with self._records.database.transaction() as tx:
            contract = contracts.load_contract(tx, contract_id)
            giver = contract.require_party(party_id).responsible
            _require_of(contract, giver, left)
            _require_decider(tx, contract, giver, by, to, self._records.now())
            _require_here(tx, people.person(tx, to))
            command = Command(contract_id, Permission.HAND_OVER, giver, self._records.now(), seen, party_id)
            return self._pass_on(tx, command, to=to, reason=require_reason(reason), decided_by=by)

    def take_over(
        self, contract_id: str, *, to: str, reason: str, by: str, left: str | None = None, seen: int | None = None
    ) -> Contract:
        """*to* becomes the initiator of an open contract, a draft too, in place of one who has left, is away, or
        gives it away.

        Raises as :meth:`reassign`; *to* is of the same organisation and has the role of an initiator.
        """
        now, words = self._records.now(), require_reason(reason)
        require_person()
        with self._records.database.transaction() as tx:
            contract = contracts.load_contract(tx, contract_id)
            _require_of(contract, contract.initiator, left)
            before = admit(tx, Command(contract_id, Permission.READ, contract.initiator, now, seen))
            if before.state not in _OPEN:
                raise StateRefused("“{title}” is {state}; nobody has to take it over.", **_about(before))
            _require_decider(tx, before, before.initiator, by, to, now)
            person = people.person(tx, to)
            _require_here(tx, person)
            if not _may_start(tx, people.person(tx, before.initiator), person):
                raise PreconditionRefused("{name} cannot start contracts of this organisation.", name=person.name)
            contracts.set_initiator(tx, before, to)
            public = {"from": before.initiator, "to": to}
            event = AuditEvent(EventKind.INITIATOR_CHANGED, now, by, contract_id, public, {"reason": words})
            after = record_change(tx, before, event)
            self._records.notify(tx, [Notice(contract_id, to, NoticeKind.TAKEN_OVER, now)])
            return after

    def _parts(self, contract: Contract, subject: str, only: str | None = None, words: str = "") -> list[OpenPart]:
        own: list[Party | None] = [None] if contract.initiator == subject else []
        if contract.state is ContractState.SENT:
            waiting = (each for each in contract.parties if each.state is PartyState.WAITING)
            own += [each for each in waiting if each.responsible == subject]
        return [
            OpenPart(contract, subject, each, self._able(contract, subject, each, only, words)) for each in own
        ]

    def _able(
        self, contract: Contract, subject: str, party: Party | None, only: str | None, words: str
    ) -> Candidates:
        """Who can take the *party*, or the contract itself, and is found by *words*; or whether *only* one person
        can."""
        if only is not None:
            return Candidates(self._one_able(contract, subject, party, only) if only else (), False)
        if party is not None:
            return self.candidates(contract, party, words)
        with self._records.database.reading() as tx:
            able = _starters(tx, people.person(tx, subject), words.strip())
            return Candidates(tuple(people.person(tx, each) for each in able), len(able) >= MOST_STARTERS)

    def _one_able(self, contract: Contract, subject: str, party: Party | None, to: str) -> tuple[Person, ...]:
        with self._records.database.reading() as tx:
            person = people.person(tx, to)
            if party is None:
                able = _may_start(tx, people.person(tx, subject), person)
            else:
                able = next(self._unmet_reasons(tx, contract, party, person), None) is None
        return (person,) if able else ()

    def _unmet_reasons(
        self, tx: Transaction, contract: Contract, party: Party, person: Person
    ) -> Iterator[Sentence]:
        """Why *person* cannot take the place: the rules of handing over, then the preconditions of signing."""
        yield from _unfit(tx, contract, party, person)
        signing = SigningContext(contract, party_taken_over(party, person), self._records.now())
        yield from self._readiness.unmet_reasons(tx, signing)


def _unfit(tx: Transaction, contract: Contract, party: Party, person: Person) -> Iterator[Sentence]:
    """Why *person* cannot take the place by the rules of handing over."""
    own, named = people.person(tx, party.responsible), {"name": person.name}
    if person.subject == own.subject:
        yield Sentence("You sign already; name somebody else.")
    if not person.subject.startswith("person-") or (person.guest and person.partner is None):
        yield Sentence("{name} cannot sign contracts.", named)
    of_own = (person.organisation, person.partner) == (own.organisation, own.partner)
    if not of_own or (own.guest and own.partner is None):
        yield Sentence(
            "{name} is not of {organisation}; hand over only within your own organisation.",
            {**named, "organisation": own.organisation},
        )
    if party.kind is PartyKind.PERSON and any(other.subject == person.subject for other in contract.parties):
        yield Sentence("{name} is a party already.", named)


def _colleagues(tx: Transaction, giver: Person, words: str, *, limit: int) -> list[Person]:
    """Who of the organisation of *giver* has a key: for a representative, those of the same partner."""
    if giver.partner is None:
        return people.enrolled_of(tx, giver.organisation, words, limit=limit)
    found = partners.who_can_sign(tx, words, partner_id=giver.partner, limit=limit)
    return [people.person(tx, each.subject) for each in found if each.enrolled]


def _starters(tx: Transaction, left: Person, words: str) -> list[str]:
    """Who of the organisation of *left* may start contracts and is found by *words*, at most
    :data:`MOST_STARTERS`, by name."""
    return [
        each
        for each in members.with_role(tx, left.organisation, AccountRole.INITIATOR, words, limit=MOST_STARTERS)
        if each != left.subject
    ]


def _may_start(tx: Transaction, left: Person, person: Person) -> bool:
    """Whether *person* may lead a contract in place of *left*, however many others may, too."""
    able = members.has_role_in(tx, left.organisation, AccountRole.INITIATOR, person.subject)
    return person.subject != left.subject and able


def _require_decider(tx: Transaction, contract: Contract, holder: str, by: str, to: str, now: datetime) -> None:
    if not people.has_left(tx, holder):
        if by == holder or by == to == absences.deputy_of(tx, holder, now):
            return
        raise StateRefused("{name} is still here and hands over alone.", name=people.person(tx, holder).name)
    if by == DIRECTORY and to == directories.manager_of(tx, holder):
        return
    partner = people.person(tx, holder).partner
    for_partner = partner is not None and partners.administered_by(tx, by) == partner
    if not for_partner and by not in members.officers(tx) and (by != contract.initiator or by == holder):
        raise PreconditionRefused(
            "Only an officer or the initiator decides who takes over from somebody who left."
        )


def _require_of(contract: Contract, having: str, left: str | None) -> None:
    if left not in (None, having):
        raise NotFound("There is no contract {contract}.", contract=contract.id)


def _require_here(tx: Transaction, person: Person) -> None:
    if not people.is_active(tx, person.subject):
        raise PreconditionRefused("{name} is not here any more; name somebody else.", name=person.name)


def _about(contract: Contract) -> dict[str, object]:
    return {"title": contract.title, "state": contract.state}
