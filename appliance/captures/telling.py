"""What becomes of a capture, in the log: each entry is an event for the API client that ordered it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from appliance.acting_client import ClientReach, acting_for
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.captures import OrderedCapture
from appliance.store import captures
from appliance.store.database import Transaction


def asked_by(capture: OrderedCapture) -> AbstractContextManager[None]:
    """While it lasts, entries of the log name the API client that ordered *capture*, if one did."""
    return nullcontext() if capture.client is None else acting_for(ClientReach(capture.client, frozenset()))


def tell(tx: Transaction, capture: OrderedCapture, kind: EventKind, at: datetime, **public: Field) -> None:
    """Logs, in the transaction that makes it true, what the appliance has done with *capture*."""
    with asked_by(capture):
        entry = append_event(tx, AuditEvent(kind, at, SYSTEM, None, {"capture": capture.id, **public}))
    captures.note_event(tx, capture.id, entry)
