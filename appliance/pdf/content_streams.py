"""Everything that draws on the pages of a document: contents, forms, patterns, glyphs and the pictures of notes.

Each is looked at by :mod:`appliance.pdf.content_syntax` with the resources that apply to it (ISO 32000-2, 7.8.3).
The filters of old files that pyHanko lacks (7.4.4, 7.4.5) are added to it here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from pyhanko.pdf_utils import filters
from pyhanko.pdf_utils.decode_limits import check_output_size
from pyhanko.pdf_utils.filters import ASCII85Decode
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject
from pyhanko.pdf_utils.misc import PdfReadError, PdfStreamError

from appliance.errors import DocumentRefused
from appliance.pdf import geometry
from appliance.pdf.content_syntax import StreamCheck
from appliance.pdf.coordinates import LEAST, Limits, TooFar, form_limits, matrix_of, page_limits, picture_limits
from appliance.pdf.inline_images import NotPlain, require_own_ends
from appliance.pdf.line_caps import DegenerateLines
from appliance.pdf.plain_paints import DEVICE, components
from appliance.pdf.reader import decode_ascii85, decoded_name, entry
from appliance.pdf.thin_areas import visible_page

_DEEPEST = 20
"""Forms in forms; PDFium stops at some depth, others at another."""

_USUAL = (["/FlateDecode"], ["/ASCII85Decode", "/FlateDecode"])
_ASCII85 = ASCII85Decode()
_MOST_UNPACKED = 1 << 22
"""Bytes of a stream that are unpacked without pyHanko, which keeps account of all of them."""


def require_plain_contents(pages: Sequence[Any], document: bytes) -> None:
    """Raises DocumentRefused when programs may draw something on the *pages* of *document* differently."""
    look = _Look()
    for number, page in enumerate(pages, start=1):
        try:
            look.page(page)
        except TooFar as error:
            raise DocumentRefused(
                "odd-content",
                "Something on page {page} is drawn so far from the page, or so large or small, that programs may "
                "show it differently; save the document again, or print it to a new PDF first.",
                page=number,
            ) from error
        except NotPlain as error:
            raise DocumentRefused(
                "odd-content",
                "What is drawn on page {page} breaks the rules of PDF, and programs may show it differently; save "
                "the document again, or print it to a new PDF first.",
                page=number,
            ) from error
    thin = visible_page(document, LEAST) if look.thin else None
    if thin is not None:
        raise DocumentRefused(
            "odd-content",
            "Page {page} shows lines that are areas without height or width, which many programs do not draw; "
            "save the document again, or print it to a new PDF first.",
            page=thin,
        )


class _Look:
    """One look at a document; what was found plain is remembered."""

    def __init__(self) -> None:
        self._depths: dict[Any, tuple[int, Limits]] = {}
        self._open: set[Any] = set()
        self._resources: dict[Any, _Resources] = {}
        self._without: set[int] = set()
        self._degenerate = DegenerateLines()
        self.thin = False

    def page(self, page: Any) -> None:
        """What *page* shows."""
        limits, origin = page_limits(page)
        resources = self._of(geometry.inherited(page, "/Resources"), _NONE)
        parts = [_unpacked(each) for each in _parts(entry(page, "/Contents"))]
        joints = [each - 1 for each in accumulate(len(part) + 1 for part in parts)][:-1]
        check = StreamCheck(b"\n".join(parts), resources, joints=joints, limits=limits, matrix=origin)
        self._run(check)
        self._below(check, resources)
        for note, picture in _pictures(entry(page, "/Annots")):
            self._stream(picture, resources, picture_limits(limits, origin, note, picture)._replace(apart=True))
        if not self._degenerate.are_alike():
            raise NotPlain("a line without length in a form")

    def _run(self, check: StreamCheck) -> None:
        check.run()
        if check.images:
            require_own_ends(check.images)
        self._degenerate.add(check.degenerate)
        self.thin |= check.thin

    def _below(self, check: StreamCheck, resources: _Resources) -> int:
        """How deep that goes which the content of *check* draws."""
        deepest = 0
        for (kind, name), used in check.used.items():
            if id(used) in self._without:
                continue
            limits = check.limits.get((kind, name), Limits())
            streams = list(_streams(kind, used))
            if not streams:
                self._without.add(id(used))
            for stream, font in streams:
                outer = resources if font is None else self._of(entry(font, "/Resources"), resources)
                inner = limits if font is None else limits.under(matrix_of(font, "/FontMatrix"))
                inner = inner._replace(apart=inner.apart or kind != "/XObject")
                deepest = max(deepest, 1 + self._stream(stream, outer, inner, glyph=font is not None))
        if deepest > _DEEPEST:
            raise NotPlain("forms in forms")
        return deepest

    def _stream(self, stream: Any, outer: _Resources, limits: Limits, *, glyph: bool = False) -> int:
        resources = self._of(entry(stream, "/Resources"), outer)
        key = (id(stream), id(resources), glyph)
        if key in self._open:
            raise NotPlain("a form in itself")
        limits = limits if glyph else form_limits(limits, stream)
        depth, before = self._depths.get(key, (0, None))
        if before is None or before.both(limits) != before:  # looked at again where there is less room
            limits = limits if before is None else before.both(limits).coarser()
            self._open.add(key)
            check = StreamCheck(_unpacked(stream), resources, inside=True, glyph=glyph, limits=limits)
            self._run(check)
            depth = self._below(check, resources)
            self._depths[key] = depth, limits
            self._open.discard(key)
        return depth

    def _of(self, own: Any, outer: _Resources) -> _Resources:
        """The resources that apply: those of its own, where there are any (7.8.3)."""
        if not isinstance(own, DictionaryObject):
            return outer
        return self._resources.setdefault(id(own), _Resources(own))


class _Resources:
    """The resources of a page, form, pattern or font."""

    def __init__(self, dictionary: Any) -> None:
        self._dictionary = dictionary
        self._found: dict[tuple[str, bytes], Any] = {}

    def find(self, kind: str, name: bytes) -> Any:
        """The resource of that *name*."""
        if (kind, name) not in self._found:
            self._found[kind, name] = self._sought(kind, name)
        return self._found[kind, name]

    def _sought(self, kind: str, name: bytes) -> Any:
        kinds = entry(self._dictionary, kind)
        found = entry(kinds, _decoded(name)) if isinstance(kinds, DictionaryObject) else None
        if kind == "/ColorSpace":
            expected: Any = NameObject | ArrayObject
        else:
            expected = StreamObject if kind == "/XObject" else DictionaryObject
        if not isinstance(found, expected):
            raise NotPlain(f"no {kind} {name!r}")
        return found

    def components(self, name: bytes) -> int:
        """How many numbers make a colour in the colour space of that *name*."""
        if not name.startswith(b"/"):
            raise NotPlain("a colour space without name")
        known = DEVICE.get(_decoded(name))
        return components(self.find("/ColorSpace", name)) if known is None else known


_NONE = _Resources(DictionaryObject())


def _decoded(name: bytes) -> str:
    try:
        return decoded_name(name[1:])
    except PdfReadError as error:
        raise NotPlain("a name") from error


def _unpacked(stream: Any) -> bytes:
    """The data of *stream*. The usual filters are undone here: pyHanko takes longer for that than the look."""
    if not stream.encoded_data:
        return b""
    kind = entry(stream, "/Filter")
    kinds = list(kind) if isinstance(kind, ArrayObject) else [kind]
    if "/DecodeParms" in stream or kinds not in _USUAL:
        return bytes(stream.data)
    unpacked, data = zlib.decompressobj(), stream.encoded_data
    try:
        data = data if len(kinds) == 1 else decode_ascii85(_ASCII85, data)
        found = unpacked.decompress(data, _MOST_UNPACKED)
    except (zlib.error, ValueError):
        return bytes(stream.data)
    return found if unpacked.eof else bytes(stream.data)


def _parts(contents: Any) -> Iterator[Any]:
    """The streams of /Contents (7.7.3.3)."""
    if isinstance(contents, StreamObject):
        yield contents
    elif isinstance(contents, ArrayObject):
        for each in contents:
            part = each.get_object() if isinstance(each, IndirectObject) else each
            if isinstance(part, StreamObject):
                yield part


def _pictures(annotations: Any) -> Iterator[tuple[Any, Any]]:
    """Notes and fields, and each of their appearances, in every state (12.5.5)."""
    if not isinstance(annotations, ArrayObject):
        return
    for index in range(len(annotations)):
        note = annotations[index]
        pictures = entry(note, "/AP") if isinstance(note, DictionaryObject) else None
        for key in pictures if isinstance(pictures, DictionaryObject) else ():
            picture = entry(pictures, key)
            if isinstance(picture, StreamObject):
                yield note, picture
            elif isinstance(picture, DictionaryObject):
                states = (entry(picture, state) for state in picture)
                yield from ((note, each) for each in states if isinstance(each, StreamObject))


def _streams(kind: str, used: Any) -> Iterator[tuple[Any, Any]]:
    """The content streams behind a resource, and of glyphs their font."""
    if (kind == "/XObject" and entry(used, "/Subtype") == "/Form") or (
        kind == "/Pattern" and isinstance(used, StreamObject)
    ):
        yield used, None
    elif kind == "/Font" and entry(used, "/Subtype") == "/Type3":
        glyphs = entry(used, "/CharProcs", {})
        for each in glyphs:
            if isinstance(glyphs[each], StreamObject):
                yield glyphs[each], used
    elif kind == "/ExtGState":
        mask, font = entry(used, "/SMask"), entry(used, "/Font")
        group = entry(mask, "/G") if isinstance(mask, DictionaryObject) else None
        if isinstance(group, StreamObject):
            yield group, None
        if isinstance(font, ArrayObject) and len(font) and isinstance(font[0], DictionaryObject):
            yield from _streams("/Font", font[0])


_CLEAR, _END, _NARROWEST, _WIDEST = 256, 257, 9, 12
_END_OF_RUNS = 128
_FIRST = [bytes([each]) for each in range(256)] + [b"", b""]


class LzwDecode(filters.Decoder):
    """LZW without a predictor, as contents are packed."""

    def decode_bounded(self, data: bytes, decode_params: Any, max_output_size: int | None) -> bytes:
        """What *data* unpacks to. Raises PdfStreamError for broken data."""
        if int(decode_params.get("/Predictor", 1)) > 1:
            raise NotImplementedError("LZW with a predictor is not supported.")
        early = int(decode_params.get("/EarlyChange", 1))
        unpacked, table, last = bytearray(), list(_FIRST), b""
        width, held, bits = _NARROWEST, 0, 0
        for byte in data:
            held, bits = (held << 8 | byte) & 0xFFFFF, bits + 8
            if bits < width:
                continue
            bits -= width
            code = held >> bits & (1 << width) - 1
            if code == _END:
                return bytes(unpacked)
            if code == _CLEAR:
                table, last, width = list(_FIRST), b"", _NARROWEST
                continue
            if code > len(table) or (code == len(table) and not last):
                break
            found = table[code] if code < len(table) else last + last[:1]
            if last and len(table) < 1 << _WIDEST:
                table.append(last + found[:1])
            unpacked += found
            check_output_size(len(unpacked), max_output_size)
            last = found
            width = min(max((len(table) + early).bit_length(), _NARROWEST), _WIDEST)
        raise PdfStreamError("LZW data are broken.")


class RunLengthDecode(filters.Decoder):
    """Runs of equal bytes."""

    def decode_bounded(self, data: bytes, decode_params: Any, max_output_size: int | None) -> bytes:
        """What *data* unpacks to. Raises PdfStreamError for broken data."""
        unpacked, place = bytearray(), 0
        while place < len(data):
            length = data[place]
            if length == _END_OF_RUNS:
                return bytes(unpacked)
            if length < _END_OF_RUNS:
                unpacked += data[place + 1 : place + length + 2]
                place += length + 2
            else:
                unpacked += data[place + 1 : place + 2] * (257 - length)
                place += 2
            check_output_size(len(unpacked), max_output_size)
        raise PdfStreamError("Run-length data are broken.")


filters.DECODERS |= dict.fromkeys(("/LZWDecode", "/LZW"), LzwDecode)
filters.DECODERS |= dict.fromkeys(("/RunLengthDecode", "/RL"), RunLengthDecode)
