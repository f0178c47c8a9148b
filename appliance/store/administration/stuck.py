"""What was found stuck at the last look. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.model.administration import Stuck
from appliance.store.database import Transaction
from hsm.rows import Query


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
                each.since,
                each.template,
                json.dumps(dict(each.values), ensure_ascii=False),
            )
            for each in found
        ],
    )


def everything(tx: Transaction) -> list[Stuck]:
    """All of it, the oldest first."""
    return _STUCK.all(
        tx,
        'SELECT contract, step, since, cause AS template, cause_values AS "values" FROM stuck'
        " ORDER BY since IS NULL, since, contract",
    )


_STUCK = Query(Stuck)
