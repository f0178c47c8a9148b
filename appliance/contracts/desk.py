"""The signing desk: what one visitor is about to sign, opened as often as they look, signed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from appliance.contracts import rules
from appliance.contracts.cycle import SigningCycle
from appliance.contracts.finishing import Finishing
from appliance.contracts.grounds_record import AuthorisationBasis
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.room import SigningRoom
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.intent import IntentRecord, IntentState, SigningOrigin
from appliance.store import contracts, intents
from hsm.acts import Activation

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
