"""Each check of the checkers fails alone: in packages that are sealed again, with one thing wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.repacked import read_zip
from hsm import cms, timestamp
from tests.evidence.authority import SIGNING, TestAuthority, certify
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.test_remote_keys import accepted
from tests.evidence.unpacked import unpack
from tests.sweeps import one_in

Files = Mapping[str, bytes]
Change = Callable[[Files, TestAuthority], Mapping[str, bytes | None]]
PROOF, ENTRY = "log/proofs/00000013.tlog-proof", "log/entries/00000013.json"


def instead(path: str, made: Callable[[Files, TestAuthority], bytes]) -> Change:
    return lambda files, authority: {path: made(files, authority)}


def token_for_another(path: str) -> Change:
    return instead(path, lambda files, authority: authority.token(b"another"))


def reply_for_another(files: Files, authority: TestAuthority) -> bytes:
    return authority.reply(timestamp.build_request(timestamp.order_for(bytes(32), nonce=7)))


def swapped(path: str, other: str) -> Change:
    return lambda files, authority: {path: files[other], other: files[path]}


def last_bit(path: str, ending: bytes = b"") -> Change:
    """Another last bit of the file, or of what stands before its first *ending*."""

    def changed(files: Files, authority: TestAuthority) -> bytes:
        at = (files[path].index(ending) if ending else len(files[path])) - 1
        return files[path][:at] + bytes([files[path][at] ^ 1]) + files[path][at + 1 :]

    return instead(path, changed)


def moved(files: Files, authority: TestAuthority) -> bytes:
    """The index says that the first signature is one byte further on."""
    _, number, *places = next(line for line in files["index.txt"].decode().split("\n") if "re 01 " in line).split()
    said = f"signature {number} {' '.join(places)}"
    return files["index.txt"].replace(
        said.encode(), f"signature {number} {int(places[0]) + 1} {' '.join(places[1:])}".encode()
    )


def longer(path: str, before: bytes = b"", after: bytes = b"", to: str = "") -> Change:
    return instead(to or path, lambda files, authority: before + files[path] + after)


def under_another_certificate(files: Files, authority: TestAuthority) -> Mapping[str, bytes]:
    """A statement whose signature is shown under another certificate of its key, whose name is as long."""
    [path] = [path for path in files if path.startswith("authority/power-") and path.endswith(".p7s")]
    own = authority.evidence.certificate
    names = (f"示例证据{chr(0x4E00 + number)}署" for number in range(500))
    made = (certify(authority.evidence.key, name, authority.issuing, SIGNING).certificate for name in names)
    encoded = own.public_bytes(Encoding.DER)
    other = next(each for each in made if len(each.public_bytes(Encoding.DER)) == len(encoded))
    changed = files[path].replace(encoded, other.public_bytes(Encoding.DER))
    changed = changed.replace(own.serial_number.to_bytes(16), other.serial_number.to_bytes(16))
    pem = path.replace("/", "-").replace(".p7s", ".pem")
    return {path: changed, f"certificates/{pem}": other.public_bytes(Encoding.PEM)}


def for_other_software(files: Files, authority: TestAuthority) -> Mapping[str, bytes]:
    """An acceptance by a key for other software, in the name of that key."""
    made = accepted(authority, "person-li.document")
    signer = cms.signer_certificate(cms.parse(made["agreement/01.p7s"]))
    assert signer is not None
    return made | {"certificates/agreement-01.pem": signer.public_bytes(Encoding.PEM)}


CHECKS: dict[str, tuple[Change, str]] = {
    "begins": (instead("contract/contract.pdf", lambda files, authority: b"%PDF-0"), "does not begin"),
    "contract dated": (instead("contract/contract.tsr", reply_for_another), "timestamp of the signed contract"),
    "contract asked": (swapped("contract/contract.tsq", "log/log.vkey"), "timestamp of the signed contract"),
    "in the PDF": (swapped("signatures/01.p7s", "signatures/02.p7s"), "is not the one in the PDF"),
    "its place": (instead("index.txt", moved), "is not the one in the PDF"),
    "its certificate": (swapped("certificates/01.pem", "certificates/02.pem"), "is not of its signature"),
    "its value": (last_bit("signatures/02.sig"), "signatures/02.sig is not of its signature"),
    "its timestamp": (token_for_another("signatures/02.tst"), "timestamp of signatures/02"),
    "archive timestamp": (token_for_another("signatures/04.tst"), "signatures/04.tst is not the one in the PDF"),
    "no timestamp": (instead("signatures/02.tst", lambda files, authority: b""), "is no timestamp"),
    "record": (last_bit("agreement/02.json", b'"'), "signature of agreement/02"),
    "record's value": (last_bit("agreement/02.sig"), "agreement/02.sig is not of its signature"),
    "record's timestamp": (token_for_another("agreement/02.tst"), "timestamp of agreement/02"),
    "record's certificate": (
        swapped("certificates/agreement-01.pem", "certificates/agreement-02.pem"),
        "is not of its signature",
    ),
    "record by a key for other software": (for_other_software, "by a key for other software"),
    "chain": (instead("certificates/chain.pem", lambda files, authority: files["certificates/ca.pem"]), "FAIL"),
    "lists": (
        instead("certificates/crls.pem", lambda files, authority: files["certificates/crls.pem"][:0]),
        "was revoked when it signed, or is not trusted",
    ),
    "more before lists": (longer("certificates/crls.pem", b"x" * 254), "has something else in it"),
    "more after the chain": (longer("certificates/chain.pem", after=b"\n"), "has something else in it"),
    "more in a certificate": (longer("certificates/01.pem", after=b"\n"), "is not of its signature"),
    "text among certificates": (longer("certificates/01.pem", to="certificates/01.txt"), "has other files"),
    "folder among certificates": (longer("certificates/01.pem", to="certificates/a/01.pem"), "has other files"),
    "other signature": (longer("manifest.p7s", to="manifest.more.p7s"), "FAIL"),
    "another certificate of its key": (under_another_certificate, "signature of authority/power-"),
    "log's signature": (last_bit("log/checkpoint.sig"), "signature of the log's checkpoint"),
    "log's timestamp": (token_for_another("log/checkpoint.tst"), "timestamp of the log's checkpoint"),
    "text of the checkpoint": (last_bit("log/checkpoint.text", b"\n"), "log/checkpoint.text is not"),
    "entry": (last_bit(ENTRY, b'Z","commitments'), "is not in the log"),
    "proof": (swapped(PROOF, "log/proofs/00000018.tlog-proof"), "is for another entry"),
    "checkpoint of a proof": (last_bit(PROOF), "is for another checkpoint"),
    "opening": (instead("log/openings/00000013.json", lambda files, authority: b"{}"), ""),
}


@pytest.mark.parametrize(("change", "said"), one_in(6, CHECKS.values()), ids=CHECKS)
def test_each_check_fails_alone(
    package: bytes, authority: TestAuthority, tmp_path: Path, change: Change, said: str
) -> None:
    """What is only listed, as what opens an entry is, the checkers do not look at."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    folder = unpack(resealed(package, change(files, authority), authority), tmp_path / "package")
    for checker in CHECKERS:
        status, told = check(checker, folder)
        assert (status, said in told) == (1 if said else 0, True), told
