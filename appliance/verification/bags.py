"""Certificates and lists that a signature carries and nothing protects: each must make sense, or it was altered.

A certificate is accounted for when it is on the validated path, when somebody at hand issued it, or when it has
nothing to do with the path at all. One that looks like a certificate of the path and is not is an altered copy.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.verification.certificates import UNREADABLE, extension, is_canonical, parsed
from appliance.verification.messages import SignedMessage
from appliance.verification.model import Reason
from appliance.verification.paths import PathFinder
from appliance.verification.revocation import crl_is_by

_ALTERED = Reason("A certificate that the signature carries is damaged.")
_ALTERED_LIST = Reason("A revocation list that the signature carries is damaged.")


def defect_of_carried(
    message: SignedMessage, path: Iterable[x509.Certificate], finder: PathFinder
) -> Reason | None:
    """What is wrong with what *message* carries beside its signature, or None."""
    certificates = [parsed(each) for each in message.certificates]
    good = [*path, *finder.anchors]
    for certificate in certificates:
        if certificate is None or not _accounted_for(certificate, good, finder):
            return _ALTERED
    issuers = [*good, *(each for each in certificates if each is not None)]
    if not all(_list_is_accounted_for(each, issuers) for each in message.crls):
        return _ALTERED_LIST
    return None


def _accounted_for(certificate: x509.Certificate, good: list[x509.Certificate], finder: PathFinder) -> bool:
    if certificate in good or finder.issuers(certificate):
        return True
    return not any(_resembles(certificate, each) for each in good) and not _claims_issuer(certificate, good)


def _resembles(certificate: x509.Certificate, other: x509.Certificate) -> bool:
    """Whether the two share what one flipped byte cannot change all at once."""
    return (
        certificate.subject == other.subject
        or certificate.serial_number == other.serial_number
        or _key(certificate) == _key(other)
    )


def _claims_issuer(certificate: x509.Certificate, good: list[x509.Certificate]) -> bool:
    """Whether it says that a certificate of the path issued it, which did not."""
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    for each in good:
        subject = extension(each, x509.SubjectKeyIdentifier)
        same_key = authority and subject and authority.value.key_identifier == subject.value.digest
        if certificate.issuer == each.subject or same_key:
            return True
    return False


def _key(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, ValueError):
        return certificate.public_bytes(Encoding.DER)


def _list_is_accounted_for(encoded: bytes, issuers: list[x509.Certificate]) -> bool:
    try:
        if not is_canonical(encoded):
            return False
        crl = x509.load_der_x509_crl(encoded)
        named = [issuer for issuer in issuers if issuer.subject == crl.issuer]
    except UNREADABLE:
        return False
    return not named or any(crl_is_by(crl, issuer) for issuer in named)
