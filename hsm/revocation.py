"""Revocation: lists (RFC 5280) and OCSP responses (RFC 6960) by the issuing CAs.

A response says about one certificate what the list says about all. Validators that look back in time
(EN 319 102-1, 5.6.2.2) take them more readily than the list of an intermediate CA.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from hsm.certificates import Issuer, hash_for
from hsm.errors import CertificateRefused
from hsm.store.registry import RevokedCertificate

_FORBIDDEN = {x509.ReasonFlags.remove_from_crl, x509.ReasonFlags.certificate_hold}


def issue_crl(
    issuer: Issuer,
    *,
    number: int,
    revocations: Iterable[RevokedCertificate],
    now: datetime,
    lifetime: timedelta,
) -> bytes:
    """The DER CRL of *issuer* as of *now* (aware), with CRL number *number*, to be replaced within *lifetime*.

    Raises :class:`CertificateRefused` for a number below 1 or a reason that is not final.
    """
    if number < 1:
        raise CertificateRefused("CRL numbers begin at 1.")
    moment = now.astimezone(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(moment)
        .next_update(moment + lifetime)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
    )
    for revocation in revocations:
        builder = builder.add_revoked_certificate(_entry(revocation))
    crl = builder.sign(issuer.key, hash_for(issuer.key))
    if not crl.is_signature_valid(issuer.certificate.public_key()):  # type: ignore[arg-type] # a CA's key can sign
        raise CertificateRefused("The new CRL does not verify with its issuer's key.")
    return crl.public_bytes(Encoding.DER)


def reason_of(name: str) -> x509.ReasonFlags:
    """The reason by its name (``key_compromise``). Raises :class:`CertificateRefused`: unknown, or not final."""
    try:
        reason = x509.ReasonFlags[name]
    except KeyError as error:
        raise CertificateRefused("There is no revocation reason {name}.", name=name) from error
    if reason in _FORBIDDEN:
        raise CertificateRefused("A revocation is final here; {name} is not.", name=name)
    return reason


def _entry(revocation: RevokedCertificate) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revocation.serial)
        .revocation_date(datetime.fromtimestamp(revocation.revoked, UTC))
    )
    reason = reason_of(revocation.reason)
    if reason is not x509.ReasonFlags.unspecified:  # RFC 5280, 5.3.1: absent instead
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()


def ocsp_response(
    issuer: Issuer,
    certificate: x509.Certificate,
    *,
    revocation: RevokedCertificate | None,
    now: datetime,
    lifetime: timedelta,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """The DER response of *issuer* about *certificate* as of *now* (aware); *revocation* None: it is good.

    *algorithm* is the hash by which a request names the issuer. It protects nothing (RFC 6960, 4.3); without a
    request it is SHA-1, which every reader knows.
    """
    moment = now.astimezone(UTC).replace(microsecond=0)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=issuer.certificate,
            algorithm=algorithm or hashes.SHA1(),  # noqa: S303 - see above
            cert_status=ocsp.OCSPCertStatus.GOOD if revocation is None else ocsp.OCSPCertStatus.REVOKED,
            this_update=moment,
            next_update=moment + lifetime,
            revocation_time=None if revocation is None else datetime.fromtimestamp(revocation.revoked, UTC),
            revocation_reason=None if revocation is None else reason_of(revocation.reason),
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    )
    return builder.sign(issuer.key, hash_for(issuer.key)).public_bytes(Encoding.DER)


def read_request(request: bytes) -> ocsp.OCSPRequest | None:
    """The request for one certificate; None for an invalid one (RFC 6960, 4.1), or one with an unusual hash."""
    try:
        read = ocsp.load_der_ocsp_request(request)
        usual = isinstance(read.hash_algorithm, (hashes.SHA1, hashes.SHA256))
    except (ValueError, NotImplementedError, UnsupportedAlgorithm):
        return None
    return read if usual else None


def names(request: ocsp.OCSPRequest, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether *request* names *certificate* as one of *issuer*: by the hashes of its name and key."""
    same = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, request.hash_algorithm).build()
    asked = (request.serial_number, request.issuer_name_hash, request.issuer_key_hash)
    return asked == (same.serial_number, same.issuer_name_hash, same.issuer_key_hash)


def refusal(*, malformed: bool) -> bytes:
    """The unsigned answer to an invalid request, or to one that is about no certificate of ours (RFC 6960,
    2.3)."""
    status = ocsp.OCSPResponseStatus.MALFORMED_REQUEST if malformed else ocsp.OCSPResponseStatus.UNAUTHORIZED
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
