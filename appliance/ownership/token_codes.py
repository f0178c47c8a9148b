"""A timestamp reply as QR codes (ISO/IEC 18004) on paper, from which anybody gets its bytes back with a code
reader and ``base32`` of every Linux system.

A reply has 2 to 6 KB, and one code holds 2,953 bytes at most, in squares that no printer and camera get right.
So there are several codes of a moderate size, each with its place ahead: ``TSR/2/4:``. Behind it stands a part
of the reply in Base32 (RFC 4648, 6), whose signs QR codes store in five and a half bits each."""

from __future__ import annotations

import base64
from typing import Final

import segno

PER_CODE: Final = 970
"""Characters in one code, at most: version 20 of 40 at error correction M, 97 modules a side."""

_WHOLE: Final = 8
"""Characters that stand for whole octets together, so that each part decodes by itself."""

_QUIET: Final = 4

_MASK: Final = 3
"""Of the eight by which a code may be mixed (7.8); readers take any. The text is as good as random, so that
trying all of them would find nothing better, and takes five times as long."""


def codes_of(reply: bytes) -> list[str]:
    """What stands in each code, in order, for *reply* (DER)."""
    text = base64.b32encode(reply).decode()
    room = PER_CODE - len("TSR/99/99:")
    count = -(-len(text) // room)
    size = -(-len(text) // (count * _WHOLE)) * _WHOLE
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    return [f"TSR/{number}/{len(parts)}:{part}" for number, part in enumerate(parts, 1)]


def drawn_code(text: str) -> str:
    """The code of *text* with its quiet zone as the address (``data:``) of a PNG, a pixel for each module. Drawn
    as lines, the codes of a page take longer than all else on it, and ten times the room."""
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=_MASK)
    return str(code.png_data_uri(border=_QUIET, scale=1))
