from pathlib import Path
from cryptography.hazmat.primitives.serialization import Encoding
from tests.evidence.conftest import authority, pdf, evidence, package  # noqa

def test_dump(package, authority, pdf):
    Path("/tmp/pk/package.zip").write_bytes(package)
    Path("/tmp/pk/root.pem").write_bytes(authority.root.certificate.public_bytes(Encoding.PEM))
    Path("/tmp/pk/signed.pdf").write_bytes(pdf.signed)
