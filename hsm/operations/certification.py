"""Certificates, CRLs and OCSP: reading them, publishing a fresh CRL, revoking, rotating, answering about one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from hsm.certificates import Issuer, Profile
from hsm.errors import BadRequest, CertificateRefused, UnknownKey
from hsm.intents import OfficerIntent
from hsm.names import SubjectName, name_in
from hsm.operations.context import AuthorityContext, Handlers
from hsm.operations.records import record_revocation, record_rotation
from hsm.remote import remote_keys
from hsm.revocation import issue_crl, names, ocsp_response, read_request, reason_of, refusal
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateRecord, CrlRecord, KeyRecord, SubjectKind
from hsm.store.registry import ROOT
from hsm.vouching import EventScope

_SERVICES = {"tsa": Profile.TSA, "evidence": Profile.EVIDENCE}
_PROFILES = {
    SubjectKind.PERSON: Profile.PERSON,
    SubjectKind.OUTSIDE: Profile.PERSON,
    SubjectKind.SEAL: Profile.SEAL,
    SubjectKind.OUTSIDE_SEAL: Profile.SEAL,
}


class CertificateOperations(Handlers):
    """What the issuing CA does at run time. The root signs in ceremonies only."""

    def chain(self) -> list[bytes]:
        return [
            each.public_bytes(Encoding.DER) for each in self._context.signers.chain(self._store.registry.issuing())
        ]

    def authorities(self) -> list[bytes]:
        found = [each.certificate for each in self._store.registry.authorities()]
        return [each.public_bytes(Encoding.DER) for each in (*found, self._context.certificate(ROOT))]

    def certificate(self, subject: str) -> bytes:
        return self._context.certificate(subject).public_bytes(Encoding.DER)

    def crls(self) -> list[bytes]:
        registry = self._store.registry
        records = [registry.crl(each) for each in (ROOT, *(each.subject for each in registry.authorities()))]
        return [record.der for record in records if record is not None]

    def crl(self, issuer: str) -> bytes:
        return current_crl(self._context, issuer)

    def issue_crl(self) -> bytes:
        """Fresh CRLs of all issuing CAs; that of the one that issues now."""
        return fresh_crl(self._context, self._context.now())

    def revoke_certificate(self, intent: OfficerIntent) -> bytes:
        subject, reason = self._to_revoke(intent)
        registry = self._store.registry
        one = registry.certificate_of(subject, intent.text("serial")) if "serial" in intent.details else None
        record = one or registry.certificate(subject)
        if registry.is_revoked(record.certificate.serial_number):
            raise CertificateRefused("The certificate of {subject} was revoked before.", subject=subject)
        with self._authorised(intent) as authorised:
            ending = self._ending(subject, one, authorised.moment)
            revoke(self._context, ending, reason, authorised.moment)
            if subject in _SERVICES:
                record_revocation(self._context, intent, authorised, ending, reason)
            return fresh_crl(self._context, authorised.at, record.issuer)

    def retire(self, intent: OfficerIntent) -> bytes:
        """Ends a subject's credentials, registered ones too, an officer's recovery codes, and unexpired
        certificates, whatever is left of them; the new CRL."""
        subject, reason = self._to_revoke(intent)
        self._store.people.subject(subject)
        with self._authorised(intent) as authorised:
            moment = authorised.moment
            self._store.people.revoke_credentials(subject, revoked=moment)
            self._store.registrations.drop(subject)
            self._store.setup.end_recoveries(subject, at=moment)
            self._store.vouchings.end(subject, at=moment)
            self._take_seals_from(subject, moment)
            revoke(self._context, self._unexpired(subject, moment), reason, moment)
            return fresh_crl(self._context, authorised.at)

    def _ending(self, subject: str, one: CertificateRecord | None, at: int) -> list[CertificateRecord]:
        """What ends with the certificate *one* of *subject*, or with all (None). With the one that somebody signs
        with those of their keys for remote signing end, which were given to whoever is named in it."""
        if one is None:
            return self._unexpired(subject, at)
        is_current = one.serial == self._store.registry.certificate(subject).serial
        return [one, *(self._unexpired_of(remote_keys(subject), at) if is_current else ())]

    def _unexpired(self, subject: str, at: int) -> list[CertificateRecord]:
        """The unexpired certificates of *subject*, those of a person's keys for remote signing among them."""
        return self._unexpired_of((subject, *remote_keys(subject)), at)

    def _unexpired_of(self, names: Sequence[str], at: int) -> list[CertificateRecord]:
        return [each for name in names for each in self._store.registry.unexpired(name, at)]

    def _to_revoke(self, intent: OfficerIntent) -> tuple[str, str]:
        """Subject and reason in *intent*. Raises :class:`CertificateRefused` for the authority's own CAs."""
        subject, reason = intent.text("subject"), intent.text("reason")
        reason_of(reason)
        if subject == ROOT or any(each.subject == subject for each in self._store.registry.authorities()):
            raise CertificateRefused("{subject} is revoked in a ceremony, by the root.", subject=subject)
        return subject, reason

    def _take_seals_from(self, subject: str, at: int) -> None:
        """Who has left keeps no seal; one with too few custodians then stands still until officers resume it."""
        seals = self._store.seals
        for record in seals.seals_of_custodian(subject):
            if record.destroyed is None:
                seals.remove_custodian(record.subject, subject)
                if len(self._store.people.custodians(record.subject)) < record.needed:
                    seals.suspend(record.subject, since=at)

    def rotate(self, intent: OfficerIntent) -> bytes:
        """A new key and certificate for the same name, on officers' activation; the old one stays valid."""
        subject = intent.text("subject")
        if self._store.vouchings.find(subject) is not None:
            raise CertificateRefused("An event certificate has the one key; have somebody vouch for them anew.")
        profile, name = self._profile(subject), name_in(self._context.certificate(subject))
        if profile is Profile.SEAL and self._store.seals.seal(subject).destroyed is not None:
            raise CertificateRefused(
                "The seal {subject} is destroyed; nothing changes it any more.", subject=subject
            )
        algorithm = SignatureAlgorithm.from_public_key(self._context.certificate(subject).public_key())
        with self._authorised(intent) as authorised:
            made = certify(self._context, subject, profile, name, algorithm=algorithm, now=authorised.at)
            if subject in _SERVICES:
                record_rotation(self._context, intent, authorised, made)
        return made.certificate.public_bytes(Encoding.DER)

    def _profile(self, subject: str) -> Profile:
        if subject in _SERVICES:
            return _SERVICES[subject]
        profile = _PROFILES.get(self._store.people.subject(subject).kind)
        if profile is None:
            raise BadRequest("The key of {subject} is renewed in a ceremony.", subject=subject)
        return profile


