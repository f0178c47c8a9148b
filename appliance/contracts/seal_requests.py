"""Requests for a seal (用印申请): one person asks and activates, a custodian approves, the seal is used."""

from __future__ import annotations

from appliance.contracts.cycle import SigningCycle
from appliance.contracts.room import SigningRoom
from appliance.model.contract import Contract
from appliance.model.seal_request import SealRequest
from hsm.acts import Activation, SigningIntent


class SealRequests:
    """Nobody can release a seal alone: the authority counts the activations. Thread-safe."""

    def __init__(self, room: SigningRoom, cycle: SigningCycle) -> None:
        self._room = room
        self._cycle = cycle

    def ask(self, intent_id: str, activation: Activation, *, reason: str) -> SealRequest:
        """The requester's activation of a prepared intent, with the *reason*; the custodians are told.

        Raises :class:`ActivationRefused`, :class:`StateRefused`, :class:`PreconditionRefused`.
        """
        raise NotImplementedError

    def approve(self, request_id: str, activation: Activation) -> Contract:
        """A custodian's activation; the signature is made at once: the contract with it.

        Raises :class:`ActivationRefused` (the request still waits), :class:`StateRefused` (it no longer does).
        """
        raise NotImplementedError

    def refuse(self, request_id: str, *, by: str, reason: str) -> SealRequest:
        """A custodian says no, with a reason; the requester is told and may ask again."""
        raise NotImplementedError

    def withdraw(self, request_id: str, *, by: str) -> SealRequest:
        """The one who asked takes the request back."""
        raise NotImplementedError

    def get(self, request_id: str) -> SealRequest:
        """The request. Raises :class:`NotFound`."""
        raise NotImplementedError

    def act(self, request: SealRequest) -> SigningIntent:
        """What a custodian activates."""
        raise NotImplementedError

    def of_party(self, party_id: str) -> SealRequest | None:
        """The newest request of a seal party, whatever became of it."""
        raise NotImplementedError

    def for_custodian(self, subject: str, *, limit: int = 50) -> list[SealRequest]:
        """Requests for the seals that *subject* keeps: those that wait first, then the decided, newest first."""
        raise NotImplementedError

    def waiting_for(self, subject: str) -> int:
        """How many requests wait for *subject* as custodian."""
        raise NotImplementedError

    def sweep(self) -> int:
        """Closes what can no longer be used (expired, stale, contract ended), and tells; how many."""
        raise NotImplementedError
