"""Document codes. Each function runs in the caller's transaction."""

from __future__ import annotations

from appliance.store.database import Transaction


def keep_code(tx: Transaction, code: str, contract: str) -> None:
    """*code* is that of *contract*, which has none yet."""
    tx.insert("document_codes", {"code": code, "contract": contract})


def code_of(tx: Transaction, contract: str) -> str | None:
    """The code of *contract*; None for one that was never sent, or was disposed of."""
    return tx.value(str, "SELECT code FROM document_codes WHERE contract = ?", (contract,))


def contract_of(tx: Transaction, code: str) -> str | None:
    """The contract with this *code*, or None."""
    return tx.value(str, "SELECT contract FROM document_codes WHERE code = ?", (code,))
