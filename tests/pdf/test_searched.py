"""What may be searched for objects is refused where that finds others; the data of streams are not searched."""

from __future__ import annotations

import re
import subprocess
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from appliance.errors import DocumentRefused
from appliance.pdf import inspection
from tests.attacks.writing import HEAD, OTHER_TEXT, contract, section, stream, written
from tests.pdf import documents

WORDS = b"\nxref\n0 9\n12 0 obj\n<</Length 5>>\n5 - obj\n12 % obj\ntrailer\n<</Root 9 0 R>>\n"
"""What no program would find in a sound file, and no rule for objects would pass."""

HIDDEN = b"\n4 0 obj\n" + stream(OTHER_TEXT) + b"\nendobj\n"
LOST = {3: contract()[3].replace(b"/Contents 4 0 R", b"/Contents 4 0 R/Group 900 0 R")}


def is_taken(document: bytes) -> bool:
    try:
        return bool(inspection.inspect(document, most_pages=50).pages)
    except DocumentRefused as refusal:
        assert refusal.reason in ("two-readings", "malformed")
        return False


def holding(data: bytes, entries: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    """The contract with a stream of these data."""
    return written(contract({6: stream(data, entries)} | (more or {})))


def stored(data: bytes) -> bytes:
    """A compressed stream in which the data can be read."""
    packer = zlib.compressobj(0)
    return holding(packer.compress(data) + packer.flush(), b"/Filter/FlateDecode")


def length_elsewhere() -> bytes:
    given = b"<</Length 7 0 R>>stream\n%s\nendstream" % WORDS
    return written(contract({6: given, 7: b"%d" % len(WORDS)}))


TAKEN: dict[str, Callable[[], bytes]] = {
    "as they are": lambda: holding(WORDS),
    "compressed": lambda: stored(WORDS),
    "with their length elsewhere": length_elsewhere,
    "saved since": lambda: written({90: b"<</Note true>>"}, after=holding(WORDS)),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_the_data_of_a_stream_may_hold_the_words_of_a_file(kind: str) -> None:
    assert WORDS in TAKEN[kind]()
    assert is_taken(TAKEN[kind]())


def pointed_into() -> bytes:
    """A table entry leads into the data."""
    document = holding(WORDS)
    return document + section({12: document.index(b"12 0 obj")}, len(document), after=document)


def nowhere() -> bytes:
    document = holding(WORDS, more={**LOST, 900: b"null"})
    place = b"%010d 00000 n" % document.index(b"900 0 obj")
    return document.replace(place, b"0000000000 00000 n")


def overlapped() -> bytes:
    """Another object begins within the data, and ends with them."""
    inner = WORDS + b"8 0 obj\n<</Length 6>>stream\n"
    document = holding(inner)
    return document + section({8: document.index(b"8 0 obj\n<<")}, len(document), after=document)


UNSURE: dict[str, Callable[[], bytes]] = {
    "a length that is too short": lambda: holding(WORDS).replace(b"/Length %d>" % len(WORDS), b"/Length 9>"),
    "no length": lambda: holding(WORDS).replace(b"/Length %d>" % len(WORDS), b">"),
    "an end within": lambda: holding(WORDS + b"\nendstream\nendobj\n" + WORDS),
    "an entry that leads into it": pointed_into,
    "an object that overlaps it": overlapped,
    "a reference to nothing": lambda: holding(WORDS, more=LOST),
    "a reference to an entry that leads nowhere": nowhere,
    "an object beyond the size": lambda: re.sub(rb"/Size \d+", b"/Size 6", holding(WORDS)),
}


@pytest.mark.parametrize("kind", UNSURE)
def test_they_may_not_where_a_program_could_search_them(kind: str) -> None:
    assert not is_taken(UNSURE[kind]())


def unlisted(objects: dict[int, bytes]) -> bytes:
    """Another text of the page, as an object that no section lists."""
    document = written(contract(objects))
    place = document.index(b"xref\n0 1")
    table = document[place:].replace(b"startxref\n%d" % place, b"startxref\n%d" % (place + len(HIDDEN)))
    return document[:place] + HIDDEN + table


def linearised() -> bytes:
    """A file as long as it says, which has one section at its end and another one behind its first object."""
    objects, body, places = contract(), b"", dict[int, int]()
    first = b"10 0 obj\n<</Linearized 1/L %010d/H[0 0]/O 3/E 0/N 1/T 0>>\nendobj\n"
    behind = len(HEAD) + len(first % 0)
    room = len(section(dict.fromkeys((*objects, 10), 0), 0)) + 20
    for number, value in (*objects.items(), (-4, stream(OTHER_TEXT))):
        places[number] = behind + room + len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (abs(number), value)
    other = places.pop(-4)
    places[10] = len(HEAD)
    early = section(places | {4: other}, behind).ljust(room)
    document = HEAD + first % 0 + early + body
    document += section(places, len(document))
    return document.replace(first % 0, first % len(document))


READ_OTHERWISE: dict[str, Callable[[], bytes]] = {
    "a reference to nothing, and a text in a stream": lambda: holding(HIDDEN, more=LOST),
    "a reference to nothing, and a text that no section lists": partial(unlisted, LOST),
    "two beginnings": linearised,
}


@pytest.mark.parametrize("kind", READ_OTHERWISE)
def test_poppler_reads_it_otherwise_and_it_is_refused(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "document.pdf"
    place.write_bytes(READ_OTHERWISE[kind]())
    shown = subprocess.run(["pdftotext", str(place), "-"], check=True, capture_output=True).stdout
    assert b"900 euro" in shown
    assert not is_taken(place.read_bytes())


def _stating(entry: bytes, value: int) -> bytes:
    return re.sub(rb"(/%s) \d+" % entry, rb"\1 %d" % value, documents.linearised(), count=1)


def test_a_linearised_file_states_the_pages_that_it_has() -> None:
    assert is_taken(documents.linearised())
    (first,) = re.findall(rb"/O (\d+)", documents.linearised())
    other = int(first) + (1 if int(first) % 10 < 9 else -1)
    for altered in (_stating(b"N", 1), _stating(b"O", other)):
        assert len(altered) == len(documents.linearised())
        assert not is_taken(altered)
        assert is_taken(written({90: b"<</Note true>>"}, after=altered))  # nobody believes it any more


def test_a_reference_to_nothing_is_harmless_where_all_is_listed() -> None:
    document = written(contract(LOST))
    assert is_taken(document)
    assert is_taken(written({4: contract()[4]}, after=document))
