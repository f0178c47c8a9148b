"""Sending: what prevents sending a draft, and the PDF that gets all its signature fields at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from appliance.contracts import numbering
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.amendment_rules import refusals_to_send, sent_fields
from appliance.contracts.annexes import attached_events
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.draft_rules import (
    MOST_PLACES_IN_ALL,
    TOO_MANY_PLACES,
    covering,
    method_refusal,
    places_of,
)
from appliance.contracts.permissions import Permission, Refusal
from appliance.contracts.preconditions import SigningContext, SigningReadiness
from appliance.contracts.rules import after_sending
from appliance.earlier_signatures import EarlierSignatures
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import translator
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
)
from appliance.model.document_codes import draw_code, page_address, show_code
from appliance.pdf.values import CodeMark, CrossPageSeal, FieldKind, FieldPlacement, InputPlacement
from appliance.review import review_status
from appliance.signing_methods import SigningMethod
from appliance.store import anchors, contracts, discussions, document_codes, people, seal_rules
from appliance.store.database import Transaction
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, Sentence
from hsm.names import passes_for, same_organisation

_UNAPPROVED = (
    "No certification authority is approved for {organisation} yet, so that no file signed by {name} can be taken."
    " Officers approve it under Registration."
)

FILLS_NOTHING_IN = (
    "{name} signs with other software, which fills in no further fields; give the field to somebody else."
)


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
    crowded = sum(len(places_of(party)) for party in contract.parties) > MOST_PLACES_IN_ALL
    if crowded:
        yield DraftProblem(ProblemPlace.FIELDS, None, TOO_MANY_PLACES, {"most": MOST_PLACES_IN_ALL})
    covered = frozenset[tuple[str, str]]() if crowded else covering(contract)
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
            if (party.id, other.id) in covered:
                both = {"name": party.name, "other": other.name}
                template = "The fields of {name} and {other} cover each other; move them apart."
                yield DraftProblem(ProblemPlace.FIELDS, party.id, template, both)
        if party.method is SigningMethod.OWN_CERTIFICATE and party.more:
            template = "{name} signs with other software, which fills one place; take the others away."
            yield DraftProblem(ProblemPlace.FIELDS, party.id, template, name)
        yield from _inputs(contract, party)
        if (party.id, party.id) in covered:
            yield DraftProblem(
                ProblemPlace.FIELDS, party.id, "Two fields of {name} cover each other; move them apart.", name
            )


def _inputs(contract: Contract, party: Party) -> Iterator[DraftProblem]:
    if party.inputs and party.method is SigningMethod.OWN_CERTIFICATE:
        yield DraftProblem(ProblemPlace.FIELDS, party.id, FILLS_NOTHING_IN, {"name": party.name})
    for each in party.inputs:
        about = {"name": party.name, "label": each.label}
        if not each.places:
            template = "The field “{label}” of {name} has no place yet; place it, or remove it."
            yield DraftProblem(ProblemPlace.FIELDS, party.id, template, about)
        if not all(_lies_on_page(contract, place) for place in each.places):
            template = "The field “{label}” of {name} lies outside its page; move it back."
            yield DraftProblem(ProblemPlace.FIELDS, party.id, template, about)


def _lies_on_page(contract: Contract, place: Placement) -> bool:
    """A hundredth of a percent is allowed for rounding."""
    inside = place.x > -0.01 and place.y > -0.01
    return (
        place.page < contract.pages
        and inside
        and place.x + place.width < 100.01
        and place.y + place.height < 100.01
    )


class Sending:
    """From draft to sent. Nothing can be added to the contract afterwards, only signatures."""

    def __init__(
        self,
        records: ContractRecords,
        rules: SigningRules,
        backend: SigningBackend,
        earlier: EarlierSignatures,
        *,
        public_url: str,
    ) -> None:
        """*public_url* is the portal's, to which document codes lead."""
        self._public_url = public_url
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
        found = self._each(contract, self._readiness.until_signing)
        approved = self._records.database.query(anchors.in_force)
        for party in contract.parties:
            own = party.organisation or party.name
            known = any(same_organisation(each.organisation, own) for each in approved)
            if party.method is SigningMethod.OWN_CERTIFICATE and not known:
                found.append(Sentence(_UNAPPROVED, {"organisation": own, "name": party.name}))
        return found

    def running_out(self, contract: Contract) -> list[Sentence]:
        """What would be refused at the deadline, though not now: powers and checks that end before it."""
        return self._each(contract, self._readiness.running_out)

    def _each(
        self, contract: Contract, unmet: Callable[[Transaction, SigningContext], Iterator[Sentence]]
    ) -> list[Sentence]:
        with self._records.database.reading() as tx:
            return [reason for signing in self._signatures(contract) for reason in unmet(tx, signing)]

    def send(
        self,
        contract_id: str,
        *,
        by: str,
        seen: int | None = None,
        accepting_unverified: bool = False,
        leaving_open: int = 0,
    ) -> Contract:
        """The contract with revision 1, the fields, out for signing; those whose turn it is are told.

        *accepting_unverified*: the initiator knows that the document carries signatures that could not be verified
        here; without it such a document is refused. The log says how many there are. *leaving_open*: so many
        comments and proposed changes the initiator knows to be open; with more of them nothing is sent.

        Raises :class:`PreconditionRefused` for anybody but the initiator and for the first of :meth:`problems`,
        and :class:`StateRefused` when it is no draft, was changed since it was *seen*, or at the same moment.
        """
        command = Command(contract_id, Permission.SEND, by, self._records.now(), seen)
        with self._records.database.reading() as tx:
            contract = admit(tx, command)
            self._require_sendable(tx, contract)
            _require_discussed(tx, contract, leaving_open)
            unverified = self._require_verified(contract, accepting_unverified)
            fields = [_field(tx, party) for party in contract.parties]
        code = draw_code()
        revision = self._with_fields(contract, fields, code)
        now = revision.at
        with self._records.database.transaction() as tx:
            current = admit(tx, replace(command, now=now))
            if current.version != contract.version:
                raise StateRefused(
                    "Contract “{title}” was changed while it was sent; send again.", title=contract.title
                )
            self._require_sendable(tx, current)
            undiscussed = _require_discussed(tx, current, leaving_open)
            numbered = numbering.give_number(tx, current, self._rules.policy, now)
            contracts.add_revision(tx, contract, revision, state=ContractState.SENT)
            document_codes.keep_code(tx, code, contract_id)
            discussions.end_sharing_of_text(tx, contract_id)
            for attached in attached_events(tx, contract, by, now):
                append_event(tx, attached)
            if undiscussed:
                kind = EventKind.SENT_WITH_COMMENTS
                append_event(tx, AuditEvent(kind, now, by, contract_id, {"unresolved": undiscussed}))
            public = _sent_with(tx, contract, revision, unverified)
            private = numbering.number_field(numbered)
            event = AuditEvent(EventKind.CONTRACT_SENT, now, by, contract_id, public, private)
            sent = record_change(tx, contract, event)
            self._records.notify(tx, after_sending(sent, now))
        return sent

    def _with_fields(self, contract: Contract, fields: list[FieldPlacement], code: str) -> ContractRevision:
        """Revision 1 as of now, whose bytes are kept already."""
        original = self._backend.blobs.get(contract.original.digest)
        document = self._backend.workshop.add_fields(original, fields, mark=self._mark(contract, code))
        now = self._records.now()
        return ContractRevision(1, RevisionKind.FIELDS, self._backend.blobs.put(document), len(document), now)

    def _mark(self, contract: Contract, code: str) -> CodeMark | None:
        """What comes on the last page, where policy wants it."""
        if not self._rules.policy.rules_for(contract.kind).document_codes.on_last_page:
            return None
        label = translator(contract.language)("Document code")
        return CodeMark(label, show_code(code), page_address(self._public_url, code))

    def _require_verified(self, contract: Contract, accepting: bool) -> int:
        """How many signatures in the document could not be verified here. Raises :class:`PreconditionRefused` for
        any without *accepting*."""
        unverified = len(self._earlier.unverified(contract.original.digest))
        if unverified and not accepting:
            raise PreconditionRefused(
                "The document carries signatures that could not be verified here; confirm that it is to be "
                "sent all the same."
            )
        return unverified

    def _require_sendable(self, tx: Transaction, contract: Contract) -> None:
        for problem in self._problems(tx, contract):
            raise PreconditionRefused(problem.template, **problem.values)

    def _problems(self, tx: Transaction, contract: Contract) -> list[DraftProblem]:
        found = [
            *problems_of(contract, self._records.now()),
            *self._of_number(tx, contract),
            *self._of_register(tx, contract),
            *_of_positions(tx, contract),
            *(
                DraftProblem(ProblemPlace.PARTIES, None, each.template, dict(each.values))
                for each in refusals_to_send(tx, contract)
            ),
            *self._of_review(tx, contract),
        ]
        return sorted(found, key=lambda problem: list(ProblemPlace).index(problem.place))

    def _of_number(self, tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
        refusal = numbering.unnumbered(tx, contract, self._rules.policy)
        if refusal is not None:
            yield DraftProblem(ProblemPlace.DOCUMENT, None, refusal.template, dict(refusal.values))

    def _of_register(self, tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
        for party in contract.parties:
            if party.guest and not people.person(tx, party.subject).email:
                template = "{name} has no e-mail address; the link to the contract goes there."
                yield DraftProblem(ProblemPlace.PARTIES, party.id, template, {"name": party.name})
            if party.partner is not None and not people.is_active(tx, party.responsible):
                template = "The account of {name} is closed or suspended; name somebody else."
                named = {"name": people.person(tx, party.responsible).name}
                yield DraftProblem(ProblemPlace.PARTIES, party.id, template, named)
            if party.outside:
                own = own_organisation_refusal(tx, self._rules.basis_finder.own, party.organisation)
                methods = self._rules.policy.rules_for(contract.kind).outside_signers
                for refusal in (own, method_refusal(methods, party.name, party.method)):
                    if refusal is not None:
                        yield DraftProblem(ProblemPlace.PARTIES, party.id, refusal.template, dict(refusal.values))
            if party.method is SigningMethod.VOUCHED and not people.is_enrolled(tx, contract.initiator):
                template = "You vouch for {name} with your own passkey for signing; have officers enrol you first."
                yield DraftProblem(ProblemPlace.PARTIES, party.id, template, {"name": party.name})
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


def _sent_with(
    tx: Transaction, contract: Contract, revision: ContractRevision, unverified: int
) -> dict[str, Field]:
    """What the log says of what was sent."""
    public: dict[str, Field] = {"revision": 1, "digest": revision.digest, "parties": len(contract.parties)}
    if unverified:
        public["unverified"] = unverified
    return public | sent_fields(tx, contract)


def _of_positions(tx: Transaction, contract: Contract) -> Iterator[DraftProblem]:
    """What is wrong with where seals are put."""
    for party in contract.parties:
        if party.kind is PartyKind.SEAL and party.places:
            for reason in seal_rules.rules_of(tx, party.subject).unplaced(party, contract.pages):
                yield DraftProblem(ProblemPlace.FIELDS, party.id, reason.template, dict(reason.values))


def _require_discussed(tx: Transaction, contract: Contract, known: int) -> int:
    """How many comments and proposed changes are open. Raises :class:`PreconditionRefused` when more than *known*
    are."""
    unresolved = discussions.unresolved(tx, contract.id)
    if unresolved > known:
        raise PreconditionRefused(
            "Comments and proposed changes still open: {count}. Settle them, or confirm that the contract is to be"
            " sent all the same.",
            count=unresolved,
        )
    return unresolved


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
        bare=party.method is SigningMethod.OWN_CERTIFICATE,
        more=tuple(more),
        cross_page=cross_page,
        inputs=tuple(InputPlacement(each.number, each.label, each.places) for each in party.inputs),
    )


def certified_here(authority: AuthorityClient) -> list[str]:
    """The enterprise's own organisations, as the authority knows them; call it outside transactions. While the
    authority does not answer there are none: it certifies no outside signer under those names anyway."""
    with suppress(AuthorityError):
        return authority.organisations()
    return []


def vouched_here(authority: AuthorityClient) -> bool:
    """Whether initiators can vouch for outside signers at all; call it outside transactions. While the authority
    does not answer they are taken to: it says so itself later."""
    with suppress(AuthorityError):
        return authority.vouching_limit() > 0
    return True


def own_organisation_refusal(
    tx: Transaction, organisation: str, guest_organisation: str, more: Iterable[str] = ()
) -> Refusal | None:
    """Why a guest cannot be of *guest_organisation*, or None. ``more``: the enterprise's other names."""
    for own in (organisation, *people.organisations(tx), *more):
        if passes_for(own, guest_organisation):
            return Refusal(
                "An outside signer cannot be of {organisation}: {own} is an organisation of this house. Who works"
                " here signs with an account.",
                {"organisation": guest_organisation, "own": own},
            )
    return None
