"""The support bundle: a ZIP with one JSON file for each part, all of it through the allow-list. Each part is
gathered by itself, and says so when it cannot be.

The allow-list lets through numbers, moments, versions, and words that this program itself knows. It is not a
search for what looks secret. A text is let through because it stands in a closed set: the catalogue of
sentences, enumerations, names of actions, checks, settings, tables, packages, source files. So what somebody
typed, a name, a path or a key, never is, wherever it was found; ``REMOVED`` stands in its place.
"""

from __future__ import annotations

import dataclasses
import io
import json
import platform
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final, get_type_hints

from pysqlite3 import dbapi2 as sqlite

import appliance
from appliance.administration.actions import REGISTRY
from appliance.config import Settings, load
from appliance.health.surveys import CHECKS, TITLES, diagnose
from appliance.home import Home
from appliance.language import chinese_messages
from appliance.store import APPLIANCE
from appliance.store.administration import ADMINISTRATION, admin_requests, journal, stuck
from appliance.store.database import Database
from appliance.store.inspection import row_counts
from hsm.client import AuthorityClient
from hsm.errors import RefusalError
from hsm.files import write_private

REMOVED: Final = "—"
PACKAGES: Final = ("appliance", "hsm", "webui")

Value = None | bool | int | float | str | datetime | list["Value"] | dict[str, "Value"]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){1,2}")
_MODE = re.compile(r"0o[0-7]{1,5}")


class AllowList:
    """Lets through what is in *words*; each is a text that the program has, not one that it was given."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)

    def text(self, text: str) -> str:
        """*text*, or :data:`REMOVED`."""
        harmless = text in self._words or any(each.fullmatch(text) for each in (_MOMENT, _VERSION, _MODE))
        return text if harmless else REMOVED

    def value(self, value: Value) -> Value:
        """The same for a whole structure, its keys included."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        if isinstance(value, StrEnum):
            return self.text(value.value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, Mapping):
            return {self.text(name): self.value(each) for name, each in value.items()}
        return value


SERVICE_KEYS = ("tsa", "log", "evidence", "root", *(f"issuing{end}" for end in ("", "-2", "-3", "-4", "-5")))
"""Subjects of keys that belong to nobody."""


def vocabulary(own: Iterable[str]) -> frozenset[str]:
    """All of it; *own* are the names of the bundle's own fields."""
    found = {*own, *chinese_messages(), *REGISTRY, *(check.name for check in CHECKS), *TITLES, *SERVICE_KEYS}
    found |= set(_settings()) | APPLIANCE.tables() | ADMINISTRATION.tables() | set(_packages()) | set(_sources())
    return frozenset(found | set(_enumerated()) | set(_faults()) | {sys.platform})


def _settings() -> Iterator[str]:
    for section, kind in get_type_hints(Settings).items():
        if dataclasses.is_dataclass(kind) and section != "home":
            yield from (f"{section}.{item.name}" for item in dataclasses.fields(kind))


def _packages() -> Iterator[str]:
    return (str(each.metadata["Name"]) for each in metadata.distributions() if each.metadata["Name"])


def _sources() -> Iterator[str]:
    """The program's own files, as tracebacks name them, without where it is installed."""
    root = Path(str(appliance.__file__)).parents[1]
    for package in PACKAGES:
        yield from (str(path.relative_to(root)) for path in (root / package).rglob("*.py"))


def _enumerated() -> Iterator[str]:
    """The values of every enumeration of words that is loaded from this program."""
    for kind in _descendants(StrEnum):
        if kind.__module__.partition(".")[0] in PACKAGES:
            yield from (member.value for member in kind)


def _faults() -> Iterator[str]:
    return (kind.__name__ for kind in _descendants(BaseException))


