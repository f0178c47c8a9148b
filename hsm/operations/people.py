"""Enrolment of persons and seals, and their credentials; every change by officers, but for officers who come by
one-time codes that a ceremony left: the first ones, and those who lost every authenticator.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from hsm import canonical
from hsm.activation.credentials import require_known_key
from hsm.certificates import SEAL_KINDS, Profile
from hsm.errors import ActivationLocked, ActivationRefused, BadRequest, CertificateRefused
from hsm.intents import OfficerIntent, PasskeyRegistration, required_field
from hsm.names import (
    LONGEST_LOGIN,
    LONGEST_NAME,
    LONGEST_PERSON,
    SubjectName,
    is_from_outside,
    is_name,
    require_visible,
)
from hsm.operation_types import Appointment, KnownCredential, KnownSubject
from hsm.operations.certification import certify
from hsm.operations.context import AuthorityContext, Handlers
from hsm.operations.registration import oldest_kept, verified_passkey
from hsm.operations.seals import needed_in, require_custodian
from hsm.store import CompanySealRecord, Credential, Subject, SubjectKind
from hsm.store.ceremonies import digest_of

_MOST_CREDENTIALS = 8
_OUTSIDE = {SubjectKind.PERSON: SubjectKind.OUTSIDE, SubjectKind.SEAL: SubjectKind.OUTSIDE_SEAL}
"""What an outside name makes of a person or a seal."""
_PIN_CUSTODIAN_NAMED = "A keeper is named keeper- and an administrator's login, of 2 to {most} characters."


class EnrolmentOperations(Handlers):
    """Subjects and their credentials."""

    def enrol_person(self, intent: OfficerIntent) -> bytes:
        """The certificate of a new person, who gets a key and the credentials in the intent.

        An outside signer is of none of the enterprise's own organisations, by the name that the officer activates.
        """
        details = intent.details
        subject = subject_from_details(details, SubjectKind.PERSON)
        credentials = registered_credentials(self._context, subject.subject, details.get("credentials"))
        return self._enrol(intent, subject, credentials=credentials)

    def enrol_officer(self, intent: OfficerIntent) -> None:
        """One more officer, by those who are there; with authenticators alone, and without a certificate."""
        self._enrol_administering(SubjectKind.OFFICER, intent)

    def enrol_pin_custodian(self, intent: OfficerIntent) -> None:
        """Somebody who keeps a part of the PIN, by officers: two of them unlock, and that is all that they do.

        Whoever was enrolled before has only the authenticators in the intent from now on: this replaces a lost
        authenticator, and enrols a former custodian again.
        """
        self._enrol_administering(SubjectKind.PIN_CUSTODIAN, intent)

    def pin_custodians(self) -> list[str]:
        """The subjects of the PIN custodians, any two of whom unlock; without former ones."""
        return self._store.people.pin_custodians()

    def end_pin_custodian(self, subject: str, credential: bytes | None = None) -> int:
        """Removes every authenticator of a PIN custodian, or the one named (its id in hex); returns how many were
        removed.

        As with a seal, stopping must be easy: it takes no officer, and no HSM, so that it works while that is
        locked. Officers enrol a custodian again (:meth:`enrol_pin_custodian`). For anybody else nothing is
        removed.
        """
        if not is_name(subject, SubjectKind.PIN_CUSTODIAN):
            raise BadRequest(_PIN_CUSTODIAN_NAMED, most=LONGEST_LOGIN)
        people, moment = self._store.people, int(self._context.now().timestamp())
        with self._store.transaction():
            if credential is None:
                return people.revoke_credentials(subject, revoked=moment)
            return people.revoke_credential(subject, credential, revoked=moment)

    def _enrol_administering(self, kind: SubjectKind, intent: OfficerIntent) -> None:
        details = intent.details
        subject = subject_from_details(details, kind)
        require_visible(subject.name, LONGEST_PERSON)
        require_organisation(self._context, subject.organisation)
        if kind is SubjectKind.PIN_CUSTODIAN:
            credentials = console_passkeys(self._context, subject.subject, details.get("credentials"))
        else:
            credentials = registered_credentials(self._context, subject.subject, details.get("credentials"))
        if any(each.kind != "webauthn" for each in credentials):
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        people = self._store.people
        with self._authorised(intent) as authorised:
            moment = authorised.moment
            if kind is SubjectKind.PIN_CUSTODIAN and people.is_known_pin_custodian(subject.subject):
                people.replace_authenticators(subject.subject, credentials, at=moment)
                return
            people.add_subject(subject, enrolled=moment)
            for credential in credentials:
                people.add_credential(credential, added=moment)
            self._store.registrations.drop(subject.subject)

    def enrol_seal(self, intent: OfficerIntent) -> bytes:
        """The certificate of a new seal, with the custodians in the intent: persons of its organisation, and for
        another company's seal outside signers of that company."""
        details = intent.details
        subject = subject_from_details(details, SubjectKind.SEAL)
        custodians, needed = _names(details.get("custodians")), needed_in(details)
        kind = _seal_kind(details)
        for custodian in custodians:
            require_custodian(self._context, custodian, subject)
        if len(custodians) < needed:
            raise BadRequest("A seal has at least as many custodians as release it together.")
        return self._enrol(intent, subject, custodians=custodians, seal=CompanySealRecord("", kind, needed))

    def add_credential(self, intent: OfficerIntent) -> None:
        """One more credential for a person or an officer."""
        subject = self._store.people.subject(intent.text("subject"))
        if subject.kind is SubjectKind.PIN_CUSTODIAN:
            raise BadRequest("A keeper's authenticators are replaced together: enrol the keeper anew.")
        if subject.kind not in (SubjectKind.PERSON, SubjectKind.OUTSIDE, SubjectKind.OFFICER):
            raise BadRequest("{subject} has no credentials of its own.", subject=subject.subject)
        if self._store.vouchings.find(subject.subject) is not None:
            raise BadRequest(
                "{subject} signs one contract with the one passkey; name them anew there.", subject=subject.subject
            )
        [credential] = registered_credentials(self._context, subject.subject, [intent.details.get("credential")])
        if subject.kind is SubjectKind.OFFICER and credential.kind != "webauthn":
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        # Its age was checked above: the clock, which all workers share, is not read inside a transaction.
        waiting = partial(
            self._store.registrations.credential, subject.subject, intent.text("credential"), oldest=0
        )
        with self._authorised(intent, waiting) as authorised:
            self._store.people.add_credential(credential, added=authorised.moment)
            self._store.registrations.drop(subject.subject)

    def credentials(self, subject: str) -> list[KnownCredential]:
        return self._store.people.credentials(subject)

    def known_subject(self, subject: str) -> KnownSubject:
        found = self._store.people.subject(subject)
        return KnownSubject(found.subject, found.kind.value, found.name, found.organisation)

    def organisations(self) -> list[str]:
        return sorted(self._context.rules().organisations)

    def revoke_credential(self, intent: OfficerIntent) -> None:
        subject, named = intent.text("subject"), intent.text("credential")
        self._store.people.subject(subject)
        identifier = None if named == "pin-totp" else _hex(named, "credential")
        with self._authorised(intent) as authorised:
            ended = self._store.people.revoke_credential(subject, identifier, revoked=authorised.moment)
        if ended == 0:
            raise BadRequest("{subject} has no such credential to revoke.", subject=subject)

    def _enrol(
        self,
        intent: OfficerIntent,
        subject: Subject,
        *,
        credentials: tuple[Credential, ...] = (),
        custodians: tuple[str, ...] = (),
        seal: CompanySealRecord | None = None,
    ) -> bytes:
        context = self._context
        if subject.kind in _OUTSIDE.values():
            context.rules().require_foreign(subject.organisation)
        else:
            require_organisation(context, subject.organisation)
        with self._authorised(intent) as authorised:
            moment = authorised.moment
            context.store.people.add_subject(subject, enrolled=moment, custodians=custodians)
            if seal is not None:
                context.store.seals.add_seal(subject.subject, seal.kind, seal.needed)
            for credential in credentials:
                context.store.people.add_credential(credential, added=moment)
            context.store.registrations.drop(subject.subject)
            unit = None if seal is None else seal.kind
            name = SubjectName(subject.organisation, subject.name, subject.subject, unit=unit)
            profile = Profile.PERSON if seal is None else Profile.SEAL
            algorithm = context.settings.certificates.algorithm.signature
            made = certify(context, subject.subject, profile, name, algorithm=algorithm, now=authorised.at)
        return made.certificate.public_bytes(Encoding.DER)


