"""A digest is taken over exactly the bytes that are kept, whatever a child claims."""

from __future__ import annotations

import hashlib

import pytest

from appliance.errors import ConfinementFailed
from appliance.pdf import workshop
from appliance.pdf.byte_ranges import signed_sizes

GIVEN = b"%PDF-1.7 given\n"


def revision(*, start_shift: int = 0, gap: bytes = b"<00000000>", tail: bytes = b" tail") -> dict[str, object]:
    head = b"/ByteRange [0 %d %d %d] /Contents "
    start = len(GIVEN) + len(head % (10, 10, len(tail)))
    end = start + len(gap)
    filled = head % (start + start_shift, end, len(tail))
    return {"appended": filled + gap + tail, "start": start, "end": end}


def test_the_digest_leaves_out_the_gap_and_nothing_else() -> None:
    prepared = workshop.prepared_revision(GIVEN, revision())
    assert prepared.document.startswith(GIVEN)
    covered = prepared.document.replace(b"<00000000>", b"")
    assert prepared.digest == hashlib.sha256(covered).digest()


@pytest.mark.parametrize(
    "claimed",
    [
        revision(start_shift=1),
        revision(gap=b"<00000001>"),
        revision(gap=b"(00000000)"),
        revision() | {"start": 3},
        revision(tail=b" /ByteRange [0 1 2 3]"),
        {"appended": b"nothing", "start": 20, "end": 22},
    ],
)
def test_a_revision_of_another_form_is_refused(claimed: dict[str, object]) -> None:
    with pytest.raises(ConfinementFailed):
        workshop.prepared_revision(GIVEN, claimed)


def test_filling_changes_only_the_gap() -> None:
    prepared = workshop.prepared_revision(GIVEN, revision())
    filled = workshop.fill_placeholder(prepared, b"\xab\xcd")
    assert filled == prepared.document.replace(b"<00000000>", b"<ABCD0000>")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"appended": "text", "start": 1, "end": 2},
        {"appended": b"", "start": b"1", "end": 2},
        {"appended": b""},
    ],
)
def test_an_answer_of_another_form_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(ConfinementFailed):
        workshop.prepared_revision(b"%PDF-1.7", answer)


@pytest.mark.parametrize(
    ("written", "sizes"),
    [
        (b"no such name", []),
        (b"/ByteRange [0 10 30 5] /ByteRange[ 0 1 2 0000000003 ]", [15, 4]),
        (b"/B#79teRange\n[0\n10\n30\n5\n]", [15]),
        (b"/ByteRanges [1] /ByteRanger", []),
        (b"/ByteRange 7 0 R", None),
        (b"/ByteRange [0 10 30 5] /ByteRange null", None),
        (b"/ByteRange [1 10 30 5]", None),
        (b"/ByteRange [0 10 30 5 60 7]", None),
        (b"/ByteRange [0 +10 30 5]", None),
        (b"/ByteRange%\n[0 10 30 5]", None),
        (b"/ByteRange", None),
    ],
)
def test_every_byte_range_that_is_written_says_what_it_covers(written: bytes, sizes: list[int] | None) -> None:
    assert signed_sizes(b"%PDF-1.7\n<<" + written + b">>") == sizes
