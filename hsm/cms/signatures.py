"""Checking a bare signature with the algorithm that a signer info names (RFC 3370, 4056, 5754, 8419)."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from hsm import der
from hsm.cms.model import SignatureRefused

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ECDSA = {name: ec.ECDSA(chosen) for name, chosen in _HASHES.items()}
_SCHEMES: dict[bytes, tuple[str, str | None]] = {
    der.oid("1.2.840.10045.4.3.2"): ("ecdsa", "sha256"),
    der.oid("1.2.840.10045.4.3.3"): ("ecdsa", "sha384"),
    der.oid("1.2.840.10045.4.3.4"): ("ecdsa", "sha512"),
    der.oid("1.2.840.113549.1.1.1"): ("rsa", None),
    der.oid("1.2.840.113549.1.1.11"): ("rsa", "sha256"),
    der.oid("1.2.840.113549.1.1.12"): ("rsa", "sha384"),
    der.oid("1.2.840.113549.1.1.13"): ("rsa", "sha512"),
    der.oid("1.2.840.113549.1.1.10"): ("pss", None),
    der.oid("1.3.101.112"): ("ed25519", None),
}


def verify_signature(
    key: CertificatePublicKeyTypes, algorithm: Sequence[bytes], *, digest_name: str, data: bytes, signature: bytes
) -> None:
    """Raises :class:`SignatureRefused` unless *signature* over *data* is by *key*.

    *algorithm* has the DER parts of the AlgorithmIdentifier; *digest_name* is the hash where it names none itself
    (rsaEncryption, and PSS, of which we take only one hash throughout with MGF1, RFC 4056, 3).
    """
    scheme, named = _SCHEMES.get(algorithm[0] if algorithm else b"", ("unknown", None))
    hash_name = named or digest_name
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and scheme == "ecdsa":
            key.verify(signature, data, _ECDSA[hash_name])
        elif isinstance(key, rsa.RSAPublicKey) and scheme == "rsa":
            key.verify(signature, data, padding.PKCS1v15(), _HASHES[hash_name])
        elif isinstance(key, rsa.RSAPublicKey) and scheme == "pss":
            pss = padding.PSS(padding.MGF1(_HASHES[hash_name]), padding.PSS.AUTO)
            key.verify(signature, data, pss, _HASHES[hash_name])
        elif isinstance(key, ed25519.Ed25519PublicKey) and scheme == "ed25519":
            key.verify(signature, data)
        else:
            raise SignatureRefused("The signature's algorithm is not accepted, or does not fit the signer's key.")
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise SignatureRefused("The signature does not verify with its certificate's key.") from error
