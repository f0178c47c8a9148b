"""A contract's history as people read it on its page: the log's own entries, opened as far as the reader may see
them (:mod:`appliance.ledger.disclosure`), with the actors' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from appliance.errors import NotFound
from appliance.ledger.audit_trail import NOBODY, SYSTEM, EventKind
from appliance.ledger.disclosure import Audience, Disclosure, VisibleEvents, replaced_guests
from appliance.ledger.event_texts import LABELS, fact_label, says_nothing, title_of_event, value_as_message
from appliance.store import api_clients, contracts, ledger, people
from appliance.store.database import Database, Transaction
from hsm import canonical

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

_PLACES: Final = ("address", "location")

_SUBJECTS: Final = ("person-", "seal-", "officer-", "auditor-", "operator-", "client-")

WITHHELD: Final = "withheld"
"""The kind that an event has for readers who may not know what it was."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of an event. ``label`` is a message id, ``value`` another one if it ``is_message``, and None when
    the field was erased."""

    label: str
    value: str | datetime | None
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One entry of the log, in the order of the log.

    ``title`` is a message id, ``at`` UTC; ``by`` names who acted, empty for what happened by itself. ``origin``
    is where the act came from (network address, place in words). ``proven``: a checkpoint covers the entry, so its
    proof can be had. ``erased``: personal data of this entry was deleted. An internal event of another
    organisation has the kind :data:`WITHHELD`, and says nothing but its place in the log.
    """

    entry: int
    kind: str
    title: str
    at: datetime
    by: str
    origin: tuple[str, ...]
    facts: tuple[Fact, ...]
    proven: bool
    erased: bool


class Timeline:
    """Reads only, from the log and the openings of its commitments. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, contract_id: str, audience: Audience) -> tuple[TimelineEvent, ...]:
        """What *audience* may see of the contract's events, oldest first; nothing for a contract that does not
        exist."""
        return tuple(event for event in self.whole(contract_id, audience) if event.kind != WITHHELD)

    def whole(self, contract_id: str, audience: Audience) -> tuple[TimelineEvent, ...]:
        """The same with every other event of the contract in its place, as one that is withheld."""
        with self._database.reading() as tx:
            last = ledger.last_checkpoint(tx)
            size = 0 if last is None else last.size
            told = ledger.history_of(tx, contract_id)
            if not told:
                return ()
            disclosure = Disclosure(tx, contracts.load_contract(tx, contract_id), audience)
            leaves = [(entry, canonical.decode(leaf), opening) for entry, leaf, opening in told]
            replaced = replaced_guests(leaf for _entry, leaf, _opening in leaves)
            clients = {str(leaf["public"].get("client", "")) for _entry, leaf, _opening in leaves}
            names = _Names(tx, frozenset() if disclosure.drafting else replaced | clients)
            return tuple(
                _event(entry, leaf, disclosure.seen(leaf, opening), names, entry < size)
                for entry, leaf, opening in leaves
            )


class _Names:
    """Subjects by the names that people know them by, each looked up once; those *withheld* stay subjects."""

    def __init__(self, tx: Transaction, withheld: frozenset[str]) -> None:
        self._tx = tx
        self._known: dict[str, str] = {**dict.fromkeys(NOBODY, ""), **{subject: subject for subject in withheld}}

    def __call__(self, subject: str) -> str:
        if subject not in self._known:
            self._known[subject] = self._name(subject)
        return self._known[subject]

    def _name(self, subject: str) -> str:
        try:
            if subject.startswith("seal-"):
                return people.seal(self._tx, subject).label
            if subject.startswith("client-"):
                return api_clients.load_client(self._tx, subject).name
            return people.person(self._tx, subject).name
        except NotFound:
            return subject


def _event(
    entry: int, leaf: Mapping[str, Any], seen: VisibleEvents, names: Callable[[str], str], proven: bool
) -> TimelineEvent:
    at = datetime.fromisoformat(leaf["at"]).astimezone(UTC)
    if not seen.whole:
        return TimelineEvent(
            entry, WITHHELD, "Internal step of another organisation", at, "", (), (), proven, False
        )
    opened = {name: each["value"] for name, each in seen.opening.items()}
    private = {name: opened.get(name) for name in leaf["commitments"] if name not in seen.withheld}
    public = dict(leaf["public"])
    actor = names(str(public.pop("actor", SYSTEM)))
    kind = str(leaf["kind"])
    return TimelineEvent(
        entry=entry,
        kind=kind,
        title=title_of_event(kind),
        at=at,
        by=actor,
        origin=tuple(str(opened[name]) for name in _PLACES if opened.get(name)),
        facts=tuple(_facts({**public, **private}, kind, actor, names)),
        proven=proven,
        erased=any(name not in opened for name in private),
    )


def _facts(fields: Mapping[str, Any], kind: str, actor: str, names: Callable[[str], str]) -> Iterator[Fact]:
    """What is worth a line: in the order of the evidence's history; a signer who acts is not named twice."""
    for name in LABELS:
        if name not in fields or (name in _PLACES and fields[name] is not None):
            continue
        value = _shown(fields[name], names)
        if says_nothing(kind, name, fields, value):
            continue
        if kind == EventKind.PARTY_SIGNED and name in ("name", "signer") and value in (actor, None):
            continue
        if name == "organisation" and str(value) in str(fields.get("name")):
            continue
        meaning = value_as_message(name, str(value))
        if meaning is not None:
            yield Fact(_label(fields, kind, name), meaning, is_message=True)
        elif value != "":
            yield Fact(_label(fields, kind, name), value)


def _label(fields: Mapping[str, Any], kind: str, name: str) -> str:
    """The field's label; what is called a name is a seal's where a seal signed."""
    if name == "name" and str(fields.get("signer", "")).startswith("seal-"):
        return "Seal"
    return fact_label(kind, name)


def _shown(value: Any, names: Callable[[str], str]) -> str | datetime | None:
    if value is None:
        return None
    words = str(value)
    if _INSTANT.fullmatch(words):
        return datetime.fromisoformat(words)
    return names(words) if words.startswith(_SUBJECTS) else words
