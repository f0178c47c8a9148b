"""The signing cycle as others call it: prepare, sign, complete."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.contracts.completion import Completion
from appliance.contracts.preparation import NOBODY, Preparation
from appliance.contracts.services import SigningRoom
from appliance.contracts.signature import Signature
from appliance.model.contract import Contract
from appliance.model.intent import IntentRecord, PreparedSigning, SigningOrigin
from hsm.intents import Activation


class SigningCycle:
    """The steps for one signer, in this order; ``docs/signing-cycle.md`` follows them. Thread-safe."""

    def __init__(self, room: SigningRoom) -> None:
        self._preparation = Preparation(room)
        self._signature = Signature(room)
        self._completion = Completion(room, self._signature)

    def prepare(self, contract_id: str, party_id: str, circumstances: SigningOrigin = NOBODY) -> PreparedSigning:
        """See :meth:`Preparation.prepare`."""
        return self._preparation.prepare(contract_id, party_id, circumstances)

    def sign(self, intent_id: str, activations: Sequence[Activation]) -> IntentRecord:
        """See :meth:`Signature.sign`."""
        return self._signature.sign(intent_id, activations)

    def complete(self, intent_id: str) -> Contract:
        """See :meth:`Completion.complete`."""
        return self._completion.complete(intent_id)
