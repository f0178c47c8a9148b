"""The two forms of manifest that the evidence key signs: of a contract's package and of a web capture's.

Nothing else can hide in one: every field has a plain form, and which files a package may list is fixed. A
contract's package has no file that only captures have, and a capture's has exactly those that it must have, so
that neither is ever taken for the other.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hsm import canonical, checkers
from hsm.errors import BadRequest
from hsm.intents import instant, required_field
from hsm.note import Checkpoint

CONTRACT_FORMAT: Final = "vermilion-evidence-manifest/3"
CAPTURE_FORMAT: Final = "vermilion-capture-manifest/1"
CAPTURE_NUMBER: Final = re.compile(r"[0-9a-f]{24}")
"""By which a capture is known."""

_SHARED: Final = frozenset({"format", "created", "made_for", "checkpoint", "files"})
_LONGEST_AUDIENCE: Final = 300
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")
_PATH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,119}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PATIENCE: Final = timedelta(minutes=15)

MOST_STEPS: Final = 20
"""Pictures of the steps of a recorded session in a capture's package."""
_OF_CAPTURES: Final = (
    *("capture.warc.gz", "capture.warc.tsq", "capture.warc.tsr", "capture.wacz", "capture.json"),
    *("page.png", "page.pdf", "page.txt"),
    *("certificate.en.pdf", "certificate.zh.pdf"),
)
RENEWALS: Final = "renewals/"
"""Where renewed timestamps of a capture's package lie, beside what its manifest lists."""
_OF_SESSIONS: Final = ("session.webp", *(f"step-{number:02}.png" for number in range(1, MOST_STEPS + 1)))
_ALWAYS: Final = frozenset(
    {
        *_OF_CAPTURES,
        *("README.en.txt", "README.zh.txt"),
        *checkers.PROGRAMS,
        *("log/checkpoint", "log/checkpoint.text", "log/checkpoint.sig", "log/checkpoint.tst"),
        *("log/log.vkey", "log/log.pub.pem"),
        *("certificates/ca.pem", "certificates/chain.pem", "certificates/crls.pem"),
        *("certificates/evidence.pem", "certificates/timestamping.pem"),
    }
)
_OF_ENTRY: Final = re.compile(
    r"log/(?:entries/(?P<entry>\d{8,18})\.json|openings/(?P<opening>\d{8,18})\.json"
    r"|proofs/(?P<proof>\d{8,18})\.tlog-proof)",
    re.ASCII,
)
_SOMETIMES: Final = re.compile(r"log/witness-policy\.txt|certificates/timestamping-[1-9]\.pem")


def is_of_captures(path: str) -> bool:
    """Whether packages of captures alone have a file of this name, or one alike but for case: some systems keep
    such files under one name."""
    name = path.lower()
    return name in (*_OF_CAPTURES, *_OF_SESSIONS) or name.startswith(RENEWALS)


def capture_misfit(paths: Iterable[str]) -> tuple[str, bool] | None:
    """What keeps *paths* (without the manifest and its seals) from being those of a capture's package: the first
    path in question, and whether it is missing there (True) or has no place (False). None where all is right: each
    file once, pictures of steps numbered from 1, of the log exactly one entry with its opening and its proof."""
    seen: set[str] = set()
    entries: dict[str, str] = {}
    for path in paths:
        of_entry = _OF_ENTRY.fullmatch(path)
        if of_entry is not None:
            kind, number = next((name, text) for name, text in of_entry.groupdict().items() if text is not None)
            if {*entries.values(), number} != {number}:
                return path, False
            entries[kind] = number
        elif path not in _ALWAYS and path not in _OF_SESSIONS and not _SOMETIMES.fullmatch(path):
            return path, False
        if path in seen:
            return path, False
        seen.add(path)
    steps = [path for path in _OF_SESSIONS[1:] if path in seen]
    missing = sorted({*_ALWAYS, *_OF_SESSIONS[1 : len(steps) + 1]} - seen)
    if len(entries) < len(_OF_ENTRY.groupindex):
        missing.append("log/entries/")
    return (missing[0], True) if missing else None


@dataclass(frozen=True, slots=True)
class _Form:
    """What one form of manifest has besides the fields that both have."""

    format: str
    own: frozenset[str]
    require: Callable[[Mapping[str, Any], int], None]
    require_paths: Callable[[Sequence[str]], None]


