"""Sending: the PDF gets all its signature fields at once, and the contract goes out for signing."""

from __future__ import annotations

from appliance.contracts import rules
from appliance.contracts.announcements import after_sending
from appliance.contracts.room import SigningRoom
from appliance.errors import PreconditionRefused, StateRefused
from appliance.history.events import EventKind, Field, HistoryEvent
from appliance.model.contract import Contract, ContractState, Party, PartyKind, Revision, RevisionKind
from appliance.pdf.values import FieldKind, FieldPlacement
from appliance.store import contracts, outbox


class Sending:
    """From draft to sent. Nothing can be added to the contract afterwards, only signatures."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def send(self, contract_id: str, *, by: str) -> Contract:
        """The contract with revision 1, the fields, out for signing; those whose turn it is are told.

        Raises :class:`PreconditionRefused` for a contract without parties, past its deadline or somebody else's,
        and :class:`StateRefused` when it is no draft, or was changed at the same moment.
        """
        room = self._room
        with room.database.reading() as tx:
            contract = contracts.load(tx, contract_id)
        self._require_sendable(contract, by)
        document = room.workshop.add_fields(
            room.blobs.get(contract.original.digest), [_field(party) for party in contract.parties]
        )
        now = room.now()
        revision = Revision(1, RevisionKind.FIELDS, room.blobs.put(document), len(document), now)
        with room.database.transaction() as tx:
            if contracts.load(tx, contract_id).parties != contract.parties:
                raise StateRefused(
                    "Contract “{title}” was changed while it was sent; send again.", title=contract.title
                )
            contracts.add_revision(tx, contract, revision, state=ContractState.SENT)
            public: dict[str, Field] = {"revision": 1, "digest": revision.digest, "parties": len(contract.parties)}
            room.chronicle.tell(tx, HistoryEvent(EventKind.CONTRACT_SENT, now, by, contract_id, public))
            sent = contracts.load(tx, contract_id)
            for notice in after_sending(sent, now):
                outbox.enqueue(tx, notice)
        return sent

    def _require_sendable(self, contract: Contract, by: str) -> None:
        rules.require_state(contract, ContractState.DRAFT)
        if by != contract.initiator:
            raise PreconditionRefused("Only the initiator sends “{title}”.", title=contract.title)
        if not contract.parties:
            raise PreconditionRefused("“{title}” has nobody to sign it; add a party.", title=contract.title)
        if self._room.now() >= contract.deadline.at:
            raise PreconditionRefused(
                "The deadline of “{title}” has passed; set a later one.", title=contract.title
            )


def _field(party: Party) -> FieldPlacement:
    place = party.placement
    kind = FieldKind.SEAL if party.kind is PartyKind.SEAL else FieldKind.PERSON
    return FieldPlacement(party.field, place.page, place.x, place.y, place.width, place.height, kind)
