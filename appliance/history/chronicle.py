"""The chronicle: every event becomes an entry of the log, in the transaction that makes it true."""

from __future__ import annotations

from appliance.history.events import HistoryEvent
from appliance.ledger import LedgerEntry, record
from appliance.store import events
from appliance.store.database import Transaction


class Chronicle:
    """Writes history. What it cannot write does not happen: an error here ends the caller's transaction."""

    def tell(self, tx: Transaction, event: HistoryEvent) -> int:
        """Record *event*; the number of its entry."""
        number = record(tx, _entry(event))
        if event.contract is not None:
            events.link(tx, event.contract, number)
        return number


def _entry(event: HistoryEvent) -> LedgerEntry:
    contract = {} if event.contract is None else {"contract": event.contract}
    return LedgerEntry(
        kind=event.kind.value,
        at=event.at,
        public={"actor": event.actor, **contract, **event.public},
        private={name: value for name, value in event.private.items() if value is not None},
    )
