"""The first time that a contract is timestamped again, with keys that were renewed before the old ones run out.

The other renewals of ten years come with `make test-long`.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from appliance.archive_renewal import RenewalRound
from appliance.model.contract import RevisionKind
from appliance.verification import Indication, Level
from tests.archive_renewal.decade import completed, decade
from tests.archive_renewal.proofs import ask_the_others, passes_all_checks, step
from tests.pdf.judges import brought_twice
from tests.world import contract_now

JUST_BEFORE = 4.85
"""Years after which the first timestamp key is about to run out."""


def test_a_contract_is_provable_after_its_first_renewal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # pyHanko tells of each path that it tries
    with decade() as site:
        with site.serving(), site.opened() as appliance:
            contract = completed(appliance)
            at_first = appliance.contracts.document(contract)
        site.move_to(JUST_BEFORE)
        site.renew(*map(step, ("root-crl", "tsa", "evidence", "log")))
        with site.serving():
            with site.opened("scheduler") as appliance:
                assert appliance.archive_renewal.run_round() == RenewalRound(renewed=1)
                assert appliance.archive_renewal.run_round() == RenewalRound()  # and that is all
                contract = contract_now(appliance, contract.id)
                document = appliance.contracts.document(contract)
                assert document.startswith(at_first) and len(document) > len(at_first)
                report = appliance.verifier.verify_pdf(document)
                assert report.indication is Indication.PASSED, report.reasons
                levels = [each.level for each in report.signatures if not each.document_timestamp]
                assert levels == [Level.LTA] * 3
                assert brought_twice(document) == []
                ask_the_others(site, appliance, contract, document, years=JUST_BEFORE, folder=tmp_path)
            assert contract.revisions[-1].kind is RevisionKind.ARCHIVE
            with site.opened() as appliance, site.sequenced():
                appliance.authority.issue_crl()  # as the scheduler does every hour
                passes_all_checks(appliance, contract, tmp_path / "package")
