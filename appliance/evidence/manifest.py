"""The manifest: path, size and SHA-256 of every file of a package, and the state of the log that it rests on.

It also names the one organisation for which the package was made, and the log's entries whose internal records,
being other organisations', are not in it (since the second version of the format).

It is canonical JSON (:mod:`hsm.canonical`), so it has one byte form, and a shell can take it apart. The four
files that seal the package (:data:`SEALS`) cannot list themselves; every other file is listed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from appliance.evidence import container
from appliance.evidence.model import PackageRefused
from hsm import canonical
from hsm.errors import Malformed
from hsm.intents import instant
from hsm.note import Checkpoint

FORMAT: Final = "vermilion-evidence-manifest/2"
WITHOUT_AUDIENCE: Final = "vermilion-evidence-manifest/1"
"""The format of packages from before each was made for one organisation: everything was in them."""

MANIFEST, SIGNATURE, QUERY, REPLY = "manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr"
SEALS: Final = frozenset({MANIFEST, SIGNATURE, QUERY, REPLY})

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
_KEYS: Final = {"format", "contract", "created", "checkpoint", "files"}
_OF_AUDIENCE: Final = {"made_for", "withheld"}


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file: its path, its size in bytes and its SHA-256 in lower-case hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageManifest:
    """What the evidence key signs. ``created`` is aware, with whole seconds; ``files`` are sorted by path.

    ``audience`` names for whom the package was made, empty in one of the first format; ``withheld`` are the
    numbers of the log entries of which something is kept back from that audience, in order.
    """

    contract: str
    created: datetime
    checkpoint: Checkpoint
    files: tuple[ListedFile, ...]
    audience: str = ""
    withheld: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """The canonical bytes; the checkpoint's root is in base64, as on the third line of the checkpoint."""
        for_one = {"made_for": self.audience, "withheld": list(self.withheld)} if self.audience else {}
        return canonical.encode(
            {
                "format": FORMAT if self.audience else WITHOUT_AUDIENCE,
                **for_one,
                "contract": self.contract,
                "created": instant(self.created),
                "checkpoint": {
                    "origin": self.checkpoint.origin,
                    "size": self.checkpoint.size,
                    "root": base64.b64encode(self.checkpoint.root).decode(),
                },
                "files": [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in self.files],
            }
        )


def listing(files: Mapping[str, bytes | memoryview]) -> tuple[ListedFile, ...]:
    """The entries for *files* (path → bytes), sorted by path."""
    return tuple(
        ListedFile(path, len(files[path]), hashlib.sha256(files[path]).hexdigest()) for path in sorted(files)
    )


def decode(data: bytes) -> PackageManifest:
    """The manifest of canonical bytes. Raises :class:`PackageRefused` for what
    :meth:`PackageManifest.encode` cannot give."""
    try:
        value = canonical.decode(data)
        for_one = value["format"] == FORMAT
        if set(value) != _KEYS | (_OF_AUDIENCE if for_one else set()):
            raise _not_in_form()
        manifest = PackageManifest(
            contract=_text(value["contract"]),
            created=datetime.strptime(value["created"], _MOMENT).replace(tzinfo=UTC),
            checkpoint=_log_state(value["checkpoint"]),
            files=_files(value["files"]),
            audience=_text(value["made_for"]) if for_one else "",
            withheld=_numbers(value["withheld"]) if for_one else (),
        )
    except (Malformed, ValueError, KeyError, TypeError) as error:
        raise _not_in_form() from error
    if manifest.encode() != data:
        raise _not_in_form()
    return manifest


def require_same(manifest: PackageManifest, files: Mapping[str, bytes | memoryview]) -> None:
    """Exactly the listed files are there, each with its listed size and SHA-256, or :class:`PackageRefused`."""
    found = listing({path: data for path, data in files.items() if path not in SEALS})
    listed = {file.path: file for file in manifest.files}
    for file in found:
        if file.path not in listed:
            raise PackageRefused("The package has a file that its manifest does not list: {path}.", path=file.path)
        if file != listed.pop(file.path):
            raise PackageRefused("The file {path} is not the one that the manifest lists.", path=file.path)
    for path in listed:
        raise PackageRefused("The package lacks a file that its manifest lists: {path}.", path=path)


def _log_state(value: Any) -> Checkpoint:
    state = Checkpoint(
        _text(value["origin"]), _natural(value["size"]), base64.b64decode(value["root"], validate=True)
    )
    if len(state.root) != hashlib.sha256().digest_size:
        raise _not_in_form()
    return state


def _files(value: Any) -> tuple[ListedFile, ...]:
    if not isinstance(value, list):
        raise _not_in_form()
    files = tuple(
        ListedFile(container.require_path(_text(item["path"])), _natural(item["size"]), _digest(item["sha256"]))
        for item in value
    )
    names = [file.path for file in files]
    distinct = len({name.lower() for name in names}) == len(names)
    if names != sorted(names) or not distinct or SEALS & set(names):
        raise PackageRefused("The manifest of the package lists files twice, unsorted, or alike but for case.")
    return files


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise _not_in_form()
    return value


def _digest(value: Any) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise _not_in_form()
    return str(value)


def _natural(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _not_in_form()
    return value


def _numbers(value: Any) -> tuple[int, ...]:
    """Numbers of log entries, each once, in order."""
    if not isinstance(value, list) or value != sorted({_natural(number) for number in value}):
        raise _not_in_form()
    return tuple(value)


def _not_in_form() -> PackageRefused:
    return PackageRefused("The manifest of the package is not in its one form ({format}).", format=FORMAT)
