"""The certificates of a ceremony or renewal, each key read back, certified and recorded; the trust anchors that
are published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.ceremony.context import CeremonyContext
from hsm.certificates import Issuer, Profile
from hsm.files import write_durably
from hsm.keys import Signers, private_key
from hsm.names import SubjectName
from hsm.note import NoteKey
from hsm.operations.certification import certify_key, publish_crl
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateRecord, KeyRecord, Subject, SubjectKind
from hsm.store.registry import ROOT
from hsm.token import TokenConnection

ROOT_CRL_LIFETIME = timedelta(days=400)
"""The root is used in ceremonies alone: one a year, with a month to hold it in."""


class CeremonyIssuance:
    """Certifies one key after the other at the time of one ceremony, and writes each into its transcript."""

    def __init__(self, ceremony: CeremonyContext, root_token: TokenConnection) -> None:
        self._transcript = ceremony.transcript
        self._context = ceremony.context
        self._now = ceremony.now
        self._root_token = root_token
        self._root_signers = Signers(root_token, ceremony.context.store.registry)

    @property
    def root(self) -> Issuer:
        """The root CA; it signs while its token is open."""
        return Issuer(self._context.certificate(ROOT), self._root_signers.private_key(ROOT), ROOT)

    def add_service(self, subject: str, name: SubjectName) -> None:
        """Enters the *subject* of this *name*, whose organisation certificates may name from then on."""
        service = Subject(subject, SubjectKind.SERVICE, name.common_name, name.organisation)
        self._context.store.people.add_subject(service, enrolled=int(self._now.timestamp()))

    def make_root(self, name: SubjectName, algorithm: SignatureAlgorithm, hands: Sequence[str]) -> None:
        """The root's key in its own token, its certificate and its first CRL."""
        self.add_service(ROOT, name)
        key = self._root_signers.make_key(ROOT, algorithm, made=int(self._now.timestamp()))
        private = private_key(self._root_token, key.label, key.public_key)
        certificate = self._context.rules().self_sign(name, private, now=self._now)
        record = CertificateRecord(ROOT, ROOT, key.label, certificate)
        self._context.store.registry.add_certificate(record)
        self._record(f"The key of {ROOT}, certified by {ROOT}", key, record, hands)
        self.publish_root_crl()

    def make_key(self, subject: str, algorithm: SignatureAlgorithm) -> KeyRecord:
        """A new key of *subject* in the daemon's token."""
        return self._context.signers.make_key(subject, algorithm, made=int(self._now.timestamp()))

    def certify(
        self,
        profile: Profile,
        name: SubjectName,
        key: KeyRecord,
        issuer: Issuer,
        *,
        hands: Sequence[str],
        what: str = "The key",
    ) -> None:
        """The certificate of *key* by *issuer*; *what* the transcript calls the key."""
        record = certify_key(self._context, profile, name, key, issuer, now=self._now)
        self._record(f"{what} of {key.subject}, certified by {issuer.label}", key, record, hands)

    def publish_root_crl(self) -> bytes:
        """The root's next CRL (DER)."""
        return publish_crl(self._context, self.root, now=self._now, lifetime=ROOT_CRL_LIFETIME)

    def publish_issuing_crl(self, subject: str) -> None:
        """The next CRL of the issuing CA *subject*."""
        publish_crl(self._context, self._context.issuer_named(subject), now=self._now)

    def publish_chain(self) -> None:
        """Writes ``chain.pem``: every issuing CA, the one that issues now first, then those for event
        certificates, and the root last."""
        chain = [each.certificate for each in self._context.store.registry.authorities()]
        _write(self._context.settings.home.trust / "chain.pem", *chain, self.root.certificate)

    def publish_anchors(self) -> NoteKey:
        """Writes ``ca.pem`` (the root alone), ``chain.pem`` and ``log.vkey`` (one line); the log's key."""
        log, _ = self._context.log_signer()
        trust = self._context.settings.home.trust
        trust.mkdir(parents=True, exist_ok=True)
        _write(trust / "ca.pem", self.root.certificate)
        self.publish_chain()
        write_durably(trust / "log.vkey", f"{log.vkey()}\n".encode(), mode=0o644)
        return log

    def _record(self, what: str, key: KeyRecord, made: CertificateRecord, hands: Sequence[str]) -> None:
        certificate = made.certificate
        results = [
            ("algorithm", key.algorithm),
            ("label", key.label),
            ("attributes read back", key.attributes),
            ("public key, SHA-256", sha256(key.public_key).hexdigest()),
            ("subject", certificate.subject.rfc4514_string()),
            ("serial number", made.serial),
            ("valid until", certificate.not_valid_after_utc.isoformat()),
            ("certificate, SHA-256", certificate.fingerprint(hashes.SHA256()).hex()),
        ]
        self._transcript.step(what, hands, results)


def _write(path: Path, *certificates: x509.Certificate) -> None:
    write_durably(path, b"".join(each.public_bytes(Encoding.PEM) for each in certificates), mode=0o644)
