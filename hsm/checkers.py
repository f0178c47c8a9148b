"""The programs in evidence packages (``check.sh``, ``check.py``, ``verify.html``), by their digests: who runs one
has to get ours.

``checkers.txt`` lists every one that a package ever had, the newest last; ``python -m scripts.known_checkers``
adds what is new before a release.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

NAMES = ("check.sh", "check.py")
"""Those that every package has."""

VERIFIER = "verify.html"
PROGRAMS = (*NAMES, VERIFIER)
"""Those that a package of this release has; earlier ones have no ``verify.html``."""

_DATA = frozenset(
    {"json", "md", "p7s", "pdf", "pem", "sig", "text", "tlog-proof", "tsq", "tsr", "tst", "txt", "vkey"}
)
_OF_CAPTURES = re.compile(r"capture\.(?:warc\.gz|wacz)|page\.png|session\.webp|step-\d\d\.png", re.ASCII)
"""Archives and pictures of captures, by their whole names: others have no place in a package."""
_WITHOUT_ENDING = "log/checkpoint"
ANNEX = re.compile(r"annexes/(?:0[1-9]|[1-9]\d{1,2})\.(?:pdf|png|jpe?g|docx|xlsx|pptx|odt|ods|txt|csv)")
"""What an annex of a contract is called in a package: by a number and the ending that it came with. Office files
with macros have other endings."""


def is_current(name: str, sha256: str) -> bool:
    """Whether *sha256* (hex) is that of the checker *name* of this release."""
    return _known(name)[-1] == sha256


def is_known(name: str, sha256: str) -> bool:
    """Whether *sha256* (hex) is that of the checker *name* of this release or an earlier one."""
    return sha256 in _known(name)


def is_data(path: str) -> bool:
    """Whether the file *path* of a package is named as what people read and checkers check. Any other might be
    run: Python takes a ``json.py`` beside ``check.py`` for its own."""
    if path.startswith("annexes/"):
        return ANNEX.fullmatch(path) is not None
    return path == _WITHOUT_ENDING or _OF_CAPTURES.fullmatch(path) is not None or path.rpartition(".")[2] in _DATA


@cache
def _known(name: str) -> tuple[str, ...]:
    lines = resources.files("hsm").joinpath("checkers.txt").read_text("ascii").splitlines()
    return tuple(sha256 for sha256, _, named in (line.partition("  ") for line in lines) if named == name)
