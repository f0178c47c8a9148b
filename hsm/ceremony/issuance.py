"""The certificates of a ceremony, each key made, read back, certified and recorded; the trust anchors it
publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from hsm.ceremony.plan import CeremonyPlan, KeyPlan
from hsm.ceremony.transcript import Transcript
from hsm.certificates import CertificateRules, Issuer, Profile
from hsm.errors import CertificateRefused
from hsm.files import write_durably
from hsm.keys import Signers, private_key
from hsm.names import SubjectName
from hsm.note import NoteKey
from hsm.operations.context import AuthorityContext
from hsm.revocation import issue_crl
from hsm.store import CertificateRecord, CrlRecord, KeyRecord, Subject, SubjectKind
from hsm.store.registry import ISSUING, ROOT
from hsm.token import TokenConnection

ROOT_CRL_LIFETIME = timedelta(days=400)
"""The root is used in ceremonies alone: one a year, with a month to hold it in."""


@dataclass(frozen=True, slots=True)
class _Certified:
    key: KeyRecord
    certificate: x509.Certificate


class CeremonyIssuance:
    """Makes one key after the other, for one ceremony at one time."""

    def __init__(
        self,
        context: AuthorityContext,
        plan: CeremonyPlan,
        root_token: TokenConnection,
        transcript: Transcript,
        *,
        now: datetime,
    ) -> None:
        self._context = context
        self._plan = plan
        self._root_token = root_token
        self._transcript = transcript
        self._now = now
        settings = context.settings.certificates
        self._rules = CertificateRules(frozenset({plan.organisation}), settings.base_url)
        self._made: dict[Profile, _Certified] = {}

    @property
    def root(self) -> Issuer:
        """The root CA; it signs while its token is open."""
        return self._issuer(Profile.ROOT, self._root_token)

    @property
    def issuing(self) -> Issuer:
        """The issuing CA."""
        return self._issuer(Profile.ISSUING, self._context.token)

    def log_key(self) -> NoteKey:
        """The log's key under its origin."""
        key: Any = self._made[Profile.LOG].certificate.public_key()
        return NoteKey.from_public_key(self._context.settings.log.origin, key)

    def make_root(self) -> None:
        """The root's key in its own token, its certificate and its first CRL."""
        step = self._plan.key(Profile.ROOT)
        key = Signers(self._root_token, self._context.store.registry).make_key(
            ROOT, step.algorithm, made=int(self._now.timestamp())
        )
        private = private_key(self._root_token, key.label, key.public_key)
        certificate = self._rules.self_sign(self._name(step), private, now=self._now)
        self._keep(step, ROOT, key, certificate)
        self._publish_crl(self.root, ROOT_CRL_LIFETIME)

    def make_issuing(self) -> None:
        """The issuing CA's key in the daemon's token, certified by the root."""
        self._make(self._plan.key(Profile.ISSUING), self.root)

    def make_service(self, profile: Profile) -> None:
        """A service's key, certified by the issuing CA."""
        self._make(self._plan.key(profile), self.issuing)

    def publish_issuing_crl(self) -> None:
        """The issuing CA's first CRL."""
        self._publish_crl(self.issuing, timedelta(days=self._context.settings.certificates.crl_days))

    def _make(self, step: KeyPlan, issuer: Issuer) -> None:
        key = self._context.signers.make_key(step.subject, step.algorithm, made=int(self._now.timestamp()))
        public_key: Any = load_der_public_key(key.public_key)
        certificate = self._rules.issue(step.profile, self._name(step), public_key, issuer=issuer, now=self._now)
        self._keep(step, issuer.label, key, certificate)

    def _name(self, step: KeyPlan) -> SubjectName:
        return SubjectName(self._plan.organisation, step.common_name, country=self._plan.country)

    def _keep(self, step: KeyPlan, issuer: str, key: KeyRecord, certificate: x509.Certificate) -> None:
        store, plan = self._context.store, self._plan
        subject = Subject(step.subject, SubjectKind.SERVICE, step.common_name, plan.organisation)
        store.people.add_subject(subject, enrolled=int(self._now.timestamp()))
        store.registry.add_certificate(CertificateRecord(step.subject, issuer, key.label, certificate))
        self._made[step.profile] = _Certified(key, certificate)
        results = [
            ("algorithm", key.algorithm),
            ("label", key.label),
            ("attributes read back", key.attributes),
            ("public key, SHA-256", sha256(key.public_key).hexdigest()),
            ("subject", certificate.subject.rfc4514_string()),
            ("serial number", f"{certificate.serial_number:x}"),
            ("valid until", certificate.not_valid_after_utc.isoformat()),
            ("certificate, SHA-256", certificate.fingerprint(hashes.SHA256()).hex()),
        ]
        self._transcript.step(f"The key of {step.subject}, certified by {issuer}", step.hands, results)

    def _publish_crl(self, issuer: Issuer, lifetime: timedelta) -> None:
        der = issue_crl(issuer, number=1, revocations=[], now=self._now, lifetime=lifetime)
        self._context.store.registry.add_crl(CrlRecord(issuer.label, 1, der))

    def _issuer(self, profile: Profile, token: TokenConnection) -> Issuer:
        made = self._made.get(profile)
        if made is None:
            raise CertificateRefused("The {name} CA has no certificate yet.", name=profile.name.lower())
        key = private_key(token, made.key.label, made.key.public_key)
        return Issuer(made.certificate, key, ROOT if profile is Profile.ROOT else ISSUING)


def publish(directory: Path, *, root: x509.Certificate, issuing: x509.Certificate, log: NoteKey) -> None:
    """Writes ``ca.pem`` (the root alone), ``chain.pem`` (issuing CA, root) and ``log.vkey`` (one line)."""
    directory.mkdir(parents=True, exist_ok=True)
    write_durably(directory / "ca.pem", root.public_bytes(Encoding.PEM), mode=0o644)
    publish_chain(directory, [issuing, root])
    write_durably(directory / "log.vkey", f"{log.vkey()}\n".encode(), mode=0o644)


def publish_chain(directory: Path, chain: Sequence[x509.Certificate]) -> None:
    """Writes ``chain.pem``: every issuing CA, the one that issues now first, and the root last."""
    write_durably(directory / "chain.pem", b"".join(each.public_bytes(Encoding.PEM) for each in chain), mode=0o644)
