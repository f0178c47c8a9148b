"""The manifest: path, size and SHA-256 of every file of a package, and the state of the log that it rests on.

It also names the one organisation for which the package was made, and the log's entries whose internal records,
being other organisations', are not in it (since the second version of the format), and from which entry of the log
on a power of attorney counts with the authority's statement alone (since the third). The package of a web capture
has a form of its own, with what both have in the same words.

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
from hsm.manifests import CAPTURE_FORMAT, CAPTURE_NUMBER, RENEWALS
from hsm.manifests import CONTRACT_FORMAT as FORMAT
from hsm.note import Checkpoint

WITHOUT_STATEMENTS: Final = "vermilion-evidence-manifest/2"
"""The format of packages from before officers confirmed powers of attorney at the authority."""
WITHOUT_AUDIENCE: Final = "vermilion-evidence-manifest/1"
"""The format of packages from before each was made for one organisation: everything was in them."""

MANIFEST, SIGNATURE, QUERY, REPLY = "manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr"
SEALS: Final = frozenset({MANIFEST, SIGNATURE, QUERY, REPLY})

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file: its path, its size in bytes and its SHA-256 in lower-case hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyManifest:
    """What the evidence key signs, in each form. ``created`` is aware, with whole seconds; ``files`` are sorted by
    path; ``audience`` names for whom the package was made, empty in a contract's of the first format."""

    created: datetime
    checkpoint: Checkpoint
    files: tuple[ListedFile, ...]
    audience: str = ""

    @property
    def identifier(self) -> str:
        """By which the house knows what the package is about."""
        raise NotImplementedError

    def own_fields(self) -> dict[str, Any]:
        """The members that this form alone has, its format among them."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """The canonical bytes; the checkpoint's root is in base64, as on the third line of the checkpoint."""
        return canonical.encode(
            {
                **self.own_fields(),
                **({"made_for": self.audience} if self.audience else {}),
                "created": instant(self.created),
                "checkpoint": {
                    "origin": self.checkpoint.origin,
                    "size": self.checkpoint.size,
                    "root": base64.b64encode(self.checkpoint.root).decode(),
                },
                "files": [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in self.files],
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageManifest(AnyManifest):
    """Of the package of a ``contract``. ``withheld`` are the numbers of the log entries of which something is kept
    back from its audience, in order. ``powers_stated_since``: the number of the first log entry from which on a
    power that was verified needs a statement; None in one of the second format.
    """

    contract: str
    withheld: tuple[int, ...] = ()
    powers_stated_since: int | None = None

    @property
    def identifier(self) -> str:
        return self.contract

    def own_fields(self) -> dict[str, Any]:
        for_one = {"withheld": list(self.withheld)} if self.audience else {}
        since = {} if self.powers_stated_since is None else {"powers_stated_since": self.powers_stated_since}
        return {"format": self._format, "contract": self.contract, **for_one, **since}

    @property
    def _format(self) -> str:
        if self.powers_stated_since is not None:
            return FORMAT
        return WITHOUT_STATEMENTS if self.audience else WITHOUT_AUDIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureManifest(AnyManifest):
    """Of the package of a web ``capture`` (its number, 24 hex digits)."""

    capture: str

    @property
    def identifier(self) -> str:
        return self.capture

    def own_fields(self) -> dict[str, Any]:
        return {"format": CAPTURE_FORMAT, "capture": self.capture}


def listing(files: Mapping[str, bytes | memoryview]) -> tuple[ListedFile, ...]:
    """The entries for *files* (path → bytes), sorted by path."""
    return tuple(
        ListedFile(path, len(files[path]), hashlib.sha256(files[path]).hexdigest()) for path in sorted(files)
    )


def decode(data: bytes) -> PackageManifest | CaptureManifest:
    """The manifest of canonical bytes, in the form that it states. Raises :class:`PackageRefused` for what
    :meth:`AnyManifest.encode` cannot give."""
    try:
        value = canonical.decode(data)
        manifest = _read(value)
        well_formed = _is_well_formed(manifest) and manifest.encode() == data
    except (Malformed, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_in_form() from error
    if not well_formed:
        raise _not_in_form()
    names = [container.require_path(file.path) for file in manifest.files]
    distinct = len({name.lower() for name in names}) == len(names)
    if names != sorted(names) or not distinct or SEALS & set(names):
        raise PackageRefused("The manifest of the package lists files twice, unsorted, or alike but for case.")
    return manifest


def _read(value: Any) -> PackageManifest | CaptureManifest:
    """What *value* has, not held to its form yet."""
    state, form = value["checkpoint"], value["format"]
    shared: dict[str, Any] = {
        "created": datetime.strptime(value["created"], _MOMENT).replace(tzinfo=UTC),
        "checkpoint": Checkpoint(state["origin"], state["size"], base64.b64decode(state["root"], validate=True)),
        "files": tuple(ListedFile(**each) for each in value["files"]),
        "audience": value["made_for"] if form != WITHOUT_AUDIENCE else "",
    }
    if form == CAPTURE_FORMAT:
        return CaptureManifest(capture=value["capture"], **shared)
    return PackageManifest(
        contract=value["contract"],
        withheld=tuple(value["withheld"]) if form != WITHOUT_AUDIENCE else (),
        powers_stated_since=value["powers_stated_since"] if form == FORMAT else None,
        **shared,
    )


def _is_well_formed(manifest: PackageManifest | CaptureManifest) -> bool:
    """Whether texts, numbers and digests have their forms; encoding the manifest again checks the keys."""
    state, files = manifest.checkpoint, manifest.files
    audience = manifest.audience or ("-" if isinstance(manifest, PackageManifest) else "")
    texts = (manifest.identifier, audience, state.origin, *(file.path for file in files))
    numbers = (state.size, *(file.size for file in files))
    return (
        all(isinstance(each, str) and each and each.isprintable() for each in texts)
        and all(type(each) is int and each >= 0 for each in numbers)
        and len(state.root) == hashlib.sha256().digest_size
        and all(_SHA256.fullmatch(file.sha256) for file in files)
        and (_fits_contract(manifest) if isinstance(manifest, PackageManifest) else _fits_capture(manifest))
    )


def _fits_contract(manifest: PackageManifest) -> bool:
    numbers = (manifest.powers_stated_since or 0, *manifest.withheld)
    in_order = list(manifest.withheld) == sorted(set(manifest.withheld))
    return in_order and all(type(each) is int and each >= 0 for each in numbers)


def _fits_capture(manifest: CaptureManifest) -> bool:
    return CAPTURE_NUMBER.fullmatch(manifest.capture) is not None


def require_same(manifest: AnyManifest, files: Mapping[str, bytes | memoryview]) -> None:
    """Exactly the listed files are there, each with its listed size and SHA-256, or :class:`PackageRefused`.
    Renewed timestamps lie beside them in the package of a capture."""
    renewable = isinstance(manifest, CaptureManifest)
    beside = {path for path in files if path in SEALS or (renewable and path.startswith(RENEWALS))}
    found = listing({path: data for path, data in files.items() if path not in beside})
    listed = {file.path: file for file in manifest.files}
    for file in found:
        if file.path not in listed:
            raise PackageRefused("The package has a file that its manifest does not list: {path}.", path=file.path)
        if file != listed.pop(file.path):
            raise PackageRefused("The file {path} is not the one that the manifest lists.", path=file.path)
    for path in listed:
        raise PackageRefused("The package lacks a file that its manifest lists: {path}.", path=path)


def _not_in_form() -> PackageRefused:
    return PackageRefused("The manifest of the package is not in its one form ({format}).", format=FORMAT)
