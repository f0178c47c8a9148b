"""Several contracts that one person signs by one activation: which intents belong together, for as long as it
takes to sign them. Each is prepared and signed as if it came alone (:mod:`appliance.contracts.signing`)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from appliance.contracts.dependencies import ContractRecords
from appliance.contracts.signing import OpenedSigning
from appliance.errors import StateRefused
from appliance.model.intent import IntentRecord
from appliance.store import intents


class SigningBatches:
    """The batches of one appliance. Thread-safe."""

    def __init__(self, records: ContractRecords) -> None:
        self._records = records

    def put_together(self, opened: Sequence[OpenedSigning]) -> str:
        """The batch (32 hex digits) in which these are to be activated; an intent is in its newest one only.

        Raises :class:`StateRefused` when one of them has been signed or prepared again meanwhile.
        """
        batch = secrets.token_hex(16)
        with self._records.database.transaction() as tx:
            for place, each in enumerate(opened):
                if not intents.save_batch(tx, each.intent.id, batch, place):
                    raise StateRefused(
                        "“{title}” changed while the contracts were prepared; select them again.",
                        title=each.contract.title,
                    )
        return batch

    def members(self, batch: str, signer: str) -> list[IntentRecord]:
        """The intents of the *batch*, whatever became of them, if they are of *signer* (a subject); else none."""
        found = self._records.database.query(intents.of_batch, batch)
        return [each for each in found if each.intent.signer == signer]
