"""The first time that contracts are timestamped again, with keys that were renewed before the old ones run out.

The other renewals of ten years come with `make test-long`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509

from appliance.archive_renewal import RenewalRound
from appliance.demonstration.participants import LI, ZHANG
from appliance.evidence.exporting import Exporting
from appliance.evidence.verification import verify_package
from appliance.model.contract import Contract, ContractState, RevisionKind
from appliance.verification import Indication, Level, VerificationReport, Verifier
from appliance.wiring import Appliance
from tests.archive_renewal.decade import Decade, completed, decade
from tests.archive_renewal.proofs import ask_the_others, passes_all_checks, step
from tests.evidence.captures.renewing import checked_at
from tests.evidence.test_checkers import CHECKERS
from tests.evidence.unpacked import unpack
from tests.offline_verifier.engine import started
from tests.pdf.judges import brought_twice
from tests.world import OURS, confirm, contract_now, shared_confinement

JUST_BEFORE, RUN_OUT = 4.85, 5.2
"""Years after which the first timestamp key is about to run out, and has."""


@pytest.fixture(scope="module")
def site() -> Iterator[Decade]:
    with decade() as opened:
        yield opened


@dataclass(frozen=True)
class Made:
    """What there is from the beginning: a completed contract with its package, and one that was voided."""

    completed: Contract
    package: bytes
    voided: Contract


@pytest.fixture(scope="module")
def made(site: Decade) -> Made:
    with site.serving(), site.opened() as appliance, site.sequenced():
        contract = completed(appliance)
        package = Exporting(appliance).export(contract.id, OURS).package
        return Made(contract, package, voided(appliance, completed(appliance)))


def voided(appliance: Appliance, contract: Contract) -> Contract:
    appliance.voiding.propose(contract.id, reason="双方协商一致", by=ZHANG.subject)
    for person in (ZHANG, LI):
        declaration = appliance.voiding.prepare(contract.id, by=person.subject)
        confirm(appliance, declaration.intent)
        contract = appliance.voiding.declare(contract.id, declaration.id)
    assert contract.state is ContractState.VOIDED
    return contract


@pytest.fixture(scope="module")
def renewed(site: Decade, made: Made) -> Made:
    """The same, once the contracts have been timestamped again."""
    site.move_to(JUST_BEFORE)
    site.renew(*map(step, ("root-crl", "tsa", "evidence", "log")))
    with site.serving(), site.opened("scheduler") as appliance:
        assert appliance.archive_renewal.run_round() == RenewalRound(renewed=2)
        assert appliance.archive_renewal.run_round() == RenewalRound()  # and that is all
    return made


def test_a_contract_is_provable_after_its_first_renewal(
    site: Decade, renewed: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # pyHanko tells of each path that it tries
    with site.serving():
        with site.opened("scheduler") as appliance:
            contract = contract_now(appliance, renewed.completed.id)
            at_first, document = map(appliance.contracts.document, (renewed.completed, contract))
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


@dataclass(frozen=True)
class Packed:
    """Packages by what they are of, and the time at which somebody looks at them."""

    packages: Mapping[str, bytes]
    root: Path
    at: datetime

    def judged(self, name: str) -> VerificationReport:
        """By the verifier that strangers use."""
        anchors = [x509.load_pem_x509_certificate(self.root.read_bytes())]
        verifier = Verifier(shared_confinement(), anchors, evidence=verify_package, clock=lambda: self.at)
        return verifier.verify(self.packages[name])


@pytest.fixture(scope="module")
def packed(site: Decade, renewed: Made) -> Packed:
    """When the key has run out that dated acceptances and declarations, and the package of before."""
    site.move_to(RUN_OUT)
    site.renew(step("root-crl"))
    with site.serving(), site.opened() as appliance, site.sequenced():
        appliance.authority.issue_crl()
        contracts = {"completed": renewed.completed, "voided": renewed.voided}
        packages = {name: Exporting(appliance).export(each.id, OURS).package for name, each in contracts.items()}
    return Packed({**packages, "before": renewed.package}, site.home.trust / "ca.pem", site.now())


@pytest.mark.parametrize("name", ["completed", "voided"])
def test_a_package_passes_whose_records_were_dated_by_a_key_that_has_run_out(
    packed: Packed, name: str, tmp_path: Path
) -> None:
    report = packed.judged(name)
    assert report.indication is Indication.PASSED, report.reasons
    folder = unpack(packed.packages[name], tmp_path / "package")
    for checker in CHECKERS:
        status, said = checked_at(checker, folder, packed.root, packed.at)
        assert status == 0, said


def test_the_offline_verifier_says_the_same_of_such_packages(packed: Packed, tmp_path: Path) -> None:
    """Of one that was made before, its own timestamps have run out: nothing is proven, and nothing is forged."""
    root = packed.root.read_bytes()
    with started(tmp_path) as engine:
        told = {
            name: engine.ask_folder(unpack(package, tmp_path / name), root, packed.at)
            for name, package in packed.packages.items()
        }
    assert [told[each].report["proven"] for each in ("completed", "voided", "before")] == [True, True, False]
    assert packed.judged("before").indication is Indication.INDETERMINATE is told["before"].indication
