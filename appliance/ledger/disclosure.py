"""Which data of a contract an organisation may see: the one place that answers it, for pages, files and packages.

What is not named here as shared is internal: visible to the organisation that it belongs to, and to nobody else,
whatever role somebody has. Accounts are on the side of the organisation that officers registered them for; people
from outside are on a side of their own, so that no name typed for them puts anybody on another side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.errors import NotFound
from appliance.ledger.audit_trail import SYSTEM, DataOwner, EventKind
from appliance.ledger.event_texts import disclosure_rule
from appliance.model.contract import GUEST_PREFIX, Contract
from appliance.model.notice import NoticeKind
from appliance.model.people import Person, Seal
from appliance.store import contracts, guests, people
from appliance.store.database import Database, Transaction, reads
from hsm.names import is_from_outside, name_key


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom data is shown, or for whom a package is made: an organisation, or a person who is of none.

    ``key`` alone tells audiences apart; ``name`` is how people call them.
    """

    key: str
    name: str = field(compare=False)

    @classmethod
    def of(cls, subject: str, name: str, organisation: str) -> Audience:
        """The audience of an organisation (or of somebody of none), on the side of this subject. What tells who is
        from outside is the subject, which this appliance gives, not the organisation, which somebody types.
        Whether a person from outside is of it at all, :meth:`of_person` knows."""
        where = "outside" if is_from_outside(subject) else "house"
        key = name_key(organisation)
        return cls(f"{where} organisation {key}" if key else f"person {subject}", organisation.strip() or name)

    @classmethod
    def of_person(cls, person: Person) -> Audience:
        """The audience that *person* belongs to. Of a guest's organisation the initiator typed the name, and may
        have typed a partner's: until officers have certified the guest under it, they are an audience alone."""
        typed = is_from_outside(person.subject) and person.partner is None and not person.certified
        if not typed:
            return cls.of(person.subject, person.name, person.organisation)
        return cls(f"person {person.subject}", person.organisation.strip() or person.name)

    @classmethod
    def of_seal(cls, seal: Seal) -> Audience:
        """The organisation whose seal it is."""
        return cls.of(seal.subject, "", seal.organisation)


_OF_SEALS: Final = frozenset(
    {NoticeKind.SEAL_REQUESTED, NoticeKind.SEAL_APPROVED, NoticeKind.SEAL_REFUSED, NoticeKind.SEAL_LAPSED}
)
"""Mails about what is internal to the company whose seal it is."""

_INTERNAL: Final = _OF_SEALS | {NoticeKind.DEPUTY_ASKED, NoticeKind.DRAFT_SHARED, NoticeKind.REVIEW_ASKED}
"""Mails of which only the organisation of the recipient may know: also who is away there, who stands in, with whom
a draft was shared, and who approves one."""


@dataclass(frozen=True, slots=True)
class VisibleEvents:
    """What is shown of one log entry. ``opening`` is the shown part of what opens its commitments (name → salt and
    value); ``withheld`` are the names of the fields that are not shown; ``whole`` is False for an entry of which
    nothing is shown but that it is there."""

    opening: Mapping[str, Mapping[str, Any]]
    withheld: frozenset[str]
    whole: bool

    @property
    def complete(self) -> bool:
        """Whether nothing is kept back."""
        return self.whole and not self.withheld


def replaced_guests(leaves: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Of a history (decoded leaves) the outside signers who were typed wrongly, so that others took their place.
    How they were typed is internal to the organisation that drafted."""
    corrected = (leaf["public"] for leaf in leaves if leaf["kind"] == EventKind.GUEST_CORRECTED)
    return frozenset(str(each["before"]) for each in corrected if each["before"] != each["person"])


class Disclosure:
    """What *audience* may see of *contract*; names are looked up in *tx*, so it lives no longer than that."""

    def __init__(self, tx: Transaction, contract: Contract, audience: Audience) -> None:
        self.audience = audience
        self._tx = tx
        self._initiator = contract.initiator
        self._known: dict[str, bool] = {}

    @property
    def drafting(self) -> bool:
        """Whether drafts, content checks, reviews, and notes of the contract are theirs."""
        return self._is(self._initiator)

    def seen(self, leaf: Mapping[str, Any], opening: bytes | None) -> VisibleEvents:
        """What is shown of the log entry with this *leaf* (decoded) and *opening* (as it is kept)."""
        opened: dict[str, Any] = json.loads(opening) if opening else {}
        rule = disclosure_rule(str(leaf["kind"]))
        if self._is(self._owner(rule.owner, leaf["public"])):
            return VisibleEvents(opened, frozenset(), True)
        shared = rule.shared or frozenset()
        kept = {name: value for name, value in opened.items() if name in shared}
        return VisibleEvents(kept, frozenset(leaf["commitments"]) - shared, rule.shared is not None)

    def _owner(self, owner: DataOwner, public: Mapping[str, Any]) -> str:
        if owner is DataOwner.INITIATOR:
            return self._initiator
        return str(
            public.get({DataOwner.SEAL: "seal", DataOwner.ACTOR: "actor", DataOwner.GIVER: "from"}[owner], SYSTEM)
        )

    def _is(self, subject: str) -> bool:
        if subject not in self._known:
            self._known[subject] = belongs(self._tx, subject, self.audience)
        return self._known[subject]


def drafted_by(tx: Transaction, contract_id: str, audience: Audience) -> bool:
    """Whether *audience* drafted the contract. Raises :class:`NotFound`."""
    return belongs(tx, contracts.load_contract(tx, contract_id).initiator, audience)


def spellings(tx: Transaction, audience: Audience) -> list[str]:
    """How the register writes the name of *audience*, an organisation with accounts here: usually one way."""
    return [each for each in people.organisations(tx) if Audience.of("", "", each) == audience]


def belongs(tx: Transaction, subject: str, audience: Audience) -> bool:
    """Whether *subject*, a person or a seal, is of *audience*. Nobody is who is not known."""
    try:
        if subject.startswith("seal-"):
            return Audience.of_seal(people.seal(tx, subject)) == audience
        return subject != SYSTEM and Audience.of_person(people.person(tx, subject)) == audience
    except NotFound:
        return False


class Disclosing:
    """The same questions for whoever has no transaction. Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    drafted = reads(drafted_by)
    belongs = reads(belongs)

    def drafting(self, contract: Contract, audience: Audience) -> bool:
        """Whether *audience* drafted *contract*: drafts, content checks, reviews and notes are its own."""
        return self.belongs(contract.initiator, audience)

    def mail_shown(self, contract: Contract, kind: NoticeKind, recipient: str, audience: Audience) -> bool:
        """Whether *audience* may know that *recipient* was written to: who answers for a seal or stands in for
        somebody who is away, and who is reminded without a part in the contract, is internal as the steps are that
        the mail is about."""
        signers = {party.responsible for party in contract.parties}
        if recipient.startswith(GUEST_PREFIX) and recipient not in signers:  # another took this one's place
            return self.drafting(contract, audience)
        internal = kind in _INTERNAL or recipient in contract.copied
        internal = internal or (kind is NoticeKind.REMINDERS and recipient not in signers)
        return not internal or self.belongs(recipient, audience)

    def invited(self, guest: str, audience: Audience) -> bool:
        """Whether *audience* invited *guest*: checks of this identity are its business alone."""
        with self._database.reading() as tx:
            return any(belongs(tx, each, audience) for each in guests.inviters(tx, guest))
