"""What becomes true here of a seal when the authority has done an officer's act; in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.ledger.events import EventKind
from appliance.model.office import OfficerDecision, OfficerDecisionKind
from appliance.store import custody, seals
from appliance.store.database import Transaction

SEAL_EVENTS = {
    OfficerDecisionKind.RESUME_SEAL: EventKind.SEAL_RESUMED,
    OfficerDecisionKind.ADD_CUSTODIAN: EventKind.CUSTODIAN_ADDED,
    OfficerDecisionKind.REMOVE_CUSTODIAN: EventKind.CUSTODIAN_REMOVED,
    OfficerDecisionKind.SET_CUSTODIANS_NEEDED: EventKind.CUSTODIANS_NEEDED_CHANGED,
    OfficerDecisionKind.CHANGE_PICTURE: EventKind.SEAL_PICTURE_CHANGED,
    OfficerDecisionKind.DESTROY_SEAL: EventKind.SEAL_DESTROYED,
}
"""The acts that change a seal, each with its entry in the log."""


def record_seal_decision(tx: Transaction, act: OfficerDecision, now: datetime) -> dict[str, str | int]:
    """Writes what *act* changed; the public fields of its entry beside subject, act and officers."""
    seal, details = act.subject, act.details
    match act.kind:
        case OfficerDecisionKind.RESUME_SEAL:
            seals.suspend(tx, seal, since=None)
        case OfficerDecisionKind.ADD_CUSTODIAN:
            seals.add_custodian(tx, seal, str(details["custodian"]))
        case OfficerDecisionKind.REMOVE_CUSTODIAN:
            seals.remove_custodian(tx, seal, str(details["custodian"]))
        case OfficerDecisionKind.SET_CUSTODIANS_NEEDED:
            seals.set_needed(tx, seal, int(details["needed"]))
        case OfficerDecisionKind.CHANGE_PICTURE:
            seals.set_picture(tx, seal, str(details["picture"]) or None)
        case OfficerDecisionKind.DESTROY_SEAL:
            seals.destroy(tx, seal, at=now)
    return {name: value for name, value in details.items() if name != "subject"}


def remove_custodian_everywhere(tx: Transaction, person: str, now: datetime) -> list[str]:
    """Who has left keeps no seal; the seals that stand still because of it."""
    stopped = []
    for seal in custody.seals_in_use_kept_by(tx, person):
        seals.remove_custodian(tx, seal.subject, person)
        too_few = len(seal.custodians) - 1 < seal.needed
        if too_few and seals.suspend(tx, seal.subject, since=now):
            stopped.append(seal.subject)
    return stopped