def checkpoint_of_manifest(manifest: bytes, *, now: datetime, powers_stated_since: int) -> Checkpoint:
    """The state of the log that *manifest* rests on. Raises :class:`BadRequest` or :class:`hsm.errors.Malformed`.

    1. it is canonical JSON with the fields of one of the forms and no others;
    2. names, paths and hashes have their plain forms, and the name of its audience is one short line: no document
       of the caller's choice is signed; the checkers that it lists are those of this release;
    3. the time that it gives is *now* (aware), give or take what making the package takes;
    4. a contract's says from which entry of the log on powers of attorney need a statement, as the authority knows
       it, and lists no file of a capture; a capture's lists exactly the files of its layout.
    """
    value = canonical.decode(manifest)
    form = _form_of(value)
    form.require(value, powers_stated_since)
    _require_audience(value)
    _require_files(value["files"])
    form.require_paths([file["path"] for file in value["files"]])
    _require(value, "created", _MOMENT)
    if not instant(now - _PATIENCE) <= value["created"] <= instant(now + _PATIENCE):
        raise BadRequest("A manifest gives the time of its making; this one gives another. Export again.")
    return _checkpoint(value["checkpoint"])


def _form_of(value: Any) -> _Form:
    stated = value.get("format") if isinstance(value, dict) else None
    for form in _FORMS:
        if stated == form.format and set(value) == _SHARED | form.own:
            return form
    raise BadRequest("This is no evidence manifest of the format {format}.", format=_shown_formats())


def _shown_formats() -> str:
    return ", ".join(form.format for form in _FORMS)


def _require_of_contract(value: Mapping[str, Any], powers_stated_since: int) -> None:
    """Which contract, which entries of the log are withheld, and since when powers of attorney are confirmed."""
    _require(value, "contract", _NAME)
    withheld = value["withheld"]
    if not isinstance(withheld, list) or any(type(number) is not int or number < 0 for number in withheld):
        raise BadRequest("A manifest gives the withheld entries of the log by their numbers.")
    if required_field(value, "powers_stated_since", int) != powers_stated_since:
        raise BadRequest(
            "A manifest says since which log entry powers of attorney need a statement: {entry}.",
            entry=powers_stated_since,
        )


def _require_of_capture(value: Mapping[str, Any], powers_stated_since: int) -> None:
    """Which capture; nobody has a power of attorney in one."""
    _require(value, "capture", CAPTURE_NUMBER)


def _require_contract_paths(paths: Sequence[str]) -> None:
    for path in paths:
        if is_of_captures(path):
            raise BadRequest("A package has no file of the kind of {file}; nothing was signed.", file=path)


def _require_capture_paths(paths: Sequence[str]) -> None:
    misfit = capture_misfit(paths)
    if misfit is not None and misfit[1]:
        raise BadRequest("The package of a web capture lacks its file {file}; nothing was signed.", file=misfit[0])
    if misfit is not None:
        raise BadRequest("A package has no file of the kind of {file}; nothing was signed.", file=misfit[0])


def _require_audience(value: Mapping[str, Any]) -> None:
    """For whom the package is made."""
    name = required_field(value, "made_for", str)
    if not name.isprintable() or not 1 <= len(name) <= _LONGEST_AUDIENCE:
        raise BadRequest("A manifest names in one line for whom the package was made.")


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
        if file["path"] not in checkers.PROGRAMS:
            _require_data(file["path"])
        elif not checkers.is_current(file["path"], file["sha256"]):
            raise BadRequest(
                "The {file} that this manifest lists is not the checker of this release; nothing was signed.",
                file=file["path"],
            )


def _require_data(path: str) -> None:
    if not checkers.is_data(path):
        raise BadRequest("A package has no file of the kind of {file}; nothing was signed.", file=path)


def _require(values: Mapping[str, Any], name: str, form: re.Pattern[str]) -> None:
    if form.fullmatch(required_field(values, name, str)) is None:
        raise BadRequest("The field {name} of a manifest does not have its plain form.", name=name)


def _checkpoint(state: Any) -> Checkpoint:
    if not isinstance(state, dict) or set(state) != {"origin", "size", "root"}:
        raise BadRequest("A manifest's checkpoint has origin, size and root.")
    size, root = required_field(state, "size", int), _root(required_field(state, "root", str))
    return Checkpoint(required_field(state, "origin", str), size, root)


def _root(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("The root of a manifest's checkpoint is not base64.") from error


_FORMS: Final = (
    _Form(
        CONTRACT_FORMAT,
        frozenset({"contract", "withheld", "powers_stated_since"}),
        _require_of_contract,
        _require_contract_paths,
    ),
    _Form(CAPTURE_FORMAT, frozenset({"capture"}), _require_of_capture, _require_capture_paths),
)
