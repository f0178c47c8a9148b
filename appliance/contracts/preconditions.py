"""What must hold for one signature; asked at prepare, before the authority is asked, and again at complete.

A :class:`Precondition` reads the state of the very transaction that acts on its answer, so nothing that was
revoked in the meantime slips through. More of them (powers of attorney, content checks, approvals) join the list
that ``appliance/wiring.py`` hands over; the cycle does not change. A draft is asked for the same ones
(:class:`SigningReadiness`), so that no contract goes out that somebody could never sign.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final, TypeVar, cast

from cryptography import x509

from appliance.contracts.agreement_text import VERSION
from appliance.contracts.permissions import ContractActor, Permission, refusal_for
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import AgreementSide, Contract, ContractState, Party, PartyKind
from appliance.model.intent import IntentRecord
from appliance.model.people import Seal
from appliance.policy import Policy
from appliance.policy.rules import ReviewRequirement
from appliance.review import review_status
from appliance.review.review_status import ReviewStatuses
from appliance.signing_methods import SigningMethod
from appliance.store import intents, people, readings, seal_rules, vouchings
from appliance.store.database import Transaction
from hsm.canonical import decode
from hsm.errors import Sentence
from hsm.intents import SigningIntent
from hsm.names import is_outside
from hsm.records import carries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SigningContext:
    """One signature that somebody is about to make, as of ``now``, as it was read in one transaction."""

    contract: Contract
    party: Party
    now: datetime
    _found: dict[tuple[Transaction, object], object] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def read_once(self, tx: Transaction, read: Callable[[Transaction, SigningContext], T]) -> T:
        """What *read* finds, which is asked at most once in the transaction *tx*."""
        if (tx, read) not in self._found:
            self._found[tx, read] = read(tx, self)
        return cast("T", self._found[tx, read])


class PreSendingCheck(Enum):
    """Whether a precondition must hold when the contract is sent already."""

    NO = "no"
    """It comes to hold while the contract is signed, or is asked of the contract as a whole."""
    OF_OWN = "of the initiator's organisation"
    """Of the initiator's own people; others may bring it along until they sign."""
    OF_ALL = "of all"
    """Of everybody with an account here. Outside signers get their keys after sending."""


class Precondition(ABC):
    """One condition of a signature. Reads only; may be asked any number of times."""

    foreseen: ClassVar[PreSendingCheck]

    @abstractmethod
    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """Every reason why it does not hold; none when it does."""

    def require(self, tx: Transaction, signing: SigningContext) -> None:
        """Raises :class:`PreconditionRefused` with the first reason when it does not hold."""
        for reason in self.unmet_reasons(tx, signing):
            raise PreconditionRefused(reason.template, **reason.values)


class SigningPermitted(Precondition):
    """The contract is sent, it is this party's turn, and the deadline has not come (``permissions.TABLE``)."""

    foreseen = PreSendingCheck.NO

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        refusal = refusal_for(
            signing.contract, Permission.SIGN, ContractActor(signing.party.responsible), signing.now, signing.party
        )
        if refusal is not None:
            yield refusal


class AccountActive(Precondition):
    """Who acts has an account that is open; outside signers need none."""

    foreseen = PreSendingCheck.OF_ALL

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        person = people.person(tx, signing.party.responsible)
        if not people.is_active(tx, person.subject):
            yield Sentence(
                "The account of {name} is closed or suspended; name somebody else.", {"name": person.name}
            )


class Enrolled(Precondition):
    """The signer has a key, and a certificate that is good: now, and in a draft until the deadline. Who asks for a
    seal has a key too, as only such people can activate."""

    foreseen = PreSendingCheck.OF_ALL

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        party, deadline = signing.party, signing.contract.deadline.at
        if party.method is SigningMethod.OWN_CERTIFICATE:
            return
        for subject in dict.fromkeys((party.subject, party.responsible)):
            if not people.is_enrolled(tx, subject):
                name = party.name if subject == party.subject else people.person(tx, subject).name
                yield Sentence("{name} cannot sign yet: the enrolment is not finished.", {"name": name})
        if people.is_enrolled(tx, party.subject):
            ends = x509.load_der_x509_certificate(people.certificate(tx, party.subject)).not_valid_after_utc
            named = {"name": party.name, "day": f"{ends:%Y-%m-%d}"}
            if ends <= signing.now:
                yield Sentence(_EXPIRED, named)
            elif signing.contract.state is ContractState.DRAFT and ends <= deadline:
                yield Sentence(_EXPIRES, named)


