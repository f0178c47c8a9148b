"""Sending: what prevents sending a draft, and the PDF that gets all its signature fields at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.permissions import Permission, Refusal
from appliance.contracts.preconditions import SigningContext, SigningReadiness
from appliance.contracts.rules import after_sending
from appliance.earlier_signatures import EarlierSignatures
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
)
from appliance.pdf.values import CrossPageSeal, FieldKind, FieldPlacement
from appliance.review import review_status
from appliance.store import contracts, people
from appliance.store.database import Transaction
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, Sentence
from hsm.names import same_organisation

MOST_SHARED = 0.5
"""Of the smaller field's area: more of it under another field is no longer readable."""


class ProblemPlace(StrEnum):
    """The step of the form where a problem is solved."""

    DOCUMENT = "document"
    """The document and its words: title, type, purpose."""
    PARTIES = "parties"
    FIELDS = "fields"
    DEADLINE = "deadline"
    REVIEW = "review"
    """The content check, and the reviewer's answer."""


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """One problem: a sentence (message id) with its values; ``party`` is the id of the party concerned."""

    place: ProblemPlace
    party: str | None
    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> Refusal:
        """The same as what :class:`Sending` refuses with."""
        return Refusal(self.template, dict(self.values))


def problems_of(contract: Contract, now: datetime) -> Iterator[DraftProblem]:
    """Every problem that is visible in the contract itself; the register of people and seals is checked
    elsewhere."""
    yield from _words(contract)
    if not contract.parties:
        yield DraftProblem(ProblemPlace.PARTIES, None, "Nobody is to sign yet; add a party.")
    yield from _fields(contract)
    if now >= contract.deadline.at:
        yield DraftProblem(
            ProblemPlace.DEADLINE,
            None,
            "The deadline {deadline} ({zone}) has passed; set a later one.",
            {"deadline": contract.deadline.local(), "zone": contract.deadline.zone},
        )


def _words(contract: Contract) -> Iterator[DraftProblem]:
    if not contract.kind:
        yield DraftProblem(ProblemPlace.DOCUMENT, None, "The type of the contract is missing.")
    if not contract.purpose:
        yield DraftProblem(ProblemPlace.DOCUMENT, None, "The purpose of the contract is missing.")


def _fields(contract: Contract) -> Iterator[DraftProblem]:
    for number, party in enumerate(contract.parties):
        name = {"name": party.name}
        if not party.places:
            template = "{name} has no field yet; place one."
            if party.kind is PartyKind.SEAL and party.cross_page is not None:
                template = "{name} needs a place of its own besides the edges of the pages."
            yield DraftProblem(ProblemPlace.FIELDS, party.id, template, name)
        if not all(_lies_on_page(contract, place) for place in party.places):
            yield DraftProblem(
                ProblemPlace.FIELDS, party.id, "A field of {name} lies outside its page; move it back.", name
            )
        for other in contract.parties[number + 1 :]:
            if _hides(party, other):
                both = {"name": party.name, "other": other.name}
                template = "The fields of {name} and {other} cover each other; move them apart."
                yield DraftProblem(ProblemPlace.FIELDS, party.id, template, both)
        if _hides_itself(party):
            yield DraftProblem(
                ProblemPlace.FIELDS, party.id, "Two fields of {name} cover each other; move them apart.", name
            )


def _lies_on_page(contract: Contract, place: Placement) -> bool:
    """A hundredth of a percent is allowed for rounding."""
    inside = place.x > -0.01 and place.y > -0.01
    return (
        place.page < contract.pages
        and inside
        and place.x + place.width < 100.01
        and place.y + place.height < 100.01
    )


def _hides(one: Party, other: Party) -> bool:
    return any(_cover(place, under) for place in one.places for under in other.places)


def _hides_itself(party: Party) -> bool:
    places = party.places
    return any(_cover(place, other) for number, place in enumerate(places) for other in places[number + 1 :])


def _cover(one: Placement, other: Placement) -> bool:
    """True when the two share more than half of the smaller one."""
    if one.page != other.page:
        return False
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return wide > 0 and high > 0 and wide * high > MOST_SHARED * smaller


