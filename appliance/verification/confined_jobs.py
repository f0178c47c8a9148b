"""The confined jobs of verification (see :mod:`appliance.confinement.jobs`): bytes in, reports out.

Before the first document the zygote signs and verifies one contract on a blank page, so that children inherit
what is loaded lazily. Those keys live for a moment and are trusted by nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.pdf import confined_jobs as pdf_jobs
from appliance.pdf.fields import add_fields
from appliance.pdf.pages import blank
from appliance.pdf.values import FieldPlacement, PersonAppearance, PrepareOrder
from appliance.pdf.workshop import fill_placeholder, prepared_revision
from appliance.verification import confined_verification
from appliance.verification.model import VerificationReport
from appliance.verification.trust import ValidationContext
from hsm import cms, timestamp
from hsm.signer import SignatureAlgorithm


def verify_timestamp(
    *, encoded: bytes, circumstances: ValidationContext, data: bytes | None, nonce: str | None
) -> VerificationReport:
    """Job ``verification.timestamp``; *nonce* in decimal, since it may be longer than what CBOR carries."""
    sent = None if nonce is None else int(nonce)
    return confined_verification.verify_timestamp(encoded, circumstances, data=data, nonce=sent)


_NAMES = ("one", "two")
_POLICY = "1.3.6.1.4.1.99999.1"


@dataclass(frozen=True, slots=True)
class _Rehearsing:
    """A signer with its key in memory."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: Sequence[x509.Certificate] = ()
    algorithm: SignatureAlgorithm = SignatureAlgorithm.ECDSA_SHA256

    def sign(self, data: bytes) -> bytes:
        """ECDSA over SHA-256 of *data*."""
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


def rehearse(_cache: Path) -> None:
    """Sign twice, timestamp, verify. Must run after the typefaces were loaded."""
    now = datetime.now(UTC)
    person, authority = _signer(now, stamps=False), _signer(now, stamps=True)
    issuer = timestamp.TokenIssuer(authority, policies=[_POLICY], accuracy=timedelta(seconds=1))
    document = blank(595, 842)
    placements = [FieldPlacement(name, 0, 10, 10 + 30 * index, 40, 10) for index, name in enumerate(_NAMES)]
    document += add_fields(document, placements, most_pages=1)
    for name in _NAMES:
        order = PrepareOrder(name, PersonAppearance("示例", now, "Asia/Shanghai"), now)
        prepared = prepared_revision(document, pdf_jobs.prepare(document, order))
        message = cms.sign_detached(person, digest=prepared.digest)
        wanted = timestamp.order_for(hashlib.sha256(cms.signature_value(message)).digest())
        token = issuer.issue(wanted, gen_time=now, serial=timestamp.new_serial()).token
        document = fill_placeholder(prepared, cms.add_signature_timestamp(message, token))
    given = ValidationContext(now, (person.certificate, authority.certificate))
    confined_verification.verify_pdf(document, given)


def _signer(now: datetime, *, stamps: bool) -> _Rehearsing:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    usage = ExtendedKeyUsageOID.TIME_STAMPING if stamps else ExtendedKeyUsageOID.EMAIL_PROTECTION
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    )
    return _Rehearsing(builder.sign(key, hashes.SHA256()), key)
