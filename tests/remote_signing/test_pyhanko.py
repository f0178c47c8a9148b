"""pyHanko's own client of the CSC API signs a PDF with a key in the HSM, after its person has activated it; others
judge what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from appliance.demonstration.participants import ZHANG
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests import activation_service as visits
from tests.api.programs import Programs
from tests.pdf.judges import valid_by_poppler
from tests.portal.visitors import signed_in
from tests.remote_signing.conftest import OFFICE
from tests.remote_signing.program import SigningProgram, verified_by_openssl
from tests.remote_signing.served import PORTAL, served
from tests.remote_signing.test_pages import confirm
from tests.world import sample_document

CREDENTIAL = f"{ZHANG.subject}.hash"


@pytest.fixture(scope="module")
def document(appliance: Appliance, portal: Flask, known: Programs) -> Iterator[bytes]:
    """A PDF that pyHanko has signed while Zhang confirmed on the activation service's page."""
    zhang = signed_in(portal, appliance, ZHANG.subject)
    with visits.activation_service(appliance.settings) as service, served(portal) as address:
        browser, shown = visits.browser_at(service), []

        def person(confirmation: str) -> None:
            path = confirmation.removeprefix(PORTAL)
            shown.append(confirm(zhang, browser, appliance, path))

        program = SigningProgram(address, OFFICE.id, known.secrets[OFFICE.id], CREDENTIAL, person)
        made = asyncio.run(program.sign(sample_document(1)))
        assert "报价.pdf" in shown[0] and f"{ZHANG.subject}.hash" in shown[0]
        yield made


def test_our_verifier_passes_it_and_says_what_the_key_is(document: bytes, appliance: Appliance) -> None:
    report = appliance.verifier.verify_pdf(document)
    [signature] = report.signatures
    assert signature.verdict.indication is Indication.PASSED, signature.verdict
    assert signature.signer is not None and ZHANG.name in signature.signer
    assert any("had not seen the document" in str(each) for each in report.remarks)


def test_poppler_and_openssl_find_it_valid(document: bytes, appliance: Appliance, tmp_path: Path) -> None:
    assert valid_by_poppler(document, tmp_path) == 1
    require_openssl(document, appliance, tmp_path)


def require_openssl(document: bytes, appliance: Appliance, tmp_path: Path) -> None:
    """openssl passes the last signature of *document*."""
    trust = appliance.settings.home.trust
    chain, root = (trust / "chain.pem").read_bytes(), (trust / "ca.pem").read_bytes()
    assert verified_by_openssl(document, chain, root, tmp_path) == ""
