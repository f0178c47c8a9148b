"""What becomes true here when the authority has done an officer's act; all of it in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.accounts.sessions import PortalSessions
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.accounts import AccountState
from appliance.model.office import EnrolmentRequestState, OfficerDecision, OfficerDecisionKind
from appliance.model.people import Seal, SealKind
from appliance.office import effects, seal_recording
from appliance.office.notices import notify_enrolled
from appliance.powers.ending import end_of_agent
from appliance.store import accounts, enrolment, people, roll
from appliance.store.database import Transaction
from hsm.client import AuthorityClient
from hsm.names import is_pin_custodian

_EVENTS = {
    OfficerDecisionKind.ENROL_PERSON: EventKind.PERSON_ENROLLED,
    OfficerDecisionKind.ENROL_OFFICER: EventKind.OFFICER_APPOINTED,
    OfficerDecisionKind.ADD_CREDENTIAL: EventKind.CREDENTIAL_ADDED,
    OfficerDecisionKind.ENROL_SEAL: EventKind.SEAL_REGISTERED,
    OfficerDecisionKind.REVOKE_CREDENTIAL: EventKind.CREDENTIAL_REVOKED,
    OfficerDecisionKind.RETIRE: EventKind.PERSON_LEFT,
    OfficerDecisionKind.ROTATE: EventKind.KEY_ROTATED,
    OfficerDecisionKind.REVOKE_CERTIFICATE: EventKind.CERTIFICATE_REVOKED,
    OfficerDecisionKind.ENROL_KEEPER: EventKind.KEEPER_ENROLLED,
    **seal_recording.SEAL_EVENTS,
}


class DecisionRecording:
    """Records acts that are done."""

    def __init__(
        self,
        audit: AuditTrail,
        authority: AuthorityClient,
        sessions: PortalSessions,
        now: Callable[[], datetime],
    ) -> None:
        self._audit = audit
        self._authority = authority
        self._sessions = sessions
        self._now = now

    def record_decision(self, tx: Transaction, act: OfficerDecision, *, by: str) -> None:
        """Registers what *act* made or ended, and tells of it."""
        if act.kind is OfficerDecisionKind.ENROL_SEAL:
            self._add_seal(tx, act)
        elif act.kind is OfficerDecisionKind.ENROL_PERSON:
            people.set_certificate(tx, act.subject, self._certificate(act.subject))
        elif act.kind is OfficerDecisionKind.RETIRE and not is_pin_custodian(act.subject):
            self._end_account(tx, act.subject, by)
        more = (
            seal_recording.record_seal_decision(tx, act, self._now())
            if act.kind in seal_recording.SEAL_EVENTS
            else {}
        )
        if act.request is not None:
            enrolment.close(tx, act.request, EnrolmentRequestState.APPROVED, at=self._now(), by=by)
            notify_enrolled(tx, act.subject, self._now(), about=act.request)
        officers = " ".join(sorted(act.approved_by))
        public: dict[str, Field] = {"subject": act.subject, "act": act.id, "officers": officers, **more}
        private = {name: str(act.notes[name]) for name in ("verified", "reason") if name in act.notes}
        self._audit.append(tx, AuditEvent(_event_of(act), self._now(), by, None, public, private))

    def _add_seal(self, tx: Transaction, act: OfficerDecision) -> None:
        seal = Seal(
            subject=act.subject,
            organisation=str(act.details["organisation"]),
            kind=SealKind[str(act.notes["kind"])],
            custodians=tuple(act.details["custodians"]),
            width_mm=int(act.notes["width_tenths_mm"]) / 10,
            needed=int(act.details.get("needed", 1)),
        )
        people.insert_seal(tx, seal, self._certificate(act.subject))

    def _end_account(self, tx: Transaction, subject: str, by: str) -> None:
        self._sessions.end_all_sessions(tx, subject, by=by)
        entry = roll.entry(tx, subject)
        if entry is not None and entry.state not in (None, AccountState.LEFT):
            accounts.set_state(tx, subject, AccountState.LEFT)
        for seal in seal_recording.remove_custodian_everywhere(tx, subject, self._now()):
            public = {"subject": seal}
            self._audit.append(tx, AuditEvent(EventKind.SEAL_SUSPENDED, self._now(), SYSTEM, None, public))
        end_of_agent(tx, self._audit, subject, by=by, now=self._now())
        waiting = enrolment.open_request(tx, subject)
        if waiting is not None:
            enrolment.close(tx, waiting.id, EnrolmentRequestState.WITHDRAWN, at=self._now(), by=by)

    def _certificate(self, subject: str) -> bytes:
        der = effects.certificate_of(self._authority, subject)
        if der is None:
            raise StateRefused("The authority has no certificate of {subject}; prepare it again.", subject=subject)
        return der


def _event_of(act: OfficerDecision) -> EventKind:
    if act.kind is OfficerDecisionKind.RETIRE and is_pin_custodian(act.subject):
        return EventKind.KEEPER_RETIRED
    return _EVENTS[act.kind]
