"""From a subject's name to its signer: current certificate, chain and key, kept until the certificate changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from hsm.errors import AuthorityError, UnknownKey
from hsm.generation import make_signing_key
from hsm.keys import HsmPrivateKey, RawSigner, private_key, raw_signer
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateStore, KeyRecord
from hsm.token import TokenConnection

_LONGEST_CHAIN = 4


@dataclass(frozen=True, slots=True)
class HsmSigner:
    """A :class:`hsm.signer.Signer` whose key is in the token. ``number`` is the certificate's row in the store."""

    number: int
    label: str
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]
    algorithm: SignatureAlgorithm
    raw: RawSigner

    def sign(self, data: bytes) -> bytes:
        """The signature over *data*. Raises :class:`hsm.errors.ModuleUnavailable`."""
        return self.raw(data)


class Signers:
    """The signers of one worker. Not thread-safe."""

    def __init__(self, token: TokenConnection, registry: CertificateStore) -> None:
        self._token = token
        self._registry = registry
        self._kept: dict[str, HsmSigner] = {}

    def signer(self, subject: str) -> HsmSigner:
        """The current signer of *subject*, also when another worker has just rotated it. Raises UnknownKey."""
        number = self._registry.current_number(subject)
        kept = self._kept.get(subject)
        if kept is None or kept.number != number:
            kept = self._kept[subject] = self._build(subject, number)
        return kept

    def require_unrevoked(self, signer: HsmSigner) -> None:
        """Raises :class:`UnknownKey` when the certificate of *signer* was revoked."""
        if self._registry.is_revoked(signer.certificate.serial_number):
            raise UnknownKey("The certificate of the key {label} is revoked.", label=signer.label)

    def chain(self, issuer: str) -> list[x509.Certificate]:
        """The certificates from *issuer* up to the root. Raises :class:`UnknownKey`."""
        found: list[x509.Certificate] = []
        while len(found) < _LONGEST_CHAIN:
            record = self._registry.certificate(issuer)
            found.append(record.certificate)
            if record.issuer == issuer:
                return found
            issuer = record.issuer
        raise AuthorityError("The chain of {issuer} in the store does not end in a root.", issuer=issuer)

    def private_key(self, subject: str) -> HsmPrivateKey:
        """The newest key of *subject*, for certificates and CRLs. Raises :class:`UnknownKey`."""
        record = self._registry.key(self._registry.certificate(subject).label)
        return private_key(self._token, record.label, record.public_key)

    def make_key(self, subject: str, algorithm: SignatureAlgorithm, *, made: int) -> KeyRecord:
        """A new key for *subject*, generated, read back and recorded at *made* (Unix seconds)."""
        key = make_signing_key(self._token, subject, algorithm)
        record = KeyRecord(key.label, subject, algorithm.name, key.public_key, key.attributes)
        self._registry.add_key(record, made=made)
        return record

    def _build(self, subject: str, number: int) -> HsmSigner:
        record = self._registry.certificate(subject)
        algorithm = SignatureAlgorithm.from_public_key(record.certificate.public_key())
        chain = [] if record.issuer == subject else self.chain(record.issuer)
        raw = raw_signer(self._token, record.label, algorithm)
        return HsmSigner(number, record.label, record.certificate, chain, algorithm, raw)
