"""A signature whose bytes are also something else in the document has not passed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.pdf.byte_ranges import ByteRange
from appliance.verification.model import Indication, VerificationReport
from hsm import cms
from tests.holder import Holder
from tests.pdf import overlapping
from tests.pdf.overlapping import Shape
from tests.verification.authorities import World
from tests.verification.conftest import Verify

SHARED = "The signature's bytes are also part of something else in the document"
NOTE = {"a note": overlapping.HIDDEN["a note"], "a text": overlapping.HIDDEN["a text"]}
ALL = overlapping.OVERLAPPING | overlapping.BROKEN | NOTE
Judge = Callable[[Shape], VerificationReport]


@pytest.fixture
def judged(good: World, verify: Verify) -> Judge:
    """The report about a document that the good signer has signed."""

    def judge(shape: Shape) -> VerificationReport:
        made = overlapping.prepared(shape)
        assert isinstance(good.signer.key, ec.EllipticCurvePrivateKey)
        signer = Holder(good.signer.key, good.signer.certificate, (good.issuing.certificate,))
        start, length = made.gap
        signed = ByteRange(start, start + length, len(made.content))
        message = cms.sign_detached(signer, digest=signed.digest(made.content, "sha256"))
        return verify(made.filled(message))

    return judge


def test_one_of_that_make_passes_when_nothing_overlaps(judged: Judge) -> None:
    report = judged(overlapping.HONEST)
    assert report.indication is Indication.PASSED, report.reasons


@pytest.mark.parametrize("shape", ALL.values(), ids=ALL)
def test_one_that_is_also_something_else_has_failed(judged: Judge, shape: Shape) -> None:
    report = judged(shape)
    assert report.indication is Indication.FAILED
    assert [each for each in report.reasons if each.startswith(SHARED)], report.reasons
