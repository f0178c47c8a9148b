"""A flipped byte of any result is never passed. Places are drawn by a fixed seed; every byte in turn is the
verifier's own test."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, TrustAnchors, Verifier
from tests.demo.conftest import Demonstration
from tests.sweeps import first_of

FLIPS = 24


@pytest.fixture(scope="module")
def verifier(demonstration: Demonstration, confinement: Confinement) -> Verifier:
    anchors = TrustAnchors.from_files([demonstration.out / "trust/ca.pem"])
    return Verifier(confinement, anchors, evidence=verify_package)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :]


def places(content: bytes, seed: str) -> list[int]:
    drawn = random.Random(seed)  # noqa: S311 - not for secrecy: the same places in every run
    return [0, len(content) - 1, *(drawn.randrange(len(content)) for _ in range(FLIPS))]


@pytest.mark.parametrize(
    ("name", "half"), first_of(product(["contract.signed.pdf", "evidence.zip", "contract.tsr"], [0, 1]))
)
def test_a_flipped_byte_is_found(demonstration: Demonstration, verifier: Verifier, name: str, half: int) -> None:
    path: Path = demonstration.out / name
    content = path.read_bytes()
    dated = (demonstration.out / "contract.signed.pdf").read_bytes()
    for place in places(content, name)[half::2]:
        report = verifier.verify(flipped(content, place), file=name, data=dated)
        assert report.indication is not Indication.PASSED, place


def test_a_flipped_byte_of_padding_is_found(demonstration: Demonstration, verifier: Verifier) -> None:
    content = (demonstration.out / "contract.signed.pdf").read_bytes()
    padding = content.index(b"0" * 512 + b">")
    report = verifier.verify(flipped(content, padding + 100), file="padding.pdf")
    assert report.indication is Indication.FAILED
