"""What waits for the scheduler, and since when."""

from __future__ import annotations

import json
from datetime import datetime

from appliance.store import ledger
from appliance.store.database import Transaction
from hsm.intents import instant


def unplaced_since(tx: Transaction, size: int, before: datetime) -> int:
    """How many entries follow the log's first *size*, which have their place, when the first of them is from
    *before* that moment; else 0."""
    length = ledger.length(tx)
    if length <= size:
        return 0
    at = json.loads(ledger.leaf(tx, size))["at"]
    return length - size if at < instant(before) else 0


def mails(tx: Transaction) -> int:
    """How many messages wait in the outbox, or are being sent."""
    return tx.count("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")


def count_unfinalised(tx: Transaction, before: datetime) -> int:
    """How many contracts were signed by all *before* that moment and are not sealed off; at most 1,000."""
    return tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM contracts AS c WHERE c.state = 'signed' AND"
        " (SELECT max(at) FROM contract_changes WHERE contract = c.id) < ? LIMIT 1000)",
        (before,),
    )
