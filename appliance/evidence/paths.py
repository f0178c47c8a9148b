"""The names that files inside a package may have: plain on every system that a court may use."""

from __future__ import annotations

import re
from typing import Final

from appliance.evidence.errors import PackageRefused

LONGEST: Final = 120
_SEGMENT: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]*(?<!\.)"
_PATH: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,3}}")


def require_path(path: str) -> str:
    """*path* itself when it is relative, in ASCII, without ``..`` and white space, at most four levels deep.

    Raises :class:`PackageRefused` for anything that could be written outside the package's own folder, or that
    Windows, macOS and ISO images would store under another name.
    """
    if len(path) > LONGEST or not _PATH.fullmatch(path):
        raise path_refused(path)
    return path


def path_refused(path: str) -> PackageRefused:
    """The refusal of a package that has the file *path*."""
    return PackageRefused(
        "The package names a file {path}, which is not a plain relative path; do not unpack it.",
        path=repr(path[:LONGEST]),
    )
