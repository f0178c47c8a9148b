"""OCSP responses (RFC 6960) by the issuing CA itself: for the validation data inside documents, and for who asks.

They say about one certificate what the CA's revocation list says about all. Validators that look back in time
(EN 319 102-1, 5.6.2.2) take them more readily than the list of an intermediate CA.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from hsm.certificates import Issuer, hash_for
from hsm.crl import reason_of
from hsm.store.registry import RevokedCertificate


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
    """The request for one certificate; None for what is none (RFC 6960, 4.1), or names it by an unusual hash."""
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
    """The unsigned answer to what is no request, or is about no certificate of ours (RFC 6960, 2.3)."""
    status = ocsp.OCSPResponseStatus.MALFORMED_REQUEST if malformed else ocsp.OCSPResponseStatus.UNAUTHORIZED
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
