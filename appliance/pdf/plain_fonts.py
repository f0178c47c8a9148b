"""Fonts whose dictionaries have programs show other letters, though the font itself is the same (ISO 32000-2, 9.6
and 9.7). What is in a font file is not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fontTools.agl import LEGACY_AGL2UV as CHARACTERS
from fontTools.ttLib.standardGlyphOrder import standardGlyphOrder
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from appliance.pdf.content_tokens import STRINGS
from appliance.pdf.inline_images import NotPlain
from appliance.pdf.reader import entry

_LATIN = frozenset(standardGlyphOrder) | {"Euro", ".notdef"}
"""Names of glyphs that every program knows."""
_UNICODE = re.compile(r"uni[0-9A-F]{4}")
_EMBEDDED = ("/FontFile", "/FontFile2", "/FontFile3")
_SYMBOLIC, _CODES, _PRINTABLE, _CIDS = 1 << 2, 256, range(33, 127), 1 << 16
_CMAPS = re.compile(
    r"/(?:[HV]|(?:Identity|GB-EUC|GBpc-EUC|GBKp?-EUC|GBK2K|Uni(?:GB|JIS|KS|CNS)-(?:UCS2|UTF16)|UniJIS-UCS2-HW|B5pc"
    r"|HKscs-B5|ETen(?:ms)?-B5|CNS-EUC|83pv-RKSJ|90(?:msp?|pv)-RKSJ|Add-RKSJ|Ext-RKSJ|EUC|KSC(?:pc)?-EUC"
    r"|KSCms-UHC(?:-HW)?)-[HV])"
)
"""Tables of codes that all programs have (ISO 32000-2, table 116)."""
_IDENTITY = ("/Identity-H", "/Identity-V")
_BLANK = rb"[\x00\t\n\x0c\r ]*"
_WHOLE = re.compile(
    _BLANK.join(rb"begincodespacerange (<00>|<0000>) (<FF>|<FFFF>) endcodespacerange 1 begincidrange \1 \2 0"
                rb" endcidrange".split(b" ")), re.IGNORECASE)  # fmt: skip
_OTHER = re.compile(rb"usecmap|WMode|begincid|begincodespace")


def require_plain_font(font: Any) -> None:
    """Raises :class:`NotPlain` when programs take other letters of *font*, or none."""
    try:
        kind = entry(font, "/Subtype")
        if kind == "/Type0":
            _require_plain_codes(font)
        elif kind in ("/CIDFontType0", "/CIDFontType2"):
            _require_plain_widths(font)
        elif kind == "/Type3":
            _require_own_widths(font)
        elif kind in ("/Type1", "/TrueType", "/MMType1"):
            _require_plain_names(font, kind)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise NotPlain("a font") from error


def _require(holds: bool) -> None:
    if not holds:
        raise NotPlain("a font")


def _require_plain_codes(font: Any) -> None:
    """A table of codes is one that all programs know, or that says of all codes that they are the letters."""
    codes, table = entry(font, "/Encoding"), glyph_map(font)
    if isinstance(codes, StreamObject):
        found = _WHOLE.search(codes.data)
        _require(found is not None and len(_OTHER.findall(codes.data)) == 2 and "/UseCMap" not in codes)
        _require(found is None or table is None or table >= (_CODES if len(found[1]) == 4 else _CIDS))
    else:
        _require(codes in _IDENTITY or (_CMAPS.fullmatch(codes) is not None and (table is None or table >= _CIDS)))


def glyph_map(font: Any) -> int | None:
    """For how many letters a composite *font* says which glyphs they are; None where each is its own, and for
    another font."""
    found = entry(font, "/DescendantFonts")
    table = entry(found[0], "/CIDToGIDMap") if isinstance(found, ArrayObject) else None
    return len(table.data) // 2 if isinstance(table, StreamObject) else None


def require_mapped(operators: bytes, letters: int) -> None:
    """Raises :class:`NotPlain` when *operators* show a letter beyond the first so many: programs have another
    glyph for it, or none."""
    for found in STRINGS.finditer(operators):
        text = _bytes_of(found[0])
        pairs = zip(text[::2], (text + b"\0")[1::2], strict=False)
        _require(all(high << 8 | low < letters for high, low in pairs))


_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|([\x00-\xff]))")
_MEANT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\x0c"}


def _bytes_of(written: bytes) -> bytes:
    if written[:1] == b"<":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", written)
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    if written[:1] != b"(":
        return b""

    def meant(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes([int(found[1], 8)])
        return b"" if found[2] else _MEANT.get(found[3], found[3])

    return _ESCAPE.sub(meant, re.sub(rb"\r\n?", b"\n", written[1:-1]))


def _require_plain_widths(font: Any) -> None:
    """No letter is wide twice, and none goes back."""
    widths, place, known = entry(font, "/W") or (), 0, set[int]()
    _require(float(entry(font, "/DW", 0)) >= 0)
    while place < len(widths):
        first, second = int(widths[place]), widths[place + 1]
        if isinstance(second, ArrayObject):
            given, covered = [second[index] for index in range(len(second))], range(first, first + len(second))
        else:
            given, covered = [widths[place + 2]], range(first, int(second) + 1)
        place += 2 if isinstance(second, ArrayObject) else 3
        _require(all(float(each) >= 0 for each in given) and len(covered) <= _CIDS and known.isdisjoint(covered))
        known.update(covered)


def _differences(font: Any) -> Iterator[tuple[int, str]]:
    encoding = entry(font, "/Encoding")
    _require(encoding != "/MacExpertEncoding")
    if not isinstance(encoding, DictionaryObject):
        return
    _require(entry(encoding, "/BaseEncoding") != "/MacExpertEncoding")
    listed, code = entry(encoding, "/Differences") or (), -1
    for each in (listed[index] for index in range(len(listed))):
        if isinstance(each, NameObject):
            _require(0 <= code < _CODES)
            yield code, each[1:]
            code += 1
        else:
            _require(isinstance(each, NumberObject))
            code = int(each)


def _require_own_widths(font: Any) -> None:
    """PDFium takes the width of a glyph where the font has none for it, others nothing."""
    first, last, glyphs = (entry(font, f"/{key}") for key in ("FirstChar", "LastChar", "CharProcs"))
    _require(len(entry(font, "/Widths")) == last - first + 1)
    _require(all(first <= code <= last for code, name in _differences(font) if f"/{name}" in glyphs))


def _require_plain_names(font: Any, kind: str) -> None:
    """Of a font that is not in the file, glyphs by names that all programs know; of TrueType, where it is, by such
    as stand for characters, for its own names are not looked for everywhere."""
    widths, descriptor = entry(font, "/Widths") or (), entry(font, "/FontDescriptor")
    _require(all(float(widths[index]) >= 0 for index in range(len(widths))))
    named = list(_differences(font))
    if not isinstance(descriptor, DictionaryObject) or not any(key in descriptor for key in _EMBEDDED):
        symbols = str(entry(font, "/BaseFont")).startswith(("/Symbol", "/Zapf"))
        _require(all(name in _LATIN and not symbols for _, name in named))
        _require(all(name != ".notdef" or code not in _PRINTABLE for code, name in named))
    elif kind == "/TrueType" and named:
        _require(not int(entry(descriptor, "/Flags", 0)) & _SYMBOLIC)
        _require(all(name in CHARACTERS or name in _LATIN or _UNICODE.fullmatch(name) for _, name in named))