def certify(
    context: AuthorityContext,
    subject: str,
    profile: Profile,
    name: SubjectName,
    *,
    algorithm: SignatureAlgorithm,
    now: datetime,
) -> CertificateRecord:
    """A new key for *subject* and its certificate, recorded: from then on the current one."""
    issuer = context.issuer()
    key = context.signers.make_key(subject, algorithm, made=int(now.timestamp()))
    return certify_key(context, profile, name, key, issuer, now=now)


def certify_event(
    context: AuthorityContext, name: SubjectName, scope: EventScope, *, now: datetime
) -> CertificateRecord:
    """A new key for somebody from outside, and its event certificate, recorded. Raises :class:`CertificateRefused`
    where no CA issues such certificates."""
    issuer = event_issuer(context)
    algorithm = context.settings.certificates.algorithm.signature
    key = context.signers.make_key(str(name.identifier), algorithm, made=int(now.timestamp()))
    return certify_key(context, Profile.EVENT, name, key, issuer, now=now, scope=scope)


def event_issuer(context: AuthorityContext) -> Issuer:
    """The CA that issues event certificates now. Raises :class:`CertificateRefused` where there is none."""
    try:
        return context.issuer_named(context.store.registry.event_issuing())
    except UnknownKey as error:
        raise CertificateRefused(
            "Nobody can be vouched for here yet: the CA for event certificates is missing. A renewal with the step"
            " “events” makes it."
        ) from error


