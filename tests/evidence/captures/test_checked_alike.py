"""Packages of web captures before ``vermilion verify`` and both checkers: what the one refuses, none passes."""

from __future__ import annotations

import copy
import random
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence import checker
from appliance.evidence.captures.facts import CaptureFacts
from appliance.evidence.manifest import MANIFEST, SEALS
from appliance.evidence.verification import verify_package
from appliance.time_sources import TimeAuthentication
from appliance.verification import Indication, Verifier
from appliance.web_capture.model import StepKind, TlsTrust
from appliance.web_capture.wacz import search_key
from hsm.operation_types import ClockState
from tests.evidence.authority import TestAuthority
from tests.evidence.captures.attacks import ATTACKS, CLOCK, GOOD, IN_THE_WACZ, STEP, STRICTER, TLS, Attack
from tests.evidence.captures.bench import Bench, Bytes
from tests.evidence.test_checkers import CHECKERS, called_by, check
from tests.evidence.unpacked import unpack
from tests.offline_verifier.engine import started
from tests.sweeps import first_of, one_in

PROGRAM = Path(checker.__file__).with_name("check.py")
SMALL = 100
"""Bytes of files of which ``make test-capture`` changes every one; and of what is over the manifest."""
Judge = Callable[[], bool]


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


@pytest.mark.parametrize("host", ["[a]", "[9]", "[1::2::3]", "[12345::]", "[::1.2.3.04]"])
def test_what_is_no_address_has_no_key(host: str) -> None:
    """Python refuses to take it apart; patterns alone would take it."""
    key_of = runpy.run_path(str(PROGRAM))["key_of"]
    for key in (search_key, key_of):
        assert key("https://[2001:DB8::1]:8443/A") == "2001:db8::1:8443)/a"
        with pytest.raises(ValueError):
            key(f"https://{host}/")


@pytest.mark.parametrize("name", one_in(4, IN_THE_WACZ))
def test_the_shell_says_that_it_cannot_look_into_a_wacz(
    name: str, bench: Bench, verifier: Verifier, root: Path, tmp_path: Path
) -> None:
    package = IN_THE_WACZ[name](bench)
    assert verifier.verify(package).indication is not Indication.PASSED
    by_shell, by_python = told(package, tmp_path / "package", root).values()
    assert (
        by_shell[0] and "LIMIT whether capture.wacz has exactly this recording in it, and its index" in by_shell[1]
    )
    assert not by_python[0] and "FAIL" in by_python[1], by_python[1]


def test_both_say_the_same_but_for_the_wacz(bench: Bench, root: Path, tmp_path: Path) -> None:
    by_shell, by_python = (said for _, said in told(bench.good, tmp_path / "package", root).values())
    only = {*by_shell.splitlines()} ^ {*by_python.splitlines()}
    assert only and all("capture.wacz" in line or "verify.html" in line for line in only)
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


def words() -> dict[str, tuple[type[StrEnum], Callable[[str], Attack]]]:
    """Where in capture.json a word of a closed list stands: the list, and a package with another word there."""

    def inside(*names: str | int) -> Callable[[str], Attack]:
        def attack(word: str) -> Attack:
            def change(value: dict[str, Any]) -> None:
                value |= {"tls": [TLS], "steps": [STEP], "clock": dict(CLOCK)}
                place: Any = copy.deepcopy({name: value[name] for name in ("tls", "steps", "clock")})
                value |= place
                for name in names[:-1]:
                    place = place[name]
                place[names[-1]] = word

            return lambda bench: bench.facts(change)

        return attack

    return {
        "tls": (TlsTrust, inside("tls", 0, "trust")),
        "steps": (StepKind, inside("steps", 0, "kind")),
        "clock": (ClockState, inside("clock", "state")),
        "time sources": (TimeAuthentication, inside("clock", "authentication")),
    }


def test_no_closed_list_of_the_facts_is_left_out() -> None:
    """Lists of words that come into the facts come here, too."""

    def lists(kind: Any) -> Iterator[type[StrEnum]]:
        if is_dataclass(kind):
            for each in get_type_hints(kind).values():
                yield from lists(each)
        elif isinstance(kind, type) and issubclass(kind, StrEnum):
            yield kind
        for each in get_args(kind):
            yield from lists(each)

    assert set(lists(CaptureFacts)) == {enum for enum, _ in words().values()}


@pytest.mark.parametrize("where", words())
def test_every_verifier_knows_the_same_words(
    where: str,
    bench: Bench,
    verifier: Verifier,
    root: Path,
    capture_authority: TestAuthority,
    tmp_path: Path,
) -> None:
    """Each word of the list passes all four programs, and one that is none passes nowhere."""
    known, attack = words()[where]
    (tmp_path / "engine").mkdir()
    with started(tmp_path / "engine") as engine:
        for word in (*known, "other"):
            package = attack(word)(bench)
            verdicts = {
                "vermilion": verifier.verify(package).indication is Indication.PASSED,
                **{name: passes for name, (passes, _) in told(package, tmp_path / "package", root).items()},
                "verify.html": engine.ask_folder(
                    tmp_path / "package", root.read_bytes(), capture_authority.now + timedelta(hours=1)
                ).indication
                is Indication.PASSED,
            }
            assert set(verdicts.values()) == {word in set(known)}, (word, verdicts)


Places = list[tuple[Path, int]]
CHANGES: tuple[Bytes, ...] = (
    lambda octet: bytes([octet[0] ^ 1]),
    lambda octet: bytes([octet[0] ^ 0x20]),
    lambda octet: bytes([octet[0] ^ 0x80]),
    lambda octet: b"",
    lambda octet: octet * 2,
    lambda octet: b"\0" + octet,
)
"""What becomes of one octet: bits change, it is left out, or one more comes. 0x20 makes other letters, which some
programs take for the same."""


