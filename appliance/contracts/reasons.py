"""The words that people give for what they do."""

from __future__ import annotations

from appliance.errors import PreconditionRefused
from appliance.language.letters import without_hidden

LONGEST_REASON = 1000


def require_reason(reason: str) -> str:
    """*reason* without stray spaces and hidden letters.

    Raises :class:`PreconditionRefused` when there is none, or too much of it.
    """
    tidied = without_hidden(reason).strip()
    if not tidied:
        raise PreconditionRefused("Give a reason; the others will read it.")
    if len(tidied) > LONGEST_REASON:
        raise PreconditionRefused("The reason is too long; {most} characters are possible.", most=LONGEST_REASON)
    return tidied
