"""Reading a PDF with pyHanko: refused when encrypted, strict or lax, and without what is slow in it: quadratic
object streams, and names, other words, strings, references in arrays and base 85 byte by byte.

Cross-reference streams are read to the end of their bytes, whatever number of entries they claim. pyHanko, when it
is not strict or the entries have no width, makes entries up until the claimed number is reached: a stream that
claims two thousand million (ISO 32000-2, 7.5.8.2, /Index, /Size, /W) keeps it busy for an hour. It has no place to
say otherwise, so its functions are exchanged for ours, which say the same; whoever reads with pyHanko imports this
module first.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

from pyhanko.pdf_utils import filters, generic, misc, xref
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.errors import DocumentRefused

_UNREADABLE = (PdfError, LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)

_SPACE = b"\x00\t\n\x0c\r "


class PdfReader(PdfFileReader):
    """pyHanko's reader, which for every compressed object reads the whole directory of its stream anew: 4 s for
    300 pages. Here each directory is read once."""

    def __init__(self, stream: BytesIO, *, strict: bool) -> None:
        super().__init__(stream, strict=strict)
        self._directories: dict[int, tuple[bytes, dict[int, int]]] = {}

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        if stmnum not in self._directories:
            self._directories[stmnum] = self._directory(stmnum)
        content, offsets = self._directories[stmnum]
        if idnum not in offsets:
            return self._damaged(f"object {idnum} is not in its object stream {stmnum}")
        stream = BytesIO(content)
        stream.seek(offsets[idnum])
        value = generic.read_object(stream, generic.Reference(idnum, 0, self))
        if isinstance(value, generic.StreamObject | generic.IndirectObject):
            return self._damaged(f"object {idnum} is of a kind that object streams cannot hold")
        return value

    def _directory(self, number: int) -> tuple[bytes, dict[int, int]]:
        """The unpacked object stream (7.5.7) and where in it each object starts."""
        stream = generic.Reference(number, 0, self).get_object()
        if not isinstance(stream, generic.StreamObject) or stream["/Type"] != "/ObjStm":
            raise PdfReadError(f"object {number} is not an object stream")
        content = stream.read_data(DecodePurpose.OBJECT_STREAM)
        first, count = int(stream["/First"]), int(stream["/N"])
        numbers = [int(word) for word in content[:first].split()[: 2 * count]]
        offsets: dict[int, int] = {}
        for identity, offset in zip(numbers[::2], numbers[1::2], strict=True):
            start = first + offset
            while content[start : start + 1] and content[start] in _SPACE:
                start += 1
            if identity in offsets:
                raise PdfReadError(f"object {identity} is in object stream {number} twice")
            offsets[identity] = start
        return content, offsets

    def _damaged(self, what: str) -> generic.NullObject:
        if self.strict:
            raise PdfReadError(what)
        return generic.NullObject()


def read_pdf(document: bytes, *, strict: bool = False) -> PdfReader:
    """A reader of *document*. Raises DocumentRefused when it is encrypted, pyHanko's errors when it is broken.

    Not strict by default: a reference to nothing means null (7.3.10), which strict mode takes for an error.
    """
    reader = PdfReader(BytesIO(document), strict=strict)
    if reader.encrypted:
        raise DocumentRefused(
            "encrypted", "The document is encrypted; save it without a password or restrictions and try again."
        )
    return reader


def entry(dictionary: Any, key: str, default: Any = None) -> Any:
    """The value of *key* with references followed (``get`` does not); *default* when absent or null."""
    if key not in dictionary:
        return default
    try:
        value = dictionary[key]
    except KeyError:  # pyHanko's, of null
        return default
    return default if isinstance(value, generic.NullObject) else value


def number_in(reader: Any, number: int, generation: int) -> int | None:
    """The number that an object holds as *reader* finds it, None for anything else."""
    try:
        value = reader.get_object(generic.Reference(number, generation, reader))
    except _UNREADABLE:
        return None
    return int(value) if isinstance(value, int) else None


_unbounded = xref.parse_xref_stream


def entries(xref_stream: generic.StreamObject, strict: bool = True) -> Iterator[xref.XRefEntry]:
    """The entries of *xref_stream*, no more than its bytes hold. Raises PdfReadError where they have no width."""
    width = sum(int(each) for each in xref_stream["/W"])
    if width < 1:
        raise PdfReadError("a cross-reference stream whose entries have no width")
    held: int | None = None
    for count, entry in enumerate(_unbounded(xref_stream, strict), start=1):
        if held is None:
            held = len(xref_stream.read_data(DecodePurpose.XREF_STREAM)) // width  # decoded by now, and kept
        if count > held:
            return
        yield entry


xref.parse_xref_stream = entries

_SUBSECTION = re.compile(rb"[\x00\t\n\x0c\r ]*(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)")
_ENTRIES = re.compile(rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*+")
_ENTRY = 20
_TRAILER = re.compile(rb"[\x00\t\n\x0c\r ]*trailer")
_read_one_by_one = xref.parse_xref_table


def table_entries(stream: BinaryIO, strict: bool) -> Iterator[xref.XRefEntry]:
    """The entries of the cross-reference table that begins where *stream* is, which is left at the trailer's
    dictionary (7.5.4). A table of the usual form is not read piece by piece: 2 s for 100,000 entries."""
    start = stream.tell()
    plain = _plain_table(stream.getvalue(), start) if isinstance(stream, BytesIO) else None
    if plain is None:
        yield from _read_one_by_one(stream, strict)
        return
    found, end = plain
    yield from found
    stream.seek(end)
    misc.read_non_whitespace(stream)
    stream.seek(-1, os.SEEK_CUR)


def _plain_table(data: bytes, place: int) -> tuple[list[xref.XRefEntry], int] | None:
    """The entries and where the keyword after them ends; None for a table of another form."""
    found: list[xref.XRefEntry] = []
    while header := _SUBSECTION.match(data, place):
        first, end = int(header[1]), header.end() + _ENTRY * int(header[2])
        if _ENTRIES.match(data, header.end(), end).end() != end:  # type: ignore[union-attr]  # it matches nothing, too
            return None
        found += map(_entry, range(first, first + int(header[2])), _pieces(data, header.end(), end))
        place = end
    trailer = _TRAILER.match(data, place)
    return (found, trailer.end()) if trailer and found else None


def _pieces(data: bytes, start: int, end: int) -> Iterator[bytes]:
    return (data[place : place + _ENTRY] for place in range(start, end, _ENTRY))


def _entry(number: int, text: bytes) -> xref.XRefEntry:
    used = text[17:18] == b"n"
    kind = xref.XRefType.STANDARD if used else xref.XRefType.FREE
    return xref.XRefEntry(kind, int(text[:10]) if used else None, number, int(text[11:16]))


xref.parse_xref_table = table_entries

_PLAIN_NAME = re.compile(rb"[^\x00-\x20\x7f-\xff()<>\[\]{}/%#]*")
_WORD_ENDS = {
    ends: re.compile(b"[" + re.escape(ends) + b"]")
    for ends in (misc.PDF_WHITESPACE, misc.PDF_WHITESPACE + misc.PDF_DELIMITERS)
}
_CHUNK = 32
"""Most words are shorter."""

_decoded, _written = generic._decode_name, generic.NameObject.write_to_stream


def read_word(class_chars: bytes, stream: BinaryIO, maxchars: int | None = None) -> tuple[bytes, bool]:
    """The bytes before the first one of *class_chars*, which is read too, but *maxchars* at most; and whether the
    stream ended first."""
    found = b""
    while maxchars is None or len(found) < maxchars:
        chunk = stream.read(_CHUNK if maxchars is None else min(_CHUNK, maxchars - len(found)))
        if not chunk:
            return found, True
        end = _WORD_ENDS[class_chars].search(chunk)
        if end is not None:
            stream.seek(end.end() - len(chunk), os.SEEK_CUR)
            return found + chunk[: end.start()], False
        found += chunk
    return found, False


def decoded_name(name_bytes: bytes) -> generic.NameObject:
    """The name that is written as *name_bytes* after its solidus."""
    if _PLAIN_NAME.fullmatch(name_bytes):
        return generic.NameObject("/" + name_bytes.decode())
    return _decoded(name_bytes)


def write_name(name: generic.NameObject, stream: BinaryIO, handler: Any = None, container_ref: Any = None) -> None:
    """Write *name* to *stream*."""
    encoded = name.encode()
    if encoded[:1] == b"/" and _PLAIN_NAME.fullmatch(encoded, 1):
        stream.write(encoded)
    else:
        _written(name, stream, handler, container_ref)


_STRING_PART = re.compile(rb"[^()\\]*")
_read_string = generic._read_string_literal_bytes


def read_string(stream: BinaryIO) -> bytes:
    """The bytes of the literal string that begins where *stream* is (7.3.4.2). One without escapes and parentheses
    is not read byte by byte."""
    start, found = stream.tell(), b""
    stream.seek(1, os.SEEK_CUR)
    while chunk := stream.read(_CHUNK):
        end = _STRING_PART.match(chunk).end()  # type: ignore[union-attr]  # it matches nothing, too
        found += chunk[:end]
        if chunk[end : end + 1] == b")":
            stream.seek(end + 1 - len(chunk), os.SEEK_CUR)
            return found
        if end < len(chunk):
            break
    stream.seek(start)
    return _read_string(stream)


_REFERENCES = re.compile(rb"(?:[ \t\n\r\x0c]*+[1-9]\d{0,9}[ \n\r]\d{1,5}[ \n\r]R(?=[ \t\n\r\x0c\]]))*+")
_MANY = 16 * 1024


def read_array(
    stream: BinaryIO,
    container_ref: Any,
    in_content_stream: generic.ContentOpReading = generic.ContentOpReading.NO,
) -> generic.ArrayObject:
    """The array that begins where *stream* is (7.3.6). References with which it begins are not read byte by byte:
    a page may have thousands of annotations, and an element of the structure 100,000 kids."""
    array = generic.ArrayObject()
    if stream.read(1) != b"[":
        raise PdfReadError("Could not read array")
    if in_content_stream == generic.ContentOpReading.NO:
        for number, generation in _references(stream):
            reference = generic.IndirectObject(number, generation, container_ref.get_pdf_handler())
            reference.container_ref = container_ref
            array.append(reference)
    while misc.read_non_whitespace(stream) != b"]":
        stream.seek(-1, os.SEEK_CUR)
        array.append(generic.read_object(stream, container_ref, in_content_stream=in_content_stream))
    return array


def _references(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """The references, plainly written, that come next in *stream*, which is left behind them."""
    size = _CHUNK
    while chunk := stream.read(size):
        end = _REFERENCES.match(chunk).end()  # type: ignore[union-attr]  # it matches nothing, too
        stream.seek(end - len(chunk), os.SEEK_CUR)
        if not end:
            return
        words = chunk[:end].split()
        yield from zip(map(int, words[::3]), map(int, words[1::3]), strict=True)
        size = _MANY


misc._read_until_class = read_word
generic._read_string_literal_bytes = read_string
generic.ArrayObject.read_from_stream = staticmethod(read_array)  # type: ignore[method-assign]
generic._decode_name = decoded_name
generic.NameObject.write_to_stream = write_name  # type: ignore[method-assign, assignment]

_PLAIN_ASCII85 = re.compile(rb"([!-u]*)~>")
_DIGITS = bytes(max(0, min(each - 33, 84)) for each in range(256))
_GROUP = 5

_decoded_ascii85: Any = filters.ASCII85Decode.decode


def decode_ascii85(self: filters.ASCII85Decode, data: bytes, decode_params: Any = None) -> bytes:
    """What *data* is in base 85 (ISO 32000-2, 7.4.3)."""
    found = _PLAIN_ASCII85.fullmatch(data.translate(None, _SPACE))
    if found is None or len(found[1]) % _GROUP == 1:
        return bytes(_decoded_ascii85(self, data, decode_params))
    lacking = -len(found[1]) % _GROUP
    digits = iter((found[1] + b"u" * lacking).translate(_DIGITS))
    groups = [
        (((a * 85 + b) * 85 + c) * 85 + d) * 85 + e for a, b, c, d, e in zip(*[digits] * _GROUP, strict=True)
    ]
    if groups and max(groups) >= 1 << 32:
        return bytes(_decoded_ascii85(self, data, decode_params))
    return struct.pack(f">{len(groups)}I", *groups)[: 4 * len(groups) - lacking]


filters.ASCII85Decode.decode = decode_ascii85  # type: ignore[method-assign]