def some_places(files: Mapping[Path, bytes]) -> Places:
    """In each file the first octet, the last one and another."""
    chance = random.Random(20)  # noqa: S311 - which byte to change is no secret
    found = []
    for path, content in files.items():
        found += [(path, at) for at in sorted({0, len(content) - 1, chance.randrange(len(content))})]
    return found


def places_that_are_read(files: Mapping[Path, bytes], certificates: Sequence[bytes]) -> Places:
    """Of seals (DER) the heads of all elements, and what is no longer than 32 octets, but for those within
    *certificates*, which are compared as a whole; one in 24 of all others."""
    found: Places = []
    for path, content in files.items():
        told = subprocess.run(
            ["openssl", "asn1parse", "-inform", "DER", "-in", path], capture_output=True, text=True, check=False
        ).stdout
        elements = re.findall(r"^ *(\d+):d=\d+ +hl=(\d+) l= *(\d+) (cons|prim)", told, re.MULTILINE)
        inside = {range(at + 1, at + len(each)) for each in certificates if (at := content.find(each)) != -1}
        places = {*range(0, len(content), 24), len(content) - 1}
        for at, head, length, kind in elements:
            short = int(length) if kind == "prim" and int(length) <= 32 else 0
            if not any(int(at) in each for each in inside):
                places |= set(range(int(at), int(at) + int(head) + short))
        found += [(path, at) for at in sorted(places)]
    return found


def every_place(files: Mapping[Path, bytes]) -> Places:
    return [(path, at) for path, content in files.items() for at in range(len(content))]


def small(files: Mapping[Path, bytes]) -> Mapping[Path, bytes]:
    """Those of a few octets, and what is over the manifest."""
    return {
        path: content
        for path, content in files.items()
        if len(content) <= SMALL or path.name in SEALS - {MANIFEST}
    }


def sweep(places: Places, judge: Judge, changes: Sequence[Bytes] = CHANGES) -> None:
    """One octet after the other is changed, by one of the *changes* after the other: *judge* passes none."""
    unnoticed = []
    for number, (path, at) in enumerate(places):
        good = path.read_bytes()
        change = changes[(number + at) % len(changes)]
        bad = good[:at] + change(good[at : at + 1]) + good[at + 1 :]
        path.write_bytes(bad)
        if bad != good and not judge():
            unnoticed.append((path.name, at, number))
        path.write_bytes(good)
    assert not unnoticed, unnoticed
    assert not judge(), "the good one passes"


@dataclass(frozen=True)
class Unpacked:
    """The good package in a folder; a checker in it that was changed says anything."""

    folder: Path

    @cached_property
    def files(self) -> Mapping[Path, bytes]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in found if path.name not in ("check.py", "check.sh")}

    @property
    def seals(self) -> Mapping[Path, bytes]:
        """Those that are no text."""
        return {path: content for path, content in self.files.items() if path.name in SEALS - {MANIFEST}}

    @property
    def certificates(self) -> list[bytes]:
        pems = [content for path, content in self.files.items() if path.parent.name == "certificates"]
        found = [each for pem in pems if b"CERTIFICATE" in pem for each in x509.load_pem_x509_certificates(pem)]
        return [each.public_bytes(Encoding.DER) for each in found]

    def read(self) -> Places:
        return places_that_are_read(self.seals, self.certificates)


@pytest.fixture
def unpacked(bench: Bench, tmp_path: Path) -> Unpacked:
    return Unpacked(unpack(bench.good, tmp_path / "package"))


def refusing(command: list[str], folder: Path, root: Path) -> Judge:
    """Whether the checker refuses what is in *folder*, in a sentence; check.py is called without a process."""
    main = runpy.run_path(str(folder / "check.py"))["main"] if command[0] == sys.executable else None

    def judge() -> bool:
        status, said = check(command, folder, str(root)) if main is None else called_by(main, str(root))
        assert status in (0, 1) and ("FAIL" in said) == (status == 1) and "Traceback" not in said, said
        return status == 1

    return judge


@pytest.mark.parametrize("command", first_of(CHECKERS[::-1]), ids=["python", "sh"])
def test_any_changed_byte_fails(command: list[str], unpacked: Unpacked, root: Path) -> None:
    sweep(some_places(unpacked.files), refusing(command, unpacked.folder, root))


@pytest.mark.long
def test_every_byte_of_small_files_counts_to_check_py(unpacked: Unpacked, root: Path) -> None:
    """Of all others that the manifest lists, every byte is in a digest: :func:`test_any_changed_byte_fails`."""
    judge = refusing(CHECKERS[1], unpacked.folder, root)
    sweep(every_place(small(unpacked.files)), judge)
    sweep(unpacked.read(), judge, CHANGES[1:2])


@pytest.mark.long
def test_bytes_that_check_sh_reads_count_to_it(unpacked: Unpacked, root: Path) -> None:
    """It starts programs for each, so not all of them: what is parsed, and one in 24 of all others."""
    sweep(unpacked.read(), refusing(CHECKERS[0], unpacked.folder, root), CHANGES[:2])


@pytest.mark.long
def test_every_byte_of_small_files_counts_to_the_page(
    unpacked: Unpacked, capture_authority: TestAuthority, tmp_path: Path
) -> None:
    """Its code, in Node."""
    own = capture_authority.root.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "engine").mkdir()
    with started(tmp_path / "engine") as engine:

        def judge() -> bool:
            answer = engine.ask_folder(unpacked.folder, own, capture_authority.now + timedelta(hours=1))
            return answer.indication is not Indication.PASSED

        sweep(every_place(small(unpacked.files)), judge)
        sweep(unpacked.read(), judge, CHANGES[1:2])
