from pathlib import Path
from tests.evidence.unpacked import unpack
import shutil
def test_save(capture_package, capture_authority):
    from cryptography.hazmat.primitives.serialization import Encoding
    shutil.rmtree("/tmp/b/cap", ignore_errors=True)
    Path("/tmp/b/cap.zip").write_bytes(capture_package)
    unpack(capture_package, Path("/tmp/b/cap"))
    Path("/tmp/b/caproot.pem").write_bytes(capture_authority.root.certificate.public_bytes(Encoding.PEM))
