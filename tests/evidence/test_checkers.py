"""check.sh and check.py: pass on a good package, fail after any change, with and without a root of one's own."""

from __future__ import annotations

import io
import json
import random
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.repacked import read_zip
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed
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
    assert said.count("ok ") >= 19
    assert "Traceback" not in said


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
    said = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.TextIOWrapper(said, encoding="utf-8")):
        patch.setattr(sys, "argv", ["check.py"])
        status: int = runpy.run_path(str(folder / "check.py"))["main"]()
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


def opening_of(package: bytes) -> tuple[str, bytes]:
    """One of the files with private fields in the clear."""
    files = read_zip(package).files
    path = next(path for path in sorted(files) if path.startswith("log/openings/"))
    return path, bytes(files[path])


@pytest.mark.parametrize(
    "forge",
    [
        lambda opening: b"{" + opening[1:-1] + b"," + opening[1:],
        lambda opening: opening.replace(b'{"salt":', b'{"salt":"00","salt":', 1),
        lambda opening: opening.replace(b'{"salt":', b'{"\\u0073alt":"00","salt":', 1),
    ],
    ids=["a field", "within a field", "written otherwise"],
)
def test_a_name_that_is_there_twice_is_refused(
    checker: list[str], package: bytes, authority: TestAuthority, tmp_path: Path, forge: Callable[[bytes], bytes]
) -> None:
    """Programs believe one or the other of the two values, and readers cannot tell which."""
    path, opening = opening_of(package)
    forged = forge(opening)
    assert json.loads(forged) == json.loads(opening), "whoever takes the last one sees no difference"
    status, said = check(checker, unpack(resealed(package, {path: forged}, authority), tmp_path / "package"))
    assert status == 1
    assert "twice in one object" in said and "有重复的名称" in said


def test_they_say_how_much_is_signed_and_what_is_not_checked(checker: list[str], folder: Path) -> None:
    """A forger can add another page after the last signature; that is the PDF verifier's to find."""
    size = (folder / "contract/contract.signed.pdf").stat().st_size
    index = [line.split() for line in (folder / "index.txt").read_text().splitlines()]
    status, said = check(checker, folder)
    assert status == 0
    for _, number, _, tail, length, _ in (line for line in index if line[0] == "signature"):
        assert f"signature {number} and its timestamp, over {int(tail) + int(length)} of {size} bytes" in said
    assert "LIMIT whether what was added to the contract" in said