def require_organisation(context: AuthorityContext, organisation: str) -> None:
    """Raises :class:`CertificateRefused` for one that the authority may not name."""
    if organisation not in context.rules().organisations:
        raise CertificateRefused(
            "The organisation {organisation} is not one that this authority may name; the settings list them.",
            organisation=organisation,
        )


def subject_from_details(details: Mapping[str, Any], kind: SubjectKind) -> Subject:
    """The subject in an intent's details; a person with an outside signer's name is one, and a seal with the name
    of another company's. Raises :class:`BadRequest` for a name out of form."""
    subject = required_field(details, "subject", str)
    if not is_name(subject, kind):
        if kind is SubjectKind.PIN_CUSTODIAN:
            raise BadRequest(_PIN_CUSTODIAN_NAMED, most=LONGEST_LOGIN)
        raise BadRequest(
            "A {kind} is named {kind}- and up to {most} lower-case letters, digits or hyphens.",
            kind=kind.value,
            most=LONGEST_NAME,
        )
    if is_from_outside(subject):
        kind = _OUTSIDE.get(kind, kind)
    return Subject(
        subject, kind, required_field(details, "name", str), required_field(details, "organisation", str)
    )


def registered_credentials(context: AuthorityContext, subject: str, value: Any) -> tuple[Credential, ...]:
    """The credentials that *subject* has registered, by the fingerprints in an intent. Raises :class:`BadRequest`,
    and :class:`CertificateRefused` for a fingerprint that is none of theirs."""
    if (
        not isinstance(value, list)
        or not 0 < len(value) <= _MOST_CREDENTIALS
        or len({*map(str, value)}) < len(value)
    ):
        raise BadRequest("Credentials are a list of 1 to {most}, each once.", most=_MOST_CREDENTIALS)
    if any(type(each) is not str for each in value):
        raise BadRequest("A credential is named by its fingerprint.")
    registrations, oldest = context.store.registrations, oldest_kept(context)
    return tuple(registrations.credential(subject, each, oldest=oldest) for each in value)


