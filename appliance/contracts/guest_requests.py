"""What guests asked officers for falls away when the contract ends that they were to sign."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from appliance.history.chronicle import Chronicle
from appliance.history.events import SYSTEM, EventKind, HistoryEvent
from appliance.model.contract import Contract
from appliance.model.office import RequestState
from appliance.office.refusing import refuse
from appliance.store import enrolment, office_acts, parties
from appliance.store.database import Transaction

ENDED: Final = "The contract that this person was to sign has ended."
"""Kept with the officers' act, and translated when it is shown."""


def close(tx: Transaction, chronicle: Chronicle, contract: Contract, at: datetime) -> None:
    """Closes the open enrolment requests of guests of *contract* who have no other contract under way, with the
    act by which an officer was about to grant one: nobody can activate it any more."""
    for party in contract.parties:
        if not party.guest or parties.acts_elsewhere(tx, party.subject, contract.id):
            continue
        request = enrolment.open_request(tx, party.subject)
        if request is None:
            continue
        pending = office_acts.open_for_request(tx, request.id, at)
        if pending is not None:
            refuse(tx, chronicle, pending, reason=ENDED, by=SYSTEM, at=at)
        enrolment.close(tx, request.id, RequestState.WITHDRAWN, at=at, by=SYSTEM)
        public = {"subject": party.subject, "request": request.id}
        chronicle.tell(tx, HistoryEvent(EventKind.ENROLMENT_WITHDRAWN, at, SYSTEM, None, public))
