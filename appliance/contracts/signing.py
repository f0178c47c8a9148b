"""The signing cycle for one signer: prepare, sign, complete.

Prepare appends a revision with the appearance and an empty signature, and puts the intent on disk. Sign takes the
activated intent to the authority, once, puts the CMS on disk, and has it timestamped. The timestamp and complete
are in :mod:`appliance.contracts.completion`, which the cycle extends. :class:`SigningService` is the cycle for one
visitor, who may look and send repeatedly.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.appearances.seals import appearance_of
from appliance.contracts import authorisation_basis
from appliance.contracts.authorisation_basis import AuthorisationBasis
from appliance.contracts.batches import joint_activation
from appliance.contracts.completion import Completion
from appliance.contracts.crash_safety import Failpoint
from appliance.contracts.dependencies import ContractRecords, SigningRules
from appliance.contracts.preconditions import SigningContext, require_current, require_preconditions, signing_party
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.contract import Contract, Party, PartyKind, RevisionKind
from appliance.model.intent import IntentRecord, IntentState, JointActivation, PreparedSigning, SigningOrigin
from appliance.pdf.values import (
    Appearance,
    FilledInput,
    LockScope,
    PersonAppearance,
    PreparedRevision,
    PrepareOrder,
)
from appliance.signing_methods import SigningMethod
from appliance.store import appearances, contracts, intents, people
from appliance.store.database import Transaction
from appliance.store.intents import PREPARED
from hsm.errors import ActivationRefused, ActivationUsed, AuthorityLocked, ModuleUnavailable, StoreUnavailable
from hsm.intents import SigningIntent
from hsm.names import visible

LOST = "the activation was used up, and the authority's answer was lost; a signature, if made, was never released"
MAX_POLLS = 40
"""How often is looked while somebody else signs: a signature takes a second or two."""

POLL_SECONDS = 0.25

MIN_REMAINING_LIFETIME = timedelta(minutes=5)
"""What must be left of an intent's time for it to be shown again; else a new one is prepared."""

EXPIRY_ROUNDING = timedelta(seconds=2)
"""Expiries have whole seconds."""

LONGEST_PLACE = 120
"""Characters of a place in words."""

UNKNOWN_ORIGIN = SigningOrigin()


@dataclass(frozen=True, slots=True)
class SigningInputs:
    """What a signature is prepared from, read in one transaction; *custodians* is how many approve it."""

    context: SigningContext
    appearance: Appearance
    custodians: int


@dataclass(frozen=True, slots=True)
class OpenedSigning:
    """A contract with the party that is about to sign, and the intent that would be activated; the ``basis`` of
    authorisation as it was found when it was opened, where it was."""

    contract: Contract
    party: Party
    intent: IntentRecord
    basis: AuthorisationBasis | None = None


@dataclass(frozen=True, slots=True)
class StampedIntent:
    """An intent with a timestamped signature, and the contract as it was when the intent was claimed."""

    intent: IntentRecord
    contract: Contract


