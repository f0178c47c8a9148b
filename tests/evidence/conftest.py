from __future__ import annotations

import pytest

from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from tests.evidence import contract
from tests.evidence.authority import TestAuthority


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture(scope="session")
def evidence(authority: TestAuthority) -> EvidenceInput:
    return contract.make(authority)


@pytest.fixture(scope="session")
def package(authority: TestAuthority, evidence: EvidenceInput) -> bytes:
    return build(evidence, contract.seals(authority))
