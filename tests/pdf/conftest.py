"""One workshop for all PDF tests; signing keys for each."""

from __future__ import annotations

import pytest

from appliance.confinement.pool import Confinement
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents
from tests.pdf.document_signer import DocumentSigner


@pytest.fixture(scope="session")
def workshop(confinement: Confinement) -> PdfWorkshop:
    return PdfWorkshop(confinement)


@pytest.fixture
def document_signer() -> DocumentSigner:
    return DocumentSigner()


@pytest.fixture(scope="session")
def plain() -> bytes:
    return documents.plain()
