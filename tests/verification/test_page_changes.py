"""What may be written anew of a page, and what not."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import pytest
from pyhanko.pdf_utils import generic

from appliance.pdf.validation.page_changes import are_rounded, changed_of_page, is_page


def page(text: str) -> generic.DictionaryObject:
    value = generic.read_object(BytesIO(b"<</Type/Page%s>>" % text.encode()), generic.Reference(1, 0))
    assert isinstance(value, generic.DictionaryObject)
    return value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("595.303937007874", "595.3039370079"),
        ("595.303937007874", "595.303937"),
        ("595.303937007874", "595.303"),  # cut off
        ("595.3000004", "595.3"),
        ("595.0000004", "595"),
        ("595.0", "595"),
        ("595", "595.0"),
        ("-0.12345", "-0.123"),
    ],
)
def test_a_box_with_fewer_digits_is_the_same(before: str, after: str) -> None:
    boxes = [page(f"/CropBox[0 0 {each} 800]") for each in (before, after)]
    assert changed_of_page(*boxes) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("595.303937007874", "595.3"),
        ("595.303937007874", "595"),
        ("595.303937007874", "595.303937007875"),
        ("595.303", "595.3030001"),
        ("595.304", "595.30"),
        ("595.303937", "595.3049"),
        ("595", "596"),
        ("595.303937", "(595.303)"),
        ("595.303937", "-595.303"),
        ("595.303937 5", "595.303"),
    ],
)
def test_another_box_is_another_one(before: str, after: str) -> None:
    boxes = [page(f"/CropBox[0 0 {each} 800]") for each in (before, after)]
    assert changed_of_page(*boxes) == {"/CropBox"}


def box(text: str) -> generic.PdfObject:
    return generic.read_object(BytesIO(text.encode()), generic.TrailerReference(None))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[0 0 595.303937007874 841.889763779528]", "[0 0 595.303937 841.889764]"),
        ("[0 0 595.303937007874 841.889763779528]", "[0.0 0 595.3039370079 841.8897637795]"),
        ("[-0.0000001 0 600.0 800]", "[0 0 600 800]"),
        ("[600.00000001 0 0 800]", "[600 0 0 800]"),
    ],
)
def test_all_sides_of_a_box_may_have_fewer_digits(before: str, after: str) -> None:
    assert are_rounded(box(before), box(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[0 0 595.303937 841.889764]", "[0 0 595.3038 841.889764]"),
        ("[0 0 0.0595303937 0.0841889764]", "[0 0 0.05953 0.08419]"),
        ("[100000 100000 100001 100001]", "[100000 100000 100001 100001.0001]"),
        ("[0 0 595.303937 841.889764]", "[0 0 595.303938 841.889764]"),
        ("[0 0 595.303937 841.889764]", "[0 0 595.3039370079 841.889764]"),
        ("[0 0 0.0079 0.0112]", "[0 0 0.008 0.011]"),
        ("[0 0 600]", "[0 0 600]"),
        ("[0 0 600 800 1]", "[0 0 600 800 1]"),
        ("[0 0 /A 800]", "[0 0 /A 800]"),
        ("[0 0 true 800]", "[0 0 1 800]"),
        ("[0 0 5 0 R 800]", "[0 0 5 0 R 800]"),
        ("(0 0 600 800)", "[0 0 600 800]"),
    ],
)
def test_what_is_no_box_or_another_one(before: str, after: str) -> None:
    assert not are_rounded(box(before), box(after))


def test_rounding_again_and_again_moves_nothing() -> None:
    """Each time as far as it may be: together by less than a hundredth of a point."""
    box = first = 1 - 10**-12
    texts = [f"{first:.12f}"]
    for digits in range(11, 2, -1):
        box -= 0.999 * 10**-digits
        texts.append(f"{int(box * 10**digits) / 10**digits:.{digits}f}")
    pages = [page(f"/MediaBox[0 0 {each} 800]") for each in texts]
    passed = [not changed_of_page(*pair) for pair in pairwise(pages)]
    reached = float(texts[len(passed) if all(passed) else passed.index(False)])
    assert first - reached < 0.01


def test_private_data_may_go_and_nothing_else() -> None:
    private = "/PieceInfo<</A<</Private 1>>>>"
    assert changed_of_page(page(private), page("")) == set()
    assert changed_of_page(page(""), page(private)) == {"/PieceInfo"}
    assert changed_of_page(page(private), page(private.replace("1", "2"))) == {"/PieceInfo"}
    assert changed_of_page(page(private + "/Rotate 90"), page("")) == {"/Rotate"}
    assert changed_of_page(page("/Rotate 90.00001"), page("/Rotate 90")) == {"/Rotate"}


def test_a_page_is_a_dictionary_of_that_type() -> None:
    assert is_page(page(""))
    assert not is_page(generic.StreamObject({generic.pdf_name("/Type"): generic.pdf_name("/Page")}))
    assert not is_page(generic.DictionaryObject())
    assert not is_page(generic.NullObject())
