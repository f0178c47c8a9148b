"""A power as somebody describes it, and what no power can be. Pure, but for what it reads in the transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appliance.errors import PreconditionRefused
from appliance.language.characters import same_name
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.powers import PowerBasis, PowerScope
from appliance.policy import Policy
from appliance.store import people
from appliance.store.database import Transaction
from hsm.names import LONGEST_ORGANISATION

MOST_NAMES: Final = 50
LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class PowerDraft:
    """What a letter says, as the one who registers it reads it. ``contract``: the letter was signed here as this
    contract; without it the letter comes as a document. See :class:`Power` for the rest."""

    basis: PowerBasis
    grantor: str
    principal: str
    agent: str
    scope: PowerScope
    since: datetime
    until: datetime
    replaces: bool = False
    contract: str | None = None


def tidy(draft: PowerDraft) -> PowerDraft:
    """*draft* without stray blanks and doubled names; a legal representative's has no scope."""
    scope = PowerScope() if draft.basis is PowerBasis.LEGAL_REPRESENTATIVE else draft.scope
    by_law = draft.basis is PowerBasis.LEGAL_REPRESENTATIVE
    return replace(
        draft,
        grantor=_line(draft.grantor),
        principal=_line(draft.principal),
        scope=replace(scope, kinds=_names(scope.kinds), counterparties=_names(scope.counterparties)),
        replaces=draft.replaces and not by_law,
        contract=draft.contract if draft.basis is PowerBasis.CONTRACT else None,
    )


def require_possible(tx: Transaction, draft: PowerDraft, policy: Policy, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` naming what is wrong, :class:`NotFound` for an unknown agent or seal."""
    if not draft.grantor or not draft.principal:
        raise PreconditionRefused("Name the grantor, and who signed the letter for it.")
    names = (draft.grantor, draft.principal, *draft.scope.kinds, *draft.scope.counterparties)
    if max(map(len, names)) > LONGEST_ORGANISATION:
        raise PreconditionRefused(
            "The name is too long; {most} characters are possible.", most=LONGEST_ORGANISATION
        )
    if max(len(draft.scope.kinds), len(draft.scope.counterparties)) > MOST_NAMES:
        raise PreconditionRefused("A power names at most {most} types and counterparties.", most=MOST_NAMES)
    _require_term(draft, policy, now)
    agent = people.person(tx, draft.agent)
    if not agent.subject.startswith("person-"):
        raise PreconditionRefused("{name} cannot sign contracts.", name=agent.name)
    for seal in draft.scope.seals:
        if not same_name(people.seal(tx, seal).organisation, draft.grantor):
            raise PreconditionRefused(
                "The seal {seal} is not one of {organisation}.", seal=seal, organisation=draft.grantor
            )


def _require_term(draft: PowerDraft, policy: Policy, now: datetime) -> None:
    longest = policy.default.powers.longest_days
    if draft.until <= draft.since:
        raise PreconditionRefused("A power ends after it begins; check the two days.")
    if draft.until <= now:
        raise PreconditionRefused("This power has ended already; there is nothing to register.")
    if draft.until - draft.since > timedelta(days=longest):
        raise PreconditionRefused("The longest term of a power that policy allows, in days: {most}.", most=longest)


def require_instrument(contract: Contract, draft: PowerDraft) -> None:
    """*contract* is a letter of the grantor: completed, and signed for it by somebody other than the agent.

    Raises :class:`PreconditionRefused` otherwise.
    """
    if contract.state is not ContractState.COMPLETED:
        raise PreconditionRefused("“{title}” is not completed, so it grants nothing yet.", title=contract.title)
    signed = any(
        party.state is PartyState.SIGNED
        and party.subject != draft.agent
        and same_name(party.organisation or party.name, draft.grantor)
        for party in contract.parties
    )
    if not signed:
        raise PreconditionRefused(
            "“{title}” is not signed for {organisation} by anybody but the agent.",
            title=contract.title,
            organisation=draft.grantor,
        )


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for name in names if (line := _line(name))))


def _line(text: str) -> str:
    return " ".join(text.split())
