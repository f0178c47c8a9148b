"""The contract's history, read from its log entries, so that what people read is what the log proves.

``history.json`` is for machines; :mod:`appliance.evidence.readme` sets the same events for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.entered_text import require_zone
from appliance.errors import EvidenceIncomplete
from appliance.evidence.model import EvidenceInput, LogEntry, PackageRefused
from appliance.ledger.entry import commitment
from hsm import canonical
from hsm.errors import Sentence
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


_APPROVING: Final = ("seal-requested", "seal-half-approved", "seal-approved")


def approved_together(told: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[int]]:
    """By field of a seal, of each approval of its use that was given at once with others: how many documents in
    all. *told* are kind and public fields of the events, in their order; of several requests the last counts."""
    fields: dict[str, str] = {}
    counts: dict[str, list[int]] = {}
    for kind, public in told:
        party = str(public.get("party"))
        if kind == SIGNED and "field" in public:
            fields[party] = str(public["field"])
        elif kind in _APPROVING:
            before = [] if kind == _APPROVING[0] else counts.get(party, [])
            joint = public.get("together_count")
            counts[party] = [*before, joint] if type(joint) is int else before
    return {field: counts[party] for party, field in fields.items() if counts.get(party)}


def unnamed(signed: Iterable[Mapping[str, Any]]) -> list[str]:
    """The fields of those of the *signed* of which the history does not (any more) say for whom they signed."""
    return [
        str(each["public"].get("field", each["public"]["signer"]))
        for each in signed
        if each["private"].get("organisation") is None or not each["private"].get("name")
    ]


FOLDER: Final = "voiding/"
_NAMING_FILE: Final = ("contract-completed", "archive-renewed")
"""The kinds of entries that name the file that the contract is by then."""
_NAMING_RECORD: Final[Mapping[str, tuple[str, str, timedelta]]] = {
    "agreement-accepted": ("agreement/", "signed", timedelta()),
    "void-declared": ("voiding/", "signed", timedelta()),
    **dict.fromkeys(
        ("power-verified", "guest-certified", "anchor-approved"), ("authority/", "statement", timedelta(hours=1))
    ),
}
"""The kinds of entries that name a signed record: its folder, the field that has its SHA-256, and how far the
entry may be from the time of its timestamp. A statement gets its timestamp just before it is logged."""
VOIDED: Final = "contract-voided"


def is_void(events: Sequence[PackageEvent], contract: str) -> bool:
    """Whether the history says that *contract* was voided."""
    return any(event.kind == VOIDED and event.public.get("contract") == contract for event in events)


ANNEXES: Final = "annexes/"
"""The folder of the files that were attached to the contract."""


def require_annexes(files: Mapping[str, memoryview], events: Sequence[PackageEvent], contract: str) -> None:
    """Exactly the annexes are there that the log has since *contract* was sent, byte for byte, numbered in its
    order: whoever asks for the second one gets no other."""
    told = [str(event.public["annex"]) for event in events if event.kind == "annex-attached"]
    if any(event.public.get("contract") != contract for event in events if event.kind == "annex-attached"):
        raise PackageRefused("The history tells of an annex of another contract.")
    given = sorted(
        (int(path.removeprefix(ANNEXES).partition(".")[0]), hashlib.sha256(files[path]).hexdigest())
        for path in files
        if path.startswith(ANNEXES)
    )
    if given != list(enumerate(told, start=1)):
        raise PackageRefused("The annexes in the package are not those that the log has.")


_CHANGED_BY: Final[Mapping[str, str]] = {
    "contract-supplemented": (
        "The parties have supplemented this contract, with effect from {day}, by contract {number}, whose signed"
        " document has the SHA-256 {digest}. That they did, the package of that contract proves."
    ),
    "contract-replaced": (
        "The parties have replaced this contract, with effect from {day}, by contract {number}, whose signed"
        " document has the SHA-256 {digest}. That they did, the package of that contract proves."
    ),
    "contract-terminated": (
        "The parties have terminated this contract by agreement, with effect from {day}, in contract {number},"
        " whose signed document has the SHA-256 {digest}. That they did, the package of that contract proves."
    ),
}
"""By the kind of entry, when another contract has changed the package's."""