def certify_key(
    context: AuthorityContext,
    profile: Profile,
    name: SubjectName,
    key: KeyRecord,
    issuer: Issuer,
    *,
    now: datetime,
    scope: EventScope | None = None,
) -> CertificateRecord:
    """The certificate of *key* by *issuer*, recorded: from then on the current one of the key's subject."""
    public_key: Any = load_der_public_key(key.public_key)
    certificate = context.rules().issue(profile, name, public_key, issuer=issuer, now=now, scope=scope)
    record = CertificateRecord(key.subject, issuer.label, key.label, certificate)
    context.store.registry.add_certificate(record)
    return record


def revoke(context: AuthorityContext, records: Sequence[CertificateRecord], reason: str, at: int) -> None:
    """Revokes the certificates *records*, at *at* (Unix seconds), in the caller's transaction."""
    for record in records:
        context.store.registry.revoke(record.certificate.serial_number, revoked=at, reason=reason)


def current_crl(context: AuthorityContext, issuer: str) -> bytes:
    """The newest CRL of *issuer* (DER). Raises :class:`UnknownKey`."""
    record = context.store.registry.crl(issuer)
    if record is None:
        raise UnknownKey("There is no revocation list of {issuer}.", issuer=issuer)
    return record.der


def fresh_crl(context: AuthorityContext, now: datetime, issuer: str | None = None) -> bytes:
    """The next CRL of every issuing CA that is not expired by *now*, each with its next number and each stored, in
    one transaction; returns that of *issuer* (the CA that issues now)."""
    registry = context.store.registry
    with context.store.transaction():
        for authority in registry.authorities():
            if now <= authority.certificate.not_valid_after_utc:
                publish_crl(context, context.issuer_named(authority.subject), now=now)
        return current_crl(context, issuer or registry.issuing())


def publish_crl(
    context: AuthorityContext, issuer: Issuer, *, now: datetime, lifetime: timedelta | None = None
) -> bytes:
    """The next CRL of *issuer* (DER), recorded; its *lifetime* is that of the settings unless given."""
    registry = context.store.registry
    number = registry.last_crl_number(issuer.label) + 1
    der = issue_crl(
        issuer,
        number=number,
        revocations=registry.revocations(issuer.label),
        now=now,
        lifetime=lifetime or timedelta(days=context.settings.certificates.crl_days),
    )
    registry.add_crl(CrlRecord(issuer.label, number, der))
    return der


_LONGEST_REQUEST = 4096


class OcspOperations(Handlers):
    """Signs OCSP responses with the key of the CA that issued the certificate in question."""

    def ocsp(self, certificate: bytes) -> bytes:
        try:
            given = x509.load_der_x509_certificate(certificate)
        except ValueError as error:
            raise BadRequest("This is no certificate.") from error
        record = self._store.registry.issued(given.serial_number)
        if record.issuer == ROOT:
            raise CertificateRefused("The root answers by its revocation list alone.")
        return self._response(record, None)

    def ocsp_reply(self, request: bytes) -> bytes:
        """The answer to anybody's request (RFC 6960), always in the standard's form: malformedRequest for an
        invalid request, unauthorized for a certificate that none of our issuing CAs has issued."""
        read = read_request(request) if len(request) <= _LONGEST_REQUEST else None
        if read is None:
            return refusal(malformed=True)
        try:
            record = self._store.registry.issued(read.serial_number)
        except UnknownKey:
            return refusal(malformed=False)
        if record.issuer == ROOT or not names(read, record.certificate, self._context.certificate(record.issuer)):
            return refusal(malformed=False)
        return self._response(record, read.hash_algorithm)

    def _response(self, record: CertificateRecord, algorithm: hashes.HashAlgorithm | None) -> bytes:
        context, serial = self._context, record.certificate.serial_number
        return ocsp_response(
            context.issuer_named(record.issuer),
            record.certificate,
            revocation=context.store.registry.revocation(serial),
            now=context.now(),
            lifetime=timedelta(days=context.settings.certificates.crl_days),
            algorithm=algorithm,
        )
