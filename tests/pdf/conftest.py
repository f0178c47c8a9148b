"""One workshop for all PDF tests; signing keys for each."""

from __future__ import annotations

import pytest

from appliance.confinement import Confinement
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents
from tests.pdf.signing_house import SigningHouse


@pytest.fixture(scope="session")
def workshop(confinement: Confinement) -> PdfWorkshop:
    return PdfWorkshop(confinement)


@pytest.fixture
def house() -> SigningHouse:
    return SigningHouse()


@pytest.fixture(scope="session")
def plain() -> bytes:
    return documents.plain()
