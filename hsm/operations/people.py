"""Enrolment of persons and seals, and their credentials; every change by officers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from hsm.activation.credentials import require_known_key, require_strong_hash, totp_context
from hsm.certificates import SEAL_KINDS, Profile
from hsm.errors import BadRequest, CertificateRefused
from hsm.intents import required_field
from hsm.names import (
    LONGEST_LOGIN,
    LONGEST_NAME,
    SubjectName,
    is_name,
    is_outside,
    is_pin_custodian,
    require_person_name,
)
from hsm.operation_types import KnownCredential, NoArguments, OfficerRequest, PinCustodianEndRequest, SubjectQuery
from hsm.operations.certification import CertificateOperations
from hsm.operations.context import AuthorityContext
from hsm.operations.seals import needed_in, require_custodian
from hsm.store import CompanySealRecord, Credential, Subject, SubjectKind

_MOST_CREDENTIALS = 8
_PIN_CUSTODIAN_NAMED = "A keeper is named keeper- and an administrator's login, of 2 to {most} characters."


class EnrolmentOperations:
    """Who exists, and with what they activate."""

    def __init__(self, context: AuthorityContext, certification: CertificateOperations) -> None:
        self._context = context
        self._certification = certification

    def enrol_person(self, request: OfficerRequest) -> bytes:
        """The certificate of a new person, who gets a key and the credentials in the intent.

        An outside signer is of no organisation of this house, by the name that the officer reads and activates.
        """
        intent = request.intent
        subject = subject_from_details(intent.details, SubjectKind.PERSON)
        credentials = credentials_from_details(subject.subject, intent.details.get("credentials"), self._context)
        return self._enrol(request, subject, credentials=credentials)

    def enrol_officer(self, request: OfficerRequest) -> None:
        """One more officer, by those who are there; with authenticators alone, and without a certificate."""
        self._enrol_administering(SubjectKind.OFFICER, request)

    def enrol_pin_custodian(self, request: OfficerRequest) -> None:
        """Somebody who keeps a part of the PIN, by officers: two of them unlock, and that is all that they do.

        Who was enrolled before answers with the authenticators in the intent from now on, and with no other: so
        one that is lost is replaced, and who was ended begins again.
        """
        self._enrol_administering(SubjectKind.PIN_CUSTODIAN, request)

    def pin_custodians(self, _request: NoArguments) -> list[str]:
        """The subjects of whom any two unlock: who was ended is not among them."""
        return self._context.store.people.pin_custodians()

    def end_pin_custodian(self, request: PinCustodianEndRequest) -> int:
        """Takes from a PIN custodian every authenticator, or the one named (its id in hex), for whoever asks; how
        many.

        As with a seal, to stop somebody can never be too easy: it takes no officer, and no HSM, so that it can be
        done while that is locked. To begin again takes officers (:meth:`enrol_pin_custodian`). Who is no PIN
        custodian, or none any more, loses nothing.
        """
        subject = request.subject
        if not is_name(subject, SubjectKind.PIN_CUSTODIAN):
            raise BadRequest(_PIN_CUSTODIAN_NAMED, most=LONGEST_LOGIN)
        with self._context.store.transaction():
            people, moment = self._context.store.people, int(self._context.now().timestamp())
            if request.credential is None:
                return people.revoke_credentials(subject, revoked=moment)
            return people.revoke_credential(subject, request.credential, revoked=moment)

    def _enrol_administering(self, kind: SubjectKind, request: OfficerRequest) -> None:
        intent = request.intent
        subject = subject_from_details(intent.details, kind)
        require_person_name(subject.name)
        require_organisation(self._context, subject.organisation)
        credentials = credentials_from_details(subject.subject, intent.details.get("credentials"), self._context)
        if any(each.kind != "webauthn" for each in credentials):
            raise BadRequest("An officer needs an authenticator; a PIN and a code are bound to no act.")
        authorised = self._authorised(request)
        people = self._context.store.people
        with self._context.store.transaction():
            if kind is SubjectKind.PIN_CUSTODIAN and people.is_known_pin_custodian(subject.subject):
                people.replace_authenticators(subject.subject, credentials, at=authorised)
                return
            people.add_subject(subject, enrolled=authorised)
            for credential in credentials:
                people.add_credential(credential, added=authorised)

    def enrol_seal(self, request: OfficerRequest) -> bytes:
        """The certificate of a new seal, with the custodians in the intent: persons of its organisation."""
        intent = request.intent
        subject = subject_from_details(intent.details, SubjectKind.SEAL)
        custodians, needed = _names(intent.details.get("custodians")), needed_in(intent.details)
        kind = _seal_kind(intent.details)
        for custodian in custodians:
            require_custodian(self._context, custodian, subject.organisation)
        if len(custodians) < needed:
            raise BadRequest("A seal has at least as many custodians as release it together.")
        return self._enrol(request, subject, custodians=custodians, seal=CompanySealRecord("", kind, needed))

    def add_credential(self, request: OfficerRequest) -> None:
        """One more credential for a person or an officer."""
        intent = request.intent
        subject = self._context.store.people.subject(required_field(intent.details, "subject", str))
        if subject.kind is SubjectKind.PIN_CUSTODIAN:
            raise BadRequest("A keeper's authenticators are replaced together: enrol the keeper anew.")
        if subject.kind not in (SubjectKind.PERSON, SubjectKind.OUTSIDE, SubjectKind.OFFICER):
            raise BadRequest("{subject} has no credentials of its own.", subject=subject.subject)
        credentials = credentials_from_details(subject.subject, [intent.details.get("credential")], self._context)
        authorised = self._authorised(request)
        with self._context.store.transaction():
            self._context.store.people.add_credential(credentials[0], added=authorised)

    def credentials(self, request: SubjectQuery) -> list[KnownCredential]:
        """The unrevoked credentials of a subject: kind, id, time of adding, public key; nothing that activates."""
        people = self._context.store.people
        known = people.credentials(request.subject)
        return [
            KnownCredential(kind, identifier, datetime.fromtimestamp(added, UTC), public_key)
            for kind, identifier, added, public_key in known
        ]

    def organisations(self, _request: NoArguments) -> list[str]:
        """The organisations that certificates may name."""
        return sorted(self._context.rules().organisations)

    def revoke_credential(self, request: OfficerRequest) -> None:
        """Ends an authenticator (its id in hex), or every PIN (``pin-totp``), for good."""
        intent = request.intent
        subject, named = (
            required_field(intent.details, "subject", str),
            required_field(intent.details, "credential", str),
        )
        self._context.store.people.subject(subject)
        identifier = None if named == "pin-totp" else _hex(named, "credential")
        authorised = self._authorised(request)
        with self._context.store.transaction():
            ended = self._context.store.people.revoke_credential(subject, identifier, revoked=authorised)
        if ended == 0:
            raise BadRequest("{subject} has no such credential to revoke.", subject=subject)

    def _enrol(
        self,
        request: OfficerRequest,
        subject: Subject,
        *,
        credentials: tuple[Credential, ...] = (),
        custodians: tuple[str, ...] = (),
        seal: CompanySealRecord | None = None,
    ) -> bytes:
        context = self._context
        if subject.kind is SubjectKind.OUTSIDE:
            context.rules().require_foreign(subject.organisation)
        else:
            require_organisation(context, subject.organisation)
        authorised = context.authoriser.authorise_officers(request.intent, request.activations)
        moment = int(authorised.at.timestamp())
        with context.store.transaction():
            context.store.people.add_subject(subject, enrolled=moment, custodians=custodians)
            if seal is not None:
                context.store.seals.add_seal(subject.subject, seal.kind, seal.needed)
            for credential in credentials:
                context.store.people.add_credential(credential, added=moment)
            certificate = self._certification.certify(
                subject.subject,
                Profile.SEAL if subject.kind is SubjectKind.SEAL else Profile.PERSON,
                SubjectName(
                    subject.organisation, subject.name, subject.subject, unit=None if seal is None else seal.kind
                ),
                algorithm=context.settings.certificates.algorithm.signature,
                now=authorised.at,
            )
        return certificate.public_bytes(Encoding.DER)

    def _authorised(self, request: OfficerRequest) -> int:
        return int(self._context.authoriser.authorise_officers(request.intent, request.activations).at.timestamp())


def require_organisation(context: AuthorityContext, organisation: str) -> None:
    """Raises :class:`CertificateRefused` for one that the authority may not name."""
    if organisation not in context.rules().organisations:
        raise CertificateRefused(
            "The organisation {organisation} is not one that this authority may name; the settings list them.",
            organisation=organisation,
        )


def subject_from_details(details: Mapping[str, Any], kind: SubjectKind) -> Subject:
    """The subject in an intent's details; a person with an outside signer's name is one. Raises
    :class:`BadRequest` for a name out of form."""
    subject = required_field(details, "subject", str)
    if not is_name(subject, kind):
        if kind is SubjectKind.PIN_CUSTODIAN:
            raise BadRequest(_PIN_CUSTODIAN_NAMED, most=LONGEST_LOGIN)
        raise BadRequest(
            "A {kind} is named {kind}- and up to {most} lower-case letters, digits or hyphens.",
            kind=kind.value,
            most=LONGEST_NAME,
        )
    if kind is SubjectKind.PERSON and is_outside(subject):
        kind = SubjectKind.OUTSIDE
    return Subject(
        subject, kind, required_field(details, "name", str), required_field(details, "organisation", str)
    )


def credentials_from_details(subject: str, value: Any, context: AuthorityContext) -> tuple[Credential, ...]:
    """The credentials in an intent's details; a TOTP secret leaves here wrapped. Raises :class:`BadRequest`."""
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_CREDENTIALS:
        raise BadRequest("Credentials are a list of 1 to {most}.", most=_MOST_CREDENTIALS)
    return tuple(_credential(subject, item, context) for item in value)


