"""How many steps people take. A step is a click (or tap), or an answer of the own device with a passkey; what is
typed is no step, and is counted beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.browser.visitor import Visitor


class Steps(NamedTuple):
    """Clicks, prompts for a passkey, and fields that are filled in."""

    clicks: int
    prompts: int
    fields: int = 0

    def __str__(self) -> str:
        return " / ".join(map(str, self))


class Way(NamedTuple):
    """What it took in 95f3780, the release before the activation service, when the portal took the passkeys
    itself; and what it takes now."""

    before: Steps
    now: Steps


WAYS = {
    "first officer": Way(Steps(2, 1, 5), Steps(2, 1, 5)),
    "newcomer": Way(Steps(3, 1, 2), Steps(3, 1, 2)),
    "newcomer by codes": Way(Steps(5, 0, 6), Steps(5, 0, 6)),
    "guest": Way(Steps(2, 1, 1), Steps(2, 1, 1)),
    "enrolment": Way(Steps(2, 1), Steps(2, 1, 1)),
    "new seal": Way(Steps(2, 1), Steps(2, 1)),
    "open decision": Way(Steps(1, 1), Steps(2, 1)),
    "three signatures": Way(Steps(6, 3), Steps(5, 1)),
    "first signature": Way(Steps(2, 2), Steps(3, 2)),
    "signature": Way(Steps(1, 1), Steps(2, 1)),
    "seal request": Way(Steps(1, 1, 1), Steps(2, 1, 1)),
    "seal release": Way(Steps(1, 1), Steps(2, 1)),
    "seal release by PIN": Way(Steps(1, 0, 2), Steps(2, 0, 2)),
    "voiding": Way(Steps(1, 1), Steps(2, 1)),
    "power of attorney": Way(Steps(1, 0), Steps(2, 1)),
}
"""Decision 49 says where each begins and ends."""


@contextmanager
def within(someone: Visitor, way: str) -> Iterator[None]:
    """What *someone* does meanwhile takes the steps of this *way*."""
    before = _taken(someone)
    yield
    taken = Steps(*(now - then for now, then in zip(_taken(someone), before, strict=True)))
    assert taken == WAYS[way].now, f"{way}: {taken} clicks, prompts and fields instead of {WAYS[way].now}"


def _taken(someone: Visitor) -> Steps:
    return Steps(someone.clicks, someone.prompts, someone.fields)
