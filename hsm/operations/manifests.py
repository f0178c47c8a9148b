"""Evidence manifests: exactly the form that the evidence key signs, so that nothing else can hide in one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hsm import canonical
from hsm.errors import BadRequest
from hsm.intents import instant, required_field
from hsm.store import RememberedCheckpoint

_FORMAT = "vermilion-evidence-manifest/2"
_FIELDS = frozenset({"format", "contract", "created", "made_for", "checkpoint", "withheld", "files"})
_LONGEST_AUDIENCE = 300
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,119}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class ManifestLogState:
    """The state of the log that a manifest rests on: the log's name, and its size and root."""

    origin: str
    state: RememberedCheckpoint


def log_state_from_manifest(manifest: bytes, *, now: datetime) -> ManifestLogState:
    """What *manifest* rests on. Raises :class:`BadRequest` or :class:`hsm.errors.Malformed`.

    1. it is canonical JSON with the fields of the format and no others;
    2. names, paths and hashes have their plain forms, and the name of its audience is one short line: no document
       of the caller's choice is signed;
    3. the time that it gives is *now* (aware), give or take what making the package takes.
    """
    value = canonical.decode(manifest)
    if not isinstance(value, dict) or set(value) != _FIELDS or value["format"] != _FORMAT:
        raise BadRequest("This is no evidence manifest of the format {format}.", format=_FORMAT)
    _require(value, "contract", _NAME)
    _require_audience(value)
    _require_files(value["files"])
    _require(value, "created", _MOMENT)
    if not instant(now - _PATIENCE) <= value["created"] <= instant(now + _PATIENCE):
        raise BadRequest("A manifest gives the time of its making; this one gives another. Export again.")
    state = value["checkpoint"]
    if not isinstance(state, dict) or set(state) != {"origin", "size", "root"}:
        raise BadRequest("A manifest's checkpoint has origin, size and root.")
    remembered = RememberedCheckpoint(
        required_field(state, "size", int), _root(required_field(state, "root", str))
    )
    return ManifestLogState(required_field(state, "origin", str), remembered)


def _require_audience(value: Mapping[str, Any]) -> None:
    """For whom the package is made, and which entries of the log are withheld from them."""
    name = required_field(value, "made_for", str)
    if not name.isprintable() or not 1 <= len(name) <= _LONGEST_AUDIENCE:
        raise BadRequest("A manifest names in one line for whom the package was made.")
    withheld = value["withheld"]
    if not isinstance(withheld, list) or any(type(number) is not int or number < 0 for number in withheld):
        raise BadRequest("A manifest gives the withheld entries of the log by their numbers.")


def _require_files(files: Any) -> None:
    if not isinstance(files, list) or not files:
        raise BadRequest("An evidence manifest lists at least one file.")
    for file in files:
        if not isinstance(file, dict) or set(file) != {"path", "sha256", "size"}:
            raise BadRequest("A manifest gives path, sha256 and size of each file.")
        _require(file, "path", _PATH)
        _require(file, "sha256", _SHA256)
        if required_field(file, "size", int) < 0:
            raise BadRequest("A file in a manifest has a size of 0 or more.")


def _require(values: Mapping[str, Any], name: str, form: re.Pattern[str]) -> None:
    if form.fullmatch(required_field(values, name, str)) is None:
        raise BadRequest("The field {name} of a manifest does not have its plain form.", name=name)


def _root(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("The root of a manifest's checkpoint is not base64.") from error
