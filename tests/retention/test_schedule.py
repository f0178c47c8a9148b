"""How long something is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.model.contract import ContractState
from appliance.model.retention import EndedContract
from appliance.policy import Policy, PolicyRules, TypeRules
from appliance.policy.rules import RetentionRules
from appliance.retention import shortest_term, with_retention_term, years_after

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = Policy(
    PolicyRules(retention=RetentionRules(years=10, ended_years=3)),
    (TypeRules(("劳动合同", "Employment"), PolicyRules(retention=RetentionRules(years=0, ended_years=2))),),
)


@pytest.mark.parametrize(
    ("kind", "state", "until"),
    [
        ("采购合同", ContractState.COMPLETED, 2036),
        ("采购合同", ContractState.VOIDED, 2036),
        ("采购合同", ContractState.DECLINED, 2029),
        ("employment", ContractState.EXPIRED, 2028),
        ("劳动合同", ContractState.COMPLETED, None),
    ],
)
def test_the_type_and_the_ending_decide(kind: str, state: ContractState, until: int | None) -> None:
    termed = with_retention_term(EndedContract("c", kind, state, NOON), POLICY)
    assert termed.until == (None if until is None else NOON.replace(year=until))


def test_a_leap_day_is_never_a_day_early() -> None:
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert years_after(leap, 4) == datetime(2032, 2, 29, tzinfo=UTC)
    assert years_after(leap, 10) == datetime(2038, 3, 1, tzinfo=UTC)


def test_nothing_is_looked_for_when_all_is_kept_for_ever() -> None:
    for_ever = Policy(PolicyRules(retention=RetentionRules(years=0, ended_years=0)))
    assert shortest_term(for_ever) is None
    assert shortest_term(POLICY) == 2