def console_passkeys(context: AuthorityContext, subject: str, value: Any) -> tuple[Credential, ...]:
    """The passkeys of a PIN custodian, which the console has registered and root has confirmed. Raises
    :class:`BadRequest`."""
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_CREDENTIALS:
        raise BadRequest("Credentials are a list of 1 to {most}.", most=_MOST_CREDENTIALS)
    party = context.settings.activation.console_party
    return tuple(passkey_from_fields(subject, item, rp_id=party) for item in value)


def passkey_from_fields(subject: str, item: Any, *, rp_id: str) -> Credential:
    """A passkey of the relying party *rp_id* that a ceremony or root vouches for. Raises :class:`BadRequest`."""
    if not isinstance(item, dict):
        raise BadRequest("A credential is a map.")
    if required_field(item, "kind", str) != "webauthn":
        raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
    if required_field(item, "rp_id", str) != rp_id:
        raise BadRequest("This authenticator was registered with another relying party.")
    public_key = _hex(required_field(item, "public_key", str), "public_key")
    require_known_key(public_key)
    identifier = _hex(required_field(item, "credential_id", str), "credential_id")
    return Credential(0, subject, "webauthn", credential_id=identifier, public_key=public_key)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(type(each) is not str for each in value):
        raise BadRequest("A seal has at least one custodian.")
    return tuple(dict.fromkeys(value))


def _seal_kind(details: Mapping[str, Any]) -> str:
    """The kind of a seal, with which its name ends too. Raises :class:`CertificateRefused`."""
    kind, name = required_field(details, "kind", str), required_field(details, "name", str)
    if kind not in SEAL_KINDS or not name.endswith(kind):
        raise CertificateRefused(
            "A company seal is one of {kinds}, and its name ends with the kind.", kinds="、".join(SEAL_KINDS)
        )
    return kind


