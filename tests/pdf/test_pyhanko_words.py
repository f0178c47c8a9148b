"""Our functions in place of pyHanko's slow ones say what those say, whatever the bytes are."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from pyhanko.pdf_utils import generic, misc

from appliance.pdf import reader

_LIKELY = some.lists(some.sampled_from([b"abc", b"#41", b"#", b"/", b" ", b"%", b"(", b"\xe4", b"0.1"]))
_BYTES = some.binary(max_size=100) | _LIKELY.map(b"".join)


def told(function: Callable[..., Any], *given: Any) -> Any:
    """The result with its type, or the error with its words."""
    try:
        result = function(*given)
    except (misc.PdfError, UnicodeError, StopIteration) as error:
        return type(error), str(error)
    return type(result), result


def word_by_pyhanko(ends: bytes, stream: BytesIO, maxchars: int | None) -> tuple[bytes, bool]:
    """As pyHanko reads it, byte by byte."""
    found = b""
    while maxchars is None or len(found) < maxchars:
        byte = stream.read(1)
        if not byte:
            return found, True
        if byte in ends:
            break
        found += byte
    return found, False


@given(_BYTES, some.booleans(), some.none() | some.integers(1, 80), some.integers(0, 3))
def test_words(data: bytes, names: bool, maxchars: int | None, start: int) -> None:
    ends = misc.PDF_WHITESPACE + (misc.PDF_DELIMITERS if names else b"")
    ours, theirs = BytesIO(data), BytesIO(data)
    ours.seek(start)
    theirs.seek(start)
    assert reader.read_word(ends, ours, maxchars) == word_by_pyhanko(ends, theirs, maxchars)
    assert ours.tell() == theirs.tell()


@given(_BYTES)
def test_names_read(data: bytes) -> None:
    assert told(reader.decoded_name, data) == told(reader._decoded, data)


@given(_BYTES, some.sampled_from(["/", ""]))
def test_names_written(data: bytes, first: str) -> None:
    name = generic.NameObject(first + data.decode("latin-1"))
    ours, theirs = BytesIO(), BytesIO()
    assert told(reader.write_name, name, ours) == told(reader._written, name, theirs)
    assert ours.getvalue() == theirs.getvalue()
