"""Certificates and CRLs: reading them, publishing a fresh CRL, revoking, rotating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from hsm.acts import OfficerAct
from hsm.certificates import Profile
from hsm.crl import issue_crl, reason_of
from hsm.errors import BadRequest, CertificateRefused, UnknownKey
from hsm.names import SubjectName, name_in
from hsm.operations.bench import Bench
from hsm.operations.records import keep_revocation, keep_rotation
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateRecord, CrlRecord, SubjectKind
from hsm.store.registry import ROOT
from hsm.wire import activations_from_wire, field, officer_act_from_wire

_SERVICES = {"tsa": Profile.TSA, "evidence": Profile.EVIDENCE}
_PROFILES = {
    SubjectKind.PERSON: Profile.PERSON,
    SubjectKind.OUTSIDE: Profile.PERSON,
    SubjectKind.SEAL: Profile.SEAL,
}


class Certification:
    """What the issuing CA does at run time. The root is not here: it signs in ceremonies."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def chain(self, _arguments: Mapping[str, Any]) -> list[bytes]:
        """The CA that issues now, and the root, DER."""
        return [each.public_bytes(Encoding.DER) for each in self._bench.signers.chain(self._current())]

    def authorities(self, _arguments: Mapping[str, Any]) -> list[bytes]:
        """Every issuing CA, the one that issues now first, and the root last, DER."""
        found = [each.certificate for each in self._bench.store.registry.authorities()]
        return [each.public_bytes(Encoding.DER) for each in (*found, self._bench.certificate(ROOT))]

    def certificate(self, arguments: Mapping[str, Any]) -> bytes:
        """A subject's current certificate, DER."""
        return self._bench.certificate(field(arguments, "subject", str)).public_bytes(Encoding.DER)

    def crls(self, _arguments: Mapping[str, Any]) -> list[bytes]:
        """The current CRLs, DER: the root's, that of the CA that issues now, then those of the CAs before it."""
        registry = self._bench.store.registry
        records = [registry.crl(each) for each in (ROOT, *(each.subject for each in registry.authorities()))]
        return [record.der for record in records if record is not None]

    def crl(self, arguments: Mapping[str, Any]) -> bytes:
        """The current CRL of one CA by its name, DER. Raises :class:`UnknownKey`."""
        issuer = field(arguments, "issuer", str)
        record = self._bench.store.registry.crl(issuer)
        if record is None:
            raise UnknownKey("There is no revocation list of {issuer}.", issuer=issuer)
        return record.der

    def issue_crl(self, _arguments: Mapping[str, Any]) -> bytes:
        """Fresh CRLs of all issuing CAs; that of the one that issues now."""
        return self.fresh_crl(self._bench.now())

    def fresh_crl(self, now: datetime, issuer: str | None = None) -> bytes:
        """The next CRL of every issuing CA that has not run out by *now*, each number taken and each list kept, in
        one transaction; returned is that of *issuer* (the one that issues now)."""
        registry = self._bench.store.registry
        with self._bench.store.transaction():
            for authority in registry.authorities():
                if now <= authority.certificate.not_valid_after_utc:
                    self._publish_crl(authority.subject, now)
            return self.crl({"issuer": issuer or self._current()})

    def _publish_crl(self, issuer: str, now: datetime) -> None:
        registry = self._bench.store.registry
        number = registry.last_crl_number(issuer) + 1
        der = issue_crl(
            self._bench.issuer_called(issuer),
            number=number,
            revocations=registry.revocations(issuer),
            now=now,
            lifetime=timedelta(days=self._bench.settings.certificates.crl_days),
        )
        registry.add_crl(CrlRecord(issuer, number, der))

    def _current(self) -> str:
        return self._bench.store.registry.issuing()

    def revoke_certificate(self, arguments: Mapping[str, Any]) -> bytes:
        """Revokes for good, on officers' activation, and gives the new CRL: every unexpired certificate of a
        subject, or, where the act names a serial number, that one alone, an older one too."""
        act = officer_act_from_wire(arguments.get("act"), "revoke_certificate")
        subject, reason = self._to_revoke(act)
        registry = self._bench.store.registry
        one = (
            registry.certificate_of(subject, field(act.details, "serial", str))
            if "serial" in act.details
            else None
        )
        record = one or registry.certificate(subject)
        if registry.is_revoked(record.certificate.serial_number):
            raise CertificateRefused("The certificate of {subject} was revoked before.", subject=subject)
        authorised = self._bench.judge.authorise_officers(act, activations_from_wire(arguments.get("activations")))
        with self._bench.store.transaction():
            ending = [one] if one else registry.unexpired(subject, int(authorised.at.timestamp()))
            self._revoke(ending, reason, authorised.at)
            if subject in _SERVICES:
                keep_revocation(self._bench, act, authorised, ending, reason)
            return self.fresh_crl(authorised.at, record.issuer)

    def retire(self, arguments: Mapping[str, Any]) -> bytes:
        """Ends a subject's credentials, an officer's recovery codes, and unexpired certificates, whatever is left
        of them; the new CRL."""
        act = officer_act_from_wire(arguments.get("act"), "retire")
        subject, reason = self._to_revoke(act)
        self._bench.store.people.subject(subject)
        authorised = self._bench.judge.authorise_officers(act, activations_from_wire(arguments.get("activations")))
        with self._bench.store.transaction():
            moment = int(authorised.at.timestamp())
            self._bench.store.people.revoke_credentials(subject, revoked=moment)
            self._bench.store.setup.end_recoveries(subject, at=moment)
            self._take_seals_from(subject, moment)
            self.revoke_all(subject, reason, authorised.at)
            return self.fresh_crl(authorised.at)

    def _to_revoke(self, act: OfficerAct) -> tuple[str, str]:
        """Subject and reason of *act*. Raises :class:`CertificateRefused` for the authority's own CAs."""
        subject, reason = field(act.details, "subject", str), field(act.details, "reason", str)
        reason_of(reason)
        if subject == ROOT or any(each.subject == subject for each in self._bench.store.registry.authorities()):
            raise CertificateRefused("{subject} is revoked in a ceremony, by the root.", subject=subject)
        return subject, reason

    def revoke_all(self, subject: str, reason: str, at: datetime) -> None:
        """Revokes every unexpired certificate of *subject*, in the caller's transaction."""
        self._revoke(self._bench.store.registry.unexpired(subject, int(at.timestamp())), reason, at)

    def _revoke(self, records: Sequence[CertificateRecord], reason: str, at: datetime) -> None:
        moment = int(at.timestamp())
        for record in records:
            self._bench.store.registry.revoke(record.certificate.serial_number, revoked=moment, reason=reason)

    def _take_seals_from(self, subject: str, at: int) -> None:
        """Who has left keeps no seal; one with too few custodians then stands still until officers resume it."""
        seals = self._bench.store.seals
        for record in seals.kept_by(subject):
            if record.destroyed is None:
                seals.remove_custodian(record.subject, subject)
                if len(self._bench.store.people.custodians(record.subject)) < record.needed:
                    seals.suspend(record.subject, since=at)

    def rotate(self, arguments: Mapping[str, Any]) -> bytes:
        """A new key and certificate for the same name, on officers' activation; the old one stays valid."""
        act = officer_act_from_wire(arguments.get("act"), "rotate")
        subject = field(act.details, "subject", str)
        profile, name = self._profile(subject), name_in(self._bench.certificate(subject))
        if profile is Profile.SEAL and self._bench.store.seals.seal(subject).destroyed is not None:
            raise CertificateRefused(
                "The seal {subject} is destroyed; nothing changes it any more.", subject=subject
            )
        authorised = self._bench.judge.authorise_officers(act, activations_from_wire(arguments.get("activations")))
        algorithm = SignatureAlgorithm.of(self._bench.certificate(subject).public_key())
        with self._bench.store.transaction():
            certificate = self.certify(subject, profile, name, algorithm=algorithm, now=authorised.at)
            if subject in _SERVICES:
                made = self._bench.store.registry.certificate(subject)
                keep_rotation(self._bench, act, authorised, made)
        return certificate.public_bytes(Encoding.DER)

    def certify(
        self,
        subject: str,
        profile: Profile,
        name: SubjectName,
        *,
        algorithm: SignatureAlgorithm,
        now: datetime,
    ) -> x509.Certificate:
        """A new key for *subject* and its certificate, recorded: from then on the current one."""
        issuer = self._bench.issuer()
        key = self._bench.signers.make_key(subject, algorithm, made=int(now.timestamp()))
        certificate = self._bench.rules().issue(
            profile, name, _certifiable(key.public_key), issuer=issuer, now=now
        )
        self._bench.store.registry.add_certificate(
            CertificateRecord(subject, issuer.label, key.label, certificate)
        )
        return certificate

    def _profile(self, subject: str) -> Profile:
        if subject in _SERVICES:
            return _SERVICES[subject]
        profile = _PROFILES.get(self._bench.store.people.subject(subject).kind)
        if profile is None:
            raise BadRequest("The key of {subject} is renewed in a ceremony.", subject=subject)
        return profile


def _certifiable(public_key: bytes) -> CertificatePublicKeyTypes:
    key: Any = load_der_public_key(public_key)
    SignatureAlgorithm.of(key)
    certifiable: CertificatePublicKeyTypes = key
    return certifiable