def _hex(text: str, name: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadRequest("The field {name} is not hexadecimal.", name=name) from error


_ALLOWED_TRIES = 5
_LOCKED_FOR = timedelta(minutes=15)
_LONGEST_CODE = 80


class AppointmentOperations(Handlers):
    """What a set-up code opens; the ceremony decides how many there are and for how long."""

    def appointment(self) -> Appointment:
        """How many codes still count, for whom recovery codes do, and until when the last one does."""
        moment = int(self._context.now().timestamp())
        codes, recoveries = self._store.setup.unused(moment), self._store.setup.recoveries(moment)
        ends = [end for _, end in codes] + [end for _, _, end in recoveries]
        until = datetime.fromtimestamp(max(ends), UTC) if ends else None
        return Appointment(len(codes), until, tuple(officer for _, officer, _ in recoveries))

    def appoint_officer(
        self,
        code: str,
        subject: str,
        name: str,
        organisation: str,
        registration: PasskeyRegistration,
        reference: str,
    ) -> None:
        """A new officer with an authenticator.

        1. name, organisation and authenticator are such as an officer may have;
        2. the code's hash is one that is unused and has not run out, compared in constant time;
        3. wrong ones are counted, five of them for fifteen minutes; the right one counts all the same: nobody
           guesses 160 bits, and nobody who tries keeps the first officers out;
        4. code, officer and record in one durable transaction.
        """
        details = {"subject": subject, "name": name, "organisation": organisation}
        officer = subject_from_details(details, SubjectKind.OFFICER)
        require_visible(officer.name, LONGEST_PERSON)
        require_organisation(self._context, officer.organisation)
        now = self._context.now()
        store, moment = self._store, int(now.timestamp())
        digest = self._matching(code, [digest for digest, _ in store.setup.unused(moment)], now)
        known = verified_passkey(self._context, subject, registration, reference)
        with store.transaction():
            store.people.add_subject(officer, enrolled=moment)
            store.people.add_credential(known, added=moment)
            if not store.setup.use_code(digest, officer=subject, at=moment):
                raise ActivationRefused(_WRONG)
            self._record("appoint_officer", subject, "setup-code", at=moment)

    def restore_officer(self, code: str, subject: str, registration: PasskeyRegistration, reference: str) -> None:
        """A new authenticator for an officer who lost every one, by a code of :mod:`hsm.ceremony.recovery`.

        As with :meth:`appoint_officer`; the code is good for the officer whom the ceremony named, no other.
        """
        now = self._context.now()
        store, moment = self._store, int(now.timestamp())
        own = [digest for digest, officer, _ in store.setup.recoveries(moment) if officer == subject]
        digest = self._matching(code, own, now)
        known = verified_passkey(self._context, subject, registration, reference)
        with store.transaction():
            store.people.add_credential(known, added=moment)
            if not store.setup.use_recovery(digest, at=moment):
                raise ActivationRefused(_WRONG)
            self._record("restore_officer", subject, "recovery-code", at=moment)

    def _record(self, act: str, subject: str, by: str, *, at: int) -> None:
        record = canonical.encode({"act": act, "subject": subject}).decode()
        self._store.intents.authorise(secrets.token_bytes(16), record, activated_by=[by], strength=by, at=at)

    def _matching(self, code: str, digests: Sequence[bytes], now: datetime) -> bytes:
        """The one of *digests* that is the code's, compared in constant time; a wrong code is counted."""
        given = digest_of(code[:_LONGEST_CODE])
        matching = [digest for digest in digests if hmac.compare_digest(digest, given)]
        if matching:
            return matching[0]
        lock_until = int((now + _LOCKED_FOR).timestamp())
        store = self._store.setup
        if not store.begin_attempt(allowed=_ALLOWED_TRIES, now=int(now.timestamp()), lock_until=lock_until):
            raise ActivationLocked("Too many wrong codes were entered lately; this one is wrong as well.")
        raise ActivationRefused(_WRONG)


_WRONG = "The set-up code is wrong, was used or has run out. The key ceremony printed it."
