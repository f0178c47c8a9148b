"""What each kind of officer's decision says before it is activated, and what it does: asked of the authority,
found done already, and recorded here in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509

from appliance.accounts.context import AccountsPart
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.accounts import AccountState
from appliance.model.anchors import StatedAnchor
from appliance.model.decision_sentences import describe_intent
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import (
    SEAL_DECISIONS,
    EnrolmentRequestState,
    OfficerDecision,
    OfficerDecisionState,
)
from appliance.model.office import OfficerDecisionKind as Kind
from appliance.model.people import Seal, SealKind
from appliance.model.powers import RecordedAction, StatedPower
from appliance.powers.register import confirm, end_of_agent
from appliance.store import accounts, anchors, enrolment, members, outbox, people
from appliance.store.database import Transaction
from hsm import canonical
from hsm.client import AuthorityClient
from hsm.errors import Sentence, UnknownKey
from hsm.intents import OfficerIntent
from hsm.names import is_pin_custodian
from hsm.operation_types import KnownCompanySeal
from hsm.remote import RemoteUse, remote_key


def perform_at_authority(authority: AuthorityClient, act: OfficerIntent) -> None:
    """Has the authority do *act*, which enough officers have approved. Its operations are called as the kinds."""
    kind = Kind(act.kind)
    name = "enrol_pin_custodian" if kind is Kind.ENROL_PIN_CUSTODIAN else kind.value
    getattr(authority, name)(act)


def is_done_at_authority(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """Whether the authority has done it before: we died between its yes and our record of it."""
    if pending.kind in (Kind.ENROL_PERSON, Kind.ENROL_SEAL):
        return certificate_of(authority, pending.subject) is not None
    if pending.kind in (Kind.CONFIRM_POWER, Kind.APPROVE_ANCHOR):
        is_stated = _is_stated if pending.kind is Kind.CONFIRM_POWER else _is_approved
        return is_stated(authority, pending)
    if pending.kind in SEAL_DECISIONS:
        return _is_so(authority.seal(pending.subject), pending)
    if pending.kind in (Kind.ROTATE, Kind.ADD_REMOTE_KEY):
        return _serial_now(authority, pending) != str(pending.notes["serial"])
    if pending.kind is Kind.REVOKE_CERTIFICATE:
        return is_on_a_list(authority, int(str(pending.details["serial"]), 16))
    return _is_so_of(authority, pending, act)


def _serial_now(authority: AuthorityClient, pending: OfficerDecision) -> str:
    """The serial number of the certificate that the decision replaces, or makes."""
    if pending.kind is Kind.ADD_REMOTE_KEY:
        return remote_serial(authority, pending.subject, str(pending.details["use"]))
    return serial_of(authority, pending.subject)


def _is_stated(authority: AuthorityClient, pending: OfficerDecision) -> bool:
    """Whether the authority states already that officers have confirmed exactly this power."""
    try:
        made = authority.power_statement(pending.subject)
    except UnknownKey:
        return False
    said = canonical.decode(made.statement)["power"]
    return all(said[name] == value for name, value in pending.details.items() if name != "subject")


def _is_approved(authority: AuthorityClient, pending: OfficerDecision) -> bool:
    """Whether the authority states already that officers have approved exactly this anchor."""
    try:
        made = authority.anchor_statement(pending.subject)
    except UnknownKey:
        return False
    said = canonical.decode(made.statement)["anchor"]
    return bool(said == {"id": pending.subject, **{k: v for k, v in pending.details.items() if k != "subject"}})


def serial_of(authority: AuthorityClient, subject: str) -> str:
    """The serial number (hex) of the certificate that *subject* has now."""
    return f"{x509.load_der_x509_certificate(authority.certificate(subject)).serial_number:x}"


def remote_serial(authority: AuthorityClient, person: str, use: str) -> str:
    """The same of a person's key for remote signing; empty where there is none."""
    key = remote_key(person, RemoteUse(use))
    return "" if certificate_of(authority, key) is None else serial_of(authority, key)


def is_on_a_list(authority: AuthorityClient, serial: int) -> bool:
    """Whether a current revocation list has the certificate."""
    lists = (x509.load_der_x509_crl(each) for each in authority.crls())
    return any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in lists)


