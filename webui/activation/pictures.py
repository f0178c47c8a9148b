"""Pictures of seals: what is shown here must be all that the file ever shows."""

from __future__ import annotations

import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STILL = frozenset({b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND"})
"""What the portal makes pictures of: nothing moves (PNG, 11.3.6), and nothing is for some programs only."""


def is_still(png: bytes) -> bool:
    """Whether *png* is one whole picture that does not move, with nothing behind it."""
    if not png.startswith(_SIGNATURE):
        return False
    place = len(_SIGNATURE)
    kinds: list[bytes] = []
    while len(png) - place >= 12 and kinds[-1:] != [b"IEND"]:
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        if int.from_bytes(png[end - 4 : end], "big") != zlib.crc32(png[place + 4 : end - 4]):
            return False
        kinds.append(png[place + 4 : place + 8])
        place = end
    whole = place == len(png) and kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"]
    return whole and kinds.count(b"IHDR") == 1 and _STILL.issuperset(kinds)
