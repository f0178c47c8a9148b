"""Ten years in steps: keys and the issuing CA are renewed on the way, and a contract stays provable at each.

The authority, its token and the appliance are real; only their one clock is set forward. Judges: our own verifier
at the time of each step, pyHanko's AdES LTA validation at that time, openssl for the last timestamp.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.archive_renewal import RenewalRound
from appliance.demonstration.participants import LI, DemonstrationAuthenticators
from appliance.ledger.timeline import Timeline
from appliance.model.contract import Contract, RevisionKind
from appliance.verification import Indication, Level, SubIndication
from hsm.intents import OfficerIntent
from tests.archive_renewal.decade import OFFICER, Decade, completed, decade
from tests.archive_renewal.proofs import ask_the_others, passes_all_checks, step
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


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
def test_a_package_made_then_passes_all_checks(site: Decade, kept: tuple[Contract, bytes], tmp_path: Path) -> None:
    """However late it is made: with the longer chain, and with certificates of signers that have long run out."""
    with site.serving(), site.opened() as appliance, site.sequenced():
        appliance.authority.issue_crl()  # as the scheduler does every hour
        passes_all_checks(appliance, kept[0], tmp_path)
