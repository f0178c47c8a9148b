"""The signing time that a signature claims (``/M``): it is shown, and never makes a file count as damaged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyhanko.pdf_utils import generic

from appliance.pdf.validation import reading


@pytest.mark.parametrize(
    ("written", "claimed"),
    [
        ("D:20260105093000+08'00'", datetime(2026, 1, 5, 1, 30, tzinfo=UTC)),
        ("D:20260105093000", datetime(2026, 1, 5, 9, 30, tzinfo=UTC)),
        ("D:00010101000000+14'00'", None),
        ("yesterday", None),
    ],
    ids=["with an offset", "without one", "before year 1 in UTC", "no date"],
)
def test_a_claimed_time_is_an_instant_or_nothing(written: str, claimed: datetime | None) -> None:
    value = generic.DictionaryObject({generic.NameObject("/M"): generic.TextStringObject(written)})
    assert reading._claimed(value) == claimed
