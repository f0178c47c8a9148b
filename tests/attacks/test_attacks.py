"""No attack passes, and each comes back with the right words. Of the large families every second one is tried
here; ``make attacks`` tries them all."""

from __future__ import annotations

from collections import Counter

import pypdfium2
import pytest

from appliance.pdf import page_comparison
from tests.attacks.judging import complaint, disagreement, in_process
from tests.attacks.registry import attacks

pytestmark = pytest.mark.slow

_LARGE = 60


def chosen() -> list[str]:
    """The names of the attacks of this round."""
    sizes, seen = Counter(each.family for each in attacks().values()), Counter[str]()
    names = []
    for name, attack in attacks().items():
        if sizes[attack.family] <= _LARGE or seen[attack.family] % 2 == 0:
            names.append(name)
        seen[attack.family] += 1
    return names


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
