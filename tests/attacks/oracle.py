"""Why a mutant may pass, found without our verifier: by its bytes, and by what poppler shows of it.

An accepted mutant is explained when a signature of the original still covers, byte for byte, what it covered, and
what follows it, if anything, changes neither a page's picture nor its text.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.attacks.victims import ranges


def explained(original: bytes, mutant: bytes) -> bool:
    """Whether *mutant*, which passed, is as good as what was signed in *original*."""
    if mutant == original:
        return True
    ends = [end for start, stop, end in ranges(original) if _is_kept(original, mutant, start, stop, end)]
    if not ends:
        return False
    end = max(ends)
    return mutant[end:] == b"" or _shown(mutant) == _shown(original[:end])


def _is_kept(original: bytes, mutant: bytes, start: int, stop: int, end: int) -> bool:
    """The signed bytes are the same, and so is the signature, whatever the case of its digits."""
    if mutant[:start] != original[:start] or mutant[stop:end] != original[stop:end]:
        return False
    return mutant[start:stop].lower() == original[start:stop].lower()


def _shown(document: bytes) -> tuple[bytes, bytes]:
    """Pictures and text of all pages, by poppler."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shown.pdf")
        file.write_bytes(document)
        subprocess.run(
            ["pdftoppm", "-r", "60", str(file), str(Path(folder, "page"))], check=False, capture_output=True
        )
        text = subprocess.run(["pdftotext", str(file), "-"], check=False, capture_output=True).stdout
        return b"".join(each.read_bytes() for each in sorted(Path(folder).glob("page*.ppm"))), text
