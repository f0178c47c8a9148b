"""Other software as the counterparty's: Poppler's pdfsig, iText 5 and PDFBox 2, from the download to the
evidence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.demonstration.participants import LI
from appliance.errors import DocumentRefused
from appliance.evidence.exporting import Exporting
from appliance.model.contract import ContractState
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import Holder
from tests.own_certificate.house import hand_in, handed_out, outside, sent, sign_here
from tests.world import OURS, World, sequenced

JARS = ("pdfbox2", "fontbox2", "commons-logging", "bcprov", "bcpkix", "bcutil", "itext5")
CLASSPATH = ":".join(f"/usr/share/java/{name}.jar" for name in JARS)
Software = Callable[[bytes, str, str], bytes]


def run(*command: object) -> bytes:
    done = subprocess.run([str(each) for each in command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, zheng: Holder) -> Path:
    """A PKCS #12 file with the key of who signs, as a token would have it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "key.pem").write_bytes(zheng.key_pem)
    (folder / "own.pem").write_bytes(zheng.pem)
    (folder / "ca.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in zheng.chain))
    names = ["-inkey", folder / "key.pem", "-in", folder / "own.pem", "-certfile", folder / "ca.pem"]
    run(
        "openssl", "pkcs12", "-export", *names, "-name", "zheng", "-passout", "pass:x", "-out", folder / "keys.p12"
    )
    return folder


@pytest.fixture(scope="module")
def pdfsig(keys: Path) -> Software:
    store = f"sql:{keys}"
    run("certutil", "-N", "-d", store, "--empty-password")
    run("pk12util", "-i", keys / "keys.p12", "-d", store, "-W", "x", "-K", "")

    def sign(document: bytes, field: str, look: str) -> bytes:
        (keys / "in.pdf").write_bytes(document)
        look_of = ["-no-appearance"] if look == "invisible" else []
        files = keys / "in.pdf", keys / "out.pdf"
        run("pdfsig", "-nssdir", store, "-sign", field, "-nick", "zheng", *look_of, *files)
        return (keys / "out.pdf").read_bytes()

    return sign


@pytest.fixture(scope="module")
def java(keys: Path) -> Software:
    source = Path(__file__).with_name("Sign.java")
    run("javac", "-cp", CLASSPATH, "-d", keys, source)

    def sign(document: bytes, field: str, program: str) -> bytes:
        (keys / "in.pdf").write_bytes(document)
        files = keys / "in.pdf", keys / "out.pdf"
        run("java", "-cp", f"{CLASSPATH}:{keys}", "Sign", program, *files, field, keys / "keys.p12")
        return (keys / "out.pdf").read_bytes()

    return sign


def concluded(world: World, appliance: Appliance, sign: Software, way: str, folder: Path) -> None:
    """A contract between a signature of the house before and after it, to its end and its evidence."""
    contract = sign_here(appliance, sent(appliance, later=(LI.subject,)))
    hand_in(appliance, contract, sign(handed_out(appliance, contract), outside(contract).field, way))
    sign_here(appliance, contract, 2)
    assert appliance.finalisation.finalise(contract.id).state is ContractState.COMPLETED
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS).package
    report = appliance.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    (folder / "package.zip").write_bytes(package)
    ZipFile(folder / "package.zip").extractall(folder / "unpacked")
    for program in (["sh", "check.sh"], [sys.executable, "check.py"]):
        done = subprocess.run(program, cwd=folder / "unpacked", capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_poppler(world: World, appliance: Appliance, pdfsig: Software, tmp_path: Path) -> None:
    concluded(world, appliance, pdfsig, "invisible", tmp_path)


def test_poppler_with_a_picture(world: World, appliance: Appliance, pdfsig: Software, tmp_path: Path) -> None:
    """It brings fonts for the form, which has no other fields."""
    concluded(world, appliance, pdfsig, "visible", tmp_path)


@pytest.mark.long
def test_itext(world: World, appliance: Appliance, java: Software, tmp_path: Path) -> None:
    concluded(world, appliance, java, "itext", tmp_path)


@pytest.mark.long
def test_pdfbox_without_a_template_takes_the_box_away(
    world: World, appliance: Appliance, java: Software, tmp_path: Path
) -> None:
    concluded(world, appliance, java, "pdfbox", tmp_path)


@pytest.mark.long
def test_itext_that_certifies(appliance: Appliance, java: Software) -> None:
    contract = sent(appliance, house=(), later=(LI.subject,))
    signed = java(handed_out(appliance, contract), outside(contract).field, "itext-certifying")
    with pytest.raises(DocumentRefused) as refused:
        hand_in(appliance, contract, signed)
    assert refused.value.reason in {"locks", "changed"}
