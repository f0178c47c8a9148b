"""Writing iCalendar (RFC 5545): events at an instant, in UTC, or on a day; nothing else is needed here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

LONGEST_LINE = 75
"""Octets of a line, without its end (3.1)."""

PRODUCT = "-//Vermilion//Contract dates//EN"


@dataclass(frozen=True, slots=True)
class ICalendarEvent:
    """``at`` is an aware instant (shown by every calendar in its own zone) or a day; ``sequence`` grows with every
    change of the event."""

    uid: str
    at: datetime | date
    summary: str
    url: str
    sequence: int
    changed: datetime


def render_icalendar(name: str, events: Iterable[ICalendarEvent], now: datetime) -> bytes:
    """The calendar object, UTF-8 with CRLF, lines folded."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escape_text(name)}",  # RFC 7986, 5.1
        f"X-WR-CALNAME:{escape_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",  # RFC 7986, 5.7
    ]
    for event in events:
        lines += _event(event, now)
    return b"".join(fold_line(line) for line in [*lines, "END:VCALENDAR"])


def _event(event: ICalendarEvent, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escape_text(event.uid)}"
    yield f"DTSTAMP:{_instant(now)}"
    if isinstance(event.at, datetime):
        yield f"DTSTART:{_instant(event.at)}"
    else:
        yield f"DTSTART;VALUE=DATE:{event.at:%Y%m%d}"
    yield f"SUMMARY:{escape_text(event.summary)}"
    yield f"URL:{event.url}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"LAST-MODIFIED:{_instant(event.changed)}"
    yield "TRANSP:TRANSPARENT"  # a deadline keeps nobody from meeting somebody
    yield "END:VEVENT"


def escape_text(value: str) -> str:
    """*value* as TEXT (3.3.11): escaped, other control characters left out."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(sign for sign in escaped if sign >= " " and sign != "\x7f")


def fold_line(line: str) -> bytes:
    """The content line with its end, folded so that no character is cut in two (3.1)."""
    pieces, piece, room = [], b"", LONGEST_LINE
    for sign in line:
        octets = sign.encode()
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece, room = b"", LONGEST_LINE - 1  # the space that begins the next line
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
