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

_NAMES = frozenset(standardGlyphOrder) | {"Euro"}
_EMPTY = frozenset(
    """.notdef .null nonmarkingreturn Cacute Ccaron Delta Gbreve Idotaccent Omega Scedilla apple approxequal cacute
    ccaron dcroat franc gbreve greaterequal infinity integral lessequal lozenge notequal partialdiff pi product
    radical scedilla summation""".split()  # noqa: SIM905
)
"""Whose places PDFium leaves empty in a font that is not in the file."""
_LATIN = _NAMES - _EMPTY | {"sfthyphen", "nbspace", "overscore", "middot", "mu1"}
"""Names of glyphs that every program has."""
_SYMBOLS = frozenset(  # in few lines
    """space exclam universal numbersign existential percent ampersand suchthat parenleft parenright asteriskmath
    plus comma minus period slash zero one two three four five six seven eight nine colon semicolon less equal
    greater question congruent Alpha Beta Chi Delta Epsilon Phi Gamma Eta Iota theta1 Kappa Lambda Mu Nu Omicron
    Pi Theta Rho Sigma Tau Upsilon sigma1 Omega Xi Psi Zeta bracketleft therefore bracketright perpendicular
    underscore radicalex alpha beta chi delta epsilon phi gamma eta iota phi1 kappa lambda mu nu omicron pi
    theta rho sigma tau upsilon omega1 omega xi psi zeta braceleft bar braceright similar Upsilon1 minute
    lessequal fraction infinity florin club diamond heart spade arrowboth arrowleft arrowup arrowright arrowdown
    degree plusminus second greaterequal multiply proportional partialdiff bullet divide notequal equivalence
    approxequal ellipsis arrowvertex arrowhorizex carriagereturn aleph Ifraktur Rfraktur weierstrass
    circlemultiply circleplus emptyset intersection union propersuperset reflexsuperset notsubset propersubset
    reflexsubset element notelement angle gradient registerserif copyrightserif trademarkserif product radical
    dotmath logicalnot logicaland logicalor arrowdblboth arrowdblleft arrowdblup arrowdblright arrowdbldown
    lozenge angleleft registersans copyrightsans trademarksans summation parenlefttp parenleftex parenleftbt
    bracketlefttp bracketleftex bracketleftbt bracelefttp braceleftmid braceleftbt braceex angleright integral
    integraltp integralex integralbt parenrighttp parenrightex parenrightbt bracketrighttp bracketrightex
    bracketrightbt bracerighttp bracerightmid bracerightbt Euro""".split()  # noqa: SIM905
)
_ORNAMENTS = frozenset({"space", *(f"a{each}" for each in range(1, 207) if each not in (80, 113, 114, 115, 116))})
_OWN = {"/Symbol": _SYMBOLS, "/Zapf": _ORNAMENTS}
_UNICODE = re.compile(r"uni[0-9A-F]{4}")
_EMBEDDED = ("/FontFile", "/FontFile2", "/FontFile3")
_SIMPLE = ("/Type1", "/TrueType", "/MMType1")
_NOT_OF_MACINTOSH = frozenset((173, 176, 178, 179, *range(182, 187), 189, 195, 197, 198, 215, 240))
"""Codes that MacRomanEncoding has not (ISO 32000-1, annex D.2), but the Macintosh has; programs follow either."""
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
_OTHER = re.compile(rb"usecmap|WMode(?![\x00\t\n\x0c\r ]+0[\x00\t\n\x0c\r ]+def)|begincid|begincodespace")
"""What makes of it another table; Ghostscript states that it is not for vertical text."""


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
        elif kind in _SIMPLE:
            _require_plain_names(font, kind)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise NotPlain("a font") from error


def _require(holds: bool) -> None:
    if not holds:
        raise NotPlain("a font")


def _require_plain_codes(font: Any) -> None:
    """A table of codes is one that all programs know, or that says of all codes that they are the letters."""
    codes, letters = entry(font, "/Encoding"), _mapped(font)
    if isinstance(codes, StreamObject):
        found = _WHOLE.search(codes.data)
        _require(found is not None and len(_OTHER.findall(codes.data)) == 2 and "/UseCMap" not in codes)
        _require(entry(codes, "/WMode", 0) == 0)
        _require(letters is None or not _is_of_bytes(codes) or letters >= _CODES)
    else:
        _require(codes in _IDENTITY or (_CMAPS.fullmatch(codes) is not None and letters is None))


