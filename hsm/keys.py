"""Keys in the token as the rest sees them: raw signatures by label, private keys for x509 builders, subjects'
signers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asym_utils
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Mechanism

from hsm.errors import AuthorityError, NotPermitted, UnknownKey
from hsm.generation import make_signing_key
from hsm.remote import RemoteUse, remote_use_in
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateStore, KeyRecord
from hsm.token import TokenConnection

RawSigner = Callable[[bytes], bytes]
K = TypeVar("K")
HsmPrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def raw_signer(token: TokenConnection, label: str, algorithm: SignatureAlgorithm) -> RawSigner:
    """Signs bytes with the key under *label*: ECDSA in DER, RSA PKCS#1 v1.5, or Ed25519.

    What it returns raises :class:`ModuleUnavailable` when the token does not answer.
    """
    mechanism = _MECHANISMS[algorithm]

    def in_token(data: bytes) -> bytes:
        return bytes(token.use(lambda: token.handle(label).sign(data, mechanism=mechanism)))

    if algorithm not in (SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.ECDSA_SHA384):
        return in_token
    hash_data = hashlib.sha256 if algorithm is SignatureAlgorithm.ECDSA_SHA256 else hashlib.sha384

    def ecdsa(data: bytes) -> bytes:
        # SoftHSM has CKM_ECDSA only, which takes the digest and gives r and s side by side.
        pair = in_token(hash_data(data).digest())
        half = len(pair) // 2
        return encode_dss_signature(int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big"))

    return ecdsa


def signed_by(token: TokenConnection, record: KeyRecord, data: bytes) -> bytes:
    """The signature over *data* by the key of *record*. Raises
    :class:`cryptography.exceptions.InvalidSignature` when the token has another key under its label."""
    public = load_der_public_key(record.public_key)
    algorithm = SignatureAlgorithm.from_public_key(public)
    signature = raw_signer(token, record.label, algorithm)(data)
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, data)
    elif isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, data, PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)  # noqa: S101 - from_public_key admits no fourth kind
        larger = algorithm is SignatureAlgorithm.ECDSA_SHA384
        public.verify(signature, data, ec.ECDSA(hashes.SHA384() if larger else hashes.SHA256()))
    return signature


def signed_digest(token: TokenConnection, label: str, public: object, digest: bytes) -> bytes:
    """The signature of the key under *label* over a SHA-256 *digest* (32 bytes) that somebody else has taken.
    Raises :class:`cryptography.exceptions.InvalidSignature` when it does not verify with *public*."""

    def in_token(data: bytes, mechanism: Mechanism) -> bytes:
        return bytes(token.use(lambda: token.handle(label).sign(data, mechanism=mechanism)))

    prehashed = asym_utils.Prehashed(hashes.SHA256())
    if isinstance(public, rsa.RSAPublicKey):
        signature = in_token(_SHA256_INFO + digest, Mechanism.RSA_PKCS)
        public.verify(signature, digest, PKCS1v15(), prehashed)
        return signature
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise NotPermitted("This key signs no digests.")
    pair = in_token(digest, Mechanism.ECDSA)
    half = len(pair) // 2
    signature = encode_dss_signature(int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big"))
    public.verify(signature, digest, ec.ECDSA(prehashed))
    return signature


_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo before a SHA-256 digest (RFC 8017, 9.2, note 1)."""

_MECHANISMS = {
    SignatureAlgorithm.ECDSA_SHA256: Mechanism.ECDSA,
    SignatureAlgorithm.ECDSA_SHA384: Mechanism.ECDSA,
    SignatureAlgorithm.RSA_SHA256: Mechanism.SHA256_RSA_PKCS,
    SignatureAlgorithm.ED25519: Mechanism.EDDSA,
}


