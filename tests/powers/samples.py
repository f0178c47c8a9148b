"""Powers and matters for tests of the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.model.contract import Money
from appliance.model.powers import Power, PowerBasis, PowerConfirmation, PowerScope, RecordedAction
from appliance.powers.coverage import CoverageQuery

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALPHA, BETA, GAMMA = "甲公司示例有限公司", "乙公司示例有限公司", "丙公司示例有限公司"
AGENT = "person-1"
MILLION = Money(100_000_000, "CNY")


def power(number: int = 1, **changes: object) -> Power:
    """A verified letter without limits, of Alpha for ``person-1``, from yesterday until in a month."""
    values: dict[str, object] = {
        "id": f"power-{number:012x}",
        "basis": PowerBasis.INSTRUMENT,
        "grantor": ALPHA,
        "principal": "钱示例",
        "agent": AGENT,
        "scope": PowerScope(),
        "since": NOON - DAY,
        "until": NOON + 30 * DAY,
        "replaces": False,
        "document": f"{number:064x}",
        "size": 1000,
        "registered": RecordedAction("person-2", NOON - 3 * DAY),
        "verified": RecordedAction("officer-9", NOON - 2 * DAY),
        "confirmed": PowerConfirmation("0" * 64),
    }
    return Power(**(values | changes))  # type: ignore[arg-type]  # the names are checked by the dataclass


def matter(**changes: object) -> CoverageQuery:
    """``person-1`` signs a purchase of a million yuan for Alpha, with Beta."""
    values: dict[str, object] = {
        "organisation": ALPHA,
        "agent": AGENT,
        "name": "张示例",
        "kinds": ("采购合同", "采购"),
        "counterparties": (BETA,),
        "amount": MILLION,
        "seal": None,
        "now": NOON,
        "zone": "Asia/Shanghai",
    }
    return CoverageQuery(**(values | changes))  # type: ignore[arg-type]  # the names are checked by the dataclass
