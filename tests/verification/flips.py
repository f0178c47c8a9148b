"""Flipping bytes of a signed document: none may go unnoticed but the letter case of hexadecimal digits.

``python -m tests.verification.flips FILE.pdf CA.pem [MASK]...`` (``make flips``) flips every byte in turn, shows
how far it has come, prints what survives, and the counts last.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from appliance.confinement import frames
from appliance.verification import confined_verification
from appliance.verification.model import FileKind, Indication
from appliance.verification.trust import TrustAnchors, ValidationContext
from appliance.verification.verifier import kind_of

MASKS = (0x01, 0x80, 0x10, 0xFF)
CHUNK = 256  # positions that one process takes at a time
_LETTERS = b"abcdefABCDEF"


def flipped(document: bytes, position: int, mask: int) -> bytes | None:
    """*document* with one byte flipped, or None where that only changes the case of a hexadecimal digit."""
    new = document[position] ^ mask
    if document[position] in _LETTERS and chr(new).lower() == chr(document[position]).lower():
        return None
    return document[:position] + bytes((new,)) + document[position + 1 :]


def notices(document: bytes, circumstances: ValidationContext) -> bool:
    """Whether the verdict about the altered *document* is TOTAL-FAILED."""
    if kind_of(document) is not FileKind.PDF:
        return False
    return confined_verification.verify_pdf(document, circumstances).indication is Indication.FAILED


def survivors(
    document: bytes, circumstances: ValidationContext, positions: Iterable[int], masks: Iterable[int] = MASKS
) -> list[tuple[int, int]]:
    """The flips (position, mask) that went unnoticed."""
    found = []
    for position in positions:
        for mask in masks:
            altered = flipped(document, position, mask)
            if altered is not None and not notices(altered, circumstances):
                found.append((position, mask))
    return found


def main(file: str, anchor: str, *masks: str) -> int:
    """Flip everything. 0: all was noticed; 1: something was not; 2: the file does not even pass as it is."""
    document = Path(file).read_bytes()
    anchors = TrustAnchors.from_files([Path(anchor)])
    circumstances = ValidationContext(datetime.now(UTC), anchors.certificates)
    if confined_verification.verify_pdf(document, circumstances).indication is not Indication.PASSED:
        sys.stdout.write("the file does not pass as it is\n")
        return 2
    chosen = tuple(int(mask, 0) for mask in masks) or MASKS
    work = partial(_chunk, document, frames.encode(circumstances), chosen)
    chunks = [range(start, min(start + CHUNK, len(document))) for start in range(0, len(document), CHUNK)]
    count = 0
    with ProcessPoolExecutor() as pool:
        for done, found in enumerate(pool.map(work, chunks), 1):
            count += len(found)
            for position, mask in found:
                sys.stdout.write(f"unnoticed: byte {position}, mask {mask:#04x}\n")
            sys.stderr.write(f"flips       {done / len(chunks):.1%} of {len(document)} bytes, {count} unnoticed\r")
    sys.stdout.write(f"\n{len(document) * len(chosen)} flips, {count} unnoticed\n")
    return 1 if count else 0


def _chunk(
    document: bytes, given: dict[str, Any], masks: tuple[int, ...], positions: range
) -> list[tuple[int, int]]:
    return survivors(document, frames.decode(ValidationContext, given), positions, masks)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
