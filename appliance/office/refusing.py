"""How an act that waits for officers ends without being done, in the caller's transaction, with its event."""

from __future__ import annotations

from datetime import datetime

from appliance.history.chronicle import Chronicle
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.office import ActState, PendingAct
from appliance.store import office_acts
from appliance.store.database import Transaction


def refuse(
    tx: Transaction, chronicle: Chronicle, pending: PendingAct, *, reason: str, by: str, at: datetime
) -> None:
    """open → refused, for *reason*. Raises :class:`StateRefused` when it has ended before."""
    office_acts.end(tx, pending.id, ActState.REFUSED, at=at, by=by, reason=reason)
    public = {"subject": pending.subject, "act": pending.id, "kind": pending.kind.value}
    chronicle.tell(tx, HistoryEvent(EventKind.OFFICE_ACT_REFUSED, at, by, None, public, {"reason": reason}))
