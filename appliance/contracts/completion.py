"""Complete: embed the signature, verify the result as strangers would, and commit everything at once."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.contracts import agreement_text, authorisation_basis, rules
from appliance.contracts.acceptable import READERS, require_signed
from appliance.contracts.agreement_text import distinct, side_of, sides_of
from appliance.contracts.changes import after_signature, record_change
from appliance.contracts.failpoints import Failpoint
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.services import SigningRoom
from appliance.contracts.signature import Signature
from appliance.errors import PreconditionRefused, ResultRefused, StateRefused
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.contract import Contract, ContractRevision, Party, RevisionKind
from appliance.model.intent import IntentRecord, IntentState
from appliance.pdf.values import ContentsSpan, PreparedRevision
from appliance.store import contracts, intents, parties
from appliance.store.database import Transaction
from appliance.store.grounds import COMPLETED
from hsm import cms
from hsm.intents import instant
from hsm.timestamp import parse_token


class Completion:
    """The last step for one signer. It may be repeated: a completed intent gives the contract as it stands."""

    def __init__(self, room: SigningRoom, signature: Signature) -> None:
        self._room = room
        self._signature = signature

    def complete(self, intent_id: str) -> Contract:
        """The contract with the new revision.

        When the result cannot stand (stale, a precondition gone, not verified) the intent is abandoned, the
        signature never leaves this machine, and the reason is raised. When a part does not answer (clock, disk),
        the intent stays, and the recovery or another call completes it.
        """
        with self._room.database.reading() as tx:
            record = intents.load(tx, intent_id)
            contract = contracts.load(tx, record.intent.contract)
        if record.state is IntentState.COMPLETED:
            return contract
        record = self._signature.stamp(record)
        try:
            return self._finish(record, contract)
        except (PreconditionRefused, ResultRefused, StateRefused) as refusal:
            with self._room.database.transaction() as tx:
                intents.abandon(tx, intent_id, str(refusal))
            raise

    def _finish(self, record: IntentRecord, contract: Contract) -> Contract:
        room = self._room
        if contract.current.number != record.base:
            raise StateRefused(
                "Another party signed “{title}” in the meantime; prepare again.", title=contract.title
            )
        document = self._embedded(record, contract)
        require_signed(room.verifier.verify_pdf(document, readers=READERS), contract, record.intent.field)
        room.reach(Failpoint.RESULT_VERIFIED)
        digest = room.blobs.put(document)
        room.reach(Failpoint.RESULT_STORED)
        revision = ContractRevision(
            number=contract.current.number + 1,
            kind=RevisionKind.SIGNATURE,
            digest=digest,
            size=len(document),
            at=record.stamped or room.now(),
            party=record.intent.party,
        )
        with room.database.transaction() as tx:
            completed = self._commit(tx, record, contract, revision)
            room.reach(Failpoint.COMPLETION_WRITTEN)
        room.reach(Failpoint.COMPLETION_COMMITTED)
        return completed

    def _embedded(self, record: IntentRecord, contract: Contract) -> bytes:
        base = self._room.blobs.get(contract.current.digest)
        prepared = PreparedRevision(base + record.suffix, record.intent.digest, ContentsSpan(*record.contents))
        return self._room.workshop.embed(prepared, record.cms or b"")

    def _commit(
        self, tx: Transaction, record: IntentRecord, contract: Contract, revision: ContractRevision
    ) -> Contract:
        """Everything that the signature changes. *contract* is as it was before; what it is now is returned."""
        room = self._room
        seen = contracts.load(tx, contract.id)
        party = rules.signing_party(seen, record.intent)
        signing = Signing(seen, party, room.now())
        require_preconditions(room.preconditions, tx, signing)
        rests_on = authorisation_basis.save_basis(
            tx, record.id, COMPLETED, room.basis_finder.find_basis(tx, signing)
        )
        rests_on["agreement"] = self._agreement(tx, signing)
        contracts.add_revision(tx, contract, revision, state=rules.state_after(seen, party))
        parties.mark_signed(tx, contract, party, revision.at)
        intents.complete(tx, record.id)
        intents.abandon_prepared(tx, contract.id, "another party signed first")
        completed = record_change(tx, room.audit, contract, _signed_event(record, party, revision, rests_on))
        room.notify(tx, after_signature(seen, completed, party, room.now()))
        return completed

    def _agreement(self, tx: Transaction, signing: Signing) -> str:
        """The log's entries of the acceptances on electronic signing that the signature rests on."""
        own = side_of(signing.party)
        others = distinct(sides_of(signing.contract), but=own)
        records = agreement_text.require_acceptances(tx, own, others, self._room.agreement.version)
        return " ".join(str(record.entry) for record in records)


def _signed_event(
    record: IntentRecord, party: Party, revision: ContractRevision, rests_on: Mapping[str, str]
) -> AuditEvent:
    return AuditEvent(
        kind=EventKind.PARTY_SIGNED,
        contract=record.intent.contract,
        at=revision.at,
        actor=party.responsible,
        public={
            "party": party.id,
            "field": party.field,
            "signer": party.subject,
            "signed": record.intent.digest.hex(),
            "revision": revision.number,
            "digest": revision.digest,
            "size": revision.size,
            **_outside(record, revision),
            **rests_on,
        },
        private={
            "name": party.name,
            "organisation": party.organisation,
            "address": record.origin.address,
            "location": record.origin.location,
        },
    )


def _outside(record: IntentRecord, revision: ContractRevision) -> dict[str, str]:
    """The second timestamp with its time, or why there is none, with that of the first; the name says which."""
    if record.outside is None:
        return {}
    own = instant(revision.at)
    times = {instant(parse_token(token).gen_time) for token in cms.parse(record.cms or b"").timestamps()}
    return {f"outside_{record.outside}": next(iter(times - {own}), own)}
