"""The contract's history, read from its log entries, so that what people read is what the log proves.

``history.json`` is for machines; :mod:`appliance.evidence.readme` sets the same events for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.entered_text import require_zone
from appliance.errors import EvidenceIncomplete
from appliance.evidence.model import EvidenceInput, LogEntry, PackageRefused
from appliance.ledger.entry import commitment
from hsm import canonical
from hsm.intents import instant

FORMAT: Final = "vermilion-evidence-history/1"
_AT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class PackageEvent:
    """One entry of the log, understood. ``actor`` is a subject; ``public``, ``private`` are other fields."""

    entry: int
    kind: str
    at: datetime
    actor: str
    public: Mapping[str, Any]
    private: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HistoryHeading:
    """What the history is about, and the names of the subjects in it."""

    contract: str
    title: str
    zone: str
    created: datetime
    names: Mapping[str, str]


def heading(evidence: EvidenceInput) -> HistoryHeading:
    """The heading of a package's history."""
    return HistoryHeading(evidence.contract, evidence.title, evidence.zone, evidence.created, evidence.names)


def events(entries: Sequence[LogEntry]) -> tuple[PackageEvent, ...]:
    """The events in the order of the log. Raises :class:`EvidenceIncomplete` for an entry whose opened fields are
    not those that it commits to, :class:`hsm.errors.Malformed` for one that is not canonical JSON."""
    return tuple(_event(entry) for entry in sorted(entries, key=lambda entry: entry.index))


def encode(about: HistoryHeading, told: Sequence[PackageEvent]) -> bytes:
    """``history.json``: canonical JSON, each time in UTC and in the contract's zone."""
    return canonical.encode(
        {
            "format": FORMAT,
            **asdict(about),
            "created": _moment(about.created, about.zone),
            "events": [{**asdict(event), "at": _moment(event.at, about.zone)} for event in told],
        }
    )


def read_heading(data: bytes) -> HistoryHeading:
    """The heading of a ``history.json``. Raises :class:`Malformed`,
    :class:`PreconditionRefused`, KeyError, TypeError or ValueError."""
    value = canonical.decode(data)
    created = datetime.strptime(value["created"]["utc"], _AT).replace(tzinfo=UTC)
    require_zone(value["zone"])
    return HistoryHeading(value["contract"], value["title"], value["zone"], created, dict(value["names"]))


def _moment(at: datetime, zone: str) -> dict[str, str]:
    return {"utc": instant(at), "local": at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")}


def _event(entry: LogEntry) -> PackageEvent:
    leaf = canonical.decode(entry.leaf)
    try:
        public = dict(leaf["public"])
        committed = leaf["commitments"]
        for name, opened in entry.opening.items():
            if commitment(name, salt=opened["salt"], value=opened["value"]) != committed[name]:
                raise EvidenceIncomplete(
                    "The private field {name} of log entry {entry} is not the one that the log commits to.",
                    name=name,
                    entry=entry.index,
                )
        return PackageEvent(
            entry=entry.index,
            kind=leaf["kind"],
            at=datetime.strptime(leaf["at"], _AT).replace(tzinfo=UTC),
            actor=public.pop("actor", ""),
            public=public,
            private={name: opened["value"] for name, opened in entry.opening.items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceIncomplete("The log entry {entry} is not in a known form.", entry=entry.index) from error


SIGNED: Final = "party-signed"


def confirmed_together(signed: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """By field, for signatures that were confirmed at once with others: how many documents in all. *signed* are
    the public fields of the events that say that a party signed."""
    return {
        str(each["field"]): each["together_count"] for each in signed if type(each.get("together_count")) is int
    }


def unnamed(signed: Iterable[Mapping[str, Any]]) -> list[str]:
    """The fields of those of the *signed* of which the history does not (any more) say for whom they signed."""
    return [
        str(each["public"].get("field", each["public"]["signer"]))
        for each in signed
        if each["private"].get("organisation") is None or not each["private"].get("name")
    ]


FOLDER: Final = "voiding/"
VOIDED: Final = "contract-voided"


def is_void(events: Sequence[PackageEvent], contract: str) -> bool:
    """Whether the history says that *contract* was voided."""
    return any(event.kind == VOIDED and event.public.get("contract") == contract for event in events)


def require_declared(
    files: Mapping[str, memoryview],
    events: Sequence[PackageEvent],
    about: HistoryHeading,
    signed: bytes,
    *,
    signed_until: int,
) -> None:
    """Exactly the declarations that the log has are there, by whom it says, *about* this contract by its number,
    title and *signed* file (all its signatures are in its first *signed_until* bytes), and about its one voiding,
    since some may have refused another one; everybody who signed has made one. None for a contract that is not
    void. People declare on a page that shows no document: whoever leads them there could show them the title of
    one contract over the number of another.

    Raises :class:`PackageRefused`; KeyError, TypeError or ValueError for other forms.
    """
    contract = about.contract
    own = [event for event in events if event.public.get("contract") == contract]
    proposals = {event.public["voiding"] for event in own if event.kind == VOIDED}
    declared = [each for each in own if each.kind == "void-declared" and each.public["voiding"] in proposals]
    wanted = sorted((each.public["signed"], each.actor, contract, each.public["voiding"]) for each in declared)
    records = [bytes(files[path]) for path in files if path.startswith(FOLDER) and path.endswith(".json")]
    found = sorted((hashlib.sha256(each).hexdigest(), *_about(each)) for each in records)
    silent = {event.actor for event in events if event.kind == SIGNED} - {each.actor for each in declared}
    agreed = not proposals or (len(proposals) == 1 and wanted and not silent)
    if found != wanted or not agreed or not _name(records, about.title, _stages(own, signed, signed_until)):
        raise PackageRefused("The package does not have the declarations by which the contract was voided.")


def _name(declarations: Iterable[bytes], title: str, stages: Iterable[str]) -> bool:
    """Whether all of the *declarations* have the *title* of the contract and the digest of one of its *stages*."""
    said, held = [canonical.decode(each) for each in declarations], set(stages) if declarations else ()
    return all(each["title"] == title and each["digest"] in held for each in said)


def _stages(own: Iterable[PackageEvent], signed: bytes, signed_until: int) -> Iterator[str]:
    """The digests of the *signed* file as it was completed, with all of its signatures, or as it was renewed;
    *own* are the events of the contract. A shorter file is another document, which somebody may have voided."""
    for each in own:
        if each.kind in ("contract-completed", "archive-renewed"):
            digest, size = each.public["digest"], each.public["size"]
            if size >= signed_until and _digest(signed[:size]) == digest:
                yield digest


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _about(declaration: bytes) -> tuple[str, str, str]:
    """Who declares, which contract, and by which proposal."""
    said = canonical.decode(declaration)
    return said["person"], said["contract"], said["voiding"]
