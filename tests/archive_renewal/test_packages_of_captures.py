"""A capture's package outlives the certificate of the timestamp key if it is renewed in time: a real authority and
log, whose clock is set forward."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.archive_renewal import RenewalRound
from appliance.captures.packages import PACKAGE
from appliance.demonstration.participants import ZHANG
from appliance.errors import StateRefused
from appliance.health.capture_checks import packages
from appliance.health.check_context import open_check_context
from appliance.store import captures
from appliance.verification import Indication, SubIndication
from appliance.wiring import Appliance
from hsm.timestamp import parse_response, parse_token
from tests.archive_renewal.decade import decade
from tests.archive_renewal.proofs import step
from tests.captures.conftest import INVESTIGATOR
from tests.captures.made import captured
from tests.evidence.captures.renewing import checked_at
from tests.evidence.test_checkers import CHECKERS
from tests.evidence.unpacked import unpack
from tests.portal.office_visits import account_of

NEW_KEY, RUN_OUT, YEARS_LATER = 4.85, 5.2, 8.0
NEXT_CA, FIRST_CA_ENDED = 0.1, 10.05
LIST_RUN_OUT, A_DAY = 1.5, 1 / 365
"""The root's revocation list counts for 400 days."""


def kept(appliance: Appliance, capture_id: str) -> bytes:
    files = appliance.database.query(captures.files_of, capture_id)
    return appliance.blobs.get(next(each.digest for each in files if each.name == PACKAGE))


def test_a_package_that_was_renewed_in_time_is_proven_years_later(tmp_path: Path) -> None:
    with decade() as site:
        with site.serving(), site.opened() as appliance, site.sequenced():
            account_of(appliance, ZHANG.subject, INVESTIGATOR)
            capture = captured(appliance, ZHANG.subject)
            assert appliance.capture_packages.run_round()
            assert not appliance.capture_packages.run_round()
            first = kept(appliance, capture.id)
        site.move_to(NEW_KEY)
        with site.serving(), site.opened("scheduler") as appliance:
            assert appliance.package_renewal.run_round() == RenewalRound(), (
                "the same key would end on the same day"
            )
        site.renew(*map(step, ("root-crl", "tsa", "evidence", "log")))
        with site.serving(), site.opened("scheduler") as appliance:
            assert appliance.package_renewal.run_round() == RenewalRound(renewed=1)
            assert appliance.package_renewal.run_round() == RenewalRound()
            renewed = kept(appliance, capture.id)
        at = site.move_to(YEARS_LATER)
        with site.serving(), site.opened() as appliance:
            report = appliance.verifier.verify(renewed)
            assert report.indication is Indication.PASSED, report.reasons
            report = appliance.verifier.verify(first)
            assert report.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE
            assert any("counts no longer" in str(each) for each in report.remarks)
        folder, root = unpack(renewed, tmp_path / "package"), site.home.trust / "ca.pem"
        for checker in CHECKERS:
            status, said = checked_at(checker, folder, root, at)
            assert status == 0, said
            status, said = checked_at(checker, unpack(first, tmp_path / "first"), root, at)
            assert status == 1 and "the last timestamp of this package counts no longer" in said
        stamp = parse_token(parse_response((folder / "renewals/01.tsr").read_bytes()))
        for moment in (at, stamp.gen_time):
            subprocess.run(
                [
                    *("openssl", "ts", "-verify", "-data", "renewals/01.txt", "-in", "renewals/01.tsr"),
                    *("-CAfile", root, "-untrusted", "renewals/01.pem"),
                    *("-attime", str(int(moment.timestamp()))),
                ],
                cwd=folder,
                check=True,
                capture_output=True,
            )


def test_a_package_that_was_not_renewed_in_time_is_not_renewed_and_told() -> None:
    with decade() as site:
        with site.serving(), site.opened() as appliance, site.sequenced():
            account_of(appliance, ZHANG.subject, INVESTIGATOR)
            capture = captured(appliance, ZHANG.subject)
            assert appliance.capture_packages.run_round()
            before = kept(appliance, capture.id)
        site.move_to(RUN_OUT)
        site.renew(step("root-crl"), step("tsa"))
        with site.serving(), site.opened("scheduler") as appliance:
            assert appliance.package_renewal.run_round() == RenewalRound(failed=1)
            assert appliance.package_renewal.run_round() == RenewalRound(), "not again at once"
            assert kept(appliance, capture.id) == before
            with open_check_context(site.home, role="operator", now=site.now()) as asked:
                found = packages(asked)
        assert (found.well, "prove nothing now: 1" in str(found)) == (False, True)


def test_packages_made_under_the_next_ca_and_not_after_the_end_of_the_one_before() -> None:
    """Lists of the CA before are issued anew where they are overdue. Once it has ended there are none, and nothing
    proves what its keys have dated."""
    with decade() as site:
        with site.serving(), site.opened() as appliance, site.sequenced():
            account_of(appliance, ZHANG.subject, INVESTIGATOR)
            packed, unpacked = (captured(appliance, ZHANG.subject) for _ in range(2))
        site.move_to(NEXT_CA)
        site.renew(*map(step, ("issuing", "tsa", "evidence", "log")))
        with site.serving(), site.opened() as appliance, site.sequenced():
            report = appliance.verifier.verify(appliance.capture_packages.package(packed.id, by=ZHANG.subject))
            assert report.indication is Indication.PASSED, report.reasons
        site.move_to(FIRST_CA_ENDED)
        site.renew(*map(step, ("root-crl", "tsa", "evidence", "log")))
        refused = pytest.raises(StateRefused, match="Capture the address again")
        with site.serving(), site.opened() as appliance, site.sequenced(), refused:
            appliance.capture_packages.package(unpacked.id, by=ZHANG.subject)


def test_no_package_is_made_with_lists_that_have_run_out() -> None:
    """That of the root waits for its ceremony; those of issuing CAs are issued at once."""
    with decade() as site:
        with site.serving(), site.opened() as appliance, site.sequenced():
            account_of(appliance, ZHANG.subject, INVESTIGATOR)
            capture = captured(appliance, ZHANG.subject)
        site.move_to(LIST_RUN_OUT)
        lists = []
        with site.serving(), site.opened() as appliance, site.sequenced():
            for _ in range(2):
                with pytest.raises(StateRefused, match="has run out"):
                    appliance.capture_packages.package(capture.id, by=ZHANG.subject)
                lists.append(appliance.authority.crls())
        assert lists[0] == lists[1], "those of issuing CAs count already"
        site.renew(step("root-crl"))
        site.move_to(LIST_RUN_OUT + A_DAY)
        with site.serving(), site.opened() as appliance, site.sequenced():
            assert appliance.capture_packages.run_round()
            report = appliance.verifier.verify(kept(appliance, capture.id))
            assert report.indication is Indication.PASSED, report.reasons
