"""The algorithms in signatures of others: which they are, whether they still count, and checking one signature.

Limits are those of ETSI TS 119 312 and SOG-IS as far as documents in the field allow: no SHA-1, no MD5, RSA and
DSA of 2048 bits (1900 and more is taken, as the tables do), elliptic curves of 224 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import algos
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from hsm import der
from hsm.errors import Sentence

_SM3 = "1.2.156.10197.1.401"
_SHA_2 = ("sha224", "sha256", "sha384", "sha512")
_SHA_3 = ("sha3_256", "sha3_384", "sha3_512")
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    name: getattr(hashes, name.upper()) for name in ("md5", "sha1", *_SHA_2, *_SHA_3, "sm3")
}
_SHAKE256, _SHAKE256_LEN = der.oid("2.16.840.1.101.3.4.2.12"), der.oid("2.16.840.1.101.3.4.2.18")
_OCTETS_512 = der.integer(512)
DIGESTS = {der.oid(_SM3 if name == "sm3" else algos.DigestAlgorithmId(name).dotted): name for name in HASHES}
_WITH_HASH = {
    "rsa": ("md5", "sha1", *_SHA_2),
    "ecdsa": ("sha1", *_SHA_2, *_SHA_3),
    "dsa": ("sha1", "sha256"),
}
_SCHEMES: dict[str, tuple[str, str | None]] = {
    "rsassa_pkcs1v15": ("rsa", None),
    "rsassa_pss": ("pss", None),
    "ed25519": ("ed25519", None),
    "ed448": ("ed448", None),
    **{f"{name}_{kind}": (kind, name) for kind, names in _WITH_HASH.items() for name in names},
}
"""By the names of asn1crypto: the kind of signature, and its hash; None where the hash is stated elsewhere."""
_SIGNATURES = {
    **{der.oid(algos.SignedDigestAlgorithmId(name).dotted): scheme for name, scheme in _SCHEMES.items()},
    **{der.oid(f"2.16.840.1.101.3.4.3.{14 + place}"): ("rsa", name) for place, name in enumerate(_SHA_3)},
}
_DIGEST_OF_EDWARDS = {"ed25519": "sha512", "ed448": "shake256"}
"""RFC 8419, 3: the one digest that goes with each; SHAKE256 is of 64 octets, and goes with nothing else here."""
_WEAK = frozenset({"md5", "sha1"})
_SMALLEST_MODULUS = 1900
_SMALLEST_CURVE = 224
_Parts = tuple[bytes, ...]


class NotVerifiable(Exception):
    """The signature uses an algorithm that this verifier does not know, or one that does not fit the key."""


class UnsupportedKey(NotVerifiable):
    """The key is of a kind that this verifier does not know, so nothing can be said of the signature."""


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """Kind of signature and its hash (None where the kind fixes it)."""

    kind: str
    hash_name: str | None

    @property
    def label(self) -> str:
        """For people: ``ECDSA / SHA-256``."""
        return (
            self.kind.upper() if self.hash_name is None else f"{self.kind.upper()} / {hash_label(self.hash_name)}"
        )


def hash_label(name: str) -> str:
    """``sha256`` as people write it."""
    if name == "shake256":
        return "SHAKE256"
    return (
        name.upper().replace("SHA3_", "SHA3-") if name.startswith("sha3") else name.upper().replace("SHA", "SHA-")
    )


def digest_of(parts: _Parts) -> str | None:
    """The hash that an AlgorithmIdentifier names (its parameters absent or NULL; of SHAKE256 the length of 64
    octets), or None."""
    if parts in ((_SHAKE256,), (_SHAKE256_LEN, _OCTETS_512)):
        return "shake256"
    if not parts or parts[1:] not in ((), (der.NULL,)):
        return None
    return DIGESTS.get(parts[0])


def scheme_of(parts: _Parts, digest_name: str) -> SignatureScheme:
    """The scheme of a signature AlgorithmIdentifier; RSA without a hash takes *digest_name* (RFC 3370, 3.2), PSS
    that of its parameters (RFC 4056).

    Raises NotVerifiable for an unknown algorithm, or parameters where there are none.
    """
    kind, hash_name = _SIGNATURES.get(parts[0] if parts else b"", (None, None))
    if kind is None:
        raise NotVerifiable("unknown signature algorithm")
    allowed = ((),) if kind in _DIGEST_OF_EDWARDS else ((), (der.NULL,))
    if kind != "pss" and parts[1:] not in allowed:
        raise NotVerifiable("unexpected parameters of the signature algorithm")
    if _DIGEST_OF_EDWARDS.get(kind, digest_name) != digest_name or (kind != "ed448" and digest_name == "shake256"):
        raise NotVerifiable("the digest does not go with the signature algorithm (RFC 8419)")
    if kind == "pss":
        return SignatureScheme(kind, _weakest_of_pss(parts))
    return SignatureScheme(kind, digest_name if kind == "rsa" and hash_name is None else hash_name)


def check_signature(
    certificate: x509.Certificate,
    signature: bytes,
    covered: bytes,
    *,
    parts: _Parts,
    digest_name: str,
    digested: bool = False,
) -> None:
    """Raises InvalidSignature, or NotVerifiable when algorithm and key do not fit or are not known. *digested*:
    *covered* is the hash by *digest_name* of what the signature is over."""
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm as error:
        raise UnsupportedKey("the key is of an unknown kind") from error
    except (TypeError, ValueError) as error:
        raise NotVerifiable("the key cannot be used") from error
    scheme = scheme_of(parts, digest_name)
    if digested and scheme.hash_name not in (digest_name, None):
        raise NotVerifiable("the digest is not that of the signature algorithm")
    try:
        _check(key, signature, covered, scheme, parts, digested=digested)
    except (UnsupportedAlgorithm, TypeError, ValueError) as error:
        raise NotVerifiable("the key cannot be used") from error


def _check(
    key: object, signature: bytes, covered: bytes, scheme: SignatureScheme, parts: _Parts, *, digested: bool
) -> None:
    """*digested*: *covered* is the hash of what the signature is over."""
    match key, scheme.kind:
        case rsa.RSAPublicKey(), "rsa":
            key.verify(signature, covered, padding.PKCS1v15(), _hash(scheme, digested))
        case rsa.RSAPublicKey(), "pss":
            pss, chosen = _pss(parts)
            key.verify(signature, covered, pss, Prehashed(chosen) if digested else chosen)
        case ec.EllipticCurvePublicKey(), "ecdsa":
            key.verify(signature, covered, ec.ECDSA(_hash(scheme, digested)))
        case dsa.DSAPublicKey(), "dsa":
            key.verify(signature, covered, _hash(scheme, digested))
        case ((ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()), "ed25519" | "ed448") if digested:
            raise UnsupportedKey("these curves take the content itself, not its digest")
        case ed25519.Ed25519PublicKey(), "ed25519":
            key.verify(signature, covered)
        case ed448.Ed448PublicKey(), "ed448":
            key.verify(signature, covered)
        case _:
            raise InvalidSignature


def _hash(scheme: SignatureScheme, digested: bool) -> hashes.HashAlgorithm | Prehashed:
    chosen = HASHES[scheme.hash_name or "sha256"]()
    return Prehashed(chosen) if digested else chosen


def _pss(parts: _Parts) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    names, salt = _parameters_of_pss(parts)
    chosen, mask = (HASHES[name]() for name in names)
    return padding.PSS(padding.MGF1(mask), salt), chosen


def _parameters_of_pss(parts: _Parts) -> tuple[tuple[str, str], int]:
    """RFC 4056: hash, the mask's hash, length of the salt; SHA-1 where they are left out, which is weak."""
    parameters = algos.RSASSAPSSParams.load(parts[1] if len(parts) > 1 else b"\x30\x00", strict=True)
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return (parameters["hash_algorithm"]["algorithm"].native, mask), int(parameters["salt_length"].native)


