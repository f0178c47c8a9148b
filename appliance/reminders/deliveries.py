"""What became of each mail about a contract, as its initiator sees it; and sending one once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import AuditEvent, EventKind, Field
from appliance.store import contracts, deliveries, outbox
from appliance.store.database import Database
from appliance.store.deliveries import MessageDelivery

SHOWN = 50


class MessageDeliveries:
    """Nothing is claimed to be sent that a mail server has not taken. Thread-safe."""

    def __init__(self, database: Database, audit: AuditTrail, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._now = now

    def list_deliveries(self, contract_id: str) -> list[MessageDelivery]:
        """The newest messages about a contract, at most :data:`SHOWN`."""
        with self._database.reading() as tx:
            return deliveries.of_contract(tx, contract_id, limit=SHOWN)

    def resend_message(self, contract_id: str, message: int, *, by: str) -> None:
        """The initiator (*by*) has a message go out once more whose arrival is unknown, or that was refused.

        Raises :class:`NotFound`, :class:`PreconditionRefused` for anybody else, :class:`StateRefused` for a
        message that waits, is sent, or is needed no more.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract = contracts.load(tx, contract_id)
            recipient = deliveries.recipient(tx, contract_id, message)
            if recipient is None:
                raise NotFound("There is no such message about “{title}”.", title=contract.title)
            if contract.initiator != by:
                raise PreconditionRefused(
                    "Only the initiator of “{title}” has mail sent again.", title=contract.title
                )
            if not outbox.resend(tx, message, now):
                raise StateRefused("This message is not one that can be sent again; look at what became of it.")
            public: dict[str, Field] = {"message": message, "recipient": recipient}
            self._audit.append(tx, AuditEvent(EventKind.NOTICE_RESENT, now, by, contract_id, public))
