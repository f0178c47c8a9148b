"""On what signatures rest, in the database: one canonical record for each stage of an intent."""

from __future__ import annotations

from appliance.store.database import Transaction

PREPARED, COMPLETED = "prepared", "completed"


def save_basis(tx: Transaction, intent: str, stage: str, record: bytes) -> None:
    """The grounds (canonical JSON) as found at *stage* of *intent*."""
    tx.execute("INSERT INTO signing_grounds (intent, stage, record) VALUES (?, ?, ?)", (intent, stage, record))


def bases_of(tx: Transaction, contract_id: str) -> dict[str, bytes]:
    """For each party that has signed and whose grounds were kept: those at completion."""
    rows = tx.execute(
        "SELECT intents.party, record FROM signing_grounds JOIN intents ON intents.id = intent"
        " WHERE contract = ? AND intents.state = 'completed' AND stage = 'completed'",
        (contract_id,),
    )
    return {party: bytes(record) for party, record in rows}
