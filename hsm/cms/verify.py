"""Verifying a signed message against its content. Whether its signer is trusted is another question, not asked.

Steps (RFC 5652, 5.4 and 5.6; RFC 5035, 5):
1. the message digest attribute is the digest of the content;
2. the content type attribute is the type of the content;
3. the signer is the certificate that the signed ESSCertID names, and the signer identifier agrees with it;
4. the algorithms are those that the signed attributes name, when they do (RFC 6211);
5. the signature over the signed attributes is that certificate's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from hsm import der
from hsm.cms.signed_data import (
    ALGORITHM_PROTECTION,
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    CmsMessage,
    SignatureRefused,
    algorithm_protection,
    certificate_digests,
    identifier_of,
)
from hsm.errors import Malformed

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


def verify(
    message: CmsMessage,
    *,
    content: bytes | None = None,
    digest: bytes | None = None,
    candidates: Iterable[x509.Certificate] = (),
) -> x509.Certificate:
    """The certificate that signed *message*. Raises :class:`SignatureRefused` when a step fails.

    The content is the one inside, or *content*, or known by its *digest*; *candidates* are tried before the bag.
    """
    if digest is None:
        covered = message.content if content is None else content
        if covered is None:
            raise SignatureRefused("The signature is detached: the content that it covers is needed.")
        digest = hashlib.new(message.digest_name, covered).digest()
    if message.only(MESSAGE_DIGEST) != der.element(der.OCTET_STRING, digest):
        raise SignatureRefused("The content is not the one that was signed: its digest differs.")
    if message.only(CONTENT_TYPE) != der.oid(message.content_type):
        raise SignatureRefused("The signed content type is not the type of the content.")
    certificate = signer_certificate(message, candidates)
    if certificate is None:
        raise SignatureRefused("The certificate that the signature names is not there.")
    _require_named_algorithms(message)
    check_signature(message, certificate)
    return certificate


def signer_certificate(
    message: CmsMessage, candidates: Iterable[x509.Certificate] = ()
) -> x509.Certificate | None:
    """The one certificate, of *candidates* and the bag, that the signed ESSCertID names; ``None`` if absent.

    Raises :class:`SignatureRefused` when the signer identifier names another one than the ESSCertID does.
    """
    expected = certificate_digests(message)
    for encoded in (*(each.public_bytes(Encoding.DER) for each in candidates), *message.certificates):
        if all(hashlib.new(name, encoded).digest() == digest for name, digest in expected):
            certificate = _certificate(encoded)
            if not _identifies(message.signer_identifier, certificate):
                raise SignatureRefused("The signer identifier and the signed certificate identifier disagree.")
            return certificate
    return None


def check_signature(message: CmsMessage, certificate: x509.Certificate) -> None:
    """Raises :class:`SignatureRefused` unless *certificate*'s key made the signature over the attributes."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureRefused("The signer's certificate has a key that cannot be used.") from error
    verify_signature(
        key,
        message.signature_algorithm,
        digest_name=message.digest_name,
        data=message.signed_attributes,
        signature=message.signature,
    )


def _require_named_algorithms(message: CmsMessage) -> None:
    if ALGORITHM_PROTECTION not in message.attributes:
        return
    used = algorithm_protection(
        der.element(der.SEQUENCE, *message.digest_algorithm),
        der.element(der.SEQUENCE, *message.signature_algorithm),
    )
    if message.only(ALGORITHM_PROTECTION) != used:
        raise SignatureRefused("The algorithms of the signature are not those that it names under its protection.")


def _identifies(identifier: bytes, certificate: x509.Certificate) -> bool:
    if identifier[0] == der.SEQUENCE:
        return identifier == identifier_of(certificate)
    try:
        key_identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return False
    return identifier == der.element(0x80, key_identifier)


def _certificate(encoded: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(encoded)
    except ValueError as error:
        raise Malformed("The signer's certificate cannot be read.") from error
