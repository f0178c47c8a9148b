"""Pages are drawn only where a file's structure is not plain; only a page that looks different counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from appliance.pdf import page_comparison
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.page_comparison import PageComparison
from appliance.verification import Indication, VerificationReport
from tests.attacks import readings
from tests.attacks.good import samples
from tests.attacks.judging import in_process
from tests.attacks.recipes import Recipe
from tests.attacks.registry import Attempt
from tests.attacks.victims import GOOD, approved, certified, lasting
from tests.attacks.writing import contract, placeholder, sealed, signed_by_hand, written
from tests.pdf import overlapping

ODD = "odd: a key twice, to the same thing"
DOUBT = "different programs may read it differently"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every comparison of rendered pages."""
    looks: list[object] = []
    compare = PageComparison.differences
    monkeypatch.setattr(
        PageComparison, "differences", lambda *given, **more: looks.append(given) or compare(*given, **more)
    )
    return looks


def judged(document: bytes) -> VerificationReport:
    return in_process(Attempt(document))


@pytest.mark.parametrize("made", [approved, partial(certified, 1), lasting], ids=["once", "certified", "archived"])
def test_a_plain_file_is_not_drawn(made: Callable[[], bytes], looked_at: list[object]) -> None:
    document = made()
    looked_at.clear()
    report = judged(document)
    assert report.indication is Indication.PASSED
    assert len(looked_at) <= sum(not each.document_timestamp for each in report.signatures) - 1  # later changes


def test_an_odd_one_is_drawn_and_passes(looked_at: list[object]) -> None:
    document = samples()[ODD].attempt().document
    assert judged(document).indication is Indication.PASSED
    assert len(looked_at) == 1


def test_an_odd_one_that_cannot_be_drawn_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_comparison, "MOST_PAGES", 0)
    report = judged(samples()[ODD].attempt().document)
    assert report.indication is Indication.INDETERMINATE
    assert [each for each in report.reasons if DOUBT in each]


@pytest.mark.parametrize("shape", [overlapping.PICTURE, overlapping.IN_SMALL_LETTERS])
def test_a_page_that_depends_on_the_gap_is_seen(shape: overlapping.Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the structure would have missed."""
    monkeypatch.setattr(ObjectExtents, "is_overrun", lambda *given: False)
    report = judged(readings.overlapped(shape))
    assert report.indication is Indication.FAILED
    assert "part of something else" in report.reasons[0]


def test_two_fields_of_one_name_keep_their_own_signatures() -> None:
    """Who adds a signature of any name breaks nobody else's."""
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(one)/F 132/Rect[0 0 0 0]/P 3 0 R/V 10 0 R>>"
    form = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R 9 0 R]/SigFlags 3>>>>"
    added = {1: form, 3: contract(annotations=b"7 0 R 9 0 R")[3], 9: field, 10: placeholder()}
    document = sealed(written(added, after=signed_by_hand(Recipe())), Recipe(signer=GOOD.other))
    first, second = in_process(Attempt(document)).signatures
    assert (first.field, first.passed) == (second.field, second.passed) == ("one", True)
    assert first.signer != second.signer
