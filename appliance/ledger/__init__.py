"""The tamper-evident log: entries, their Merkle tree, checkpoints by the authority, proofs for everybody."""

from appliance.ledger.entry import LedgerEntry, record

__all__ = ["LedgerEntry", "record"]