class Sending:
    """From draft to sent. Nothing can be added to the contract afterwards, only signatures."""

    def __init__(
        self, records: ContractRecords, rules: SigningRules, backend: SigningBackend, earlier: EarlierSignatures
    ) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend
        self._earlier = earlier
        self._readiness = SigningReadiness(self._rules.preconditions)

    def problems(self, contract: Contract) -> list[DraftProblem]:
        """What prevents sending the draft, in the order of the form; empty when it can be sent."""
        return self._records.database.query(self._problems, contract)

    def outstanding(self, contract: Contract) -> list[Sentence]:
        """What people of other organisations still lack. It does not prevent sending, because their identity can
        be checked and their powers registered before they sign."""
        return self._each(contract, self._readiness.until_signing)

    def running_out(self, contract: Contract) -> list[Sentence]:
        """What would be refused at the deadline, though not now: powers and checks that end before it."""
        return self._each(contract, self._readiness.running_out)

    def _each(
        self, contract: Contract, unmet: Callable[[Transaction, SigningContext], Iterator[Sentence]]
    ) -> list[Sentence]:
        with self._records.database.reading() as tx:
            return [reason for signing in self._signatures(contract) for reason in unmet(tx, signing)]

    def send(
        self, contract_id: str, *, by: str, seen: int | None = None, accepting_unverified: bool = False
    ) -> Contract:
        """The contract with revision 1, the fields, out for signing; those whose turn it is are told.

        *accepting_unverified*: the initiator knows that the document carries signatures that could not be verified
        here; without it such a document is refused. The log says how many there are.

        Raises :class:`PreconditionRefused` for anybody but the initiator and for the first of :meth:`problems`,
        and :class:`StateRefused` when it is no draft, was changed since it was *seen*, or at the same moment.
        """
        command = Command(contract_id, Permission.SEND, by, self._records.now(), seen)
        with self._records.database.reading() as tx:
            contract = admit(tx, command)
            self._require_sendable(tx, contract)
            unverified = len(self._earlier.unverified(contract.original.digest))
            if unverified and not accepting_unverified:
                raise PreconditionRefused(
                    "The document carries signatures that could not be verified here; confirm that it is to be "
                    "sent all the same."
                )
            fields = [_field(tx, party) for party in contract.parties]
        document = self._backend.workshop.add_fields(self._backend.blobs.get(contract.original.digest), fields)
        now = self._records.now()
        revision = ContractRevision(1, RevisionKind.FIELDS, self._backend.blobs.put(document), len(document), now)
        with self._records.database.transaction() as tx:
            current = admit(tx, replace(command, now=now))
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
            sent = record_change(tx, contract, event)
            self._records.notify(tx, after_sending(sent, now))
        return sent

    def _require_sendable(self, tx: Transaction, contract: Contract) -> None:
        for problem in self._problems(tx, contract):
            raise PreconditionRefused(problem.template, **problem.values)

    def _problems(self, tx: Transaction, contract: Contract) -> list[DraftProblem]:
        found = [
            *problems_of(contract, self._records.now()),
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
                own = own_organisation_refusal(tx, self._rules.basis_finder.own, party.organisation)
                if own is not None:
                    yield DraftProblem(ProblemPlace.PARTIES, party.id, own.template, dict(own.values))
        for signing in self._signatures(contract):
            for reason in self._readiness.before_sending(tx, signing):
                yield DraftProblem(ProblemPlace.PARTIES, signing.party.id, reason.template, dict(reason.values))

    def _signatures(self, contract: Contract) -> list[SigningContext]:
        now = self._records.now()
        return [SigningContext(contract, party, now) for party in contract.parties]

    def _of_review(self, tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
        refusal = review_status.refusal_of(self._rules.reviews.status_of(tx, contract))
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
        more=tuple(more),
        cross_page=cross_page,
    )


def certified_here(authority: AuthorityClient) -> list[str]:
    """The enterprise's own organisations, as the authority knows them; call it outside transactions. While the
    authority does not answer there are none: it certifies no outside signer under those names anyway."""
    with suppress(AuthorityError):
        return authority.organisations()
    return []


def own_organisation_refusal(
    tx: Transaction, organisation: str, guest_organisation: str, more: Iterable[str] = ()
) -> Refusal | None:
    """Why a guest cannot be of *guest_organisation*, or None. ``more``: the enterprise's other names."""
    for own in (organisation, *people.organisations(tx), *more):
        if same_organisation(own, guest_organisation):
            return Refusal(
                "An outside signer cannot be of {organisation}: {own} is an organisation of this house. Who works"
                " here signs with an account.",
                {"organisation": guest_organisation, "own": own},
            )
    return None