def _is_of_bytes(codes: Any) -> bool:
    return isinstance(codes, StreamObject) and b"<0000>" not in codes.data


def glyph_map(font: Any) -> int | frozenset[int] | None:
    """For how many letters of two bytes a composite *font* says which glyphs they are; None where each is its own
    or it says all. Of another font, the codes that are another letter, or none, to some programs."""
    if entry(font, "/Subtype") in _SIMPLE:
        return _nameless(font) or None
    return None if _is_of_bytes(entry(font, "/Encoding")) else _mapped(font)


def _nameless(font: Any) -> frozenset[int]:
    codes = entry(font, "/Encoding")
    base = entry(codes, "/BaseEncoding") if isinstance(codes, DictionaryObject) else codes
    if base != "/MacRomanEncoding" or _is_in_file(font):
        return frozenset()
    return _NOT_OF_MACINTOSH.difference(code for code, _ in _differences(font))


def _is_in_file(font: Any) -> bool:
    descriptor = entry(font, "/FontDescriptor")
    return isinstance(descriptor, DictionaryObject) and any(key in descriptor for key in _EMBEDDED)


def _mapped(font: Any) -> int | None:
    found = entry(font, "/DescendantFonts")
    table = entry(found[0], "/CIDToGIDMap") if isinstance(found, ArrayObject) else None
    return len(table.data) // 2 if isinstance(table, StreamObject) and len(table.data) < 2 * _CIDS else None


def require_mapped(operators: bytes, letters: int | frozenset[int]) -> None:
    """Raises :class:`NotPlain` when *operators* show a letter beyond the first so many, or one of these: programs
    have another glyph for it, or none."""
    for found in STRINGS.finditer(operators):
        text = _bytes_of(found[0])
        if isinstance(letters, frozenset):
            _require(letters.isdisjoint(text))
        elif (max(text[::2], default=0) << 8 | 255) >= letters:
            pairs = zip(text[::2], (text + b"\0")[1::2], strict=False)
            _require(all(high << 8 | low < letters for high, low in pairs))


_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|([\x00-\xff]))")
_MEANT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\x0c"}


def _bytes_of(written: bytes) -> bytes:
    if written[:1] == b"<":
        digits = written[1:-1].translate(None, b"\x00\t\n\x0c\r ")
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    if written[:1] != b"(":
        return b""

    def meant(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes([int(found[1], 8)])
        return b"" if found[2] else _MEANT.get(found[3], found[3])

    return _ESCAPE.sub(meant, re.sub(rb"\r\n?", b"\n", written[1:-1]))


def _require_plain_widths(font: Any) -> None:
    """No letter has two widths, and none goes back."""
    widths, place, known, left = entry(font, "/W") or (), 0, dict[int, float](), 2 * _CIDS
    _require(float(entry(font, "/DW", 0)) >= 0)
    while place < len(widths):
        first, second = int(widths[place]), widths[place + 1]
        if isinstance(second, ArrayObject):
            given = [float(second[index]) for index in range(len(second))]
        else:
            given = [float(widths[place + 2])] * min(int(second) + 1 - first, left + 1)
        place, left = place + (2 if isinstance(second, ArrayObject) else 3), left - len(given)
        _require(left >= 0 and all(each >= 0 for each in given))
        _require(all(known.setdefault(letter, each) == each for letter, each in enumerate(given, start=first)))


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
    _require(len(entry(font, "/Widths")) >= last - first + 1)
    _require(all(first <= code <= last for code, name in _differences(font) if f"/{name}" in glyphs))


def _require_plain_names(font: Any, kind: str) -> None:
    """Of a font that is not in the file, glyphs by names that all programs know; of TrueType, where it is, by such
    as stand for characters, for its own names are not looked for everywhere."""
    widths, descriptor = entry(font, "/Widths") or (), entry(font, "/FontDescriptor")
    _require(all(float(widths[index]) >= 0 for index in range(len(widths))))
    named = list(_differences(font))
    if not _is_in_file(font):
        base = str(entry(font, "/BaseFont"))
        drawn = [name for code, name in named if name != ".notdef" or code in _PRINTABLE]
        own = next((own for each, own in _OWN.items() if base.startswith(each)), _LATIN)
        _require(own.issuperset(drawn) and not (own is not _LATIN and _nameless(font)))
    elif kind == "/TrueType" and named:
        _require(not int(entry(descriptor, "/Flags", 0)) & _SYMBOLIC)
        _require(all(name in CHARACTERS or name in _NAMES or _UNICODE.fullmatch(name) for _, name in named))