def _descendants(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _descendants(each)


PLACES: Final = (
    "config",
    "trust",
    "state",
    "timestamps",
    "administration",
    "confirmed",
    "performed",
    "gate",
    "activation",
    "health",
    "authority",
    "hsm",
    "cache",
    "run",
    "log",
)
RECENT = 200
_FRAME = re.compile(r'^\s*File ".*?((?:appliance|hsm|webui)/[\w/]+\.py)", line (\d+)', re.MULTILINE)
_KIND = re.compile(r"^(?:[\w.]+\.)?([A-Z]\w+)(?::|$)", re.MULTILINE)

Rows = list[Value]


@dataclass(frozen=True, slots=True)
class BundleContext:
    """Where and when."""

    home: Home
    now: datetime


def release(_look: BundleContext) -> Value:
    """Versions, of the program, what it runs on, and its packages."""
    packages: dict[str, Value] = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return {
        "release": metadata.version("vermilion"),
        "schema": APPLIANCE.latest(),
        "python": platform.python_version(),
        "sqlite": sqlite.sqlite_version,
        "platform": sys.platform,
        "packages": packages,
    }


def settings(look: BundleContext) -> Value:
    """Which settings differ from their defaults; what they are only where that is a number or a yes or no."""
    loaded, found = load(look.home), dict[str, Value]()
    for section in dataclasses.fields(loaded):
        if section.name == "home":
            continue
        value = getattr(loaded, section.name)
        default = type(value)()
        for item in dataclasses.fields(value):
            set_to = getattr(value, item.name)
            if set_to != getattr(default, item.name):
                found[f"{section.name}.{item.name}"] = set_to if isinstance(set_to, (bool, int)) else "changed"
    return found


def findings(look: BundleContext) -> Value:
    """What `vermilion diagnose` finds: the sentences without what they are about, but for numbers."""
    return [
        {
            "name": each.finding.name,
            "condition": each.finding.condition,
            "since": each.since,
            "sentence": each.finding.template,
            "numbers": _numbers(each.finding.values),
        }
        for each in diagnose(look.home, look.now)
    ]


def authority(look: BundleContext) -> Value:
    """State, clock, and the service keys with their ends."""
    with AuthorityClient(look.home.authority_socket("operator"), timeout=5.0) as client:
        status = client.status()
    keys: Rows = [
        {"subject": key.subject, "algorithm": key.algorithm, "ends": key.not_after} for key in status.keys
    ]
    return {
        "state": status.state,
        "sentence": status.sentence.template,
        "clock": status.clock.sentence.template,
        "trusted": status.clock.trusted,
        "entries": status.checkpoint.size if status.checkpoint else 0,
        "keys": keys,
    }


def tables(look: BundleContext) -> Value:
    """How many rows each table has."""
    return {
        "appliance": dict(row_counts(look.home.database, APPLIANCE)),
        "administration": dict(row_counts(look.home.administration, ADMINISTRATION)),
    }


def files(look: BundleContext) -> Value:
    """How full the disk is; of each place its mode, how many files it has and how large they are together."""
    usage, places = shutil.disk_usage(look.home.root), dict[str, Value]()
    for name in PLACES:
        place = look.home.root / name
        if place.is_dir():
            inside = [path.lstat() for path in place.rglob("*") if not path.is_symlink() and path.is_file()]
            size = sum(each.st_size for each in inside)
            places[name] = {"mode": oct(stat.S_IMODE(place.stat().st_mode)), "files": len(inside), "size": size}
    return {"total": usage.total, "free": usage.free, "places": places}


def journal_lines(look: BundleContext) -> Value:
    """The newest lines of the journal: when, and what kind; not who, nor about whom."""
    with closing(_administration(look.home)) as database, database.reading() as tx:
        return [
            {"number": each.number, "at": each.at, "kind": each.kind} for each in journal.lines(tx, limit=RECENT)
        ]


def recent_acts(look: BundleContext) -> Value:
    """The newest admin requests: which action, its state, and when; not who, nor with which arguments."""
    with closing(_administration(look.home)) as database, database.reading() as tx:
        return [
            {
                "action": each.action,
                "state": each.state,
                "asked": each.asked,
                "ended": each.ended,
                "sentence": each.outcome.template if each.outcome else None,
            }
            for each in admin_requests.recent(tx, RECENT)
        ]


def stuck_contracts(look: BundleContext) -> Value:
    """At which steps contracts stand still, and why; not which."""
    with closing(_administration(look.home)) as database, database.reading() as tx:
        return [
            {"step": each.step, "since": each.since, "sentence": each.template} for each in stuck.everything(tx)
        ]


def faults(look: BundleContext) -> Value:
    """Where in the program faults happened, and of which kind; not what they said."""
    text = _end_of(look.home.logs / "faults.log")
    frames: Rows = [{"file": name, "line": int(line)} for name, line in _FRAME.findall(text)[-RECENT:]]
    kinds: Rows = [*_KIND.findall(text)[-RECENT:]]
    return {"frames": frames, "kinds": kinds}


PARTS: Final[Mapping[str, Callable[[BundleContext], Value]]] = {
    "release": release,
    "settings": settings,
    "findings": findings,
    "authority": authority,
    "tables": tables,
    "files": files,
    "journal": journal_lines,
    "acts": recent_acts,
    "stuck": stuck_contracts,
    "faults": faults,
}

_NAMES = """
    release schema python sqlite platform packages name condition since sentence numbers state clock trusted
    entries keys subject algorithm ends appliance administration total free places mode files size number at kind
    action asked ended step frames kinds file line missing changed ecdsa-p256 ecdsa-p384 rsa-3072 ed25519
"""

FIELDS: Final = frozenset((*_NAMES.split(), *PLACES, *PARTS))
"""The names of fields, and the few words that stand in them."""


def gathered(part: Callable[[BundleContext], Value], look: BundleContext) -> Value:
    """What *part* gives, or the sentence why it cannot be had."""
    try:
        return part(look)
    except RefusalError as error:
        return {"missing": error.template}
    except OSError as error:
        return {"missing": type(error).__name__}


def _administration(home: Home) -> Database:
    return Database(home.administration, ADMINISTRATION)


def _numbers(values: Mapping[str, object]) -> Value:
    return [value for value in values.values() if isinstance(value, int)]


def _end_of(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 200_000))
        return stream.read().decode("utf-8", errors="replace")


_READ_ME = """\
This bundle says how a Vermilion appliance stands: versions, findings, counts, times. It was made by an allow-list:
numbers, moments, and words that the program itself has. No name, no address, no document, no key, no path is in
it; where one would have stood there is "—". Each file is plain JSON: read it before you send it.
"""


def write_bundle(home: Home, target: Path, now: datetime) -> tuple[str, ...]:
    """Writes the bundle of *home* into the new file *target* (mode 0600); the names of the files in it.

    It works whatever runs and whatever does not. Raises OSError when *target* cannot be written.
    """
    allowed = AllowList(vocabulary(FIELDS))
    stream, look = io.BytesIO(), BundleContext(home, now)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _READ_ME)
        for name, part in PARTS.items():
            content = json.dumps(allowed.value(gathered(part, look)), ensure_ascii=False, indent=1)
            archive.writestr(f"{name}.json", content + "\n")
        names = tuple(archive.namelist())
    write_private(target, stream.getvalue())
    return names