def private_key(token: TokenConnection, label: str, public_key: bytes) -> HsmPrivateKey:
    """The key under *label*, whose SPKI (DER) is *public_key*, as one that ``x509`` builders sign with."""
    public = load_der_public_key(public_key)
    sign = raw_signer(token, label, SignatureAlgorithm.from_public_key(public))
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _EllipticCurveKey(public, sign)
    if isinstance(public, rsa.RSAPublicKey):
        return _RsaKey(public, sign)
    assert isinstance(public, ed25519.Ed25519PublicKey)  # noqa: S101 - SignatureAlgorithm.from_public_key admits no fourth kind
    return _EdwardsKey(public, sign)


class _TokenKey(Generic[K]):
    """A key in the HSM with its *public* half: whatever its kind, it does nothing but sign."""

    def __init__(self, public: K, sign: RawSigner) -> None:
        self._public = public
        self._sign = sign

    def public_key(self) -> K:
        return self._public

    def _refuse(self, *_: object) -> NoReturn:
        raise NotPermitted("A key in the HSM signs; it cannot be exported, copied or used otherwise.")

    exchange = decrypt = _refuse
    private_numbers = private_bytes = private_bytes_raw = _refuse
    __copy__ = __deepcopy__ = _refuse


class _EllipticCurveKey(_TokenKey[ec.EllipticCurvePublicKey], ec.EllipticCurvePrivateKey):
    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def sign(self, data: bytes, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:  # type: ignore[override]  # bytes alone are ever signed
        _require_hash(signature_algorithm.algorithm, SignatureAlgorithm.from_public_key(self._public))
        return self._sign(data)


class _RsaKey(_TokenKey[rsa.RSAPublicKey], rsa.RSAPrivateKey):
    @property
    def key_size(self) -> int:
        return self._public.key_size

    def sign(self, data: bytes, padding: object, algorithm: object) -> bytes:
        if not isinstance(padding, PKCS1v15):
            raise NotPermitted("RSA keys of this HSM sign with PKCS#1 v1.5 padding.")
        _require_hash(algorithm, SignatureAlgorithm.RSA_SHA256)
        return self._sign(data)


class _EdwardsKey(_TokenKey[ed25519.Ed25519PublicKey], ed25519.Ed25519PrivateKey):
    def sign(self, data: bytes) -> bytes:  # type: ignore[override]  # as above
        return self._sign(data)


def _require_hash(asked: object, algorithm: SignatureAlgorithm) -> None:
    if isinstance(asked, asym_utils.Prehashed) or not isinstance(asked, hashes.HashAlgorithm):
        raise NotPermitted("Keys of this HSM sign messages, not digests.")
    if asked.name != algorithm.hash_name:
        raise NotPermitted("This key signs with {name} only.", name=algorithm.hash_name)


_LONGEST_CHAIN = 4
_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class HsmSigner:
    """A :class:`hsm.signer.CmsSigner` with its key in the token. ``number`` is the row of the certificate."""

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

    def sign_digest(self, signer: HsmSigner, digest: bytes) -> bytes:
        """The signature over a SHA-256 *digest* (32 bytes) of anything. Raises :class:`NotPermitted` for every key
        but those whose certificate says that they sign such digests: all others sign what this process made."""
        if remote_use_in(signer.certificate) is not RemoteUse.HASH or len(digest) != _SHA256_BYTES:
            raise NotPermitted("Keys of this HSM sign messages, not digests.")
        try:
            return signed_digest(self._token, signer.label, signer.certificate.public_key(), digest)
        except InvalidSignature as error:
            raise AuthorityError(
                "A signature that was just made does not verify; it was not given out."
            ) from error

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
        self._registry.add_key(key, made=made)
        return key

    def _build(self, subject: str, number: int) -> HsmSigner:
        record = self._registry.certificate(subject)
        algorithm = SignatureAlgorithm.from_public_key(record.certificate.public_key())
        chain = [] if record.issuer == subject else self.chain(record.issuer)
        raw = raw_signer(self._token, record.label, algorithm)
        return HsmSigner(number, record.label, record.certificate, chain, algorithm, raw)