class SigningCycle(Completion):
    """The steps for one signer, in this order; ``docs/signing-cycle.md`` follows them. Thread-safe.

    1. prepare: preconditions hold; the revision is made; they still hold; the intent is on disk. It uses no key,
       and may be repeated;
    2. sign: the intent is open and not stale, preconditions hold; it is claimed on disk, so that nobody else may
       ask for it, now or after a crash; the authority counts the activations that it was given, uses up the nonce
       and signs; the CMS is on disk, then the CMS with its timestamp;
    3. complete: the result is embedded, verified and stored; everything that the signature changes is committed at
       once. After a crash it also adds a timestamp that is missing.
    """

    def prepare(self, contract_id: str, party_id: str, origin: SigningOrigin = UNKNOWN_ORIGIN) -> PreparedSigning:
        """What the signer is to look at and activate.

        An intent that the same party had prepared before is abandoned. Raises :class:`PreconditionRefused`, or
        :class:`StateRefused` when the contract changed in the meantime.
        """
        with self._records.database.reading() as tx:
            inputs = self.inputs(tx, self.context(tx, contract_id, party_id))
        opened, document = self.prepare_inputs(inputs, origin)
        contract, record = opened.contract, opened.intent
        return PreparedSigning(record.id, contract.title, record.intent, document, contract.pages)

    def stored_document(self, digest: str) -> bytes:
        """The bytes of a revision."""
        return self._backend.blobs.get(digest)

    def context(self, tx: Transaction, contract_id: str, party_id: str) -> SigningContext:
        """The party's signature, when it can be made now. Raises :class:`PreconditionRefused`."""
        contract = contracts.load_contract(tx, contract_id)
        context = SigningContext(contract, contract.require_party(party_id), self._records.now())
        require_preconditions(self._rules.preconditions, tx, context)
        return context

    def inputs(self, tx: Transaction, context: SigningContext) -> SigningInputs:
        """What the signature of *context* is prepared from."""
        contract, party = context.contract, context.party
        if party.method is SigningMethod.OWN_CERTIFICATE:
            raise PreconditionRefused("{name} signs elsewhere, and uploads the signed file.", name=party.name)
        for missing in party.unfilled:
            raise PreconditionRefused("“{label}” is not filled in yet; do that first.", label=missing.label)
        if party.kind is PartyKind.SEAL:
            seal = people.seal(tx, party.subject)
            return SigningInputs(context, appearance_of(tx, seal), self._rules.seals.needed(contract, seal))
        return SigningInputs(context, _appearance(tx, party, contract.language, context.now), 1)

    def prepare_inputs(self, inputs: SigningInputs, origin: SigningOrigin) -> tuple[OpenedSigning, bytes]:
        """As :meth:`prepare`, from what was read already; with the document."""
        contract, party = inputs.context.contract, inputs.context.party
        base = self._backend.blobs.get(contract.current.digest)
        prepared = self._backend.workshop.prepare(base, _order(inputs))
        self._backend.reach(Failpoint.REVISION_PREPARED)
        record = self._record(inputs, prepared, origin)
        opened = self._records.database.commit(self._persist, contract, party, record)
        self._backend.reach(Failpoint.INTENT_PERSISTED)
        return opened, prepared.document

    def sign(self, intent_id: str) -> StampedIntent:
        """The intent with a timestamped signature, and the contract that was read when it was claimed.

        Raises :class:`ActivationRefused` when the authority says no to the activation; :class:`ModuleUnavailable`,
        :class:`AuthorityLocked` or :class:`StoreUnavailable` when its HSM or its store does not work now: the
        intent stays prepared and can be activated again. After any other failure at the authority,
        :class:`ActivationUsed` among them, it is abandoned, since a signature may exist that nobody has received;
        the signer prepares again. After a failure with the CMS on disk, ``complete`` finishes the signature,
        called by the signer or by the recovery.
        """
        together = self._together(intent_id)
        record, contract = self._claimed(intent_id)
        self._backend.reach(Failpoint.INTENT_CLAIMED)
        cms = self._request_signature(record)
        self._backend.reach(Failpoint.CMS_RECEIVED)
        self._records.database.commit(intents.save_cms, intent_id, cms, together)
        self._backend.reach(Failpoint.CMS_PERSISTED)
        return StampedIntent(self.stamp(record, contract, cms), contract)

    def _together(self, intent_id: str) -> JointActivation | None:
        """How its signer activated an intent that was prepared in a batch: asked before anything is claimed, so
        that nothing is lost when the authority does not answer. What was approved of a seal's use stands with the
        approvals (:mod:`appliance.seal_requests.requests`)."""
        with self._records.database.reading() as tx:
            intent = intents.load_intent(tx, intent_id).intent
            if not intents.is_in_batch(tx, intent_id, intent.signer):
                return None
        return joint_activation(self._backend.authority.approvals(intent), intent.signer)

    def _record(self, inputs: SigningInputs, prepared: PreparedRevision, origin: SigningOrigin) -> IntentRecord:
        now, contract, party = self._records.now(), inputs.context.contract, inputs.context.party
        lifetime = self._rules.seal_lifetime if party.kind is PartyKind.SEAL else self._rules.lifetime
        intent = SigningIntent(
            contract=contract.id,
            party=party.id,
            field=party.field,
            signer=party.subject,
            digest=prepared.digest,
            expires=min(now + lifetime, contract.deadline.at).replace(microsecond=0),
            nonce=secrets.token_bytes(16),
            custodians=inputs.custodians,
            title=visible(contract.title),
            parties=contract.visible_party_names,
            passkey_only=self._rules.passkey_only(contract),
            values=party.filled,
        )
        return IntentRecord(
            id=secrets.token_hex(16),
            intent=intent,
            base=contract.current.number,
            suffix=prepared.document[contract.current.size :],
            contents=prepared.contents,
            state=IntentState.PREPARED,
            created=now,
            origin=origin,
        )

    def _persist(self, tx: Transaction, contract: Contract, party: Party, record: IntentRecord) -> OpenedSigning:
        seen = contracts.load_contract(tx, contract.id)
        require_current(seen, record)
        _require_unchanged(seen, seen.require_party(party.id), record)
        if signing_party(seen, record.intent).responsible != party.responsible:
            raise StateRefused(
                "Somebody else acts for this party by now; look at “{title}” again.", title=seen.title
            )
        context = SigningContext(seen, party, record.created)
        require_preconditions(self._rules.preconditions, tx, context)
        intents.abandon_of_party(tx, party.id, "prepared again")
        intents.insert_intent(tx, record)
        basis = self._rules.basis_finder.find_basis(tx, context)
        rests_on = authorisation_basis.save_basis(tx, record.id, PREPARED, basis)
        event = AuditEvent(
            kind=EventKind.SIGNATURE_PREPARED,
            contract=contract.id,
            at=record.created,
            actor=party.responsible,
            public={
                "party": party.id,
                "field": party.field,
                "digest": record.intent.digest.hex(),
                "base": contract.current.digest,
                "pages": contract.pages,
                "expires": record.intent.fields()["expires"],
                **rests_on,
            },
            private={"address": record.origin.address, "location": record.origin.location},
        )
        append_event(tx, event)
        return OpenedSigning(seen, party, record, basis)

    def _claimed(self, intent_id: str) -> tuple[IntentRecord, Contract]:
        now = self._records.now()
        with self._records.database.transaction() as tx:
            record = intents.load_intent(tx, intent_id)
            contract = contracts.load_contract(tx, record.intent.contract)
            require_current(contract, record)
            if now >= record.intent.expires:
                raise StateRefused("The time to activate this signature is over; prepare it again.")
            party = signing_party(contract, record.intent)
            _require_unchanged(contract, party, record)
            require_preconditions(self._rules.preconditions, tx, SigningContext(contract, party, now))
            intents.lease_intent(tx, intent_id, lease_owner=self._backend.leases.own_lease(), now=now)
        return record, contract

    def _request_signature(self, record: IntentRecord) -> bytes:
        try:
            return self._backend.authority.sign_document(record.intent)
        except ActivationUsed:
            # An answer was lost: a signature may exist, but nobody received it; this intent is never signed again.
            self._records.database.commit(intents.abandon, record.id, LOST)
            raise
        except (ActivationRefused, AuthorityLocked, ModuleUnavailable, StoreUnavailable):
            # Nothing was signed: the signer may activate the same intent again. Should the nonce have been used up
            # all the same (a commit that failed half-way), the authority says so then.
            self._records.database.commit(intents.release_lease, record.id)
            raise
        except Exception as error:
            self._records.database.commit(intents.abandon, record.id, f"the authority did not sign: {error}")
            raise


