from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.confinement import Confinement
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
def confinement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confinement]:
    cache: Path = tmp_path_factory.mktemp("cache")
    with Confinement(cache) as confinement:
        yield confinement


@pytest.fixture(scope="session")
def pdf(authority: TestAuthority, confinement: Confinement) -> SignedPdf:
    return real_contract.make(authority, PdfWorkshop(confinement))


@pytest.fixture(scope="session")
def evidence(authority: TestAuthority, pdf: SignedPdf) -> EvidenceInput:
    return contract.make(authority, pdf)


@pytest.fixture(scope="session")
def package(authority: TestAuthority, evidence: EvidenceInput) -> bytes:
    return build(evidence, contract.seals(authority))
