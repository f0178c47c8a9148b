"""Sending: the PDF gets all its signature fields at once, and the contract goes out for signing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from appliance.contracts import outsiders, problems
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.announcements import after_sending
from appliance.contracts.changes import record_change
from appliance.contracts.preconditions import Signing
from appliance.contracts.problems import DraftProblem, ProblemPlace
from appliance.contracts.readiness import SigningReadiness
from appliance.contracts.room import SigningRoom
from appliance.documents.earlier import EarlierSignatures
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.events import AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractRevision, ContractState, Party, PartyKind, RevisionKind
from appliance.pdf.values import CrossPageSeal, FieldKind, FieldPlacement, Place
from appliance.review import refusing
from appliance.store import contracts, people
from appliance.store.database import Transaction
from hsm.sentence import Sentence


class Sending:
    """From draft to sent. Nothing can be added to the contract afterwards, only signatures."""

    def __init__(self, room: SigningRoom, earlier: EarlierSignatures) -> None:
        self._room = room
        self._earlier = earlier
        self._readiness = SigningReadiness(room.preconditions)

    def problems(self, contract: Contract) -> list[DraftProblem]:
        """What keeps the draft from being sent, in the order of the form; empty when it can go out."""
        with self._room.database.reading() as tx:
            return self._problems(tx, contract)

    def outstanding(self, contract: Contract) -> list[Sentence]:
        """What people of other organisations lack as things stand: it does not keep the draft from being sent,
        because their identity can be checked and their powers registered until they sign."""
        with self._room.database.reading() as tx:
            found = [self._readiness.until_signing(tx, signing) for signing in self._signatures(contract)]
            return list(chain.from_iterable(found))

    def running_out(self, contract: Contract) -> list[Sentence]:
        """What would be refused at the deadline, though not now: powers and checks that end before it."""
        with self._room.database.reading() as tx:
            found = [self._readiness.running_out(tx, signing) for signing in self._signatures(contract)]
            return list(chain.from_iterable(found))

    def send(
        self, contract_id: str, *, by: str, seen: int | None = None, accepting_unverified: bool = False
    ) -> Contract:
        """The contract with revision 1, the fields, out for signing; those whose turn it is are told.

        *accepting_unverified*: the initiator knows that the document carries signatures that could not be verified
        here; without it such a document is refused. The log says how many there are.

        Raises :class:`PreconditionRefused` for anybody but the initiator and for the first of :meth:`problems`,
        and :class:`StateRefused` when it is no draft, was changed since it was *seen*, or at the same moment.
        """
        room, deed = self._room, Command(Permission.SEND, by, seen)
        with room.database.reading() as tx:
            contract = admitted(tx, contract_id, deed, room.now())
            self._require_sendable(tx, contract)
            unverified = len(self._earlier.unverified(contract.original.digest))
            if unverified and not accepting_unverified:
                raise PreconditionRefused(
                    "The document carries signatures that could not be verified here; confirm that it is to be "
                    "sent all the same."
                )
            fields = [_field(tx, party) for party in contract.parties]
        document = room.workshop.add_fields(room.blobs.get(contract.original.digest), fields)
        now = room.now()
        revision = ContractRevision(1, RevisionKind.FIELDS, room.blobs.put(document), len(document), now)
        with room.database.transaction() as tx:
            current = admitted(tx, contract_id, deed, now)
            if current.version != contract.version:
                raise StateRefused(
                    "Contract “{title}” was changed while it was sent; send again.", title=contract.title
                )
            self._require_sendable(tx, current)
            contracts.add_revision(tx, contract, revision, state=ContractState.SENT)
            public: dict[str, Field] = {"revision": 1, "digest": revision.digest, "parties": len(contract.parties)}
            if unverified:
                public["unverified"] = unverified
            event = AuditEvent(EventKind.CONTRACT_SENT, now, by, contract_id, public)
            sent = record_change(tx, room.audit, contract, event)
            room.notify(tx, after_sending(sent, now))
        return sent

    def _require_sendable(self, tx: Transaction, contract: Contract) -> None:
        for problem in self._problems(tx, contract):
            raise PreconditionRefused(problem.template, **problem.values)

    def _problems(self, tx: Transaction, contract: Contract) -> list[DraftProblem]:
        found = [
            *problems.problems_of(contract, self._room.now()),
            *self._of_register(tx, contract),
            *self._of_review(tx, contract),
        ]
        return sorted(found, key=lambda problem: list(ProblemPlace).index(problem.place))

    def _of_register(self, tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
        for party in contract.parties:
            if party.guest and not people.person(tx, party.subject).email:
                template = "{name} has no e-mail address; the link to the contract goes there."
                yield DraftProblem(ProblemPlace.PARTIES, party.id, template, {"name": party.name})
            if party.guest:
                own = outsiders.of_this_house(tx, self._room, party.organisation)
                if own is not None:
                    yield DraftProblem(ProblemPlace.PARTIES, party.id, own.template, dict(own.values))
        for signing in self._signatures(contract):
            for reason in self._readiness.before_sending(tx, signing):
                yield DraftProblem(ProblemPlace.PARTIES, signing.party.id, reason.template, dict(reason.values))

    def _signatures(self, contract: Contract) -> list[Signing]:
        now = self._room.now()
        return [Signing(contract, party, now) for party in contract.parties]

    def _of_review(self, tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
        refusal = refusing.why_not(self._room.standings.of(tx, contract))
        if refusal is not None:
            yield DraftProblem(ProblemPlace.REVIEW, None, *refusal)


def _field(tx: Transaction, party: Party) -> FieldPlacement:
    first, *more = party.places
    cross_page = None
    if party.cross_page is not None:
        cross_page = CrossPageSeal(party.cross_page.y, people.seal(tx, party.subject).width_mm)
    return FieldPlacement(
        name=party.field,
        page=first.page,
        x=first.x,
        y=first.y,
        width=first.width,
        height=first.height,
        kind=FieldKind.SEAL if party.kind is PartyKind.SEAL else FieldKind.PERSON,
        more=tuple(Place(one.page, one.x, one.y, one.width, one.height) for one in more),
        cross_page=cross_page,
    )