def _require_unchanged(contract: Contract, party: Party, record: IntentRecord) -> None:
    if party.filled != record.intent.values:
        raise StateRefused(
            "What you filled in has changed in the meantime; look at “{title}” again.", title=contract.title
        )


def _order(inputs: SigningInputs) -> PrepareOrder:
    contract, party = inputs.context.contract, inputs.context.party
    return PrepareOrder(
        field=party.field,
        appearance=inputs.appearance,
        when=inputs.context.now,
        # The first signature certifies.
        certify=all(revision.kind is not RevisionKind.SIGNATURE for revision in contract.revisions),
        lock=LockScope.ALL if contract.is_last(party) else LockScope.OWN,
        reason=contract.purpose,
        inputs=tuple(FilledInput(each.number, each.value) for each in party.inputs if each.value),
    )


def _appearance(tx: Transaction, party: Party, language: Language, now: datetime) -> Appearance:
    person = people.person(tx, party.subject)
    return PersonAppearance(
        name=person.name,
        when=now,
        zone=person.zone,
        organisation=person.organisation,
        image=appearances.chosen_picture(tx, person.subject),
        language=language,
    )


class SigningService:
    """Opens, signs and completes intents, safe under concurrent calls."""

    def __init__(self, records: ContractRecords, rules: SigningRules, cycle: SigningCycle) -> None:
        self._records = records
        self._rules = rules
        self._cycle = cycle

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
        return self._cycle.prepare_inputs(inputs, origin)[0]

    def opened(self, contract: Contract, intent_id: str) -> OpenedSigning:
        """The intent of this contract with its party, whatever became of it.

        Raises :class:`NotFound`, for an intent of another contract too.
        """
        record = self._records.database.query(intents.load_intent, intent_id, contract=contract.id)
        return OpenedSigning(contract, contract.require_party(record.intent.party), record)

    def prepared_document(self, opened: OpenedSigning) -> bytes:
        """The prepared revision that the intent signs. Raises :class:`StateRefused` for one that is closed."""
        record = opened.intent
        if not record.suffix or record.base != opened.contract.current.number:
            raise StateRefused("The document has changed or the time is over; prepare it again.")
        return self._cycle.stored_document(opened.contract.current.digest) + record.suffix

    def authorisation_basis(self, opened: OpenedSigning) -> AuthorisationBasis:
        """On what the signature rests: as it was opened, else as of now."""
        if opened.basis is not None:
            return opened.basis
        signing = SigningContext(opened.contract, opened.party, self._records.now())
        return self._records.database.query(self._rules.basis_finder.find_basis, signing)

    def sign(self, intent_id: str, origin: SigningOrigin) -> Contract:
        """The contract with the signature, made once however often this is called.

        *origin* is that of the activation: it takes the place of the one at which it was prepared.
        Raises as :meth:`finish`.
        """
        self.record_location(intent_id, origin)
        return self.finish(intent_id)

    def finish(self, intent_id: str) -> Contract:
        """The contract with the intent's signature in it; a second call waits for the first and gets the same.

        While another party's signature is being made this waits, too; once that is there, the intent is stale.
        Raises as :meth:`SigningCycle.sign` and :meth:`SigningCycle.complete`.
        """
        for _ in range(MAX_POLLS):
            record, current = self._seen(intent_id)
            if record.state is IntentState.COMPLETED:
                return self._records.database.query(contracts.load_contract, record.intent.contract)
            if record.state is IntentState.ABANDONED or current != record.base:
                raise StateRefused("The document has changed or the time is over; prepare it again.")
            if record.state is IntentState.PREPARED:
                signed = self._signed(record)
                if signed is not None:
                    return self._cycle.complete_stamped(signed.intent, signed.contract)
            time.sleep(POLL_SECONDS)
        raise StateRefused("A signature on this contract is being made just now; look at it again in a moment.")

    def under_way(self, party_id: str) -> bool:
        """Whether a signature of the party is being made, dated or verified just now."""
        return self._records.database.query(intents.is_under_way, party_id)

    def record_location(self, intent_id: str, circumstances: SigningOrigin) -> None:
        """Keeps where it is activated, while nothing is signed yet. Raises :class:`PreconditionRefused`."""
        words = (circumstances.location or "").strip()
        if len(words) > LONGEST_PLACE or not (words.isprintable()):
            raise PreconditionRefused(
                "The place may have {most} characters at most, in one line.", most=LONGEST_PLACE
            )
        with self._records.database.transaction() as tx:
            intents.save_origin(tx, intent_id, replace(circumstances, location=words or None))

    def _seen(self, intent_id: str) -> tuple[IntentRecord, int]:
        """The intent, and the number of the contract's newest revision."""
        with self._records.database.reading() as tx:
            record = intents.load_intent(tx, intent_id)
            return record, contracts.current_revision(tx, record.intent.contract)

    def _signed(self, record: IntentRecord) -> StampedIntent | None:
        """The signature if it was made here; None while another call makes it, or one of the same contract."""
        try:
            return self._cycle.sign(record.id)
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
        intent = record.intent
        fits = intent.signer == party.subject and intent.field == party.field
        fits = fits and intent.title == visible(contract.title) and intent.parties == contract.visible_party_names
        fits = fits and intent.values == party.filled
        fits = fits and intent.passkey_only == self._rules.passkey_only(contract)
        wanted = self._rules.seal_lifetime / 2 if party.kind is PartyKind.SEAL else MIN_REMAINING_LIFETIME
        lasts = record.intent.expires - now >= min(wanted, contract.deadline.at - now - EXPIRY_ROUNDING)
        return record if fits and lasts else None
