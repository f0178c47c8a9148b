"""What people who have left leave behind of web captures, and passing it on to a colleague."""

from __future__ import annotations

from typing import Final

from appliance.model.captures import LeftCaptures, OrderKind
from appliance.store.database import Transaction
from hsm.rows import Query

_LEAVES: Final = "c.owner = p.subject AND c.state NOT IN ('cancelled', 'disposed')"
_LEFT: Final = Query(
    LeftCaptures,
    "SELECT p.subject, p.name, p.organisation,"  # noqa: S608 -- literals
    f" (SELECT count(*) FROM captures AS c WHERE {_LEAVES}) AS captures,"
    " (SELECT count(*) FROM capture_schedules AS s WHERE s.owner = p.subject) AS schedules,"
    " (SELECT count(*) FROM capture_schedules AS s WHERE s.owner = p.subject AND s.due IS NOT NULL) AS resting,"
    " (SELECT ifnull(sum(s.missed), 0) FROM capture_schedules AS s WHERE s.owner = p.subject"
    " AND s.due IS NOT NULL) AS missed"
    " FROM people AS p WHERE EXISTS (SELECT 1 FROM gone AS g WHERE g.subject = p.subject)"
    f" AND (EXISTS (SELECT 1 FROM captures AS c WHERE {_LEAVES})"
    " OR EXISTS (SELECT 1 FROM capture_schedules AS s WHERE s.owner = p.subject))",
)


def left_captures(tx: Transaction, limit: int) -> list[LeftCaptures]:
    """Who has left and still has captures or plans, those with plans that rest first. Each owner is looked up once
    in the index: whoever has a plan has its first capture, too."""
    owners = (
        "WITH RECURSIVE owners (owner) AS (SELECT min(owner) FROM captures UNION ALL SELECT (SELECT min(c.owner)"
        " FROM captures AS c WHERE c.owner > owners.owner) FROM owners WHERE owners.owner IS NOT NULL)"
        " SELECT owner FROM owners WHERE owner IS NOT NULL"
    )
    return _LEFT.all(tx, f"AND p.subject IN ({owners}) ORDER BY resting = 0, p.name, p.subject LIMIT ?", (limit,))


def left_by(tx: Transaction, subject: str) -> LeftCaptures | None:
    """The same of *subject*; None for who has not left, or left nothing."""
    return _LEFT.first(tx, "AND p.subject = ?", (subject,))


def count_resting(tx: Transaction) -> int:
    """How many people have left whose plans have captures to come."""
    return tx.count(
        "SELECT count(DISTINCT owner) FROM capture_schedules INDEXED BY capture_schedules_due"
        " WHERE due IS NOT NULL AND EXISTS (SELECT 1 FROM gone AS g WHERE g.subject = capture_schedules.owner)"
    )


def orders_left(tx: Transaction, owner: str, limit: int) -> list[tuple[OrderKind, str]]:
    """Plans of *owner*, and captures that are of none and have not been cancelled or disposed of."""
    found = tx.execute(
        "SELECT 'schedule', id FROM capture_schedules WHERE owner = ?1"
        " UNION ALL SELECT 'capture', id FROM captures WHERE owner = ?1"
        " AND schedule IS NULL AND state NOT IN ('cancelled', 'disposed') LIMIT ?2",
        (owner, limit),
    )
    return [(OrderKind(kind), str(order)) for kind, order in found]


def pass_on(tx: Transaction, kind: OrderKind, order: str, to: str) -> None:
    """The capture, or the plan with its captures, belongs to *to*. Who ordered it stays known, but for a capture
    that still waits: *to* has it made."""
    taken = "orderer = CASE state WHEN 'waiting' THEN orderer ELSE ifnull(orderer, owner) END, owner = ?1"
    if kind is OrderKind.SCHEDULE:
        passed = "UPDATE capture_schedules SET orderer = ifnull(orderer, owner), owner = ?1 WHERE id = ?2"
        tx.execute(passed, (to, order))
        tx.execute(f"UPDATE captures SET {taken} WHERE schedule IS NOT NULL AND schedule = ?2", (to, order))  # noqa: S608
    else:
        tx.execute(f"UPDATE captures SET {taken} WHERE id = ?2", (to, order))  # noqa: S608
    tx.delete("capture_readers", **{kind.value: order}, person=to)
