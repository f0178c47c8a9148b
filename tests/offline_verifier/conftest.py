"""verify.html as people open it: from a file: address, in Debian's Chromium, with a real package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser

from appliance.evidence.common_files import read_verifier
from tests.browser.conftest import launched
from tests.evidence.authority import TestAuthority
from tests.evidence.conftest import authority, evidence, package, pdf
from tests.offline_verifier.opened import Opened, in_chromium

__all__ = ["authority", "evidence", "package", "pdf"]


@pytest.fixture(scope="session")
def verifier_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on a disk, where no server is."""
    place = tmp_path_factory.mktemp("stick") / "verify.html"
    place.write_bytes(read_verifier())
    return place


@pytest.fixture(scope="session")
def root(authority: TestAuthority) -> bytes:
    """The root that readers trust (PEM)."""
    return authority.root.certificate.public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def opened(chromium: Browser, verifier_file: Path, root: bytes) -> Iterator[Opened]:
    """The page in Chromium, in English, by somebody who named the root."""
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        page.trust({"root.pem": root})
        yield page