def _is_so_of(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """The same for decisions about the credentials of somebody."""
    known = authority.credentials(pending.subject)
    if pending.kind is Kind.ENROL_OFFICER:
        return bool(known)
    if pending.kind is Kind.ENROL_PIN_CUSTODIAN:  # who was one before has others afterwards
        wanted = {each["credential_id"] for each in pending.details["credentials"]}
        return wanted == {each.credential_id.hex() for each in known if each.credential_id is not None}
    if pending.kind is Kind.ADD_CREDENTIAL:
        waits = {each.fingerprint for each in authority.pending_credentials(pending.subject)}
        return act.details["credential"] not in waits and any(each.added >= pending.prepared for each in known)
    if pending.kind is Kind.REVOKE_CREDENTIAL:
        left = ["pin-totp" if each.credential_id is None else each.credential_id.hex() for each in known]
        return pending.details["credential"] not in left
    return not known and _is_revoked(authority, pending.subject)


def _is_so(seal: KnownCompanySeal, pending: OfficerDecision) -> bool:
    """Whether *seal* is already what the decision would make of it."""
    details = pending.details
    holds = {
        Kind.RESUME_SEAL: seal.suspended is None,
        Kind.ADD_CUSTODIAN: details.get("custodian") in seal.custodians,
        Kind.REMOVE_CUSTODIAN: details.get("custodian") not in seal.custodians,
        Kind.SET_CUSTODIANS_NEEDED: details.get("needed") == seal.needed,
        Kind.CHANGE_PICTURE: details.get("picture") == (seal.picture or ""),
        Kind.DESTROY_SEAL: seal.destroyed is not None and not seal.keys_left,
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
    """Writes what *act* changed; the public fields of its entry beside subject, decision and officers."""
    seal, details = act.subject, act.details
    match act.kind:
        case Kind.RESUME_SEAL:
            people.suspend_seal(tx, seal, since=None)
        case Kind.ADD_CUSTODIAN:
            people.add_custodian(tx, seal, str(details["custodian"]))
        case Kind.REMOVE_CUSTODIAN:
            people.remove_custodian(tx, seal, str(details["custodian"]))
        case Kind.SET_CUSTODIANS_NEEDED:
            people.set_seal_needed(tx, seal, int(details["needed"]))
        case Kind.CHANGE_PICTURE:
            people.set_seal_picture(tx, seal, str(details["picture"]) or None)
        case Kind.DESTROY_SEAL:
            people.destroy_seal(tx, seal, at=now)
    return {name: value for name, value in details.items() if name != "subject"}


def remove_custodian_everywhere(tx: Transaction, person: str, now: datetime) -> list[str]:
    """Who has left keeps no seal; the seals that stand still because of it."""
    stopped = []
    for seal in people.seals_in_use_kept_by(tx, person):
        people.remove_custodian(tx, seal.subject, person)
        too_few = len(seal.custodians) - 1 < seal.needed
        if too_few and people.suspend_seal(tx, seal.subject, since=now):
            stopped.append(seal.subject)
    return stopped


_EVENTS = {
    Kind.ENROL_PERSON: EventKind.PERSON_ENROLLED,
    Kind.ENROL_OFFICER: EventKind.OFFICER_APPOINTED,
    Kind.ADD_CREDENTIAL: EventKind.CREDENTIAL_ADDED,
    Kind.ENROL_SEAL: EventKind.SEAL_REGISTERED,
    Kind.REVOKE_CREDENTIAL: EventKind.CREDENTIAL_REVOKED,
    Kind.RETIRE: EventKind.PERSON_LEFT,
    Kind.ROTATE: EventKind.KEY_ROTATED,
    Kind.REVOKE_CERTIFICATE: EventKind.CERTIFICATE_REVOKED,
    Kind.ENROL_PIN_CUSTODIAN: EventKind.PIN_CUSTODIAN_ENROLLED,
    Kind.RESUME_SEAL: EventKind.SEAL_RESUMED,
    Kind.ADD_CUSTODIAN: EventKind.CUSTODIAN_ADDED,
    Kind.REMOVE_CUSTODIAN: EventKind.CUSTODIAN_REMOVED,
    Kind.SET_CUSTODIANS_NEEDED: EventKind.CUSTODIANS_NEEDED_CHANGED,
    Kind.CHANGE_PICTURE: EventKind.SEAL_PICTURE_CHANGED,
    Kind.DESTROY_SEAL: EventKind.SEAL_DESTROYED,
    Kind.ADD_REMOTE_KEY: EventKind.REMOTE_KEY_ADDED,
}
"""The entry in the log of each kind."""


class DecisionRecording(AccountsPart):
    """Records decisions that are done."""

    def record_decision(
        self,
        tx: Transaction,
        act: OfficerDecision,
        *,
        by: str,
        stated: StatedPower | StatedAnchor | None = None,
    ) -> None:
        """Registers what *act* made or ended, and tells of it; *stated* is what the authority states of a power,
        or of an anchor."""
        if isinstance(stated, StatedAnchor):
            self._approve_anchor(tx, act, stated, by)
            return
        if stated is not None:
            self._confirm_power(tx, act, stated, by)
            return
        if act.kind is Kind.ENROL_SEAL:
            self._add_seal(tx, act)
        elif act.kind is Kind.ENROL_PERSON:
            people.set_certificate(tx, act.subject, self._certificate(act.subject))
        elif act.kind is Kind.RETIRE and not is_pin_custodian(act.subject):
            self._end_account(tx, act.subject, by)
        more = record_seal_decision(tx, act, self._now()) if act.kind in SEAL_DECISIONS else {}
        if act.kind is Kind.ADD_REMOTE_KEY:
            use = str(act.details["use"])
            more = {"use": use, "serial": remote_serial(self._authority, act.subject, use)}
        if act.request is not None:
            enrolment.close(tx, act.request, EnrolmentRequestState.APPROVED, at=self._now(), by=by)
            outbox.enqueue(tx, Notice(None, act.subject, NoticeKind.ENROLLED, self._now(), act.request))
        officers = " ".join(sorted(act.approved_by))
        public: dict[str, Field] = {"subject": act.subject, "act": act.id, "officers": officers, **more}
        private = {name: str(act.notes[name]) for name in ("verified", "reason") if name in act.notes}
        self._append_event(tx, _event_of(act), by, public, **private)

    def _confirm_power(self, tx: Transaction, act: OfficerDecision, stated: StatedPower, by: str) -> None:
        """In the name of *by*, or of the officer who has confirmed it before our process died."""
        officers = [str(each["subject"]) for each in canonical.decode(stated.statement)["confirmed_by"]]
        done = RecordedAction(by if by in officers else officers[0], self._now())
        confirm(tx, act.subject, stated, done, act.details, act=act.id, officers=" ".join(officers))

    def _approve_anchor(self, tx: Transaction, act: OfficerDecision, stated: StatedAnchor, by: str) -> None:
        officers = [str(each["subject"]) for each in canonical.decode(stated.statement)["approved_by"]]
        public: dict[str, Field] = {
            "subject": act.subject,
            "certificate": str(act.details["certificate"]),
            "statement": hashlib.sha256(stated.statement).hexdigest(),
            "act": act.id,
            "officers": " ".join(officers),
        }
        private: dict[str, Field] = {"organisation": str(act.details["organisation"])}
        actor = by if by in officers else officers[0]
        event = AuditEvent(EventKind.ANCHOR_APPROVED, self._now(), actor, None, public, private)
        anchors.approve(tx, act.subject, stated, at=self._now(), entry=append_event(tx, event))

    def _add_seal(self, tx: Transaction, act: OfficerDecision) -> None:
        seal = Seal(
            subject=act.subject,
            organisation=str(act.details["organisation"]),
            kind=SealKind[str(act.notes["kind"])],
            custodians=tuple(act.details["custodians"]),
            width_mm=int(act.notes["width_tenths_mm"]) / 10,
            needed=int(act.details.get("needed", 1)),
            unit=str(act.notes.get("unit", "")),
        )
        people.insert_seal(tx, seal, self._certificate(act.subject))

    def _end_account(self, tx: Transaction, subject: str, by: str) -> None:
        self._sessions.end_all_sessions(tx, subject, by=by)
        entry = members.member_entry(tx, subject)
        if entry is not None and entry.state not in (None, AccountState.LEFT):
            accounts.set_state(tx, subject, AccountState.LEFT)
        for seal in remove_custodian_everywhere(tx, subject, self._now()):
            self._append_event(tx, EventKind.SEAL_SUSPENDED, SYSTEM, {"subject": seal})
        end_of_agent(tx, subject, by=by, now=self._now())
        waiting = enrolment.open_request(tx, subject)
        if waiting is not None:
            enrolment.close(tx, waiting.id, EnrolmentRequestState.WITHDRAWN, at=self._now(), by=by)

    def _certificate(self, subject: str) -> bytes:
        der = certificate_of(self._authority, subject)
        if der is None:
            raise StateRefused("The authority has no certificate of {subject}; prepare it again.", subject=subject)
        return der


def _event_of(act: OfficerDecision) -> EventKind:
    if act.kind is Kind.RETIRE and is_pin_custodian(act.subject):
        return EventKind.PIN_CUSTODIAN_RETIRED
    return _EVENTS[act.kind]


def describe_decision(act: OfficerDecision, names: Mapping[str, str]) -> Sentence:
    """What *act* will do, or has done; *names* are those of the subjects in it."""
    again, done = bool(act.notes.get("again")), act.state is OfficerDecisionState.DONE
    return describe_intent(act.kind, act.subject, act.details, names, again=again, done=done)


def subjects_of_decision(act: OfficerDecision) -> list[str]:
    """Whose names :func:`describe_decision` wants."""
    custodians = [str(act.details[name]) for name in ("custodian", "agent") if name in act.details]
    return [act.subject, act.prepared_by, *act.approved_by, *act.details.get("custodians", []), *custodians]
