"""What one visitor is about to sign: opened as often as they look, signed once however often it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from appliance.contracts.authorisation_basis import AuthorisationBasis
from appliance.contracts.dependencies import ContractRecords, SigningRules
from appliance.contracts.preconditions import SigningContext
from appliance.contracts.signing import OpenedSigning, SigningCycle, StampedIntent
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Contract, PartyKind
from appliance.model.intent import IntentRecord, IntentState, SigningOrigin
from appliance.store import contracts, intents
from appliance.store.database import Transaction
from hsm.intents import Activation

MAX_POLLS = 40
"""How often is looked while somebody else signs, :data:`PAUSE` apart: a signature takes a second or two."""

POLL_SECONDS = 0.25
"""Seconds."""

MIN_REMAINING_LIFETIME = timedelta(minutes=5)
"""What must be left of an intent's time for it to be shown again; else a new one is prepared."""

EXPIRY_ROUNDING = timedelta(seconds=2)
"""Expiries have whole seconds."""

LONGEST_PLACE = 120
"""Characters of a place in words."""


class SigningService:
    """Opens, signs and completes intents, safe under concurrent calls. *pause* sleeps between two looks."""

    def __init__(
        self,
        records: ContractRecords,
        rules: SigningRules,
        cycle: SigningCycle,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._records = records
        self._rules = rules
        self._cycle = cycle
        self._pause = pause

    def open(self, contract_id: str, party_id: str, origin: SigningOrigin) -> OpenedSigning:
        """What the party is to look at and activate; the same again while it holds.

        Raises :class:`PreconditionRefused` when it cannot sign now, and :class:`StateRefused` when the contract
        changed while it was prepared.
        """
        with self._records.database.reading() as tx:
            context = self._cycle.context(tx, contract_id, party_id)
            known = self._usable(tx, context)
            if known is not None:
                basis = self._rules.basis_finder.find_basis(tx, context)
                return OpenedSigning(context.contract, context.party, known, basis)
            inputs = self._cycle.inputs(tx, context)
        return self._cycle.prepare_inputs(inputs, origin)

    def opened(self, contract_id: str, intent_id: str) -> OpenedSigning:
        """The intent of this contract with its party, whatever became of it.

        Raises :class:`NotFound`, for an intent of another contract too.
        """
        with self._records.database.reading() as tx:
            record = intents.load_intent(tx, intent_id, contract=contract_id)
            contract = contracts.load_contract(tx, record.intent.contract)
        return OpenedSigning(contract, contract.require_party(record.intent.party), record)

    def authorisation_basis(self, opened: OpenedSigning) -> AuthorisationBasis:
        """On what the signature rests: as it was opened, else as of now."""
        if opened.basis is not None:
            return opened.basis
        signing = SigningContext(opened.contract, opened.party, self._records.now())
        with self._records.database.reading() as tx:
            return self._rules.basis_finder.find_basis(tx, signing)

    def sign(self, intent_id: str, activations: Sequence[Activation], origin: SigningOrigin) -> Contract:
        """The contract with the signature, made once however often this is called.

        *origin* is that of the activation: it takes the place of the one at which it was prepared.
        Raises as :meth:`finish`.
        """
        self.record_location(intent_id, origin)
        return self.finish(intent_id, activations)

    def finish(self, intent_id: str, activations: Sequence[Activation] = ()) -> Contract:
        """The contract with the intent's signature in it; a second call waits for the first and gets the same.

        While another party's signature is being made this waits, too; once that is there, the intent is stale.
        Raises as :meth:`SigningCycle.sign` and :meth:`SigningCycle.complete`.
        """
        for _ in range(MAX_POLLS):
            record, current = self._seen(intent_id)
            if record.state is IntentState.COMPLETED:
                return self._contract(record)
            if record.state is IntentState.ABANDONED or current != record.base:
                raise StateRefused("The document has changed or the time is over; prepare it again.")
            if record.state is IntentState.PREPARED:
                signed = self._signed(record, activations)
                if signed is not None:
                    return self._cycle.complete_stamped(signed)
            self._pause(POLL_SECONDS)
        raise StateRefused("A signature on this contract is being made just now; look at it again in a moment.")

    def under_way(self, party_id: str) -> bool:
        """Whether a signature of the party is being made, dated or verified just now."""
        with self._records.database.reading() as tx:
            return any(each.intent.party == party_id for each in intents.under_way(tx))

    def record_location(self, intent_id: str, circumstances: SigningOrigin) -> None:
        """Keeps where it is activated, while nothing is signed yet. Raises :class:`PreconditionRefused`."""
        words = (circumstances.location or "").strip()
        if len(words) > LONGEST_PLACE or not (words.isprintable()):
            raise PreconditionRefused(
                "The place may have {most} characters at most, in one line.", most=LONGEST_PLACE
            )
        with self._records.database.transaction() as tx:
            intents.save_origin(tx, intent_id, replace(circumstances, location=words or None))

    def _contract(self, record: IntentRecord) -> Contract:
        with self._records.database.reading() as tx:
            return contracts.load_contract(tx, record.intent.contract)

    def _seen(self, intent_id: str) -> tuple[IntentRecord, int]:
        """The intent, and the number of the contract's newest revision."""
        with self._records.database.reading() as tx:
            record = intents.load_intent(tx, intent_id)
            return record, contracts.current_revision(tx, record.intent.contract)

    def _signed(self, record: IntentRecord, activations: Sequence[Activation]) -> StampedIntent | None:
        """The signature when it was made here; None when somebody else is at it, or at the contract, just now."""
        try:
            return self._cycle.sign_stamped(record.id, activations)
        except StateRefused:
            with self._records.database.reading() as tx:
                under_way = [each.intent.contract for each in intents.under_way(tx)]
                state = intents.load_intent(tx, record.id).state
            if record.intent.contract in under_way or state is IntentState.COMPLETED:
                return None
            raise

    def _usable(self, tx: Transaction, context: SigningContext) -> IntentRecord | None:
        """The prepared intent of the party, while it fits and lasts."""
        contract, party, now = context.contract, context.party, context.now
        record = intents.prepared_of(tx, party.id)
        if record is None or record.base != contract.current.number or record.state is not IntentState.PREPARED:
            return None
        fits = record.intent.signer == party.subject and record.intent.field == party.field
        wanted = self._rules.seal_lifetime / 2 if party.kind is PartyKind.SEAL else MIN_REMAINING_LIFETIME
        lasts = record.intent.expires - now >= min(wanted, contract.deadline.at - now - EXPIRY_ROUNDING)
        return record if fits and lasts else None
