"""A package from which one entry of the contract was left out fails, though all that is in it is true."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.test_checkers import check
from tests.evidence.unpacked import unpack
from tests.sweeps import first_of


@pytest.fixture(params=first_of((0, 1, 4)), ids=["first", "middle", "last but one"], scope="module")
def with_gap(request: pytest.FixtureRequest, evidence: EvidenceInput, authority: TestAuthority) -> bytes:
    entries = evidence.log.entries
    own = [entry for entry in entries if b'"contract":"c-2026-0001"' in entry.leaf]
    fewer = tuple(entry for entry in entries if entry is not own[request.param])
    shorter = replace(evidence, log=replace(evidence.log, entries=fewer))
    return build(shorter, contract.seals(authority))


def test_the_verifier_fails_it(with_gap: bytes, authority: TestAuthority, confinement: Confinement) -> None:
    later = authority.now + timedelta(hours=1)
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=lambda: later)
    report = verifier.verify(with_gap)
    assert report.indication is Indication.FAILED
    assert any("has a gap before log entry" in str(reason) for reason in report.reasons)


@pytest.mark.parametrize("command", [["sh", "check.sh"], [sys.executable, "-I", "check.py"]], ids=["sh", "python"])
def test_the_checkers_fail_it(with_gap: bytes, command: list[str], tmp_path: Path) -> None:
    status, said = check(command, unpack(with_gap, tmp_path / "package"))
    assert status == 1
    assert "the history has a gap before log entry" in said


@pytest.fixture(scope="module")
def without_end(evidence: EvidenceInput, authority: TestAuthority) -> bytes:
    """The last entry of the contract is left out: what remains is a chain without a gap."""
    fewer = tuple(entry for entry in evidence.log.entries if b'"kind":"contract-completed"' not in entry.leaf)
    assert len(fewer) == len(evidence.log.entries) - 1
    return build(replace(evidence, log=replace(evidence.log, entries=fewer)), contract.seals(authority))


@pytest.mark.long
def test_an_end_that_was_left_out(without_end: bytes, authority: TestAuthority, confinement: Confinement) -> None:
    later = authority.now + timedelta(hours=1)
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=lambda: later)
    report = verifier.verify(without_end)
    assert report.indication is Indication.FAILED
    assert any("does not say that the contract was completed" in str(reason) for reason in report.reasons)


@pytest.mark.long
@pytest.mark.parametrize("command", [["sh", "check.sh"], [sys.executable, "-I", "check.py"]], ids=["sh", "python"])
def test_the_checkers_miss_the_end(without_end: bytes, command: list[str], tmp_path: Path) -> None:
    status, said = check(command, unpack(without_end, tmp_path / "package"))
    assert status == 1
    assert "the history does not end with the signed file" in said
