"""What seals may be used for, and where they are on file."""

from __future__ import annotations

import json

from appliance.model.contract import Money
from appliance.model.seal_rules import PermittedUse, SealFiling, SealPosition
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of


def rules_of(tx: Transaction, seal: str) -> PermittedUse:
    """The rules of *seal*; those that bind nothing where nobody has set any."""
    row = tx.execute(
        "SELECT kinds, amount, currency, positions FROM seal_rules WHERE seal = ?", (seal,)
    ).fetchone()
    if row is None:
        return PermittedUse()
    kinds, amount, currency, positions = row
    limit = None if amount is None else Money(amount, currency)
    return PermittedUse(tuple(json.loads(kinds)), limit, tuple(map(SealPosition, json.loads(positions))))


def save_rules(tx: Transaction, seal: str, rules: PermittedUse) -> None:
    limit = rules.limit
    values = {
        "seal": seal,
        "kinds": json.dumps(rules.kinds, ensure_ascii=False),
        "amount": limit.minor if limit else None,
        "currency": limit.currency if limit else None,
        "positions": json.dumps(rules.positions),
    }
    tx.save("seal_rules", values, key="seal")


_FILINGS = Query(SealFiling, "SELECT authority, number, day, entered, entered_by FROM seal_filings")


def filings_of(tx: Transaction, seal: str) -> list[SealFiling]:
    """What was entered for *seal*, the newest first."""
    return _FILINGS.all(tx, "WHERE seal = ? ORDER BY entered DESC, id DESC", (seal,))


def insert_filing(tx: Transaction, seal: str, filing: SealFiling) -> None:
    tx.insert("seal_filings", fields_of(filing, "authority number day entered entered_by") | {"seal": seal})
