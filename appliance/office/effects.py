"""What each kind of officer's decision does: asked of the authority, found done already, and recorded here in the
caller's transaction."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from appliance.errors import StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.accounts import AccountState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import SEAL_DECISIONS, EnrolmentRequestState, OfficerDecision, OfficerDecisionKind
from appliance.model.people import Seal, SealKind
from appliance.office.context import OfficeService
from appliance.powers.register import end_of_agent
from appliance.store import accounts, directory, enrolment, outbox, people, seals
from appliance.store.database import Transaction
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey
from hsm.intents import OfficerIntent
from hsm.names import is_pin_custodian
from hsm.operation_types import KnownCompanySeal


def perform_at_authority(authority: AuthorityClient, act: OfficerIntent) -> None:
    """Has the authority do *act*, which enough officers have approved. Its operations are called as the kinds."""
    kind = OfficerDecisionKind(act.kind)
    name = "enrol_pin_custodian" if kind is OfficerDecisionKind.ENROL_KEEPER else kind.value
    getattr(authority, name)(act, [])


def is_done_at_authority(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """Whether the authority has done it before: we died between its yes and our record of it."""
    if pending.kind in (OfficerDecisionKind.ENROL_PERSON, OfficerDecisionKind.ENROL_SEAL):
        return certificate_of(authority, pending.subject) is not None
    if pending.kind in SEAL_DECISIONS:
        return _is_so(authority.seal(pending.subject), pending)
    if pending.kind is OfficerDecisionKind.ROTATE:
        return serial_of(authority, pending.subject) != str(pending.notes["serial"])
    if pending.kind is OfficerDecisionKind.REVOKE_CERTIFICATE:
        return is_on_a_list(authority, int(str(pending.details["serial"]), 16))
    return _is_so_of(authority, pending, act)


def serial_of(authority: AuthorityClient, subject: str) -> str:
    """The serial number (hex) of the certificate that *subject* has now."""
    return f"{x509.load_der_x509_certificate(authority.certificate(subject)).serial_number:x}"


def is_on_a_list(authority: AuthorityClient, serial: int) -> bool:
    """Whether a current revocation list has the certificate."""
    lists = (x509.load_der_x509_crl(each) for each in authority.crls())
    return any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in lists)


def _is_so_of(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """The same for acts about the credentials of somebody."""
    known = authority.credentials(pending.subject)
    if pending.kind is OfficerDecisionKind.ENROL_OFFICER:
        return bool(known)
    if pending.kind is OfficerDecisionKind.ENROL_KEEPER:  # who was one before has others afterwards
        wanted = {each["credential_id"] for each in pending.details["credentials"]}
        return wanted == {each.credential_id.hex() for each in known if each.credential_id is not None}
    if pending.kind is OfficerDecisionKind.ADD_CREDENTIAL:
        wanted = act.details["credential"].get("credential_id")
        if wanted is not None:
            return wanted in [each.credential_id.hex() for each in known if each.credential_id is not None]
        return any(each.credential_id is None and each.added >= pending.prepared for each in known)
    if pending.kind is OfficerDecisionKind.REVOKE_CREDENTIAL:
        left = ["pin-totp" if each.credential_id is None else each.credential_id.hex() for each in known]
        return pending.details["credential"] not in left
    return not known and _is_revoked(authority, pending.subject)


def _is_so(seal: KnownCompanySeal, pending: OfficerDecision) -> bool:
    """Whether *seal* is already what the act would make of it."""
    details = pending.details
    holds = {
        OfficerDecisionKind.RESUME_SEAL: seal.suspended is None,
        OfficerDecisionKind.ADD_CUSTODIAN: details.get("custodian") in seal.custodians,
        OfficerDecisionKind.REMOVE_CUSTODIAN: details.get("custodian") not in seal.custodians,
        OfficerDecisionKind.SET_CUSTODIANS_NEEDED: details.get("needed") == seal.needed,
        OfficerDecisionKind.CHANGE_PICTURE: details.get("picture") == (seal.picture or ""),
        OfficerDecisionKind.DESTROY_SEAL: seal.destroyed is not None and not seal.keys_left,
    }
    return holds[pending.kind]


def certificate_of(authority: AuthorityClient, subject: str) -> bytes | None:
    """The certificate (DER) of *subject* at the authority, or None."""
    try:
        return authority.certificate(subject)
    except UnknownKey:
        return None


def _is_revoked(authority: AuthorityClient, subject: str) -> bool:
    """Whether *subject* has no certificate that still counts."""
    der = certificate_of(authority, subject)
    if der is None:
        return True
    return is_on_a_list(authority, x509.load_der_x509_certificate(der).serial_number)


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
    for seal in seals.seals_in_use_kept_by(tx, person):
        seals.remove_custodian(tx, seal.subject, person)
        too_few = len(seal.custodians) - 1 < seal.needed
        if too_few and seals.suspend(tx, seal.subject, since=now):
            stopped.append(seal.subject)
    return stopped


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
    OfficerDecisionKind.RESUME_SEAL: EventKind.SEAL_RESUMED,
    OfficerDecisionKind.ADD_CUSTODIAN: EventKind.CUSTODIAN_ADDED,
    OfficerDecisionKind.REMOVE_CUSTODIAN: EventKind.CUSTODIAN_REMOVED,
    OfficerDecisionKind.SET_CUSTODIANS_NEEDED: EventKind.CUSTODIANS_NEEDED_CHANGED,
    OfficerDecisionKind.CHANGE_PICTURE: EventKind.SEAL_PICTURE_CHANGED,
    OfficerDecisionKind.DESTROY_SEAL: EventKind.SEAL_DESTROYED,
}
"""The entry in the log of each kind."""


class DecisionRecording(OfficeService):
    """Records acts that are done."""

    def record_decision(self, tx: Transaction, act: OfficerDecision, *, by: str) -> None:
        """Registers what *act* made or ended, and tells of it."""
        if act.kind is OfficerDecisionKind.ENROL_SEAL:
            self._add_seal(tx, act)
        elif act.kind is OfficerDecisionKind.ENROL_PERSON:
            people.set_certificate(tx, act.subject, self._certificate(act.subject))
        elif act.kind is OfficerDecisionKind.RETIRE and not is_pin_custodian(act.subject):
            self._end_account(tx, act.subject, by)
        more = record_seal_decision(tx, act, self._now()) if act.kind in SEAL_DECISIONS else {}
        if act.request is not None:
            enrolment.close(tx, act.request, EnrolmentRequestState.APPROVED, at=self._now(), by=by)
            outbox.enqueue(tx, Notice(None, act.subject, NoticeKind.ENROLLED, self._now(), act.request))
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
        entry = directory.directory_entry(tx, subject)
        if entry is not None and entry.state not in (None, AccountState.LEFT):
            accounts.set_state(tx, subject, AccountState.LEFT)
        for seal in remove_custodian_everywhere(tx, subject, self._now()):
            public = {"subject": seal}
            self._audit.append(tx, AuditEvent(EventKind.SEAL_SUSPENDED, self._now(), SYSTEM, None, public))
        end_of_agent(tx, self._audit, subject, by=by, now=self._now())
        waiting = enrolment.open_request(tx, subject)
        if waiting is not None:
            enrolment.close(tx, waiting.id, EnrolmentRequestState.WITHDRAWN, at=self._now(), by=by)

    def _certificate(self, subject: str) -> bytes:
        der = certificate_of(self._authority, subject)
        if der is None:
            raise StateRefused("The authority has no certificate of {subject}; prepare it again.", subject=subject)
        return der


def _event_of(act: OfficerDecision) -> EventKind:
    if act.kind is OfficerDecisionKind.RETIRE and is_pin_custodian(act.subject):
        return EventKind.KEEPER_RETIRED
    return _EVENTS[act.kind]
