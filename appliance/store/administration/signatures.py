"""What administrators' devices answered about acts. Each function runs in the caller's transaction."""

from __future__ import annotations

from appliance.model.administration import DualControlRole
from appliance.store.database import Transaction


def insert_signature(tx: Transaction, act_id: str, part: DualControlRole, login: str, answer: str) -> None:
    """Keeps the *answer* (JSON, as the browser posted it) of *login* about an act; an act has one for each
    part."""
    tx.execute(
        "INSERT INTO signatures (act, part, login, answer) VALUES (?, ?, ?, ?)", (act_id, part, login, answer)
    )


def signature_answer(tx: Transaction, act_id: str, part: DualControlRole) -> str | None:
    """What was answered, by whoever it was; None when nobody signed that."""
    return tx.value(str, "SELECT answer FROM signatures WHERE act = ? AND part = ?", (act_id, part))
