"""Files that are built to exhaust or bring down their reader: the engine answers, with a reason, and goes on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import pytest

from appliance.verification import Indication
from hsm import der
from tests.attacks.registry import Attempt
from tests.attacks.victims import approved
from tests.attacks.writing import HEAD, contract, signed_by_hand, stream, written
from tests.offline_verifier.engine import OfflineEngine, started

MILLION = 1_000_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineEngine]:
    with started(tmp_path_factory.mktemp("engine")) as running:
        yield running


def nested(count: int) -> bytes:
    """An element of BER with *count* of indefinite length inside each other."""
    return b"\x30\x80" * count + b"\0\0" * count


def packed_bomb() -> bytes:
    """An object stream that decodes to a hundred megabytes."""
    data = zlib.compress(bytes(100 * MILLION), 9)
    return written({9: stream(data, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")}, after=written(contract()))


def section_at_itself() -> bytes:
    document = approved()
    place = document.rindex(b"startxref")
    start = int(document[place:].split()[1])
    return document[:place].replace(b"/Prev ", b"/Prev %d%%" % start) + document[place:]


def tree_in_itself() -> bytes:
    """Fields that are their own kids."""
    form = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[8 0 R]>>>>"
    return written(contract({1: form, 8: b"<</T(a)/Kids[9 0 R]>>", 9: b"<</T(b)/Kids[8 0 R]>>"}))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "arrays inside each other": lambda: written(contract({9: b"[" * MILLION + b"]" * MILLION})),
    "dictionaries inside each other": lambda: written(contract({9: b"<</A" * MILLION + b" 0" + b">>" * MILLION})),
    "brackets in a string": lambda: written(contract({9: b"(" * MILLION + b")" * MILLION})),
    "an endless comment": lambda: written(contract({9: b"%" * MILLION})),
    "an endless name": lambda: written(contract({9: b"/" + b"A" * MILLION})),
    "an endless number": lambda: written(contract({9: b"1" * MILLION})),
    "names that begin like ByteRange": lambda: written(contract({9: stream(b"/#42yteRang/By" * MILLION)})),
    "ByteRanges without end": lambda: written(contract({9: stream(b"/ByteRange [0 1 2 3]" * 5000)})),
    "a section that follows itself": section_at_itself,
    "a table of a billion rows": lambda: written(contract()).replace(b"xref\n0 ", b"xref\n0 999999999"),
    "a hundred megabytes in an object stream": packed_bomb,
    "a tree of fields in itself": tree_in_itself,
    "BER inside itself": lambda: signed_by_hand(lambda _: nested(4000), room=40000),
    "BER of very many elements": lambda: signed_by_hand(
        lambda _: b"\x30\x80" + b"\x05\0" * MILLION + b"\0\0", room=MILLION * 4 + 50
    ),
    "DER inside itself": lambda: signed_by_hand(
        lambda _: der.element(der.SEQUENCE, der.element(der.SEQUENCE, b"\x30\x00" * 20000)), room=100000
    ),
    "a header alone": lambda: HEAD,
    "nothing": lambda: b"",
    "zeros": lambda: bytes(MILLION),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_engine_answers_and_goes_on(engine: OfflineEngine, name: str) -> None:
    answer = engine.ask(HOSTILE[name]())
    assert answer.indication is not Indication.PASSED
    assert answer.reasons
    assert engine.ask(approved()).indication is Indication.PASSED


@pytest.mark.parametrize("token", [b"", b"\x30", b"\x30\x80" * 500, b"\x30\x84\xff\xff\xff\xff", nested(500)])
def test_what_is_no_timestamp_is_undecided(engine: OfflineEngine, token: bytes) -> None:
    answer = engine.ask(Attempt(token, data=b"data"))
    assert answer.indication is Indication.INDETERMINATE
    assert answer.reasons
