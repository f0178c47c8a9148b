"""Packages of web captures in the page: one whose WACZ shows anything but the recording is not proven."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser

from tests.evidence.authority import TestAuthority
from tests.evidence.captured import capture_authority, capture_evidence, capture_package, other_capture_package
from tests.evidence.captures.attacks import IN_THE_WACZ
from tests.evidence.captures.bench import Bench
from tests.offline_verifier.opened import Opened, in_chromium
from tests.sweeps import one_in

__all__ = ["capture_authority", "capture_evidence", "capture_package", "other_capture_package"]


@pytest.fixture(scope="module")
def trusting(chromium: Browser, verifier_file: Path, capture_authority: TestAuthority) -> Iterator[Opened]:
    """The page in English, by somebody who named the root of the house."""
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        page.trust({"root.pem": capture_authority.root.certificate.public_bytes(Encoding.PEM)})
        yield page


@pytest.fixture(scope="module")
def bench(capture_authority: TestAuthority, capture_package: bytes, other_capture_package: bytes) -> Bench:
    return Bench(capture_authority, capture_package, other_capture_package)


def test_a_capture_is_proven(trusting: Opened, bench: Bench) -> None:
    told = trusting.judge({"package.zip": bench.good})
    assert told.proven and set(told.steps.values()) == {"TOTAL-PASSED"}


def test_words_of_the_facts_are_shown_whatever_they_are(trusting: Opened, bench: Bench) -> None:
    lost = [{"address": "https://a.example/", "why": "constructor __proto__ {count}"}]
    package = bench.facts(lambda value: value["traffic"].update(refused=lost, refused_in_all=1))
    told = trusting.judge({"package.zip": package})
    assert told.proven and "Requests not carried out: 1" in told.text


@pytest.mark.parametrize("name", one_in(3, IN_THE_WACZ))
def test_a_wacz_that_shows_another_page_is_not(name: str, trusting: Opened, bench: Bench) -> None:
    told = trusting.judge({"package.zip": IN_THE_WACZ[name](bench)})
    assert not told.proven and "archive" in told.failed
