"""Seal off: after the last signature, validation data and a document timestamp, to hold for years (B-LTA)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from appliance.contracts import rules
from appliance.contracts.acceptable import READERS, require_archived
from appliance.contracts.announcements import to_everybody
from appliance.contracts.archiving import Archived, Archiving
from appliance.contracts.changes import record_change
from appliance.contracts.room import SigningRoom
from appliance.contracts.waypoints import Failpoint
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractRevision, ContractState, RevisionKind
from appliance.model.horizon import Horizon
from appliance.model.notice import NoticeKind
from appliance.store import contracts, keeping, people


class Finalisation:
    """Needs nobody's activation, so it may be repeated until it succeeds; only its commit counts."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room
        self._archiving = Archiving(room)

    def finalise(self, contract_id: str) -> Contract:
        """The completed contract. Raises :class:`StateRefused` unless everybody has signed.

        Whatever fails leaves the contract signed and unsealed; the scheduler tries again.
        """
        room = self._room
        with room.database.reading() as tx:
            contract = contracts.load(tx, contract_id)
        if contract.state is ContractState.COMPLETED:
            return contract
        rules.require_state(contract, ContractState.SIGNED)
        archived = self._archived(contract)
        require_archived(room.verifier.verify_pdf(archived.document, readers=READERS), contract)
        digest = room.blobs.put(archived.document)
        room.reach(Failpoint.ARCHIVE_STORED)
        number = contract.current.number + 1
        revision = ContractRevision(number, RevisionKind.ARCHIVE, digest, len(archived.document), archived.at)
        completed = self._commit(contract, revision, archived.horizon)
        room.reach(Failpoint.ARCHIVE_COMMITTED)
        return completed

    def _commit(self, contract: Contract, revision: ContractRevision, horizon: Horizon) -> Contract:
        room = self._room
        public: dict[str, Field] = {"revision": revision.number, "digest": revision.digest, "size": revision.size}
        event = AuditEvent(EventKind.CONTRACT_COMPLETED, revision.at, SYSTEM, contract.id, public)
        with room.database.transaction() as tx:
            seen = contracts.load(tx, contract.id)
            if seen.state is ContractState.COMPLETED:  # another process was faster; its archive stands
                return seen
            contracts.add_revision(tx, contract, revision, state=ContractState.COMPLETED)
            keeping.put(tx, contract.id, revision.number, horizon)
            completed = record_change(tx, room.audit, contract, event)
            room.notify(tx, to_everybody(completed, NoticeKind.COMPLETED, room.now()))
            return completed

    def contracts_waiting(self) -> list[str]:
        """Ids of the contracts that everybody has signed and that are not sealed off, as after a crash."""
        with self._room.database.reading() as tx:
            return contracts.to_finalise(tx)

    def _archived(self, contract: Contract) -> Archived:
        """The document with certificates of every chain, revocation lists, and a document timestamp."""
        room = self._room
        self._wait_until_after(contract.current.at)
        with room.database.reading() as tx:
            signers = [people.certificate(tx, party.subject) for party in contract.parties]
        return self._archiving.extend(
            room.blobs.get(contract.current.digest), self._archiving.first_material(signers)
        )

    def _wait_until_after(self, signed: datetime) -> None:
        """A revocation list dates itself in whole seconds: one made in the second of the signature would not show
        that the certificate was still good *after* it (EN 319 102-1, 5.2.5)."""
        ready = signed.replace(microsecond=0) + timedelta(seconds=1)
        while (left := (ready - self._room.now()).total_seconds()) > 0:
            time.sleep(min(left, 1.0))
