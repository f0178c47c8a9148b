"""Everybody's own calendar: at an address that nobody can guess, and that its owner can end."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.errors import NotFound
from appliance.language import translator
from appliance.model.notice import Occasion
from appliance.store import people, reminders
from appliance.store.database import Database, reads
from appliance.store.reminders import CalendarItem

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


TOKEN_BYTES = 32
MOST = 500
"""Events of each sort."""

PAST = timedelta(days=90)
"""How far back days beyond signing are shown."""

USED = timedelta(hours=1)
"""How often it is written down that the address is in use."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")

NAME: Final = "Contracts of {name}"
SUMMARIES: Final[Mapping[Occasion, str]] = {
    Occasion.SIGNING: "Signing ends: {title}",
    Occasion.EFFECTIVE: "Takes effect: {title}",
    Occasion.RENEWAL: "To be renewed or ended: {title}",
    Occasion.EXPIRY: "Ends: {title}",
}


class CalendarFeeds:
    """The token is shown once and kept by its digest only. *public_url* has no slash at its end. Thread-safe."""

    def __init__(self, database: Database, public_url: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._public_url = public_url.rstrip("/")
        self._now = now

    current_feed = reads(reminders.feed_of)

    def renew_feed(self, person: str) -> str:
        """A new whole address for *person*; an earlier one ends."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._database.commit(reminders.replace_feed, person, _digest(token), self._now())
        return f"{self._public_url}/calendar/{token}.ics"

    def end_feed(self, person: str) -> None:
        """The address of *person* works no more."""
        self._database.commit(reminders.end_feed, person, self._now())

    def render_feed(self, token: str) -> bytes:
        """The calendar behind *token*. Raises :class:`NotFound` for one that is not ours or has ended, and for
        somebody whose account is closed or suspended."""
        now, digest = self._now(), _digest(token) if _TOKEN.fullmatch(token) else b""
        with self._database.reading() as tx:
            owner = reminders.feed_owner(tx, digest)
            if owner is None or not people.is_active(tx, owner):
                raise NotFound("This calendar does not exist or was ended; its owner can make a new address.")
            person, feed = people.person(tx, owner), reminders.feed_of(tx, owner)
            since = now.astimezone(ZoneInfo(person.zone)).date() - PAST
            found = [
                *reminders.feed_deadlines(tx, owner, limit=MOST),
                *reminders.feed_days(tx, owner, since, limit=MOST),
            ]
        if feed is not None and (feed.used is None or now - feed.used >= USED):
            self._database.commit(reminders.mark_feed_used, digest, now)
        translate = translator(person.language)
        events = [self._event(each, translate(SUMMARIES[each.occasion], title=each.title)) for each in found]
        return render_icalendar(translate(NAME, name=person.name), events, now)

    def _event(self, dated: CalendarItem, summary: str) -> ICalendarEvent:
        return ICalendarEvent(
            uid=f"{dated.contract}-{dated.occasion.value}@calendar.vermilion",
            at=dated.at,
            summary=summary,
            url=f"{self._public_url}/contracts/{dated.contract}",
            sequence=dated.version,
            changed=dated.touched,
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
