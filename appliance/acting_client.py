"""The API client for which this thread works, if any: what it may reach limits whatever is done meanwhile.

A client works in the name of a person, so workflows know that person as they do in the portal. That a client asked
is known here alone: by the access check, which holds it to its reach, and by the log, which names it beside the
person (decision 73).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientReach:
    """What the client with the id ``client`` may reach: contracts whose initiators are of ``organisations``, of
    the types ``kinds``; no types means all. Both are compared as they are written. ``captures`` and ``deposits``:
    whether it may read those web captures that it ordered, and its organisations' deposits."""

    client: str
    organisations: frozenset[str]
    kinds: frozenset[str] = frozenset()
    captures: bool = False
    deposits: bool = False

    def covers(self, organisation: str, kind: str) -> bool:
        """Whether a contract of this organisation and type is within reach."""
        return organisation in self.organisations and (not self.kinds or kind in self.kinds)

    def reads(self, organisation: str, kind: str, *, made_by: str | None, unsent: bool) -> bool:
        """Whether the client may know of a contract that the client *made_by* drafted, or a person (None). Of what
        is *unsent* it knows only its own."""
        return self.covers(organisation, kind) and (not unsent or made_by == self.client)


_ACTING: ContextVar[ClientReach | None] = ContextVar("acting_client", default=None)


def acting_client() -> ClientReach | None:
    """The client that asked for what is being done; None where a person did, or nobody."""
    return _ACTING.get()


@contextmanager
def acting_for(reach: ClientReach) -> Iterator[None]:
    """What happens in the block is done for this client."""
    token = _ACTING.set(reach)
    try:
        yield
    finally:
        _ACTING.reset(token)
