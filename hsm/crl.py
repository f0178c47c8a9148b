"""Certificate revocation lists (RFC 5280, 5), complete and direct."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

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
