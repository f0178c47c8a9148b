"""check.sh and check.py: pass on a good package, fail after any change, with and without a root of one's own."""

from __future__ import annotations

import io
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import container, log_files, manifest
from appliance.evidence.model import LogMaterial
from appliance.evidence.repacked import read_zip
from appliance.ledger import entry as ledger_entry
from appliance.ledger.entry import LedgerEntry
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed, sealed
from tests.evidence.unpacked import ENVIRONMENT, unpack
from tests.sweeps import first_of

CHECKERS = [["sh", "check.sh"], [sys.executable, "-I", "check.py"]]


@pytest.fixture
def folder(package: bytes, tmp_path: Path) -> Iterator[Path]:
    yield unpack(package, tmp_path / "package")


@pytest.fixture(params=CHECKERS, ids=["sh", "python"])
def checker(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param
    return command


def check(checker: list[str], folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*checker, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def test_a_good_package_passes(checker: list[str], folder: Path) -> None:
    status, said = check(checker, folder)
    assert status == 0, said
    assert "PASS" in said
    assert "NOTE" in said
    assert said.count("ok ") >= 13
    assert "Traceback" not in said


def test_both_say_the_same(folder: Path) -> None:
    told = [check(each, folder)[1] for each in CHECKERS]
    assert told[0] == told[1]
    assert (
        "by C=CN, O=甲公司示例有限公司, CN=张示例, serialNumber=person-zhang; Nov 25 07:00:00 2026 GMT" in told[0]
    )


def test_they_name_what_they_do_not_judge(folder: Path) -> None:
    """Everything that nobody signed or proved, and no other file."""
    listed = check(CHECKERS[1], folder)[1].partition("the portal's record")[2].partition("PASS")[0]
    named = {line.strip() for line in listed.splitlines() if line.startswith("      ") and "/" in line}
    assert named == {
        "agreement/electronic-signing-2.en.md",
        "agreement/electronic-signing-2.zh.md",
        "authority/01.json",
        f"authority/{contract.POWER}.pdf",
        "contract/contract.pdf",
        "history/history.en.pdf",
        "history/history.json",
        "history/history.zh.pdf",
        "log/openings/",
        "verification/report.json",
    }


@pytest.mark.parametrize("path", ["Capture.json", "certificate.zh.pdf", "renewals/01.txt", "Step-01.png"])
def test_the_package_of_a_contract_has_no_file_of_a_capture(
    checker: list[str], package: bytes, authority: TestAuthority, tmp_path: Path, path: str
) -> None:
    folder = unpack(resealed(package, {path: b"x"}, authority), tmp_path / "package")
    assert "no place in the package of a contract" in check(checker, folder)[1]


def test_python_takes_lines_as_windows_ends_them(folder: Path, tmp_path: Path) -> None:
    openssl = tmp_path / "openssl"
    openssl.write_text(f"""#!/bin/bash
set -o pipefail
{shutil.which("openssl")} "$@" | sed 's/$/\\r/'
""")
    openssl.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENVIRONMENT, "PATH", f"{tmp_path}:{ENVIRONMENT['PATH']}")
        status, said = check(CHECKERS[1], folder)
    assert status == 0, said
    assert "\r" not in said


@pytest.mark.long
def test_bash_takes_the_script_too(folder: Path) -> None:
    assert check(["bash", "check.sh"], folder)[0] == 0


def test_with_a_root_of_ones_own(
    checker: list[str], folder: Path, authority: TestAuthority, tmp_path: Path
) -> None:
    (tmp_path / "mine.pem").write_bytes(authority.root.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "other.pem").write_bytes(TestAuthority().root.certificate.public_bytes(Encoding.PEM))
    status, said = check(checker, folder, str(tmp_path / "mine.pem"))
    assert (status, "NOTE" in said) == (0, False), said
    status, said = check(checker, folder, "../other.pem")
    assert status == 1
    assert "signature of the manifest" in said


def test_it_runs_from_another_folder(checker: list[str], folder: Path, tmp_path: Path) -> None:
    command = [*checker[:-1], "package/" + checker[-1]]
    status, said = check(command, tmp_path)
    assert status == 0, said


def called(folder: Path) -> tuple[int, str]:
    """check.py without a process for each file; an error that it does not expect is raised."""
    return called_by(runpy.run_path(str(folder / "check.py"))["main"])


def called_by(main: Callable[[], int], *arguments: str) -> tuple[int, str]:
    """The same by its *main*, which may be called again and again."""
    said = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.TextIOWrapper(said, encoding="utf-8")):
        patch.setattr(sys, "argv", ["check.py", *arguments])
        status = main()
        return status, said.getvalue().decode()


