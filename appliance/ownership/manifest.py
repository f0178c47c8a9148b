"""The manifest of a deposit: which files, as one canonical text whose digest is timestamped; and lists of digests
as ``sha256sum`` prints them.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

from appliance.errors import PreconditionRefused
from appliance.model.deposits import EMPTY, DepositedFile, readable_name
from hsm import canonical

FORMAT: Final = "vermilion-deposit-manifest/1"

MOST_FILES: Final = 10_000

LONGEST_NAME: Final = 1000
"""Characters of a file's name with its folders."""

LARGEST: Final = 2**53 - 1
"""Bytes of a file: what a browser can count exactly."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_GNU: Final = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9A-Fa-f]{64}) [ *](?P<name>.+)", re.DOTALL)
_TAGGED: Final = re.compile(r"(?P<escaped>\\?)SHA(?:2-)?256 ?\((?P<name>.+)\) ?= ?(?P<digest>[0-9A-Fa-f]{64})")
_ESCAPES: Final = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}


def is_digest(text: str) -> bool:
    """Whether *text* is a SHA-256 in lower-case hex."""
    return _DIGEST.fullmatch(text) is not None


def encode_manifest(files: Sequence[DepositedFile]) -> bytes:
    """The manifest (canonical JSON) of *files*, which are in its order. A size that nobody said is null."""
    listed: list[dict[str, Any]] = [
        {"name": each.name, "sha256": each.digest, "size": each.size} for each in files
    ]
    return canonical.encode({"files": listed, "format": FORMAT})


def digest_of(files: Sequence[DepositedFile]) -> str:
    """What is timestamped for *files* (SHA-256, hex): of one file its own digest, of several the manifest's."""
    [first, *others] = files
    return hashlib.sha256(encode_manifest(files)).hexdigest() if others else first.digest


def in_order(files: Sequence[DepositedFile]) -> tuple[DepositedFile, ...]:
    """*files* in the order that every manifest has, by name (code points), whatever order they were chosen in.

    Raises :class:`PreconditionRefused` for files that no manifest takes."""
    if not files:
        raise PreconditionRefused("Choose the files to deposit, or paste what sha256sum prints.")
    if len(files) > MOST_FILES:
        raise PreconditionRefused(
            "A deposit has at most {most} files; these are {count}. Pack some of them into an archive first.",
            most=MOST_FILES,
            count=len(files),
        )
    for number, each in enumerate(files, 1):
        require_file(each, number, alone=len(files) == 1)
    found = tuple(sorted(files, key=lambda each: each.name))
    for one, next_one in itertools.pairwise(found):
        if one.name == next_one.name:
            raise PreconditionRefused(
                "The list has the file {name} twice; leave one of them out.", name=readable_name(one.name)[:80]
            )
    if all(each.digest == EMPTY for each in found):
        raise PreconditionRefused("There is nothing in these files (0 bytes), so there is nothing to prove.")
    return found


def require_file(file: DepositedFile, number: int, *, alone: bool = True) -> None:
    """Raises :class:`PreconditionRefused` for a *file*, the one with this *number*, that no manifest takes; only
    one *alone* needs no name."""
    if not is_digest(file.digest):
        raise PreconditionRefused(
            "File {number}: a SHA-256 has 64 characters of 0–9 and a–f; choose the file, or paste what sha256sum"
            " prints.",
            number=number,
        )
    if not file.name and not alone:
        raise PreconditionRefused("File {number} has no name; several files need one each.", number=number)
    if len(file.name) > LONGEST_NAME:
        raise PreconditionRefused(
            "The name of file {number} is too long; with its folders it has at most {most} characters.",
            number=number,
            most=LONGEST_NAME,
        )
    if "\0" in file.name or any("\ud800" <= each <= "\udfff" for each in file.name):
        raise PreconditionRefused("The name of file {number} is no text; rename the file.", number=number)
    if file.size is None:
        return
    if not 0 <= file.size <= LARGEST:
        raise PreconditionRefused("The size of file {number} is no number of bytes.", number=number)
    if (file.size == 0) != (file.digest == EMPTY):
        raise PreconditionRefused(
            "Size and SHA-256 of file {number} do not fit together; choose the file again.", number=number
        )


def read_sums(text: str) -> tuple[DepositedFile, ...]:
    """The files of a list as ``sha256sum`` prints it (also with ``--tag``, as BSD does); one digest alone is that
    of a file without a name.

    Raises :class:`PreconditionRefused` for a line that is none of these, and for too many lines."""
    groups = text.lower().split()
    alone = "".join(groups)
    if is_digest(alone) and len(set(map(len, groups))) == 1:  # some programs write it in groups
        return (DepositedFile("", alone),)
    # Only where sha256sum ends a line: names may hold what Python takes for line ends besides.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return tuple(_of_line(line, number) for number, line in enumerate(lines, 1) if line.strip())


def _of_line(line: str, number: int) -> DepositedFile:
    found = _GNU.fullmatch(line) or _TAGGED.fullmatch(line)
    if found is None:
        raise PreconditionRefused(
            "Line {number} is not as sha256sum prints it: 64 characters of 0–9 and a–f, two blanks, the file's"
            " name.",
            number=number,
        )
    name = found["name"]
    if found["escaped"]:
        name = re.sub(r"\\[\\nr]", lambda each: _ESCAPES[each[0]], name)
    return DepositedFile(name, found["digest"].lower())
