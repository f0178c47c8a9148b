"""What must hold for the use of a seal: it is in use, has enough custodians, and policy is satisfied.

Asked of a draft as a whole before it is sent, and of the one signature at every step of the signing cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from appliance.contracts.preconditions import Foreseen, Precondition, Signing
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.people import Seal
from appliance.policy import Policy
from appliance.review.standing import Standings
from appliance.store import accounts, people
from appliance.store.database import Transaction
from hsm.sentence import Sentence

SUSPENDED = "The seal {seal} is suspended."
DESTROYED = "The seal {seal} is destroyed; choose another one."
ALONE = "The seal {seal} needs a custodian who is not the one asking for it."
TOO_FEW = "The seal {seal} takes two custodians who are not the one asking for it, and has fewer."
ALSO_SIGNS = "Who asks for the seal {seal} also signs this contract; policy wants another person to ask for it."
FOREIGN = (
    "The seal {seal} is of {organisation}, and only its own people can ask for it; {name} is of {other}."
    " Choose another seal, or somebody else to ask for it."
)
UNREVIEWED = "Policy wants a reviewer to sign the content check off before the seal {seal} is used."


@dataclass(frozen=True, slots=True)
class SealConditions(Precondition):
    """The conditions, by policy."""

    foreseen: ClassVar[Foreseen] = Foreseen.OF_ALL
    policy: Policy
    standings: Standings

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """Nothing for a person's signature."""
        contract, party = signing.contract, signing.party
        if party.kind is not PartyKind.SEAL:
            return
        yield from self.of_choice(tx, signing)
        rules = self.policy.of(contract.kind).seals
        if not rules.requester_may_sign and _signs_too(contract, party):
            yield Sentence(ALSO_SIGNS, {"seal": party.name})
        if rules.after_review and not self._is_reviewed(tx, contract):
            yield Sentence(UNREVIEWED, {"seal": party.name})

    def of_choice(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """What speaks against this seal and this requester together, whatever else is in the contract."""
        party, seal = signing.party, people.seal(tx, signing.party.subject)
        named = {"seal": party.name}
        if seal.destroyed is not None:
            yield Sentence(DESTROYED, named)
        elif seal.suspended is not None and seal.suspended <= signing.now:
            yield Sentence(SUSPENDED, named)
        requester = people.person(tx, party.responsible)
        if requester.organisation != seal.organisation:
            organisations = {"organisation": seal.organisation, "other": requester.organisation or "—"}
            yield Sentence(FOREIGN, {**named, "name": requester.name, **organisations})
        needed = self.needed(signing.contract, seal)
        if len(_available(tx, seal, besides=party.responsible)) < needed:
            yield Sentence(ALONE if needed == 1 else TOO_FEW, named)

    def needed(self, contract: Contract, seal: Seal) -> int:
        """How many custodians approve the use of *seal* in *contract*: what the seal takes, or policy if more."""
        return max(seal.needed, self.policy.of(contract.kind).seals.custodians)

    def _is_reviewed(self, tx: Transaction, contract: Contract) -> bool:
        standing = self.standings.when_sent(tx, contract)
        return standing.passes and standing.signed_off is not None


def _signs_too(contract: Contract, seal: Party) -> bool:
    return any(party.kind is PartyKind.PERSON and party.subject == seal.requester for party in contract.parties)


def _available(tx: Transaction, seal: Seal, *, besides: str | None) -> list[str]:
    """The custodians, other than *besides*, whom the authority would count: of the seal's own organisation and
    with a key; and whose account is open, so that they can be asked."""
    return [
        custodian
        for custodian in seal.custodians
        if custodian != besides
        and people.person(tx, custodian).organisation == seal.organisation
        and people.is_enrolled(tx, custodian)
        and accounts.is_there(tx, custodian)
    ]
