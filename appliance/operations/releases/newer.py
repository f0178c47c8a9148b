"""What was recorded since the databases were copied, and what of it going back would lose.

Not lost are lines of the administrators' journal whose deed is not in the portal's database: who signed in, what
was asked for and approved, and how an act of the machine or of the authority ended. Whoever asks for a rollback
in the console writes such lines by asking. Which they are follows from the log: it has each line's digest, so what
the administration's database says is believed only where it is what was said then. They are put into the older
database as they are, byte by byte, so that the log goes on from every checkpoint that was given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from appliance.home import Home
from appliance.ledger.events import EventKind
from appliance.model.administration import JournalKind
from appliance.store.copying import DatabaseSnapshot, JournalEntry, moment_of
from hsm import canonical
from hsm.errors import Malformed

ELSEWHERE: Final = frozenset(
    {
        "administrators.link",
        "administrators.reset",
        "administrators.resume",
        "administrators.suspend",
        "administrators.unlock",
        "alarm.dismiss",
        "authority.lock",
        "authority.restart",
        "backup.now",
        "crl.issue",
        "drill.now",
        "keys.keeper_end",
        "release.rollback",
        "release.upgrade",
        "restore",
        "service.restart",
    }
)
"""The operators' actions that change nothing in the portal's database (a test holds them against the registry)."""

_IN_THE_PORTAL = frozenset({JournalKind.ADMINISTRATOR_ADDED.value, JournalKind.ADMINISTRATOR_REMOVED.value})
_DONE = frozenset({JournalKind.ACT_DONE.value, JournalKind.ACT_INTERRUPTED.value})


@dataclass(frozen=True, slots=True)
class NewerEntries:
    """``lost``: how many entries going back would lose; ``carried``: those that go along."""

    lost: int
    carried: tuple[JournalEntry, ...]


def newer_than(home: Home, entries: int, *, journal_stays: bool) -> NewerEntries:
    """What the log has from its entry *entries* on. Unless the *journal_stays*, all of it would be lost."""
    with ExitStack() as stack:
        leaves = stack.enter_context(moment_of(home.database)).leaves_from(entries)
        if not journal_stays or not home.administration.exists():
            return NewerEntries(len(leaves), ())
        administration = stack.enter_context(moment_of(home.administration))
        found = list(_lines(leaves, entries, administration))
    return NewerEntries(len(leaves) - len(found), tuple(found))


def _lines(leaves: list[bytes], first: int, administration: DatabaseSnapshot) -> Iterator[JournalEntry]:
    journal = administration.journal()
    for number, leaf in enumerate(leaves, first):
        public = _public(leaf)
        if public.get("journal") == journal and not _is_in_the_portal(public, administration):
            yield JournalEntry(number, leaf, journal, int(public["line"]))


def _public(leaf: bytes) -> dict[str, Any]:
    """What the line of a journal says in the log; nothing for every other entry."""
    try:
        entry = canonical.decode(leaf)
    except Malformed:
        return {}
    is_line = isinstance(entry, dict) and entry.get("kind") == EventKind.ADMINISTRATION.value
    return dict(entry["public"]) if is_line else {}


def _is_in_the_portal(public: dict[str, Any], administration: DatabaseSnapshot) -> bool:
    """Whether what the line tells of changed the portal's database. Which action it was says the line itself, and
    only as the log knows it: the console can write the administration's database, but not the log."""
    if public["what"] in _IN_THE_PORTAL:
        return True
    action = administration.action_told(int(public["line"]), bytes.fromhex(public["digest"]))
    return public["what"] in _DONE and action not in ELSEWHERE