def _credential(subject: str, item: Any, context: AuthorityContext) -> Credential:
    if not isinstance(item, dict):
        raise BadRequest("A credential is a map.")
    kind = required_field(item, "kind", str)
    if kind == "webauthn":
        configured = context.settings.activation
        party = configured.console_party if is_pin_custodian(subject) else configured.rp_id
        if required_field(item, "rp_id", str) != party:
            raise BadRequest("This authenticator was registered with another relying party.")
        public_key = _hex(required_field(item, "public_key", str), "public_key")
        require_known_key(public_key)
        identifier = _hex(required_field(item, "credential_id", str), "credential_id")
        return Credential(0, subject, kind, credential_id=identifier, public_key=public_key)
    if kind == "pin-totp":
        pin_hash = required_field(item, "pin_hash", str)
        require_strong_hash(pin_hash)
        secret = context.wrapping.wrap(totp_context(subject), _base32(required_field(item, "totp_secret", str)))
        return Credential(0, subject, kind, pin_hash=pin_hash, totp_secret=secret)
    raise BadRequest("A credential is of the kind webauthn or pin-totp.")


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


def _base32(text: str) -> bytes:
    try:
        secret = base64.b32decode(text)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("A TOTP secret is base32.") from error
    if len(secret) < 16:
        raise BadRequest("A TOTP secret has at least 128 bits (RFC 4226, section 4).")
    return secret
