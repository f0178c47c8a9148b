"""How long a contract is kept: pure arithmetic on its end and the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from appliance.model.contract import ContractState
from appliance.model.retention import EndedContract
from appliance.policy import Policy

KEPT_LONGER: Final = frozenset({ContractState.COMPLETED, ContractState.VOIDED})
"""What was signed by everybody, voided later or not: ``retention.years``."""

ENDED: Final = KEPT_LONGER | {
    ContractState.DECLINED,
    ContractState.RECALLED,
    ContractState.EXPIRED,
    ContractState.DISCARDED,
}
"""States in which nothing more happens by itself; the others are running."""


def with_retention_term(ended: EndedContract, policy: Policy) -> EndedContract:
    """*ended* with the moment until which the policy for its type keeps it; None for ever."""
    rules = policy.rules_for(ended.kind).retention
    years = rules.years if ended.state in KEPT_LONGER else rules.ended_years
    return replace(ended, until=None if years == 0 else years_after(ended.since, years))


def years_after(moment: datetime, years: int) -> datetime:
    """The same day and time *years* later; the 29th of February becomes the 1st of March, never a day early."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def shortest_term(policy: Policy) -> int | None:
    """The fewest years after which anything may go; None when all is kept for ever."""
    every = [policy.default, *(entry.rules for entry in policy.types)]
    terms = [years for rules in every for years in (rules.retention.years, rules.retention.ended_years)]
    return min((years for years in terms if years), default=None)
