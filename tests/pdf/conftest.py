"""One workshop and one signing house for all PDF tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.confinement import Confinement
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents
from tests.pdf.signing_house import SigningHouse


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PdfWorkshop]:
    with Confinement(tmp_path_factory.mktemp("cache")) as confinement:
        yield PdfWorkshop(confinement)


@pytest.fixture
def house() -> SigningHouse:
    return SigningHouse()


@pytest.fixture(scope="session")
def plain() -> bytes:
    return documents.plain()