def _weakest_of_pss(parts: _Parts) -> str:
    """The hash of PSS, or that of its mask when only that one is weak. Raises NotVerifiable."""
    try:
        names, _ = _parameters_of_pss(parts)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NotVerifiable("the parameters cannot be read") from error
    if not HASHES.keys() >= set(names):
        raise NotVerifiable("unknown hash of the signature algorithm")
    return next((name for name in names if name in _WEAK), names[0])


def weakness(hash_name: str | None, certificate: x509.Certificate) -> Sentence | None:
    """Why a signature with this hash and this certificate's key no longer counts, or None."""
    return weak_hash(hash_name) or key_weakness(certificate)


def weak_hash(name: str | None) -> Sentence | None:
    """Why the hash *name* no longer counts, or None."""
    if name not in _WEAK:
        return None
    return Sentence("{algorithm} no longer protects a signature.", {"algorithm": hash_label(name or "")})


def key_weakness(certificate: x509.Certificate) -> Sentence | None:
    """Why the key is too small, or None."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return Sentence("The key's algorithm is not known.")
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < _SMALLEST_MODULUS:
        return Sentence("A key of {bits} bits is too short.", {"bits": key.key_size})
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _SMALLEST_CURVE:
        return Sentence("A key of {bits} bits is too short.", {"bits": key.key_size})
    return None
