"""What was found stuck at the last look. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.model.administration import Stuck
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of


def replace(tx: Transaction, found: Sequence[Stuck]) -> None:
    """*found* in place of what was found before."""
    tx.execute("DELETE FROM stuck")
    for each in found:
        cause = {"cause": each.template, "cause_values": json.dumps(dict(each.values), ensure_ascii=False)}
        row = fields_of(each, "contract step since") | cause
        tx.insert("stuck", row, conflict="ON CONFLICT (contract, step) DO NOTHING")


def everything(tx: Transaction) -> list[Stuck]:
    """All of it, the oldest first."""
    return _STUCK.all(
        tx,
        'SELECT contract, step, since, cause AS template, cause_values AS "values" FROM stuck'
        " ORDER BY since IS NULL, since, contract",
    )


_STUCK = Query(Stuck)
