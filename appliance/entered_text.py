"""What people type into forms: texts without hidden characters, and times by the clocks of a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ParamSpec
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.errors import PreconditionRefused
from appliance.language.characters import without_hidden

P = ParamSpec("P")


def problem_at(
    field: str, rule: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> dict[str, PreconditionRefused]:
    """What *rule* says against what was typed into *field*; empty when it takes it."""
    try:
        rule(*args, **kwargs)
    except PreconditionRefused as refusal:
        return {field: refusal}
    return {}


def require_text(text: str, *, missing: str, too_long: str, most: int) -> str:
    """*text* without outer blanks and hidden characters.

    Raises :class:`PreconditionRefused` with the sentence *missing* when nothing is left, and with *too_long* for
    more than *most* characters: what somebody wrote is never cut off silently.
    """
    tidied = without_hidden(text).strip()
    if not tidied:
        raise PreconditionRefused(missing)
    if len(tidied) > most:
        raise PreconditionRefused(too_long, most=most)
    return tidied


def require_zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises :class:`PreconditionRefused` when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PreconditionRefused("There is no time zone {zone}.", zone=name) from error


def local_time(text: str, zone: str) -> datetime:
    """The instant (UTC) that somebody means who types *text*, like ``2026-11-28T18:00``, for the clocks of *zone*.

    Of a time that comes twice, when clocks go back, it is the first (RFC 5545, 3.3.5); the page shows with which
    offset it was taken. Raises :class:`PreconditionRefused` for a zone that does not exist and for a time that is
    left out when clocks go forward, ValueError for what is no local time.
    """
    there, local = require_zone(zone), datetime.fromisoformat(text)
    if local.tzinfo is not None:
        raise ValueError(text)
    try:
        at = local.replace(tzinfo=there).astimezone(UTC)
        again = at.astimezone(there).replace(tzinfo=None)
    except OverflowError as error:  # the first and last day of the calendar
        raise ValueError(text) from error
    if again != local:
        raise PreconditionRefused(
            "The clocks of {zone} go forward over {time}; choose a time before or after, such as {instead}.",
            time=f"{local:%Y-%m-%d %H:%M}",
            zone=zone,
            instead=f"{again:%H:%M}",
        )
    return at
