"""The words that officers give for what they decide; they go on record."""

from __future__ import annotations

from appliance.errors import PreconditionRefused
from appliance.language.characters import without_hidden

LONGEST = 500


def checked_reason(text: str, missing: str) -> str:
    """*text* without stray blanks and hidden letters.

    Raises :class:`PreconditionRefused` with the sentence *missing* when nothing is left, or for too much of it:
    what somebody wrote is never cut off silently.
    """
    words = without_hidden(text).strip()
    if not words:
        raise PreconditionRefused(missing)
    if len(words) > LONGEST:
        raise PreconditionRefused("This has more than {most} characters.", most=LONGEST)
    return words
