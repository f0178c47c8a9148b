"""How many steps people take: clicks, and times that a passkey is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.browser.people import Actor


class Steps(NamedTuple):
    """Clicks (or taps), and prompts for a passkey."""

    clicks: int
    prompts: int

    def __str__(self) -> str:
        return f"{self.clicks} clicks and {self.prompts} prompts"


BEFORE = {
    "first officer": Steps(2, 1),  # from the first page of a new machine into the office
    "newcomer": Steps(3, 1),  # from the letter to the request of what one signs with
    "guest": Steps(2, 1),  # the same from the invitation to a contract
    "first signature": Steps(2, 2),  # the agreement, and the document after it
    "signature": Steps(1, 1),  # from *Sign* to *Signed*
}
"""How many steps each way took in the story of 95f3780, the release before the activation service, when the portal
took the passkeys itself. None takes more today, but for signatures."""

OF_SIGNATURES = Steps(1, 1)
"""What is confirmed on a page of its own may take one of each more."""


@contextmanager
def within(someone: Actor, way: str) -> Iterator[None]:
    """What *someone* does meanwhile takes no more steps than this *way* may."""
    before, more = BEFORE[way], OF_SIGNATURES if way.endswith("signature") else Steps(0, 0)
    most = Steps(before.clicks + more.clicks, before.prompts + more.prompts)
    clicks, prompts = someone.clicks, someone.visitor.prompts
    yield
    taken = Steps(someone.clicks - clicks, someone.visitor.prompts - prompts)
    assert taken.clicks and taken.prompts, "the story counts nothing"
    assert taken.clicks <= most.clicks and taken.prompts <= most.prompts, f"{way}: {taken}, at most {most}"
