"""Events: what the log has of contracts, web captures and deposits, as other programs read it (decision 74).

An event is made from its log entry each time it is asked for, so it says the same each time, and proves itself by
its place in the log. The log numbers its entries inside the writers' transactions, one after the other: what
commits later has a higher number, and nobody who reads on from a number misses anything.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from appliance.acting_client import ClientReach
from appliance.errors import NotFound, PreconditionRefused
from appliance.events.types import OF_KIND, EventType
from appliance.ledger.audit_trail import DataOwner
from appliance.ledger.event_texts import disclosure_rule
from appliance.model.contract import UNSENT, ContractState
from appliance.store import events, people
from appliance.store.database import Database, Transaction
from appliance.store.events import EventSource
from hsm import canonical
from hsm.merkle import leaf_hash
from hsm.names import is_outside_seal

MOST: Final = 1_000
"""Events on one page."""

SCANNED: Final = 2_000
"""Entries of its organisations that are looked at for one page, whatever the client may read of them."""

EVERYTHING: Final = 2**62
"""More entries than any log has."""

CHUNK: Final = 50
"""Of these, so many are read at a time."""

LONGEST_WAIT: Final = 30.0
"""Seconds for which whoever waits for news is kept waiting."""

WAITING: Final = 4
"""How many may wait in one process, each on a thread that pages need, too; others are answered at once."""

LOOK_SECONDS: Final = 0.25

CLIENT: Final = "client"
"""The public field of a log entry that names the client which caused it (decision 73)."""


@dataclass(frozen=True, slots=True)
class EventData:
    """What happened to the ``contract``, the web ``capture`` or the ``deposit``. ``state`` is the one that a
    contract came into, where the log entry alone proves it; ``party`` and ``seal`` are whom it is about,
    ``client`` is the program that did it. What does not apply is None, but ``contract`` empty: programs rely on
    it. No names, no addresses."""

    contract: str = ""
    capture: str | None = None
    deposit: str | None = None
    state: ContractState | None = None
    party: str | None = None
    seal: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class LogReference:
    """The event's entry in the log, counted from 0, and its leaf hash (RFC 6962, 2.1) in hex."""

    entry: int
    leaf_hash: str

    @property
    def proof(self) -> str:
        """Where the inclusion proof is, a second or so later: a template (RFC 6570) for the size of a checkpoint
        that has the entry."""
        return f"/log/proof/inclusion?index={self.entry}{{&size}}"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """``timestamp`` is UTC, in whole seconds, as the log entry has it."""

    type: EventType
    timestamp: datetime
    data: EventData
    log: LogReference

    @property
    def id(self) -> str:
        """The same for ever, and of no other event."""
        return f"evt_{self.log.entry}"

    def as_json(self) -> dict[str, Any]:
        """The event as it is sent; fields without a value are left out."""
        data = {each.name: getattr(self.data, each.name) for each in fields(EventData)}
        return {
            "id": self.id,
            "type": self.type.value,
            "timestamp": self.timestamp.isoformat().replace("+00:00", "Z"),
            "data": {name: str(value) for name, value in data.items() if value is not None},
            "log": {"entry": self.log.entry, "leaf_hash": self.log.leaf_hash, "proof": self.log.proof},
        }

    def body(self) -> bytes:
        """:meth:`as_json` as the bytes that are signed and sent."""
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class EventPage:
    """``cursor`` is where the next page begins. ``more``: there may be more already; a page of a client that may
    read little can be empty and have more behind it."""

    events: tuple[LoggedEvent, ...]
    cursor: int
    more: bool


class EventFeed:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = threading.BoundedSemaphore(WAITING)

    def after(
        self, cursor: int, reach: ClientReach, *, limit: int = 100, types: Collection[EventType] = ()
    ) -> EventPage:
        """The events that follow the log entry *cursor* (-1: from the beginning), of what is within *reach*, of
        these *types* or of all, in the order of the log; at most *limit*. Raises :class:`PreconditionRefused` for
        an entry that the log does not have."""
        with self._database.reading() as tx:
            require_cursor(tx, cursor)
            return read_page(tx, cursor, reach, limit=limit, types=types)

    def wait_after(
        self,
        cursor: int,
        reach: ClientReach,
        *,
        limit: int = 100,
        types: Collection[EventType] = (),
        seconds: float = LONGEST_WAIT,
    ) -> EventPage:
        """The same, but where there is nothing, as soon as there is; empty after so many *seconds*, at once when
        too many wait already."""
        page = self.after(cursor, reach, limit=limit, types=types)
        until = time.monotonic() + min(seconds, LONGEST_WAIT)
        if page.events or page.more or not self._places.acquire(blocking=False):
            return page
        try:
            while not page.events and not page.more and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
                if self._database.query(events.newest_entry) > page.cursor:
                    page = self.after(page.cursor, reach, limit=limit, types=types)
        finally:
            self._places.release()
        return page


