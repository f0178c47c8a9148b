"""A sample of the exhaustive run in ``flips.py``: every kind of place in a B-LTA document."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.pdf.byte_ranges import find_byte_ranges
from appliance.verification.trust import ValidationContext
from tests.sweeps import first_of
from tests.verification.authorities import NOW, World
from tests.verification.documents import signed
from tests.verification.flips import survivors


@pytest.mark.slow
@pytest.mark.parametrize("coarse", first_of((8, 1)))
def test_no_flipped_byte_goes_unnoticed(good: World, coarse: int) -> None:
    document = signed(good, level="B-LTA", pages=1)
    circumstances = ValidationContext(NOW + timedelta(days=1), (good.root.certificate,))
    last = list(find_byte_ranges(document))[-1]
    assert last is not None
    anywhere = range(0, len(document), 1009 * coarse)
    unsigned = range(last.gap_start, last.gap_end, 37 * coarse)
    ends = (0, 5, len(document) - 1, len(document) - 7, last.gap_start, last.gap_end - 1)
    assert survivors(document, circumstances, [*anywhere, *unsigned, *ends], (0x01,)) == []
