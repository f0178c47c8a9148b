"""Whoever signs with a key in memory: for tests that finish a signature without an HSM."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hsm.signer import SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class Holder:
    """A :class:`hsm.signer.CmsSigner` whose key is on P-256; the same bytes get the same signature."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def algorithm(self) -> SignatureAlgorithm:
        return SignatureAlgorithm.from_public_key(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
