from __future__ import annotations

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.pdf.workshop import PdfWorkshop
from tests.evidence import contract, real_contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture(scope="session")
def pdf(authority: TestAuthority, confinement: Confinement) -> SignedPdf:
    return real_contract.make(authority, PdfWorkshop(confinement))


@pytest.fixture(scope="session")
def evidence(authority: TestAuthority, pdf: SignedPdf) -> EvidenceInput:
    return contract.make(authority, pdf)


@pytest.fixture(scope="session")
def package(authority: TestAuthority, evidence: EvidenceInput) -> bytes:
    return build(evidence, contract.seals(authority))
