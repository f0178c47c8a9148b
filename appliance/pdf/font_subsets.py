"""Text set in a typeface and embedded as a subset: what a PDF needs to show and to copy it (9.7, 9.10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import uharfbuzz
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, StreamObject

from appliance.errors import DocumentRefused
from appliance.pdf.incremental_updates import IncrementalUpdate, compressed, dictionary
from appliance.pdf.typefaces import Typeface

_SYMBOLIC = 1 << 2


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph of a set line: its number in the face, advance in thousandths of an em, and the text it shows."""

    number: int
    advance: float
    text: str


@dataclass(frozen=True, slots=True)
class GlyphLine:
    """A set line of text; ``width`` in thousandths of an em."""

    glyphs: tuple[Glyph, ...]

    @property
    def width(self) -> float:
        return sum(glyph.advance for glyph in self.glyphs)

    def shown(self) -> bytes:
        """The operand of ``Tj``: two bytes a glyph."""
        return b"<" + b"".join(b"%04X" % glyph.number for glyph in self.glyphs) + b">"


def set_line(typeface: Typeface, text: str) -> GlyphLine:
    """*text* in *typeface*, one glyph a character.

    Raises DocumentRefused, naming them, when the face lacks characters: nothing is ever shown as an empty box.
    """
    numbers = [(typeface.font.get_nominal_glyph(ord(character)) or 0, character) for character in text]
    missing = "".join(sorted({character for number, character in numbers if number == 0}))
    if missing:
        raise DocumentRefused(
            "no-glyph",
            "The typeface {typeface} has no picture of the characters {characters}; write the name differently.",
            typeface=typeface.postscript_name,
            characters=missing,
        )
    scale = 1000 / typeface.units
    return GlyphLine(
        tuple(
            Glyph(number, typeface.font.get_glyph_h_advance(number) * scale, character)
            for number, character in numbers
        )
    )


@dataclass(slots=True)
class FontSubset:
    """The font of one appearance: collects the glyphs of its lines, then embeds them and no others."""

    typeface: Typeface
    used: dict[int, Glyph] = field(default_factory=dict)

    def line(self, text: str) -> GlyphLine:
        """*text* set, its glyphs noted for embedding."""
        line = set_line(self.typeface, text)
        self.used.update((glyph.number, glyph) for glyph in line.glyphs)
        return line

    def embed(self, revision: IncrementalUpdate) -> Any:
        """Add the Type 0 font to *revision*; its reference. Character codes are glyph numbers (Identity-H)."""
        name = f"/VRMLNA+{self.typeface.postscript_name}"
        return revision.add_object(
            dictionary(
                Type="/Font",
                Subtype="/Type0",
                BaseFont=name,
                Encoding="/Identity-H",
                DescendantFonts=[revision.add_object(self._descendant(revision, name))],
                ToUnicode=revision.add_object(compressed(self._to_unicode())),
            )
        )

    def _descendant(self, revision: IncrementalUpdate, name: str) -> DictionaryObject:
        widths = ArrayObject()
        for number, glyph in sorted(self.used.items()):
            widths += [NumberObject(number), ArrayObject([NumberObject(round(glyph.advance))])]
        return dictionary(
            Type="/Font",
            Subtype="/CIDFontType0",
            BaseFont=name,
            CIDSystemInfo={"Registry": "Adobe", "Ordering": "Identity", "Supplement": 0},
            FontDescriptor=revision.add_object(self._descriptor(revision, name)),
            DW=1000,
            W=widths,
        )

    def _descriptor(self, revision: IncrementalUpdate, name: str) -> DictionaryObject:
        ascent = round(self.typeface.ascender * 1000 / self.typeface.units)
        descent = round(self.typeface.descender * 1000 / self.typeface.units)
        return dictionary(
            Type="/FontDescriptor",
            FontName=name,
            Flags=_SYMBOLIC,
            FontBBox=(-1000, descent, 3000, ascent),
            ItalicAngle=0,
            Ascent=ascent,
            Descent=descent,
            CapHeight=733,
            StemV=80,
            FontFile3=revision.add_object(self._outlines()),
        )

    def _outlines(self) -> StreamObject:
        """The subset as bare CFF (9.9.2). Numbers stay: the face is CID-keyed, its CIDs are its glyph numbers."""
        wanted = uharfbuzz.SubsetInput()
        wanted.glyph_set.update(self.used)
        wanted.flags = uharfbuzz.SubsetFlags.DESUBROUTINIZE
        subset = uharfbuzz.subset(self.typeface.outlines, wanted)
        stream = compressed(subset.reference_table("CFF ").data)
        stream.update(dictionary(Subtype="/CIDFontType0C"))
        return stream

    def _to_unicode(self) -> bytes:
        pairs = [
            b"<%04X> <%s>" % (number, glyph.text.encode("utf-16-be").hex().upper().encode())
            for number, glyph in sorted(self.used.items())
        ]
        chunks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
        body = b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(chunk), b"\n".join(chunk)) for chunk in chunks)
        return _TO_UNICODE_HEAD + body + _TO_UNICODE_TAIL


_TO_UNICODE_HEAD = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
"""
_TO_UNICODE_TAIL = b"""
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
