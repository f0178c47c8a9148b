"""The tamper-evident log: entries, their Merkle tree, checkpoints by the authority, proofs for everybody."""

from appliance.ledger.check import LogCheck, LogReport
from appliance.ledger.entry import LedgerEntry, commitment, record
from appliance.ledger.proofs import LogAnswer, LogAnswers, LogProofs, ParameterRefused
from appliance.ledger.scan import LogScan, require_chain
from appliance.ledger.sequencer import Sequencer, sequencing_held
from appliance.ledger.tree import TileName, Tiles

__all__ = [
    "LedgerEntry",
    "LogAnswer",
    "LogAnswers",
    "LogCheck",
    "LogProofs",
    "LogReport",
    "LogScan",
    "ParameterRefused",
    "Sequencer",
    "TileName",
    "Tiles",
    "commitment",
    "record",
    "require_chain",
    "sequencing_held",
]
