"""When reminders are to be derived next. The database itself marks the plans that a change concerns (triggers)."""

from __future__ import annotations

from datetime import datetime

from appliance.model.notice import Occasion
from appliance.store.database import Transaction
from appliance.store.moments import loaded

AT_ONCE = ""

Plan = tuple[str, Occasion]
"""The id of a contract, and what is reminded of."""


def due_plans(tx: Transaction, now: datetime, *, limit: int) -> list[Plan]:
    """Plans of which something is to be derived: those that were changed, then the oldest."""
    rows = tx.execute(
        "SELECT contract, occasion FROM reminder_plans WHERE next_due <= ? ORDER BY next_due LIMIT ?",
        (now, limit),
    )
    return [(contract, Occasion(occasion)) for contract, occasion in rows]


def set_next(tx: Transaction, plan: Plan, next_due: datetime | None) -> None:
    """Nothing is to be derived of *plan* before *next_due*, or (None) until something changes."""
    moment = next_due
    tx.execute("UPDATE reminder_plans SET next_due = ? WHERE contract = ? AND occasion = ?", (moment, *plan))


def mark_touched(tx: Transaction) -> None:
    """Marks the plans of everybody whose account, zone or wishes have changed."""
    for (person,) in tx.execute("SELECT person FROM reminder_touched").fetchall():
        tx.execute(
            "UPDATE reminder_plans SET next_due = '' WHERE contract IN ("
            "SELECT contracts.id FROM involvements JOIN contracts USING (number)"
            " WHERE involvements.person = ?1 AND bucket IN ('to-sign', 'waiting')"
            " UNION SELECT contract FROM seal_requests WHERE state = 'waiting'"
            " AND seal IN (SELECT seal FROM custodians WHERE person = ?1))",
            (person,),
        )
        tx.execute(
            "UPDATE reminder_plans SET next_due = '' WHERE next_due > '' AND occasion <> 'signing'"
            " AND contract IN (SELECT contracts.id FROM involvements JOIN contracts USING (number)"
            " WHERE involvements.person = ? AND bucket = 'done')",
            (person,),
        )
        tx.execute("DELETE FROM reminder_touched WHERE person = ?", (person,))


def is_anybody_touched(tx: Transaction) -> bool:
    """Whether :func:`mark_touched` has something to do."""
    return tx.exists("SELECT 1 FROM reminder_touched LIMIT 1")


def mark_all(tx: Transaction) -> None:
    """Marks every plan: the rules are others."""
    tx.execute(
        "UPDATE reminder_plans SET next_due = '' WHERE next_due IS NOT NULL"
        " OR (occasion = 'signing' AND contract IN (SELECT id FROM contracts WHERE state = 'sent'))"
    )


def waiting_since(tx: Transaction, before: datetime) -> int:
    """How many plans should have been derived *before* that moment, at most 1,000."""
    return tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM reminder_plans WHERE next_due <= ? LIMIT 1000)", (before,)
    )


def clock(tx: Transaction) -> tuple[datetime | None, str]:
    """When reminders were derived last, and the fingerprint of the rules."""
    [[ticked, rules]] = tx.execute("SELECT ticked, rules FROM reminder_clock WHERE id = 1")
    return loaded(ticked), rules


def set_clock(tx: Transaction, ticked: datetime, rules: str) -> None:
    """Reminders were derived at *ticked*, by these *rules*."""
    tx.execute("UPDATE reminder_clock SET ticked = ?, rules = ? WHERE id = 1", (ticked, rules))
