"""What one visitor is about to sign: opened as often as they look, signed once however often it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from appliance.contracts import rules
from appliance.contracts.authorisation_basis import AuthorisationBasis
from appliance.contracts.cycle import SigningCycle
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.services import SigningRoom
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.intent import IntentRecord, IntentState, SigningOrigin
from appliance.store import contracts, intents
from hsm.intents import Activation

PATIENCE = 40
"""How often is looked while somebody else signs, :data:`PAUSE` apart: a signature takes a second or two."""

PAUSE = 0.25
"""Seconds."""


class Finishing:
    """Signs and completes an intent once, however often and by however many it is asked. Thread-safe."""

    def __init__(
        self, room: SigningRoom, cycle: SigningCycle, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._room = room
        self._cycle = cycle
        self._pause = pause

    def finish(self, intent_id: str, activations: Sequence[Activation] = ()) -> Contract:
        """The contract with the intent's signature in it; a second call waits for the first and gets the same.

        While another party's signature is being made this waits, too; once that is there, the intent is stale.
        Raises as :meth:`SigningCycle.sign` and :meth:`SigningCycle.complete`.
        """
        for _ in range(PATIENCE):
            record, contract = self._seen(intent_id)
            if record.state is IntentState.COMPLETED:
                return contract
            if record.state is IntentState.ABANDONED or contract.current.number != record.base:
                raise StateRefused("The document has changed or the time is over; prepare it again.")
            if record.state is IntentState.PREPARED and self._signed(record, activations):
                return self._cycle.complete(intent_id)
            self._pause(PAUSE)
        raise StateRefused("A signature on this contract is being made just now; look at it again in a moment.")

    def _seen(self, intent_id: str) -> tuple[IntentRecord, Contract]:
        with self._room.database.reading() as tx:
            record = intents.load(tx, intent_id)
            return record, contracts.load(tx, record.intent.contract)

    def _signed(self, record: IntentRecord, activations: Sequence[Activation]) -> bool:
        """True when it was signed here; False when somebody else is at it, or at the contract, just now."""
        try:
            self._cycle.sign(record.id, activations)
        except StateRefused:
            with self._room.database.reading() as tx:
                under_way = [each.intent.contract for each in intents.under_way(tx)]
                state = intents.load(tx, record.id).state
            if record.intent.contract in under_way or state is IntentState.COMPLETED:
                return False
            raise
        return True


ENOUGH = timedelta(minutes=5)
"""What must be left of an intent's time for it to be shown again; else a new one is prepared."""

A_MOMENT = timedelta(seconds=2)
"""Expiries have whole seconds."""

LONGEST_PLACE = 120
"""Characters of a place in words."""


@dataclass(frozen=True, slots=True)
class OpenedSigning:
    """A contract with the party that is about to sign, and the intent that would be activated."""

    contract: Contract
    party: Party
    intent: IntentRecord


class SigningService:
    """Thread-safe."""

    def __init__(self, room: SigningRoom, cycle: SigningCycle, finishing: Finishing) -> None:
        self._room = room
        self._cycle = cycle
        self._finishing = finishing

    def open(self, contract_id: str, party_id: str, circumstances: SigningOrigin) -> OpenedSigning:
        """What the party is to look at and activate; the same again while it holds.

        Raises :class:`PreconditionRefused` when it cannot sign now, and :class:`StateRefused` when the contract
        changed while it was prepared.
        """
        known = self._usable(contract_id, party_id)
        if known is not None:
            return known
        prepared = self._cycle.prepare(contract_id, party_id, circumstances)
        return self.opened(contract_id, prepared.id)

    def opened(self, contract_id: str, intent_id: str) -> OpenedSigning:
        """The intent of this contract with its party, whatever became of it.

        Raises :class:`NotFound`, for an intent of another contract too.
        """
        with self._room.database.reading() as tx:
            record = intents.load(tx, intent_id, contract=contract_id)
            contract = contracts.load(tx, record.intent.contract)
        return OpenedSigning(contract, rules.party_of(contract, record.intent.party), record)

    def authorisation_basis(self, opened: OpenedSigning) -> AuthorisationBasis:
        """On what the signature would rest now."""
        signing = Signing(opened.contract, opened.party, self._room.now())
        with self._room.database.reading() as tx:
            return self._room.basis_finder.find_basis(tx, signing)

    def sign(self, intent_id: str, activations: Sequence[Activation], circumstances: SigningOrigin) -> Contract:
        """The contract with the signature, made once however often this is called.

        *circumstances* are those of the activation: they take the place of those in which it was prepared.
        Raises as :meth:`Finishing.finish`.
        """
        self.record_location(intent_id, circumstances)
        return self._finishing.finish(intent_id, activations)

    def under_way(self, party_id: str) -> bool:
        """Whether a signature of the party is being made, dated or verified just now."""
        with self._room.database.reading() as tx:
            return any(each.intent.party == party_id for each in intents.under_way(tx))

    def record_location(self, intent_id: str, circumstances: SigningOrigin) -> None:
        """Keeps where it is activated, while nothing is signed yet. Raises :class:`PreconditionRefused`."""
        words = (circumstances.location or "").strip()
        if len(words) > LONGEST_PLACE or not (words.isprintable()):
            raise PreconditionRefused(
                "The place may have {most} characters at most, in one line.", most=LONGEST_PLACE
            )
        with self._room.database.transaction() as tx:
            intents.keep_circumstances(tx, intent_id, replace(circumstances, location=words or None))

    def _usable(self, contract_id: str, party_id: str) -> OpenedSigning | None:
        now = self._room.now()
        with self._room.database.reading() as tx:
            contract = contracts.load(tx, contract_id)
            party = rules.party_of(contract, party_id)
            require_preconditions(self._room.preconditions, tx, Signing(contract, party, now))
            record = intents.prepared_of(tx, party_id)
        if record is None or record.base != contract.current.number or record.state is not IntentState.PREPARED:
            return None
        fits = record.intent.signer == party.subject and record.intent.field == party.field
        wanted = self._room.seal_lifetime / 2 if party.kind is PartyKind.SEAL else ENOUGH
        lasts = record.intent.expires - now >= min(wanted, contract.deadline.at - now - A_MOMENT)
        return OpenedSigning(contract, party, record) if fits and lasts else None
