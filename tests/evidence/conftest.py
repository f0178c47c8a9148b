from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence import court_pages, readme
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Verifier
from tests.evidence import contract, real_contract
from tests.evidence.authority import TestAuthority
from tests.evidence.forger import Forger
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


@pytest.fixture
def pages_of_the_true_log(package: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """For packages whose log is changed: no judge reads the history's pages, of which each takes a second to
    typeset."""
    files = read_zip(package).files
    histories = {each: bytes(files[readme.history_path(each)]) for each in Language}
    paths = [path(each) for each in Language for path in (court_pages.list_path, court_pages.guide_path)]
    monkeypatch.setattr(readme, "render_histories", lambda _evidence, _extraction: histories)
    monkeypatch.setattr(court_pages, "render_pages", lambda *_: {each: bytes(files[each]) for each in paths})


@pytest.fixture
def forger(
    authority: TestAuthority, pdf: SignedPdf, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> Forger:
    def later() -> datetime:
        return authority.now + timedelta(hours=1)

    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=later)
    return Forger(authority, pdf, verifier, monkeypatch)
