"""Packages of web captures before ``vermilion verify`` and both checkers: what the one refuses, none passes."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.manifest import MANIFEST, SEALS
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from tests.evidence.authority import TestAuthority
from tests.evidence.captures.attacks import ATTACKS, GOOD, IN_THE_WACZ, STRICTER
from tests.evidence.captures.bench import Bench
from tests.evidence.test_checkers import CHECKERS, called, check
from tests.evidence.unpacked import unpack
from tests.sweeps import first_of, long, one_in

SMALL = 256
"""Bytes of files of which ``make test-long`` changes every one; and of what is over the manifest."""


@pytest.fixture
def bench(capture_authority: TestAuthority, capture_package: bytes, other_capture_package: bytes) -> Bench:
    return Bench(capture_authority, capture_package, other_capture_package)


@pytest.fixture
def root(capture_authority: TestAuthority, tmp_path: Path) -> Path:
    """The root that the reader trusts."""
    place = tmp_path / "root.pem"
    place.write_bytes(capture_authority.root.certificate.public_bytes(Encoding.PEM))
    return place


@pytest.fixture
def verifier(capture_authority: TestAuthority, confinement: Confinement) -> Verifier:
    return Verifier(
        confinement,
        [capture_authority.root.certificate],
        evidence=verify_package,
        clock=lambda: capture_authority.now + timedelta(hours=1),
    )


def told(package: bytes, folder: Path, root: Path) -> dict[str, tuple[bool, str]]:
    """Whether each checker passes *package*, and what it says."""
    shutil.rmtree(folder, ignore_errors=True)
    place = unpack(package, folder)
    found = {
        command[-1]: check(command, place, str(root)) for command in CHECKERS if (place / command[-1]).exists()
    }
    assert not (place / "pwned").exists()
    assert not any("Traceback" in said for _, said in found.values())
    return {name: (status == 0, said) for name, (status, said) in found.items()}


@pytest.mark.parametrize("name", one_in(4, GOOD))
def test_good_packages_pass(name: str, bench: Bench, verifier: Verifier, root: Path, tmp_path: Path) -> None:
    package = GOOD[name](bench)
    assert verifier.verify(package).indication is Indication.PASSED, verifier.verify(package).reasons
    for passes, said in told(package, tmp_path / "package", root).values():
        assert passes and "PASS" in said and "NOTE" not in said, said


@pytest.mark.parametrize("name", one_in(6, ATTACKS))
def test_no_attack_passes(name: str, bench: Bench, verifier: Verifier, root: Path, tmp_path: Path) -> None:
    package = ATTACKS[name](bench)
    assert verifier.verify(package).indication is not Indication.PASSED
    for passes, said in told(package, tmp_path / "package", root).values():
        assert not passes and "FAIL" in said, said


@pytest.mark.parametrize("name", one_in(6, STRICTER))
def test_the_checkers_take_no_other_form(name: str, bench: Bench, root: Path, tmp_path: Path) -> None:
    for passes, said in told(STRICTER[name](bench), tmp_path / "package", root).values():
        assert not passes and "FAIL" in said, said


@pytest.mark.parametrize("name", one_in(4, IN_THE_WACZ))
def test_the_shell_says_that_it_cannot_look_into_a_wacz(
    name: str, bench: Bench, verifier: Verifier, root: Path, tmp_path: Path
) -> None:
    package = IN_THE_WACZ[name](bench)
    assert verifier.verify(package).indication is not Indication.PASSED
    by_shell, by_python = told(package, tmp_path / "package", root).values()
    assert by_shell[0] and "LIMIT whether capture.wacz has exactly this recording" in by_shell[1], by_shell[1]
    assert not by_python[0] and "capture.wacz" in by_python[1], by_python[1]


def test_both_say_the_same_but_for_the_wacz(bench: Bench, root: Path, tmp_path: Path) -> None:
    by_shell, by_python = (said for _, said in told(bench.good, tmp_path / "package", root).values())
    only = {*by_shell.splitlines()} ^ {*by_python.splitlines()}
    assert only and all("capture.wacz" in line for line in only)
    assert "TLS" in by_shell and "who ran the machine" in by_shell
    listed = by_python.partition("the portal's record")[2].partition("PASS")[0]
    assert {
        line.strip() for line in listed.splitlines() if line.endswith((".txt", ".pdf", ".sh", ".py", ".html"))
    } == {
        *("README.en.txt", "README.zh.txt", "certificate.en.pdf", "certificate.zh.pdf"),
        *("check.sh", "check.py", "verify.html"),
    }


def test_without_a_root_they_say_that_all_rests_on_it(bench: Bench, tmp_path: Path) -> None:
    folder = unpack(bench.good, tmp_path / "package")
    for command in CHECKERS:
        status, said = check(command, folder)
        assert (status, said.count("NOTE")) == (0, 2), said


def test_links_and_names_alike_are_refused(bench: Bench, root: Path, tmp_path: Path) -> None:
    """As an unpacked folder can have them, whatever its manifest lists."""
    folder = unpack(bench.good, tmp_path / "package")
    picture = folder / "page.png"
    picture.rename(tmp_path / "picture")
    picture.symlink_to(tmp_path / "picture")
    (tmp_path / "empty").mkdir()
    for command in CHECKERS:
        assert "links" in check(command, folder, str(root))[1]
    picture.unlink()
    shutil.copy(tmp_path / "picture", picture)
    for command in CHECKERS:
        assert check(command, folder, str(root))[0] == 0
    for name in ("Page.png", "page.png ", "-n", "a\nb", "log/entries/x.json"):
        (folder / name).write_bytes(b"x")
        for command in CHECKERS:
            assert check(command, folder, str(root))[0] == 1, name
        (folder / name).unlink()


def places(files: Mapping[Path, bytes], each: int) -> list[tuple[Path, int]]:
    """So many places in each file, the first and the last octet among them; all of a small one for 0."""
    chance = random.Random(20)  # noqa: S311 - which byte to flip is no secret
    found = []
    for path, content in files.items():
        own = (
            range(len(content))
            if each == 0
            else {0, len(content) - 1, *(chance.randrange(len(content)) for _ in range(each))}
        )
        found += [(path, at) for at in sorted(own)]
    return found


@pytest.mark.parametrize("each", [1, long(0)], ids=["some", "all of the small files"])
@pytest.mark.parametrize("command", first_of(CHECKERS[::-1]), ids=["python", "sh"])
def test_any_changed_byte_fails(command: list[str], each: int, bench: Bench, tmp_path: Path) -> None:
    folder = unpack(bench.good, tmp_path / "package")
    files = {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("check.py", "check.sh")  # a changed checker says anything
    }
    if each == 0:
        files = {
            path: content
            for path, content in files.items()
            if len(content) <= SMALL or path.name in SEALS - {MANIFEST}
        }
    for path, at in places(files, each):
        good = files[path]
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        status, said = called(folder) if command[0] == sys.executable else check(command, folder)
        assert status == 1 and "FAIL" in said and "Traceback" not in said, (path, at, said)
        path.write_bytes(good)
