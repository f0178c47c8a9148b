"""Ten years in steps: keys and the issuing CA are renewed on the way, and a contract stays provable at each.

The authority, its token and the appliance are real; only their one clock is set forward. Judges: our own verifier
at the time of each step, pyHanko's AdES LTA validation at that time, openssl for the last timestamp.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.archive_renewal import RenewalRound
from appliance.demonstration.participants import LI, DemonstrationAuthenticators
from appliance.evidence.exporting import Exporting
from appliance.ledger.timeline import Timeline
from appliance.model.contract import Contract, RevisionKind
from appliance.pdf.byte_ranges import ByteRange, newest_contents
from appliance.timestamping.issuing import signer_of_token
from appliance.verification import Indication, Level, SubIndication
from appliance.wiring import Appliance
from hsm import der
from hsm.intents import OfficerIntent
from tests.archive_renewal import judges
from tests.archive_renewal.decade import OFFICER, Decade, completed, decade
from tests.evidence.test_checkers import CHECKERS
from tests.evidence.unpacked import commands, run, unpack
from tests.world import OURS, contract_now

YEARS_TO_COME = (
    (0.9, ("root-crl",), 0),
    (2.5, ("root-crl",), 0),  # the signers' certificates have run out
    (4.85, ("root-crl", "tsa", "evidence", "log"), 1),  # just before the first timestamp key runs out
    (6.0, ("root-crl",), 0),  # it has
    (8.5, ("root-crl", "issuing"), 0),
    (9.75, ("root-crl", "tsa", "evidence", "log"), 1),  # the next key, by the next issuing CA
    (10.2, ("root-crl",), 0),  # the first issuing CA has run out
)
"""Years after the beginning, what is renewed by then, and how many contracts are timestamped again after it."""

ISSUING_CA_LASTS = 10.0


def step(what: str) -> str:
    name = 'common_name = "朱印示例签发CA 2"\n' if what == "issuing" else ""
    return f'[[renewals]]\nwhat = "{what}"\n{name}hands = ["lead"]\n'


@pytest.fixture(scope="module")
def site() -> Iterator[Decade]:
    with decade() as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(site: Decade) -> tuple[Contract, bytes]:
    """A completed contract, and the bytes that it had then."""
    with site.serving(), site.opened() as appliance:
        contract = completed(appliance)
        return contract, appliance.contracts.document(contract)


def last_token(document: bytes, contract: Contract) -> bytes:
    return der.first(newest_contents(document, since=contract.revisions[-2].size))


def test_who_leaves_has_signed(site: Decade, kept: tuple[Contract, bytes], tmp_path: Path) -> None:
    """Li leaves after half a year; the contract's package passes before, on the day, and (below) long after."""
    site.move_to(0.5)
    with site.serving(), site.opened() as appliance, site.sequenced():
        passes_all_checks(appliance, kept[0], tmp_path / "before")
        details = {"subject": LI.subject, "reason": "affiliation_changed"}
        act = OfficerIntent("retire", details, site.later(seconds=120), secrets.token_bytes(16))
        DemonstrationAuthenticators(site.home).confirm(OFFICER, act)
        appliance.authority.retire(act)
        passes_all_checks(appliance, kept[0], tmp_path / "after")
    assert "Revoked as of" in (tmp_path / "after/README.en.txt").read_text()


def test_the_contract_is_provable_at_each_step_of_ten_years(
    site: Decade, kept: tuple[Contract, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # pyHanko tells of each path that it tries
    contract, at_first = kept
    first, before = contract, at_first
    for years, renewals, renewed in YEARS_TO_COME:
        site.move_to(years)
        site.renew(*map(step, renewals))
        with site.serving(), site.opened("scheduler") as appliance:
            assert appliance.archive_renewal.run_round() == RenewalRound(renewed=renewed)
            assert appliance.archive_renewal.run_round() == RenewalRound()  # and that is all
            contract = contract_now(appliance, contract.id)
            document = appliance.contracts.document(contract)
            assert document.startswith(before) and (len(document) > len(before)) == bool(renewed)
            report = appliance.verifier.verify_pdf(document)
            assert report.indication is Indication.PASSED, (years, report.reasons)
            levels = [each.level for each in report.signatures if not each.document_timestamp]
            assert levels == [Level.LTA] * 3
            ask_the_others(site, appliance, contract, document, years=years, folder=tmp_path)
            left = appliance.verifier.verify_pdf(at_first)  # as if nothing had been done since
            assert left.verdict.subindication is (None if years < 5 else SubIndication.OUT_OF_BOUNDS_NO_POE), years
            before = document
    assert [each.kind for each in contract.revisions[-3:]] == [RevisionKind.ARCHIVE] * 3
    assert document.startswith(at_first)
    assert (contract.version, contract.state) == (first.version, first.state)  # nobody's page has become stale
    with site.opened() as appliance:
        told = [event.kind for event in Timeline(appliance.database).of(contract.id, OURS)]
        assert told[-3:] == ["contract-completed", "archive-renewed", "archive-renewed"]


def test_a_package_made_then_passes_all_checks(site: Decade, kept: tuple[Contract, bytes], tmp_path: Path) -> None:
    """However late it is made: with the longer chain, and with certificates of signers that have long run out."""
    with site.serving(), site.opened() as appliance, site.sequenced():
        appliance.authority.issue_crl()  # as the scheduler does every hour
        passes_all_checks(appliance, kept[0], tmp_path)


def passes_all_checks(appliance: Appliance, contract: Contract, folder: Path) -> None:
    """A package of *contract*, made now and left in *folder*."""
    package = Exporting(appliance).export(contract.id, OURS).package
    report = appliance.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    unpack(package, folder)
    for checker in CHECKERS:
        told = subprocess.run(checker, cwd=folder, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
    assert not [each for each in commands(folder / "README.zh.txt") if run(each, folder).returncode]


def ask_the_others(
    site: Decade, appliance: Appliance, contract: Contract, document: bytes, *, years: float, folder: Path
) -> None:
    token = last_token(document, contract)
    stamper = signer_of_token(token).public_bytes(Encoding.DER)
    authority = appliance.authority
    told = judges.lta_by_pyhanko(
        document,
        site.later(seconds=5),
        root=authority.authorities()[-1],
        crl=authority.crl("root"),
        response=authority.ocsp(stamper),
    )
    # An intermediate CA that has run out is a general failure to pyHanko 0.38, for which it looks into no past.
    assert told == ({"OK"} if years < ISSUING_CA_LASTS else {"CERTIFICATE_CHAIN_GENERAL_FAILURE"}), years
    covers = ByteRange(*_numbers(document))
    trust = site.home.trust
    judges.token_by_openssl(token, covers.content(document), site.now(), trust=trust, folder=folder)


def _numbers(document: bytes) -> tuple[int, int, int]:
    start = document.rindex(b"/ByteRange")
    text = document[document.index(b"[", start) + 1 : document.index(b"]", start)]
    _, head, tail, length = (int(each) for each in text.split())
    return head, tail, tail + length
