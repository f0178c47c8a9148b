"""The second timestamp of a signature, of an authority outside: added where it comes, never in the first's way."""

from __future__ import annotations

from collections.abc import Callable

from appliance.contracts.acceptable import require_signed
from appliance.contracts.services import SigningRoom
from appliance.errors import ApplianceError
from appliance.model.contract import Contract
from appliance.model.intent import IntentRecord, OutsideStamp
from appliance.pdf.values import ContentsSpan, PreparedRevision
from appliance.timestamping import OutsideToken
from hsm.cms import add_signature_timestamp


class SecondTimestamp:
    """Asked while the local authority is, taken only when the whole result still passes the own verifier."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def begin(self, value: bytes) -> Callable[[], OutsideToken] | None:
        """Begins to ask about a signature *value*; None where no authority outside is configured."""
        return None if self._room.outside is None else self._room.outside.begin(value)

    def added(
        self, record: IntentRecord, contract: Contract, cms: bytes, wait: Callable[[], OutsideToken] | None
    ) -> tuple[bytes, OutsideStamp | None]:
        """*cms* (with the local timestamp) and the second one where that came and fits; and what became of it."""
        if wait is None:
            return cms, None
        found = wait()
        if found.stamp is not OutsideStamp.DATED:
            return cms, found.stamp
        twice = add_signature_timestamp(cms, found.token)
        if not self._stands(record, contract, twice):
            return cms, OutsideStamp.WRONG
        return twice, OutsideStamp.DATED

    def _stands(self, record: IntentRecord, contract: Contract, cms: bytes) -> bool:
        room = self._room
        base = room.blobs.get(contract.current.digest)
        prepared = PreparedRevision(base + record.suffix, record.intent.digest, ContentsSpan(*record.contents))
        try:
            require_signed(
                room.verifier.verify_pdf(room.workshop.embed(prepared, cms)), contract, record.intent.field
            )
        except ApplianceError:
            return False
        return True
