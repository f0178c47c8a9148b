"""What one person activates at once: their own signatures, and uses of seals that they ask for or approve.

Which intents belong together is remembered for as long as it takes to finish them; each is prepared and finished
as if it came alone (:mod:`appliance.contracts.signing`, :mod:`appliance.seal_requests`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from appliance.contracts.dependencies import ContractRecords
from appliance.errors import StateRefused
from appliance.model.intent import IntentRecord, IntentState, JointActivation
from appliance.store import intents
from hsm.operation_types import Approvals


class Batches:
    """The batches of one appliance. Thread-safe."""

    def __init__(self, records: ContractRecords) -> None:
        self._records = records

    def put_together(self, members: Sequence[str], *, by: str) -> str:
        """The batch (32 hex digits) in which *by* is to activate the intents with these ids, in this order.

        Raises :class:`StateRefused` when one of them has been signed or prepared again meanwhile.
        """
        batch = secrets.token_hex(16)
        with self._records.database.transaction() as tx:
            for each in members:
                record = intents.load_intent(tx, each)
                if record.state is not IntentState.PREPARED:
                    raise StateRefused(
                        "“{title}” changed while the contracts were prepared; select them again.",
                        title=record.intent.title or record.intent.contract,
                    )
            intents.save_batch(tx, batch, by, members)
        return batch

    def members(self, batch: str, person: str) -> list[IntentRecord]:
        """The intents of the *batch*, whatever became of them, if *person* was to activate it; else none."""
        return self._records.database.query(intents.of_batch, batch, person)


def joint_activation(told: Approvals, subject: str) -> JointActivation | None:
    """In which batch *subject* gave their approval, as the authority has *told*; None for one given alone."""
    membership = told.together.get(subject)
    return None if membership is None else JointActivation(**membership.fields())


def together_fields(joint: JointActivation | None) -> dict[str, Any]:
    """What the log says of it: how many were activated at once, which one this is, and the root of their batch."""
    if joint is None:
        return {}
    return {"together_count": joint.count, "together_place": joint.place, "together_root": joint.root}