@pytest.mark.parametrize("checker", first_of(CHECKERS[::-1]), indirect=True, ids=["python", "sh"])
def test_any_flipped_byte_fails(checker: list[str], folder: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - which byte to flip is no secret
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.name in checker:
            continue  # a checker that was changed can say anything; the manifest tells
        good = path.read_bytes()
        at = chance.randrange(len(good))
        if path.name == "manifest.tsr":  # it carries certificates, which nobody reads: the package has them too
            at = len(good) - 1 - at % 64
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        status, said = called(folder) if "check.py" in checker else check(checker, folder)
        assert status == 1, (path, at, said)
        assert "FAIL" in said
        assert "Traceback" not in said
        path.write_bytes(good)


def test_files_missing_or_too_many_fail(checker: list[str], folder: Path) -> None:
    (folder / "extra").write_bytes(b"")
    assert check(checker, folder)[0] == 1
    (folder / "extra").unlink()
    (folder / "log/checkpoint").unlink()
    status, said = check(checker, folder)
    assert status == 1
    assert "Traceback" not in said


def with_entries(package: bytes, log: LogMaterial, authority: TestAuthority) -> bytes:
    """The package with another log, which the manifest names."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items() if not path.startswith("log/")}
    files |= {path: data for path, data in log_files.log_files(log).items() if "/openings/" not in path}
    state = log_files.read_log_files(log.checkpoint, log.vkey).state
    listed = manifest.decode(files[manifest.MANIFEST])
    rest = {path: data for path, data in files.items() if path not in manifest.SEALS}
    encoded = replace(listed, files=manifest.listing(rest), checkpoint=state).encode()
    return container.write_container(rest | sealed(encoded, authority))


def as_it_is(leaf: bytes) -> bytes:
    return leaf


ODD = [
    lambda leaf: leaf.replace(b'"public":{', b'"public":{"signer":"person-wang",'),
    lambda leaf: leaf.replace(b'"signer":', b'"\\u0073igner":'),
    lambda leaf: leaf.replace(b'"public":{', b'"public": {'),
    lambda leaf: leaf.replace(b'"commitments":{', b'"commitments":{"a":{"signer":"person-wang"},'),
    lambda leaf: leaf.replace(b'"public":{', b'"public":{"x":"\x00",'),
    lambda leaf: leaf.replace(b'"public":{', b'"public":{"x":1.5,'),
    lambda leaf: leaf + b"\n",
]


@pytest.fixture(params=[as_it_is, *first_of(ODD)])
def leaf_in_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], bytes]:
    """How the entries of signatures are written."""
    change: Callable[[bytes], bytes] = request.param

    def leaf_of(entry: LedgerEntry, opening: Mapping[str, Any]) -> bytes:
        leaf = ledger_entry.leaf_of(entry, opening)
        return change(leaf) if entry.kind == "party-signed" else leaf

    monkeypatch.setattr(contract, "leaf_of", leaf_of)
    return change


def test_an_entry_of_the_log_has_one_form(
    leaf_in_log: Callable[[bytes], bytes],
    package: bytes,
    authority: TestAuthority,
    pdf: SignedPdf,
    tmp_path: Path,
) -> None:
    """What is found in it stands in one place; of a name that is there twice, programs believe either one."""
    log = contract.log(authority, pdf, 50, contract.acceptance)
    folder = unpack(with_entries(package, log, authority), tmp_path / "package")
    for checker in CHECKERS:
        status, told = check(checker, folder)
        assert status == 0 if leaf_in_log is as_it_is else (status == 1 and "another form" in told), told


def test_they_say_how_much_is_signed_and_what_is_not_checked(checker: list[str], folder: Path) -> None:
    """A forger can add another page after the last signature; that is the PDF verifier's to find."""
    size = (folder / "contract/contract.signed.pdf").stat().st_size
    index = [line.split() for line in (folder / "index.txt").read_text().splitlines()]
    status, said = check(checker, folder)
    assert status == 0
    for _, number, _, tail, length in (line for line in index if line[0] == "signature"):
        assert f"signature {number}, over {int(tail) + int(length)} of {size} bytes" in said
    assert "LIMIT whether what was added to the contract" in said


@pytest.mark.long
@pytest.mark.skipif(shutil.which("busybox") is None, reason="there is no busybox here")
def test_busybox_takes_the_script_and_believes_no_other_proof(
    package: bytes, authority: TestAuthority, tmp_path: Path
) -> None:
    """Its awk calculates less than others; what it cannot calculate must not pass."""
    tools, path = tmp_path / "tools", "log/proofs/00000003.tlog-proof"
    tools.mkdir()
    for name in subprocess.check_output(["busybox", "--list"], text=True).split():
        (tools / name).symlink_to(str(shutil.which("busybox")))
    lines = bytes(read_zip(package).files[path]).split(b"\n")
    lines[2] = lines[3]
    others = resealed(package, {path: b"\n".join(lines)}, authority)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENVIRONMENT, "PATH", f"{tools}:{ENVIRONMENT['PATH']}")
        for content, passes in ((package, True), (others, False)):
            status, said = check(["busybox", "sh", "check.sh"], unpack(content, tmp_path / str(passes)))
            assert (status == 0, "is not in the log" in said) == (passes, not passes), said
            assert "awk:" not in said, said
