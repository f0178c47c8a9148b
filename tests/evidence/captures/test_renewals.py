"""A package outlives the certificates of its timestamps once these are renewed in time, and else does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.captures.renewals import reply_path
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language, translator
from appliance.verification import Indication, SubIndication, VerificationReport, Verifier
from hsm import der, timestamp
from hsm.timestamp import TokenIssuer, parse_response, parse_token
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captured import built, evidence_for, small_capture
from tests.evidence.captures.renewing import (
    COUNTING,
    EARLIER,
    FORMS,
    LASTS,
    NO_LISTS,
    NOT_COUNTING,
    SECOND,
    UNDERSTOOD,
    Lists,
    checked_at,
    good_lists,
    package_by,
    pem_of,
    redated,
    renewed_by,
    renewed_in_time,
    short_lived,
    years_later,
)
from tests.evidence.resealing import repacked, resealed
from tests.evidence.test_checkers import CHECKERS
from tests.evidence.unpacked import commands, run, unpack
from tests.offline_verifier.engine import OfflineEngine, started
from tests.sweeps import one_in

AFTER_TWO = START + 2 * LASTS + EARLIER
"""The first two keys have run out; the third has not."""
RUN_OUT = SubIndication.OUT_OF_BOUNDS_NO_POE
Changes = Mapping[str, bytes | None]
Judged = Callable[..., VerificationReport]
Others = Callable[..., str]


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


def _spoiled(data: bytes) -> bytes:
    """With one byte turned, whatever it was: one that is set to a value may have had it."""
    return data[:-9] + bytes([data[-9] ^ 0xFF]) + data[-8:]


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
        *({path: _spoiled(data)} for path, data in files.items() if path.startswith("renewals/02")),
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
    authority: TestAuthority,
    fresh: bytes,
    twice: bytes,
    attacks: list[Changes],
    by_others: Others,
    tmp_path: Path,
) -> None:
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
    for number, (by, package, passes) in enumerate(given):
        at = AFTER_TWO if package is not fresh else START + EARLIER
        by_others(by, package, at, tmp_path / str(number), passes=passes)


def by_others_with(engine: OfflineEngine) -> Others:
    """Asks both checkers and the page, each by a clock that shows the moment asked for."""

    def ask(by: TestAuthority, package: bytes, at: datetime, folder: Path, *, passes: bool) -> str:
        unpack(package, folder)
        root = folder.with_name("root.pem")
        root.write_bytes(by.root.certificate.public_bytes(Encoding.PEM))
        told = []
        for checker in CHECKERS:
            if (folder / checker[-1]).exists():
                status, said = checked_at(checker, folder, root, at)
                assert (status == 0, "PASS" in said, "FAIL" in said) == (passes, passes, not passes), said
                assert "Traceback" not in said
                told.append(said)
        answer = engine.ask_folder(folder, root.read_bytes(), at)
        assert (answer.indication is Indication.PASSED) == passes, answer.reasons
        return "".join(told)

    return ask


@pytest.fixture(scope="module")
def by_others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Others]:
    with started(tmp_path_factory.mktemp("engine")) as engine:
        yield by_others_with(engine)


def test_whether_the_last_timestamp_counts_is_asked_of_the_day(
    authority: TestAuthority, fresh: bytes, twice: bytes, judged: Judged, by_others: Others, tmp_path: Path
) -> None:
    """By all four, with or without renewals."""
    for name, package, until in (("fresh", fresh, START + LASTS), ("twice", twice, START + 3 * LASTS)):
        for number, (at, passes) in enumerate(((until - EARLIER, True), (until + EARLIER, False))):
            report = judged(package, at)
            assert (report.indication is Indication.PASSED) == passes
            said = by_others(authority, package, at, tmp_path / f"{name}-{number}", passes=passes)
            assert said.count("the last timestamp of this package counts no longer") == (0 if passes else 2)


def _once_more(authority: TestAuthority, package: bytes, brought: Mapping[str, bytes], number: int = 1) -> bytes:
    """Renewed, with other files than the renewal would bring."""
    made = renewed_by(authority, package)
    return redated(authority, made, {f"renewals/{number:02}{end}": data for end, data in brought.items()})


def _not_passed(report: VerificationReport) -> str:
    assert report.indication is Indication.INDETERMINATE, report.reasons
    [reason] = (str(each) for each in report.reasons if "brings no revocation list" in str(each))
    return reason


BROUGHT = {**COUNTING, **NOT_COUNTING, **NO_LISTS}


@pytest.mark.parametrize("name", one_in(3, BROUGHT))
def test_lists_that_a_renewal_brings_counted_then(
    name: str, judged: Judged, by_others: Others, tmp_path: Path
) -> None:
    """All that led from the timestamp before it to the root is on one of them; else none of the four passes it."""
    authority = short_lived()
    package = package_by(authority)
    years_later(authority, 1)
    made = _once_more(authority, package, {".crls.pem": BROUGHT[name](authority)})
    at, passes = authority.now + SECOND, name in COUNTING
    report = judged(made, at, authority)
    if name in NO_LISTS:
        assert report.indication is Indication.FAILED
    elif not passes:
        assert "renewals/01.tsr" in _not_passed(report)
    else:
        assert report.indication is Indication.PASSED, report.reasons
    by_others(authority, made, at, tmp_path / "package", passes=passes)


@pytest.mark.parametrize("name", one_in(5, {**BROUGHT, **UNDERSTOOD}))
def test_lists_of_the_package_counted_when_it_was_made(
    name: str, judged: Judged, by_others: Others, tmp_path: Path
) -> None:
    """Whether or not it is renewed later: what they do not say is not known (EN 319 102-1, 5.2.6), and no verifier
    passes it."""
    authority = short_lived()
    lists = {**BROUGHT, **UNDERSTOOD}[name](authority)
    made = resealed(package_by(authority), {"certificates/crls.pem": lists}, authority)
    passes = name in {**COUNTING, **UNDERSTOOD}
    for number in range(2):
        at = authority.now + SECOND
        report = judged(made, at, authority)
        assert report.indication is (Indication.PASSED if passes else Indication.INDETERMINATE), report.reasons
        told = [each for each in map(str, report.reasons) if "evocation list" in each]
        assert bool(told) is not passes, report.reasons
        by_others(authority, made, at, tmp_path / str(number), passes=passes)
        years_later(authority, 1)
        made = renewed_by(authority, made)


MILLISECOND = timedelta(milliseconds=1)
FRACTIONS = {b"": True, b".5": True, b".123456": True, b".1234567": False, b".50": False, b".": False}
"""What stands behind the seconds of a timestamp, and whether it is one that programs read alike."""


@pytest.mark.parametrize("fraction", one_in(2, FRACTIONS, start=1))
def test_times_have_microseconds_at_most(
    fraction: bytes, judged: Judged, by_others: Others, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = short_lived()
    package = package_by(authority)
    at = years_later(authority, 1)
    body = f"{at:%Y%m%d%H%M%S}".encode() + fraction + b"Z"
    monkeypatch.setattr(der, "generalized_time", lambda _: der.header(0x18, len(body)) + body)
    monkeypatch.setattr(TokenIssuer, "_require_as_ordered", lambda *_: None)
    monkeypatch.setattr(timestamp, "verify_token", lambda *_, **__: None)
    made, passes = renewed_by(authority, package), FRACTIONS[fraction]
    report = judged(made, at + timedelta(hours=1), authority)
    assert report.indication is (Indication.PASSED if passes else Indication.FAILED), report.reasons
    by_others(authority, made, at + timedelta(hours=1), tmp_path / "package", passes=passes)


@pytest.mark.parametrize(
    ("sealed", "renewed", "passes"),
    [(500, 500, True), *one_in(2, [(0, 0, True), (900, 100, True), (100, -100, False)], start=1)],
)
def test_timestamps_of_one_second_are_in_no_order(
    sealed: int, renewed: int, passes: bool, judged: Judged, by_others: Others, tmp_path: Path
) -> None:
    """Milliseconds after a second (RFC 3161, 2.4.2)."""
    authority = short_lived()
    evidence = evidence_for(authority, small_capture())
    second = evidence.created.replace(microsecond=0) + SECOND
    package = built(authority, evidence, at=second + sealed * MILLISECOND)
    authority.now = second + renewed * MILLISECOND
    made, at = renewed_by(authority, package), second + timedelta(hours=1)
    report = judged(made, at, authority)
    assert report.indication is (Indication.PASSED if passes else Indication.FAILED), report.reasons
    by_others(authority, made, at, tmp_path / "package", passes=passes)


@pytest.mark.parametrize("lists", one_in(2, [NOT_COUNTING["overdue"], good_lists]))
def test_an_old_list_does_not_hide_a_revocation(
    lists: Lists, judged: Judged, by_others: Others, tmp_path: Path
) -> None:
    """The second renewal brings the lists of a week before, when the key of the first one was in good hands."""
    authority = short_lived()
    package = renewed_in_time(authority, 1)
    taken = authority.tsa.certificate
    years_later(authority, 2)
    made = _once_more(authority, package, {".crls.pem": lists(authority)}, 2)
    at, passes = authority.now + SECOND, lists is good_lists
    if not passes:
        assert "renewals/02.tsr" in _not_passed(judged(made, at, authority))
        told = redated(
            authority, made, {"renewals/02.crls.pem": pem_of(authority.crls(Revocation(taken, at - EARLIER)))}
        )
        assert judged(told, at, authority).indication is Indication.INDETERMINATE
        by_others(authority, told, at, tmp_path / "told", passes=False)
    by_others(authority, made, at, tmp_path / "package", passes=passes)


@pytest.mark.parametrize("name", one_in(4, FORMS))
def test_what_a_renewal_brings_has_one_form(name: str, judged: Judged, by_others: Others, tmp_path: Path) -> None:
    """PEM as openssl writes it, in both files: what programs could read otherwise, none of the four takes."""
    authority = short_lived()
    package = package_by(authority)
    years_later(authority, 1)
    good, at = renewed_by(authority, package), authority.now + SECOND
    for number, path in enumerate(("renewals/01.crls.pem", "renewals/01.pem")):
        content = bytes(read_zip(good).files[path])
        other = FORMS[name](content)
        assert other != content
        made = redated(authority, good, {path: other})
        assert judged(made, at, authority).indication is Indication.FAILED
        by_others(authority, made, at, tmp_path / str(number), passes=False)


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
