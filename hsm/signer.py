"""The one thing that the formats need of a key: its certificate, its chain, and a signature over some bytes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from hsm.errors import CertificateRefused


class SignatureAlgorithm(Enum):
    """The algorithms that we sign with; the value is the hash over the data (``None``: the algorithm's own)."""

    ECDSA_SHA256 = ("ecdsa", "sha256")
    ECDSA_SHA384 = ("ecdsa", "sha384")
    RSA_SHA256 = ("rsa", "sha256")
    ED25519 = ("ed25519", None)

    @property
    def hash_name(self) -> str | None:
        """``sha256``, ``sha384``, or ``None`` where the algorithm takes the message itself (Ed25519)."""
        name: str | None = self.value[1]
        return name

    @staticmethod
    def from_public_key(public_key: PublicKeyTypes) -> SignatureAlgorithm:
        """The algorithm for a key of ours. Raises :class:`CertificateRefused` for kinds and sizes never used."""
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            if isinstance(public_key.curve, ec.SECP256R1):
                return SignatureAlgorithm.ECDSA_SHA256
            if isinstance(public_key.curve, ec.SECP384R1):
                return SignatureAlgorithm.ECDSA_SHA384
        if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size >= 3072:
            return SignatureAlgorithm.RSA_SHA256
        if isinstance(public_key, ed25519.Ed25519PublicKey):
            return SignatureAlgorithm.ED25519
        raise CertificateRefused("This key is neither P-256, P-384, RSA of 3072 bits or more, nor Ed25519.")


class CmsSigner(Protocol):
    """A key with its certificate. In production it lives in the HSM; the formats' own tests hold it in memory.

    ``chain`` has the issuers, nearest first, root last, without the signer's own certificate. Not thread-safe.
    """

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def chain(self) -> Sequence[x509.Certificate]: ...

    @property
    def algorithm(self) -> SignatureAlgorithm: ...

    def sign(self, data: bytes) -> bytes:
        """The signature over *data* (hashed by the algorithm): ECDSA as DER ``Ecdsa-Sig-Value``, RSA PKCS#1 v1.5.

        Raises :class:`hsm.errors.ModuleUnavailable` when the token does not answer.
        """
        ...