_EXPIRED = "The certificate of {name} ended on {day}; somebody else has to sign."
_EXPIRES = "The certificate of {name} ends on {day}, before the deadline; set an earlier one."


@dataclass(frozen=True, slots=True)
class AgreementAccepted(Precondition):
    """The side of who acts has accepted the text *version* on electronic signing towards every other side, by the
    signer or by somebody certified under the organisation."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.NO
    version: str = VERSION

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """Names the sides that no acceptance names. Who signs with a certificate of their own accepts with the
        file that they upload, and by no key of this house."""
        party = signing.party
        if party.method is SigningMethod.OWN_CERTIFICATE:
            return
        try:
            require_acceptances(tx, party.subject, party.side, signing.contract.other_sides(party), self.version)
        except PreconditionRefused as refusal:
            yield Sentence(refusal.template, refusal.values)


def acceptances_between(
    tx: Transaction, signer: str, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[int, ...] | None:
    """The log's entries of the acceptances for *own* that carry the signatures of *signer* and name every one of
    *others*; None when one is not named.

    Where there are no others (everybody signs for the same side), the first such acceptance suffices.
    """
    found = [_acceptance(tx, signer, own, other, version) for other in others or (None,)]
    entries = {entry for entry in found if entry is not None}
    return None if None in found else tuple(sorted(entries))


def require_acceptances(
    tx: Transaction, signer: str, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[int, ...]:
    """As :func:`acceptances_between`; raises :class:`PreconditionRefused` where that is None."""
    entries = acceptances_between(tx, signer, own, others, version)
    if entries is not None:
        return entries
    if not others:
        raise PreconditionRefused(
            "{party} has not accepted the agreement on electronic signing (version {version}).",
            party=own.name,
            version=version,
        )
    raise PreconditionRefused(
        "{party} has not accepted the agreement on electronic signing (version {version}) with {others}.",
        party=own.name,
        version=version,
        others=", ".join(each.name for each in others if _acceptance(tx, signer, own, each, version) is None),
    )


def _acceptance(
    tx: Transaction, signer: str, own: AgreementSide, other: AgreementSide | None, version: str
) -> int | None:
    """The entry of the first acceptance that carries *signer*'s signatures and names *other*, if anybody."""
    accepted = intents.acceptances_naming(tx, own.key, other.key if other else None, version)
    return next((each.entry for each in accepted if carries(decode(each.record), each.cms or b"", signer)), None)


