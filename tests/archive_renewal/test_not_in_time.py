"""What is not timestamped again in time can no longer be proven, and nothing pretends that it can."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from appliance.archive_renewal import ArchiveRenewal, RenewalRound
from appliance.config import KeepingSettings
from appliance.health.check_context import open_check_context
from appliance.health.contract_checks import keeping, keeping_finding
from appliance.model.contract import Contract
from appliance.store import archive_renewals as kept
from appliance.verification import Indication, SubIndication
from tests.archive_renewal.decade import Decade, completed, decade
from tests.archive_renewal.proofs import step
from tests.world import contract_now


@pytest.fixture(scope="module")
def site() -> Iterator[Decade]:
    with decade() as opened:
        yield opened


@pytest.fixture(scope="module")
def contract(site: Decade) -> Contract:
    with site.serving(), site.opened() as appliance:
        return completed(appliance)


def test_without_a_new_key_it_waits_and_is_said(site: Decade, contract: Contract) -> None:
    """Another timestamp by the same key would end on the same day."""
    site.move_to(4.9)
    with site.serving(), site.opened("scheduler") as appliance:
        assert appliance.archive_renewal.run_round() == RenewalRound()
        with open_check_context(site.home, role="operator", now=site.now()) as asked:
            found = keeping(asked)
    assert (found.well, "new timestamp key" in str(found)) == (False, True)


def test_what_is_read_from_the_document_is_what_was_kept(site: Decade, contract: Contract) -> None:
    """As for contracts that were completed by an earlier release."""
    with site.serving(), site.opened("scheduler") as appliance:
        with appliance.database.transaction() as tx:
            known = kept.status_of(tx, contract.id)
            tx.execute("UPDATE keeping SET until = '', algorithms = ''")
        assert appliance.archive_renewal.run_round() == RenewalRound(read=1)
        with appliance.database.reading() as tx:
            assert kept.status_of(tx, contract.id) == known
        assert known is not None and known.horizon is not None
        assert known.horizon.algorithms == ("ecdsa-p256", "sha256")


def test_an_algorithm_that_ends_makes_it_due_only_if_the_next_does_not_rest_on_it(
    site: Decade, contract: Contract
) -> None:
    with site.serving(), site.opened("scheduler") as appliance:
        settings = KeepingSettings(algorithms=["ecdsa-p256 2031-12-01"])
        settings.check("keeping")
        ends = settings.ends
        with appliance.database.reading() as tx:
            assert kept.due(tx, datetime(2031, 12, 31, tzinfo=UTC), ends, now=site.now(), limit=9) == [contract.id]
        renewal = appliance.archive_renewal
        stricter = ArchiveRenewal(renewal._records, renewal._backend, settings)
        assert stricter.due_before(site.now()) <= ends["ecdsa-p256"]


def test_too_late_is_refused_counted_and_tried_again_less_and_less_often(site: Decade, contract: Contract) -> None:
    at = site.move_to(5.2)
    site.renew(step("root-crl"), step("tsa"))
    with site.serving(), site.opened("scheduler") as appliance:
        document = appliance.contracts.document(contract)
        report = appliance.verifier.verify_pdf(document)
        assert report.indication is Indication.INDETERMINATE
        assert report.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE
        assert all(each.verdict.indication is Indication.INDETERMINATE for each in report.signatures)
        assert appliance.archive_renewal.run_round() == RenewalRound(failed=1)
        assert appliance.archive_renewal.run_round() == RenewalRound()  # not again at once
        assert appliance.contracts.document(contract_now(appliance, contract.id)) == document
        with appliance.database.reading() as tx:
            found = keeping_finding(tx, KeepingSettings(), at, reached=None)
            failing = kept.failing(tx)
        assert (found.well, found.values) == (False, {"count": 1})
        assert failing.count == 1 and "own verifier" in str(failing.reason)
        assert [each.verdict.subindication for each in report.signatures] == [
            SubIndication.OUT_OF_BOUNDS_NO_POE
        ] * len(report.signatures)
