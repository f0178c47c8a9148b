"""A cross-reference stream that claims more than it holds is read to its end, at once, and no further."""

from __future__ import annotations

import re

import pytest

from appliance.pdf.validation.model import Unparseable
from appliance.pdf.validation.opening import open_pdf
from tests.pdf.documents import compressed


def claiming(claim: bytes) -> bytes:
    """A file whose last section is a stream with *claim* for its /Index."""
    document = compressed()
    return re.sub(rb"/Index\s*\[[^\]]*\]|(?<=/Type /XRef)", claim, document, count=1)


def test_a_claim_of_too_many_entries() -> None:
    document = claiming(b"/Index [0 2147483648]")
    assert open_pdf(document).lenient, "what the bytes hold is read; strict readers refuse it"


def test_entries_without_width() -> None:
    endless = re.sub(rb"/W\s*\[[^\]]*\]", b"/W [0 0 0]", claiming(b"/Index [0 2147483648]"), count=1)
    with pytest.raises(Unparseable):
        open_pdf(endless)