@dataclass(frozen=True, slots=True)
class ContentCheckPassed(Precondition):
    """The content check of the contract's document has the result that policy requires for its type."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.NO
    reviews: ReviewStatuses

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        rules = self.reviews.policy.rules_for(signing.contract.kind)
        if rules.review.before_sending is ReviewRequirement.NOTHING:
            return
        refusal = review_status.refusal_of(self.reviews.status_when_sent(tx, signing.contract))
        if refusal is not None:
            yield Sentence(*refusal)


def signing_party(contract: Contract, intent: SigningIntent) -> Party:
    """The party of *intent*, while it is still its signer's.

    Raises :class:`NotFound`, or :class:`StateRefused` when somebody else signs in that place by now: a signature
    never counts for another one than who made it.
    """
    party = contract.require_party(intent.party)
    if (party.subject, party.field) != (intent.signer, intent.field):
        raise StateRefused(
            "{name} signs “{title}” in this place by now; nothing was signed here.",
            name=party.name,
            title=contract.title,
        )
    return party


def require_current(contract: Contract, record: IntentRecord) -> None:
    """Raises :class:`StateRefused` when the revision that was to be signed is no longer the newest."""
    if contract.current.number != record.base:
        raise StateRefused("Another party signed “{title}” in the meantime; prepare again.", title=contract.title)


def require_preconditions(preconditions: Sequence[Precondition], tx: Transaction, signing: SigningContext) -> None:
    """Raises :class:`PreconditionRefused` for the first that does not hold."""
    for precondition in preconditions:
        precondition.require(tx, signing)


def standard_preconditions(version: str = VERSION) -> tuple[Precondition, ...]:
    """What every signature needs; *version* is that of the agreement on electronic signing.

    A seal's own conditions are :class:`SealConditions`.
    """
    return (SigningPermitted(), AccountActive(), Enrolled(), AgreementAccepted(version))


_ALL = frozenset({PreSendingCheck.OF_ALL, PreSendingCheck.OF_OWN})
_LATER = frozenset({PreSendingCheck.OF_OWN})
_LAST_MOMENT = timedelta(microseconds=1)


class SigningReadiness:
    """Reads only. ``preconditions`` are those of every signature."""

    def __init__(self, preconditions: Sequence[Precondition]) -> None:
        self._preconditions = preconditions

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """Every reason for which a signature would be refused, whoever's turn it is."""
        yield from self._of(tx, signing, _ALL)

    def before_sending(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """What must be settled before the contract is sent."""
        if not signing.party.outside:
            own = _is_own(tx, signing)
            yield from self._of(tx, signing, _ALL if own else _ALL - _LATER)

    def until_signing(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """What people of other organisations still have to provide before they sign."""
        if signing.party.outside or not _is_own(tx, signing):
            yield from self._of(tx, signing, _LATER)

    def running_out(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """What holds now, but will no longer hold at the last moment before the deadline."""
        last = replace(signing, now=signing.contract.deadline.at - _LAST_MOMENT)
        lacks_now = any(True for _ in self._of(tx, signing, _LATER))
        if not lacks_now and last.now > signing.now and not signing.party.outside:
            yield from self._of(tx, last, _LATER)

    def _of(
        self, tx: Transaction, signing: SigningContext, which: Collection[PreSendingCheck]
    ) -> Iterator[Sentence]:
        for precondition in self._preconditions:
            if precondition.foreseen in which:
                yield from precondition.unmet_reasons(tx, signing)


def _is_own(tx: Transaction, signing: SigningContext) -> bool:
    """Whether who acts for the party is of the initiator's organisation."""
    acting, initiator = (
        people.person(tx, each) for each in (signing.party.responsible, signing.contract.initiator)
    )
    return acting.organisation == initiator.organisation


SUSPENDED = "The seal {seal} is suspended."
DESTROYED = "The seal {seal} is destroyed; choose another one."
ALONE = "The seal {seal} needs a custodian who is not the one asking for it."
TOO_FEW = "The seal {seal} takes two custodians who are not the one asking for it, and has fewer."
OUTSIDE_ALONE = "The seal {seal} has no custodian of its company who could release it."
OUTSIDE_TOO_FEW = "The seal {seal} takes two custodians of its company, and has fewer."
ALSO_SIGNS = "Who asks for the seal {seal} also signs this contract; policy wants another person to ask for it."
FOREIGN = (
    "The seal {seal} is of {organisation}, and only its own people can ask for it; {name} is of {other}."
    " Choose another seal, or somebody else to ask for it."
)
ONE_CONTRACT = (
    "The seal {seal} is asked for by people whom officers have confirmed; for {name} the initiator has vouched,"
    " for one contract alone. Have an officer confirm who it is, or choose somebody else."
)
UNREVIEWED = "Policy wants a reviewer to sign the content check off before the seal {seal} is used."


@dataclass(frozen=True, slots=True)
class SealConditions(Precondition):
    """The conditions, by policy."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.OF_ALL
    policy: Policy
    reviews: ReviewStatuses

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """Nothing for a person's signature."""
        contract, party = signing.contract, signing.party
        if party.kind is not PartyKind.SEAL:
            return
        yield from self.of_choice(tx, signing)
        if party.outside:  # how another company uses its own seal is its own business
            return
        rules = self.policy.rules_for(contract.kind).seals
        if not rules.requester_may_sign and _signs_too(contract, party):
            yield Sentence(ALSO_SIGNS, {"seal": party.name})
        if rules.after_review and not self._is_reviewed(tx, contract):
            yield Sentence(UNREVIEWED, {"seal": party.name})

    def of_choice(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        """What speaks against this seal and this requester together, whatever else is in the contract."""
        party, seal = signing.party, people.seal(tx, signing.party.subject)
        named = {"seal": party.name}
        if seal.destroyed is not None:
            yield Sentence(DESTROYED, named)
        elif seal.suspended is not None and seal.suspended <= signing.now:
            yield Sentence(SUSPENDED, named)
        requester = people.person(tx, party.responsible)
        own = is_outside(requester.subject) == seal.outside and requester.organisation == seal.organisation
        if not own:
            organisations = {"organisation": seal.organisation, "other": requester.organisation or "—"}
            yield Sentence(FOREIGN, {**named, "name": requester.name, **organisations})
        elif seal.outside and vouchings.of_person(tx, requester.subject) is not None:
            yield Sentence(ONE_CONTRACT, {**named, "name": requester.name})
        rules, names = seal_rules.rules_of(tx, seal.subject), self.policy.names_for(signing.contract.kind)
        yield from rules.unmet_reasons(party.name, signing.contract, (signing.contract.kind, *names))
        needed = self.needed(signing.contract, seal)
        besides = None if seal.counts_as_custodian(party.responsible) else party.responsible
        if len(_available(tx, seal, besides=besides)) < needed:
            sentences = (OUTSIDE_ALONE, OUTSIDE_TOO_FEW) if seal.outside else (ALONE, TOO_FEW)
            yield Sentence(sentences[needed - 1], named)

    def needed(self, contract: Contract, seal: Seal) -> int:
        """How many custodians approve the use of *seal* in *contract*: the larger of the numbers of seal and
        policy, which is about the house's seals alone."""
        if seal.outside:
            return seal.needed
        return max(seal.needed, self.policy.rules_for(contract.kind).seals.custodians)

    def _is_reviewed(self, tx: Transaction, contract: Contract) -> bool:
        status = self.reviews.status_when_sent(tx, contract)
        return status.passes and status.signed_off is not None


def _signs_too(contract: Contract, seal: Party) -> bool:
    return any(party.kind is PartyKind.PERSON and party.subject == seal.requester for party in contract.parties)


def _available(tx: Transaction, seal: Seal, *, besides: str | None) -> list[str]:
    """The custodians, other than *besides*, whom the authority would count: of the seal's own organisation, from
    outside for a seal from outside, and with a key; and whose account is open, so that they can be asked."""
    return [
        custodian
        for custodian in seal.custodians
        if custodian != besides
        and is_outside(custodian) == seal.outside
        and people.person(tx, custodian).organisation == seal.organisation
        and people.is_enrolled(tx, custodian)
        and people.is_active(tx, custodian)
    ]


@dataclass(frozen=True, slots=True)
class SealPlaced(Precondition):
    """A seal is where its rules want it. Drafts are asked too, for seals of other companies as well, which no
    precondition looks at before the contract is sent (``Sending``)."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.NO

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        if signing.party.kind is PartyKind.SEAL:
            rules = seal_rules.rules_of(tx, signing.party.subject)
            yield from rules.unplaced(signing.party, signing.contract.pages)


_UNREAD: Final = (
    "Read the document page by page first; policy asks for it before a contract of this type is signed."
)


@dataclass(frozen=True, slots=True)
class EveryPageRead(Precondition):
    """Whoever acts has been shown every page, where policy asks for that."""

    foreseen: ClassVar[PreSendingCheck] = PreSendingCheck.NO
    policy: Policy

    def unmet_reasons(self, tx: Transaction, signing: SigningContext) -> Iterator[Sentence]:
        contract = signing.contract
        if not self.policy.rules_for(contract.kind).reading.every_page:
            return
        if readings.pages_read(tx, contract.id, signing.party.responsible) < contract.pages:
            yield Sentence(_UNREAD)