def require_cursor(tx: Transaction, cursor: int) -> None:
    """Raises :class:`PreconditionRefused` for a *cursor* beyond the log: it is of another log, or of one that was
    restored from a backup since."""
    newest = events.newest_entry(tx)
    if not -1 <= cursor <= max(newest, -1):
        raise PreconditionRefused(
            "There is no event {cursor}: the newest one is {newest}. Begin with an event that is there.",
            cursor=cursor,
            newest=newest,
        )


def read_page(
    tx: Transaction,
    cursor: int,
    reach: ClientReach,
    *,
    limit: int,
    types: Collection[EventType] = (),
    last: int = EVERYTHING,
) -> EventPage:
    """:meth:`EventFeed.after` in the caller's transaction, up to the entry *last*. Behind the client's last entry
    the cursor is the newest one of all, as others' need not be looked at again."""
    found: list[LoggedEvent] = []
    window, scanned, newest = _ReachWindow(tx, reach), 0, events.newest_entry(tx)
    while sources := events.sources_after(tx, reach, cursor, last, limit=CHUNK):
        for source in sources:
            event = _event_of(source, window)
            cursor, scanned = source.entry, scanned + 1
            if event is not None and (not types or event.type in types):
                found.append(event)
            if len(found) >= min(limit, MOST) or scanned >= SCANNED:
                return EventPage(tuple(found), cursor, more=newest > cursor)
    return EventPage(tuple(found), max(cursor, min(newest, last)), more=False)


def _event_of(source: EventSource, window: _ReachWindow) -> LoggedEvent | None:
    """The event of this entry; None for one that is no event, or none that the client may read. Of captures and
    deposits there are no others: their entries are looked for by who may read them."""
    leaf = canonical.decode(source.leaf)
    made = OF_KIND.get(str(leaf["kind"]))
    public = leaf["public"]
    if made is None or (source.contract is not None and not window.covers(source.contract, made, public)):
        return None
    data = EventData(
        contract=source.contract or "",
        capture=public.get("capture"),
        deposit=public.get("deposit"),
        state=made.state,
        party=public.get("party"),
        seal=public.get("seal"),
        client=public.get(CLIENT),
    )
    place = LogReference(source.entry, leaf_hash(source.leaf).hex())
    return LoggedEvent(made, datetime.fromisoformat(leaf["at"]), data, place)


class _ReachWindow:
    """What a client may read, asked once for each contract and seal; lives as long as its transaction."""

    def __init__(self, tx: Transaction, reach: ClientReach) -> None:
        self._tx = tx
        self._reach = reach
        self._contracts: dict[str, tuple[bool, bool]] = {}
        self._seals: dict[str, bool] = {}

    def covers(self, contract: str, type_: EventType, public: dict[str, Any]) -> bool:
        """Whether an event of this type, with these *public* fields, is the client's to read."""
        reached, own = self._contract(contract)
        return reached and (own or not type_.drafting) and self._disclosed(type_, public)

    def _contract(self, contract: str) -> tuple[bool, bool]:
        """Whether the client may know of it, and whether the client made it. Of what is unsent now, or was thrown
        away, nothing else is told either: holds can be placed on drafts, and discarded ones are disposed of."""
        if contract not in self._contracts:
            owner = events.owner_of(self._tx, contract)
            own = canonical.decode(owner.first)["public"].get(CLIENT) == self._reach.client
            self._contracts[contract] = (
                self._reach.reads(
                    owner.organisation,
                    owner.kind,
                    made_by=self._reach.client if own else None,
                    unsent=owner.state in UNSENT,
                ),
                own,
            )
        return self._contracts[contract]

    def _disclosed(self, type_: EventType, public: dict[str, Any]) -> bool:
        """Whether the organisation that drafted the contract may know of it (decision 28): what is internal to the
        company of a seal is for the clients of that company."""
        rule = disclosure_rule(type_.kind or "")
        if rule.shared is not None or rule.owner is DataOwner.INITIATOR:
            return True
        return rule.owner is DataOwner.SEAL and self._seal(str(public["seal"]))

    def _seal(self, seal: str) -> bool:
        if seal not in self._seals:
            self._seals[seal] = not is_outside_seal(seal) and self._of_reach(seal)
        return self._seals[seal]

    def _of_reach(self, seal: str) -> bool:
        try:
            return people.seal(self._tx, seal).organisation in self._reach.organisations
        except NotFound:
            return False
