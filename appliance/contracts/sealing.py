"""Seal off: after the last signature, validation data and a document timestamp, to hold for years (B-LTA)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from appliance.contracts import rules
from appliance.contracts.acceptable import READERS, require_archived
from appliance.contracts.announcements import to_everybody
from appliance.contracts.changes import changed
from appliance.contracts.room import SigningRoom
from appliance.contracts.waypoints import Waypoint
from appliance.history.events import SYSTEM, EventKind, Field, HistoryEvent
from appliance.model.contract import Contract, ContractState, Revision, RevisionKind
from appliance.model.notice import NoticeKind
from appliance.pdf.values import ValidationMaterial
from appliance.store import contracts, people
from hsm.timestamp import parse_token


class SealingOff:
    """Needs nobody's activation, so it may be repeated until it succeeds; only its commit counts."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def seal_off(self, contract_id: str) -> Contract:
        """The completed contract. Raises :class:`StateRefused` unless everybody has signed.

        Whatever fails leaves the contract signed and unsealed; the scheduler tries again.
        """
        room = self._room
        with room.database.reading() as tx:
            contract = contracts.load(tx, contract_id)
        if contract.state is ContractState.COMPLETED:
            return contract
        rules.require_state(contract, ContractState.SIGNED)
        document, stamped = self._archived(contract)
        require_archived(room.verifier.verify_pdf(document, readers=READERS), contract)
        digest = room.blobs.put(document)
        room.passing(Waypoint.ARCHIVE_STORED)
        number = contract.current.number + 1
        revision = Revision(number, RevisionKind.ARCHIVE, digest, len(document), stamped)
        completed = self._commit(contract, revision)
        room.passing(Waypoint.ARCHIVE_COMMITTED)
        return completed

    def _commit(self, contract: Contract, revision: Revision) -> Contract:
        room = self._room
        public: dict[str, Field] = {"revision": revision.number, "digest": revision.digest, "size": revision.size}
        event = HistoryEvent(EventKind.CONTRACT_COMPLETED, revision.at, SYSTEM, contract.id, public)
        with room.database.transaction() as tx:
            seen = contracts.load(tx, contract.id)
            if seen.state is ContractState.COMPLETED:  # another process was faster; its archive stands
                return seen
            contracts.add_revision(tx, contract, revision, state=ContractState.COMPLETED)
            completed = changed(tx, room.chronicle, contract, event)
            room.tell(tx, to_everybody(completed, NoticeKind.COMPLETED, room.now()))
            return completed

    def waiting(self) -> list[str]:
        """Ids of the contracts that everybody has signed and that are not sealed off, as after a crash."""
        with self._room.database.reading() as tx:
            return contracts.to_seal_off(tx)

    def _archived(self, contract: Contract) -> tuple[bytes, datetime]:
        """The document with DSS and document timestamp, and the time that the timestamp gives."""
        room = self._room
        self._wait_until_after(contract.current.at)
        document = room.blobs.get(contract.current.digest)
        prepared = room.workshop.prepare_archive(document, self._material(contract))
        room.passing(Waypoint.ARCHIVE_PREPARED)
        token = room.timestamps.token(prepared.digest)
        room.passing(Waypoint.ARCHIVE_STAMPED)
        return room.workshop.embed(prepared, token), parse_token(token).gen_time

    def _material(self, contract: Contract) -> ValidationMaterial:
        """Certificates of every chain, and revocation lists that were made just now."""
        authority = self._room.authority
        fresh = authority.issue_crl()
        with self._room.database.reading() as tx:
            signers = [people.certificate(tx, party.subject) for party in contract.parties]
        certificates = dict.fromkeys([*authority.authorities(), authority.certificate("tsa"), *signers])
        return ValidationMaterial(tuple(certificates), tuple(dict.fromkeys([*authority.crls(), fresh])))

    def _wait_until_after(self, signed: datetime) -> None:
        """A revocation list dates itself in whole seconds: one made in the second of the signature would not show
        that the certificate was still good *after* it (EN 319 102-1, 5.2.5)."""
        ready = signed.replace(microsecond=0) + timedelta(seconds=1)
        while (left := (ready - self._room.now()).total_seconds()) > 0:
            time.sleep(min(left, 1.0))
