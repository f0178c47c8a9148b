"""Messages in BER: read as the DER that they stand for, in time that grows with their length alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from appliance.verification import Indication, VerificationReport, ber, confined_verification
from appliance.verification.trust import ValidationContext
from hsm import der
from tests.verification.authorities import World
from tests.verification.documents import Signing, plain, sign, stamper
from tests.verification.reencoding import as_ber, message_of, nested, replaced

Verify = Callable[..., VerificationReport]


@pytest.fixture(scope="module")
def document(good: World) -> bytes:
    """Signed and timestamped, with much room for the message."""
    return sign(plain(1), Signing("first", good.signer, [good.issuing], stamper(good), room=200_000))


@pytest.fixture(scope="module")
def message(document: bytes) -> bytes:
    return message_of(document)


@pytest.mark.parametrize("segment", [0, 1, 7, 1000])
def test_a_message_in_ber_is_the_same_message(
    document: bytes, message: bytes, verify: Verify, segment: int
) -> None:
    """Its signature, its timestamp and its certificates count as before; that it is in BER is said."""
    encoded = as_ber(message, segment=segment)
    assert encoded != message
    assert ber.to_der(encoded) == message
    report = verify(replaced(document, encoded))
    assert report.indication is Indication.PASSED, report.reasons
    assert report.signatures[0].timestamp is not None


def test_what_is_der_is_left_alone(message: bytes) -> None:
    """Order, defaults and lengths of other forms too: what is strict is asked afterwards."""
    unsorted = der.element(der.SET, b"\x02\x01\x02", b"\x02\x01\x01")
    explicit_default = der.element(der.SEQUENCE, b"\x01\x01\x00")
    long_length = b"\x30\x81\x03\x02\x01\x05"
    for each in (message, unsorted, explicit_default, long_length):
        assert ber.to_der(each) == each
        assert ber.length_of(each + b"rest") == len(each)
    assert ber.length_of(as_ber(message) + b"rest") == len(as_ber(message))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\x00",
        b"\x30\x80\x05\x00\x00\x00\x00",
        b"\x30\x80\x00\x01\x00\x00",
        b"\x30\x03\x05\x01",
        b"\x30\x03\x04\x05\x00",
        b"\x30\x02\x00\x00",
        b"\x04\x80\x00\x00",
        b"\x24\x80\x02\x01\x01\x00\x00",
        b"\x30\xff",
        b"\x30\x89" + b"\x01" * 9,
        b"\x3f" + b"\xff" * 20 + b"\x01\x00",
        nested(ber.DEEPEST + 1),
        bytes(ber.LARGEST + 1),
        b"\x30\x80" + b"\x05\x00" * ((ber.LARGEST - 4) // 2) + b"\0\0",
    ],
    ids=range(17),
)
def test_what_is_no_ber_or_beyond_the_limits_is_refused(damaged: bytes) -> None:
    with pytest.raises(ber.NotBer):
        ber.to_der(damaged)


def test_the_work_grows_with_the_number_of_elements_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: each element's header is read once, and once more where its string is put together."""
    read: list[int] = []
    header = ber._header
    monkeypatch.setattr(ber, "_header", lambda data, at: read.append(at) or header(data, at))
    for depth in (5, 25, ber.DEEPEST - 1):
        for wide in (1, 50):
            read.clear()
            ber.to_der(b"\x30\x80" + nested(depth - 1) * wide + b"\0\0")
            assert len(read) == 1 + depth * wide


def test_elements_are_read_up_to_a_limit() -> None:
    """In whatever way they lie in each other; one more than the limit is refused."""
    most = b"\x30\x80" + b"\x31\x02\x05\x00" * ((ber.MOST_ELEMENTS - 2) // 2) + b"\0\0"
    assert ber.to_der(most)[0] == 0x30
    with pytest.raises(ber.NotBer, match="too many elements"):
        ber.to_der(most[:-2] + b"\x05\x00" * 2 + b"\0\0")


def test_what_openssl_writes_in_one_pass_is_read(tmp_path: Path) -> None:
    """``-stream``: indefinite lengths, and the content in pieces."""
    (tmp_path / "content").write_bytes(b"x" * 20_000)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run([*made, "-subj", "/CN=Example"], check=True, capture_output=True)
    names = ["-signer", str(certificate), "-inkey", str(key), "-in", str(tmp_path / "content")]
    signing = ["openssl", "cms", "-sign", "-binary", "-stream", "-nodetach", "-nosmimecap", "-outform", "DER"]
    done = subprocess.run([*signing, *names], check=True, capture_output=True)
    assert done.stdout.startswith(b"\x30\x80")
    assert b"\x24\x80" in done.stdout
    rewritten = ber.to_der(done.stdout)
    checking = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", str(certificate)]
    shown = subprocess.run([*checking, "-purpose", "any"], input=rewritten, check=True, capture_output=True)
    assert shown.stdout == b"x" * 20_000
    assert der.decode(der.ContentInfo, rewritten).content_type.dotted_string == "1.2.840.113549.1.7.2"


def test_signatures_by_poppler_are_good(tmp_path: Path) -> None:
    """pdfsig writes BER, and states a default that DER leaves out under its signature."""
    store = f"sql:{tmp_path}"
    (tmp_path / "noise").write_bytes(bytes(range(64)))
    named = ["-n", "signer", "-s", "CN=Example Signer,C=CN", "-x", "-t", "CTu,CTu,CTu", "-v", "12"]
    _run("certutil", "-N", "-d", store, "--empty-password")
    _run("certutil", "-S", "-d", store, "-z", tmp_path / "noise", "-f", "/dev/null", "-Z", "SHA256", *named)
    pem = _run("certutil", "-L", "-d", store, "-n", "signer", "-a")
    (tmp_path / "plain.pdf").write_bytes(plain(1))
    files = [tmp_path / "plain.pdf", tmp_path / "signed.pdf"]
    _run("pdfsig", "-nssdir", store, "-add-signature", "-nick", "signer", *files)
    anchor = x509.load_pem_x509_certificate(pem)
    at = datetime.now(UTC) + timedelta(days=1)
    report = confined_verification.verify_pdf(files[1].read_bytes(), ValidationContext(at, (anchor,)))
    assert report.indication is Indication.PASSED, report.reasons
    assert len(report.signatures) == 1


def _run(*command: object) -> bytes:
    return subprocess.run([str(each) for each in command], check=True, capture_output=True).stdout
