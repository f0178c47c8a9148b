"""Which names files have in the folders where what counts is signed or stated by somebody else than the portal.

Whoever has manifests signed chooses the names of the files. One that no rule looks at would be taken for what it
says: declarations in a folder below ``voiding/``, or the statement about a power whose number has another form, by
those who look for them; and not by those who ask who signed them. The lines of the index have forms, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from appliance.evidence.model import PackageRefused
from hsm.checkers import ANNEX
from hsm.manifests import capture_misfit, is_of_captures

NO_RULE: Final = "The package has a file {path}, and no rule says what a file of this name counts for."

_NUMBER: Final = r"(?:0[1-9]|[1-9]\d{1,2})"
_RECORD: Final = r"(?:json|p7s|sig|tst)"
_NAMES: Final = {
    "agreement": rf"{_NUMBER}\.{_RECORD}|electronic-signing-[A-Za-z0-9_.-]+\.md",
    "annexes": ANNEX.pattern.removeprefix("annexes/"),
    "authority": rf"{_NUMBER}\.json|power-[0-9a-z-]+\.(?:{_RECORD}|pdf)|vouching-[0-9a-z-]+\.{_RECORD}"
    rf"|anchor-{_NUMBER}\.{_RECORD}",
    "signatures": rf"{_NUMBER}\.(?:p7s|sig|tst)",
    "voiding": rf"{_NUMBER}\.{_RECORD}",
}
"""By folder."""
_OTHERS: Final = re.compile(
    r"manifest\.(?:json|p7s|tsq|tsr)|check\.(?:sh|py)|verify\.html|index\.txt|README\.(?:en|zh)\.txt"
    r"|certificates/[a-z0-9-]+\.pem"
    r"|contract/contract\.(?:pdf|signed\.pdf|tsq|tsr)|history/history\.(?:json|(?:en|zh)\.pdf)"
    r"|log/(?:entries|openings)/\d{8,18}\.json|log/proofs/\d{8,18}\.tlog-proof|log/log\.(?:vkey|pub\.pem)"
    r"|log/witness-policy\.txt|log/checkpoint(?:\.(?:text|sig|tst))?|review/(?:check|sign-off)\.json"
    r"|verification/report\.json"
    r"|00-evidence-list\.json|01-evidence-list\.(?:en|zh)\.pdf|02-submission-guide\.(?:en|zh)\.pdf",
    re.ASCII,
)
"""Elsewhere."""

_PLACE: Final = r"(?:0|[1-9]\d{0,17})"
_ENTRY: Final = r"\d{8,18}"
_LINE: Final = re.compile(
    rf"#.*|(?:created|checkpoint) {_PLACE}|(?:signature|timestamp|own) {_NUMBER}(?: {_PLACE}){{3,4}}"
    rf"|certificate [a-z0-9-]+ {_PLACE} {_PLACE}|record (?:agreement|authority|voiding)/[a-z0-9-]+ {_PLACE}"
    rf"|(?:agreement|grounds) {_NUMBER} {_ENTRY}|letter power-[0-9a-z-]+ {_NUMBER}|entry {_ENTRY}"
    rf"|agreed {_ENTRY} {_NUMBER}(?:,{_NUMBER})* {_ENTRY}(?:,{_ENTRY})*",
    re.ASCII,
)


def require_plain_index(index: bytes) -> None:
    """Raises :class:`PackageRefused` unless each line of ``index.txt`` has the form that its kind has or once had.
    Checkers have the shell calculate with its numbers, and some shells run what is in brackets."""
    *lines, rest = index.decode("ascii", "replace").split("\n")
    if rest or not all(_LINE.fullmatch(line) for line in lines):
        raise PackageRefused("The file index.txt has a line that is of no known form; run no checker here.")


def has_a_place(path: str) -> bool:
    """Whether packages of now or earlier have a file of this name, so that it is judged or said not to be."""
    return path.partition("/")[0] in _NAMES or _OTHERS.fullmatch(path) is not None


_AT_ROOT: Final = frozenset({*_NAMES, "certificates", "contract", "history", "log", "review", "verification"})
"""The folders of a package."""


def belongs_at_root(name: str) -> bool:
    """Whether a folder or a file of this name lies at the root of packages of now or earlier."""
    of_captures = is_of_captures(name) or is_of_captures(f"{name}/")
    return name in _AT_ROOT or of_captures or _OTHERS.fullmatch(name) is not None


def require_layout(paths: Iterable[str]) -> None:
    """Raises :class:`PackageRefused` for a file in one of these folders whose name has another form, and for one
    that only packages of web captures have."""
    for path in paths:
        folder, _, name = path.partition("/")
        form = _NAMES.get(folder.lower())
        strange = form is not None and (folder not in _NAMES or not re.fullmatch(form, name))
        if strange or is_of_captures(path):
            raise PackageRefused(NO_RULE, path=path)


def require_capture_layout(paths: Iterable[str]) -> None:
    """Raises :class:`PackageRefused` unless *paths*, without the manifest and what seals it, are exactly those of
    the package of a web capture: the authority signs no other list, and no later release has another under the
    same format."""
    misfit = capture_misfit(paths)
    if misfit is not None:
        path, is_missing = misfit
        raise PackageRefused("The package lacks the file {path}." if is_missing else NO_RULE, path=path)
