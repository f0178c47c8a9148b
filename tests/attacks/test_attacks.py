"""No attack passes, and each comes back with the right words.

`make test` tries one in eight of each family, `make test-long` the others, of the large families every second one;
``make attacks`` tries them all.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pypdfium2
import pytest

from appliance.pdf import page_comparison
from tests.attacks.judging import complaint, disagreement, in_process
from tests.attacks.registry import attacks
from tests.sweeps import one_in

pytestmark = pytest.mark.slow

_LARGE = 60
ONE_IN = 8


def chosen() -> list[Any]:
    """The names of the attacks of this round, most of them marked ``long``."""
    names = defaultdict[str, list[str]](list)
    for name, attack in attacks().items():
        names[attack.family].append(name)
    return [each for known in names.values() for each in one_in(ONE_IN, known[:: 2 if len(known) > _LARGE else 1])]


@pytest.fixture(autouse=True)
def pictures_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pixels of a page that differs, which nobody looks at here, not a small PNG of them."""

    def pixels(pdf: pypdfium2.PdfDocument, page: int) -> bytes:
        return page_comparison._picture(pdf[page], page_comparison._SHOWN_DPI).tobytes()

    monkeypatch.setattr(page_comparison, "_png", pixels)


@pytest.mark.parametrize("name", chosen())
def test_no_attack_survives(name: str) -> None:
    attack = attacks()[name]
    attempt = attack.attempt()
    report = in_process(attempt)
    assert complaint(attack, report) is None
    assert disagreement(attempt, report) is None
