"""A document that the authority outside itself signed, by a certificate under its root that is for documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from appliance.confinement.pool import Confinement
from appliance.pdf.values import PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from hsm import cms
from tests.hsm.memory import MemorySigner
from tests.outside.openssl_authority import OutsideTsa
from tests.pdf.contract import WHEN, ZHANG, with_fields
from tests.world import sample_document


def signed_by(tsa: OutsideTsa, confinement: Confinement) -> bytes:
    """A B-B signature under the root of *tsa*."""
    root = x509.load_pem_x509_certificate(tsa.root.read_bytes())
    issuer = load_pem_private_key((tsa.folder / "root.key").read_bytes(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "王局外")])
    builder = (
        x509.CertificateBuilder(root.subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    certificate = builder.sign(issuer, hashes.SHA256())  # type: ignore[arg-type]
    workshop = PdfWorkshop(confinement)
    document = with_fields(workshop, sample_document())
    prepared = workshop.prepare(document, PrepareOrder("party-a", ZHANG, WHEN, certify=True))
    message = cms.sign_detached(MemorySigner(key, certificate, [root]), digest=prepared.digest)
    return workshop.embed(prepared, message)
