"""A package outlives the certificates of its timestamps once these are renewed in time, and else does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.captures.renewals import reply_path
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language, translator
from appliance.verification import Indication, SubIndication, VerificationReport, Verifier
from hsm.timestamp import parse_response, parse_token
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captures.renewing import (
    EARLIER,
    LASTS,
    package_by,
    renewed_by,
    renewed_in_time,
    short_lived,
    years_later,
)
from tests.evidence.resealing import repacked
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import commands, run, unpack
from tests.offline_verifier.engine import started

AFTER_TWO = START + 2 * LASTS + EARLIER
"""The first two keys have run out; the third has not."""
RUN_OUT = SubIndication.OUT_OF_BOUNDS_NO_POE
Changes = Mapping[str, bytes | None]
Judged = Callable[..., VerificationReport]


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return short_lived()


@pytest.fixture(scope="module")
def fresh(authority: TestAuthority) -> bytes:
    return package_by(authority)


@pytest.fixture(scope="module")
def twice(authority: TestAuthority, fresh: bytes) -> bytes:
    package = fresh
    for year in (1, 2):
        years_later(authority, year)
        package = renewed_by(authority, package)
    return package


@pytest.fixture
def judged(authority: TestAuthority, confinement: Confinement) -> Judged:
    """The verdict of whoever trusts the root, of this authority or of another one."""

    def judge(package: bytes, at: datetime, by: TestAuthority = authority) -> VerificationReport:
        trusted = [by.root.certificate]
        verifier = Verifier(confinement, trusted, evidence=verify_package, clock=lambda: at)
        report = verifier.verify(package)
        for each in (*report.remarks, *report.verdict.reasons):
            assert each.translated(translator(Language.CHINESE)) != str(each)
        return report

    return judge


def test_it_is_proven_long_after_its_own_timestamps_have_run_out(judged: Judged, twice: bytes) -> None:
    report = judged(twice, AFTER_TWO)
    assert report.indication is Indication.PASSED, report.reasons
    stamped = [each.field for each in report.signatures]
    assert stamped == ["capture.warc.tsr", "manifest.json", "renewals/02.tsr", "renewals/01.tsr"]
    assert any("(renewals: 2)" in str(each) for each in report.remarks)


def test_what_people_hold_is_not_changed(fresh: bytes, twice: bytes) -> None:
    before, after = read_zip(fresh).files, read_zip(twice).files
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 10


def test_without_a_renewal_it_is_undecided_and_says_so(judged: Judged, fresh: bytes, twice: bytes) -> None:
    assert judged(fresh, START + LASTS - EARLIER).indication is Indication.PASSED
    for package, at in ((fresh, AFTER_TWO), (twice, START + 3 * LASTS + EARLIER)):
        report = judged(package, at)
        assert (report.indication, report.verdict.subindication) == (Indication.INDETERMINATE, RUN_OUT)
        assert any("counts no longer" in str(each) for each in report.remarks)


def test_a_renewal_that_came_too_late_proves_nothing(judged: Judged) -> None:
    authority = short_lived()
    package = package_by(authority)
    years_later(authority, 2)
    report = judged(renewed_by(authority, package), AFTER_TWO, authority)
    assert (report.indication, report.verdict.subindication) == (Indication.INDETERMINATE, RUN_OUT)


def test_a_key_that_was_in_other_hands_when_it_was_covered_proves_nothing(judged: Judged) -> None:
    """The list of revocations in a renewal tells of the key before it."""
    authority = short_lived()
    package, first = package_by(authority), authority.tsa.certificate
    years_later(authority, 1)
    later = renewed_by(authority, package, Revocation(first, START + EARLIER))
    report = judged(later, START + LASTS + EARLIER, authority)
    assert report.indication is Indication.INDETERMINATE
    [seal] = (each.verdict for each in report.signatures if each.field == "manifest.json")
    assert seal.subindication is SubIndication.REVOKED_NO_POE


def _left_out() -> tuple[TestAuthority, bytes]:
    """The lists of the first renewal have the key before it as revoked by then; those of the second have it no
    more, as they need not once it has run out (RFC 5280, 3.3)."""
    authority = short_lived()
    package, first = package_by(authority), authority.tsa.certificate
    years_later(authority, 1)
    package = renewed_by(authority, package, Revocation(first, START + EARLIER))
    years_later(authority, 2)
    return authority, renewed_by(authority, package)


def test_a_revocation_counts_that_newer_lists_have_no_more(judged: Judged) -> None:
    authority, package = _left_out()
    assert judged(package, AFTER_TWO, authority).indication is Indication.INDETERMINATE


def _gone(files: Mapping[str, bytes], number: int) -> Changes:
    return {path: None for path in files if path.startswith(f"renewals/{number:02}")}


def _moved(files: Mapping[str, bytes], pairs: Mapping[int, int]) -> Changes:
    return {
        path.replace(f"/{old:02}", f"/{new:02}"): data
        for old, new in pairs.items()
        for path, data in files.items()
        if path.startswith(f"renewals/{old:02}")
    }


@pytest.fixture(scope="module")
def attacks(twice: bytes) -> list[Changes]:
    """Renewals that are missing, in another order, or of another package."""
    files = {path: bytes(data) for path, data in read_zip(twice).files.items()}
    other = {path: bytes(data) for path, data in read_zip(renewed_in_time(short_lived(), 2)).files.items()}
    return [
        _gone(files, 1),
        {**_moved(files, {2: 1}), **_gone(files, 2)},
        _moved(files, {1: 2, 2: 1}),
        _moved(other, {1: 1, 2: 2}),
        _moved(other, {2: 2}),
        {"renewals/01.txt": files["renewals/01.txt"].upper()},
        {"renewals/01.tsq": files["renewals/02.tsq"]},
        {"renewals/01.crls.pem": files["renewals/02.crls.pem"]},
        {"renewals/03.txt": b""},
        {"renewals/note.txt": b""},
        *({path: None} for path in files if path.startswith("renewals/01")),
        *({path: data[:-9] + b"\0" + data[-8:]} for path, data in files.items() if path.startswith("renewals/02")),
    ]


def test_renewals_that_are_missing_reordered_or_of_another_package_fail(
    judged: Judged, twice: bytes, attacks: list[Changes]
) -> None:
    for changes in attacks:
        report = judged(repacked(twice, changes), AFTER_TWO)
        assert report.indication is Indication.FAILED, (sorted(changes), report.reasons)
    files = {path: bytes(data) for path, data in read_zip(twice).files.items()}
    back = judged(repacked(twice, _gone(files, 2)), AFTER_TWO)
    assert back.verdict.subindication is RUN_OUT, "the first renewal alone has run out"


def test_the_checkers_and_the_page_judge_alike(
    authority: TestAuthority, fresh: bytes, twice: bytes, attacks: list[Changes], tmp_path: Path
) -> None:
    """They have no opinion on what runs out after the last timestamp but the page, which knows the time."""
    late, taken = short_lived(), short_lived()
    packages = package_by(late), package_by(taken)
    first = taken.tsa.certificate
    years_later(late, 2)
    years_later(taken, 1)
    given = [
        *((authority, package, True) for package in (fresh, twice)),
        *((authority, repacked(twice, changes), False) for changes in attacks),
        (late, renewed_by(late, packages[0]), False),
        (taken, renewed_by(taken, packages[1], Revocation(first, START + EARLIER)), False),
        (*_left_out(), False),
    ]
    (tmp_path / "engine").mkdir()
    with started(tmp_path / "engine") as engine:
        for number, (by, package, passes) in enumerate(given):
            folder, root = unpack(package, tmp_path / str(number)), tmp_path / "root.pem"
            root.write_bytes(by.root.certificate.public_bytes(Encoding.PEM))
            for checker in CHECKERS:
                if (folder / checker[-1]).exists():
                    status, said = check(checker, folder, str(root))
                    assert (status == 0, "PASS" in said, "FAIL" in said) == (passes, passes, not passes), said
            at = AFTER_TWO if package is not fresh else START + EARLIER
            answer = engine.ask_folder(folder, root.read_bytes(), at)
            assert (answer.indication is Indication.PASSED) == passes, (number, answer.reasons)


def test_openssl_verifies_each_with_a_command(authority: TestAuthority, twice: bytes, tmp_path: Path) -> None:
    folder = unpack(twice, tmp_path / "package")
    for number in (1, 2):
        text = reply_path(number).replace(".tsr", ".txt")
        token = parse_token(parse_response((folder / reply_path(number)).read_bytes()))
        subprocess.run(["sha256sum", "--check", "--strict", text], cwd=folder, check=True, capture_output=True)
        trust = ("-CAfile", "certificates/ca.pem", "-untrusted", reply_path(number).replace(".tsr", ".pem"))
        moment = ("-attime", str(int(token.gen_time.timestamp())))
        command = ["openssl", "ts", "-verify", "-data", text, "-in", reply_path(number), *trust, *moment]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    shown = commands(folder / "README.en.txt")
    assert not [each for each in shown if run(each, folder).returncode]
    (folder / "renewals/01.txt").write_bytes(b"0" * 64 + (folder / "renewals/01.txt").read_bytes()[64:])
    assert len([each for each in shown if run(each, folder).returncode]) == 2