_CHANGES: Final[Mapping[str, str]] = {
    "supplement": (
        "This contract supplements, with effect from {day}, contract {number}, whose signed document has the"
        " SHA-256 {digest}."
    ),
    "replacement": (
        "This contract takes the place, with effect from {day}, of contract {number}, whose signed document has"
        " the SHA-256 {digest}."
    ),
    "termination": (
        "This contract terminates, with effect from {day}, contract {number}, whose signed document has the"
        " SHA-256 {digest}."
    ),
}
"""By the field of the entry that it was sent, when the package's contract changes another one."""


def related_contracts(events: Sequence[PackageEvent], contract: str) -> Iterator[Sentence]:
    """What the history says of contracts that changed *contract*, and were not voided since, and of the one that
    it changes: nothing but number, digest and day."""
    own = [event for event in events if event.public.get("contract") == contract]
    voided = {event.public["amendment"] for event in own if event.kind == "amendment-voided"}
    for event in own:
        public = event.public
        if event.kind in _CHANGED_BY and public["amendment"] not in voided:
            yield _related(_CHANGED_BY[event.kind], public["amendment"], public["amending"], public)
        for field in _CHANGES.keys() & public.keys() if event.kind == "contract-sent" else ():
            yield _related(_CHANGES[field], public[field], public["earlier"], public)


def _related(template: str, number: Any, digest: Any, public: Mapping[str, Any]) -> Sentence:
    return Sentence(template, {"day": str(public["effective"]), "number": str(number), "digest": str(digest)})


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
        if each.kind in _NAMING_FILE:
            digest, size = each.public["digest"], each.public["size"]
            if size >= signed_until and _digest(signed[:size]) == digest:
                yield digest


def stamped_files(signed: bytes, stamps: Mapping[int, datetime]) -> dict[str, datetime]:
    """The files that the *signed* one was after each document timestamp: the SHA-256 (hex) of each, and the time
    of that timestamp. *stamps* are those times, by where in the file what they cover ends."""
    read, before, found = hashlib.sha256(), 0, dict[str, datetime]()
    for end, at in sorted(stamps.items()):
        read.update(signed[before:end])
        before, found[read.hexdigest()] = end, at
    return found


def proven_by(
    name: str,
    record: str,
    at: datetime,
    events: Sequence[PackageEvent],
    contract: str,
    stamped: Mapping[str, datetime],
) -> datetime | None:
    """By when the *record* of this *name* in the package and this SHA-256 (hex) was there, whose own timestamp has
    the time *at*; None where nothing proves it.

    What proves it is the log: after the entry that names the record, the first one by which the *contract* was
    completed or renewed as one of the *stamped* files, whose timestamp is not earlier than the record, and of
    which no entry had told by then. The later of both times counts. That the log was written promptly and in this
    order is the word of whoever wrote it, and so is that the record was signed by then: the log has its content
    alone.
    """
    at, named, told = at.replace(microsecond=0), False, set[str]()
    for each in events:
        file = str(each.public.get("digest"))
        if not named:
            told.add(file)
            named = _names(each, name, record, at, contract)
        elif each.kind in _NAMING_FILE and each.public.get("contract") == contract and file not in told:
            stamp = stamped.get(file)
            if stamp is not None and at <= stamp:
                return max(each.at, stamp)
    return None


def _names(event: PackageEvent, name: str, record: str, at: datetime, contract: str) -> bool:
    """Whether the *event*, of this *contract* or of none, names the *record* of that *name* and SHA-256 where the
    product does, which has the time *at*."""
    if event.kind not in _NAMING_RECORD:
        return False
    folder, field, late = _NAMING_RECORD[event.kind]
    own = name.startswith(folder) and event.public.get("contract", contract) == contract
    return own and event.public.get(field) == record and abs(event.at - at) <= late


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _about(declaration: bytes) -> tuple[str, str, str]:
    """Who declares, which contract, and by which proposal."""
    said = canonical.decode(declaration)
    return said["person"], said["contract"], said["voiding"]
