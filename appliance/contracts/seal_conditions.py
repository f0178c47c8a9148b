"""What must hold for the use of a seal: it is in use, has enough custodians, and policy is satisfied.

Asked of a draft as a whole before it is sent, and of the one signature at every step of the signing cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.contracts.preconditions import Signing
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.people import Seal
from appliance.policy import Policy
from appliance.review.standing import Standings
from appliance.store import people
from appliance.store.database import Transaction
from hsm.sentence import Sentence

SUSPENDED = "The seal {seal} is suspended."
DESTROYED = "The seal {seal} is destroyed; choose another one."
ALONE = "The seal {seal} needs a custodian who is not the one asking for it."
TOO_FEW = "The seal {seal} takes two custodians who are not the one asking for it, and has fewer."
ALSO_SIGNS = "Who asks for the seal {seal} also signs this contract; policy wants another person to ask for it."
UNREVIEWED = "Policy wants a reviewer to sign the content check off before the seal {seal} is used."


@dataclass(frozen=True, slots=True)
class SealConditions:
    """The conditions, by policy; a :class:`Precondition` too."""

    policy: Policy
    standings: Standings

    def require(self, tx: Transaction, signing: Signing) -> None:
        """Raises :class:`PreconditionRefused` for the first that does not hold."""
        for refusal in self.of(tx, signing):
            raise PreconditionRefused(refusal.template, **refusal.values)

    def of(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """Everything that does not hold; nothing for a person's signature."""
        contract, party = signing.contract, signing.party
        if party.kind is not PartyKind.SEAL:
            return
        seal, rules = people.seal(tx, party.subject), self.policy.of(contract.kind).seals
        named = {"seal": party.name}
        if seal.destroyed is not None:
            yield Sentence(DESTROYED, named)
        elif seal.suspended is not None and seal.suspended <= signing.now:
            yield Sentence(SUSPENDED, named)
        needed = self.needed(contract, seal)
        if len(set(seal.custodians) - {party.requester}) < needed:
            yield Sentence(ALONE if needed == 1 else TOO_FEW, named)
        if not rules.requester_may_sign and _signs_too(contract, party):
            yield Sentence(ALSO_SIGNS, named)
        if rules.after_review and not self._is_reviewed(tx, contract):
            yield Sentence(UNREVIEWED, named)

    def needed(self, contract: Contract, seal: Seal) -> int:
        """How many custodians approve the use of *seal* in *contract*: what the seal takes, or policy if more."""
        return max(seal.needed, self.policy.of(contract.kind).seals.custodians)

    def _is_reviewed(self, tx: Transaction, contract: Contract) -> bool:
        standing = self.standings.when_sent(tx, contract)
        return standing.passes and standing.signed_off is not None


def _signs_too(contract: Contract, seal: Party) -> bool:
    return any(party.kind is PartyKind.PERSON and party.subject == seal.requester for party in contract.parties)
