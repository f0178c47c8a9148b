"""What was found stuck at the last look. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.model.stuck import Stuck, StuckStep
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def replace(tx: Transaction, found: Sequence[Stuck]) -> None:
    """*found* in place of what was found before."""
    tx.execute("DELETE FROM stuck")
    tx.executemany(
        "INSERT INTO stuck (contract, step, since, cause, cause_values) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contract, step) DO NOTHING",
        [
            (
                each.contract,
                each.step,
                stored(each.since) if each.since else None,
                each.template,
                json.dumps(dict(each.values), ensure_ascii=False),
            )
            for each in found
        ],
    )


def everything(tx: Transaction) -> list[Stuck]:
    """All of it, the oldest first."""
    rows = tx.execute(
        "SELECT contract, step, since, cause, cause_values FROM stuck ORDER BY since IS NULL, since, contract"
    )
    return [Stuck(row[0], StuckStep(row[1]), loaded(row[2]), row[3], json.loads(row[4])) for row in rows]
