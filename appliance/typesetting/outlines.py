"""Typefaces embedded as bare outlines of the glyphs that a PDF shows (ISO 32000-2, 9.7.4.2 and 9.9.2).

WeasyPrint embeds an OpenType file that keeps a place for each of the 65,535 glyphs of a Chinese typeface: 140 KB
each after packing, for a few letters too. Programs need none of its tables but the outlines: in a typeface that is
CID-keyed these know the numbers of their glyphs. Only inside the process that typesets: this imports WeasyPrint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from fontTools.cffLib import CFFFontSet
from weasyprint.pdf import stream
from weasyprint.pdf.fonts import Font
from weasyprint.text.ffi import ffi, harfbuzz, harfbuzz_subset

_OUTLINES = "CFF "
_NEEDED = frozenset({_OUTLINES, "head", "maxp"})
"""Tables without which HarfBuzz takes no outlines out."""
_OPENTYPE, _BARE = "/OpenType", "/CIDFontType0C"


class BareFont(Font):  # type: ignore[misc]  # WeasyPrint has no types
    """A typeface in a PDF that WeasyPrint writes: bare outlines where it is CID-keyed, else as WeasyPrint does."""

    bare = False

    def subset(self, to_unicode: Mapping[int, str], hinting: bool) -> None:
        """Keep the glyphs of *to_unicode* alone."""
        outlines = None
        if to_unicode and not self.missing and _OUTLINES in self.tables and harfbuzz_subset:
            outlines = _outlines(self.hb_face, self.tables, sorted({0, *to_unicode}))
        if outlines is None:
            super().subset(to_unicode, hinting)
        else:
            self.file_content, self.bare = outlines, True

    @property
    def type(self) -> str:
        """``otf`` for outlines of that kind, bare ones too, else ``ttf``."""
        return "otf" if self.bare else str(super().type)


def _outlines(face: Any, tables: Sequence[str], glyphs: Sequence[int]) -> bytes | None:
    """The outlines of *glyphs* (numbers in order) of the typeface *face*; None where they would not be found by
    their numbers."""
    wanted = ffi.gc(harfbuzz_subset.hb_subset_input_create_or_fail(), harfbuzz_subset.hb_subset_input_destroy)
    harfbuzz_subset.hb_subset_input_set_flags(wanted, harfbuzz_subset.HB_SUBSET_FLAGS_DESUBROUTINIZE)
    _fill(harfbuzz_subset.hb_subset_input_glyph_set(wanted), glyphs)
    left_out = [harfbuzz.hb_tag_from_string(each.encode(), -1) for each in tables if each not in _NEEDED]
    kind = harfbuzz_subset.HB_SUBSET_SETS_DROP_TABLE_TAG
    _fill(harfbuzz_subset.hb_subset_input_set(wanted, kind), sorted(left_out))
    subset = ffi.gc(harfbuzz_subset.hb_subset_or_fail(face, wanted), harfbuzz.hb_face_destroy)
    return _of_numbered(_table(subset), glyphs) if subset else None


def _fill(place: Any, numbers: Sequence[int]) -> None:
    harfbuzz.hb_set_add_sorted_array(place, ffi.new("hb_codepoint_t[]", numbers), len(numbers))


def _table(face: Any) -> bytes:
    """The outlines in *face*."""
    tag = harfbuzz.hb_tag_from_string(_OUTLINES.encode(), -1)
    blob = ffi.gc(harfbuzz.hb_face_reference_table(face, tag), harfbuzz.hb_blob_destroy)
    length = ffi.new("unsigned int *")
    data = harfbuzz.hb_blob_get_data(blob, length)
    return b"" if data == ffi.NULL else bytes(ffi.buffer(data, length[0]))


def _of_numbered(outlines: bytes, glyphs: Sequence[int]) -> bytes | None:
    """*outlines* when they are CID-keyed, and each glyph has the number that it had in the typeface; else None."""
    if not outlines:
        return None
    read = CFFFontSet()
    read.decompile(BytesIO(outlines), None)
    top = read[0]
    names = [".notdef", *(f"cid{number:05}" for number in glyphs[1:])]
    return outlines if hasattr(top, "ROS") and list(top.charset) == names else None


def embed_outlines() -> None:
    """Have WeasyPrint write all PDFs of this process so; each is then to be finished by :func:`name_outlines`."""
    stream.Font = BareFont


def name_outlines(_document: object, pdf: Any) -> None:
    """Say of the bare outlines in *pdf* what they are; WeasyPrint calls it before it writes the file."""
    for each in pdf.objects:
        extra = getattr(each, "extra", {})
        if extra.get("Subtype") == _OPENTYPE and not each.stream[0].startswith(b"OTTO"):
            extra["Subtype"] = _BARE
