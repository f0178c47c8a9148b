"""Everybody's own calendar: at an address that nobody can guess, and that its owner can end."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.errors import NotFound
from appliance.language import translator
from appliance.model.reminder import Occasion
from appliance.reminders.icalendar import ICalendarEvent, render_icalendar
from appliance.store import accounts, calendar_feeds, people
from appliance.store.calendar_feeds import CalendarFeed, CalendarItem
from appliance.store.database import Database

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

    def current_feed(self, person: str) -> CalendarFeed | None:
        """The address of *person* that works now, without its token."""
        with self._database.reading() as tx:
            return calendar_feeds.of_person(tx, person)

    def renew_feed(self, person: str) -> str:
        """A new whole address for *person*; an earlier one ends."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.transaction() as tx:
            calendar_feeds.replace(tx, person, _digest(token), self._now())
        return f"{self._public_url}/calendar/{token}.ics"

    def end_feed(self, person: str) -> None:
        """The address of *person* works no more."""
        with self._database.transaction() as tx:
            calendar_feeds.end(tx, person, self._now())

    def render_feed(self, token: str) -> bytes:
        """The calendar behind *token*. Raises :class:`NotFound` for one that is not ours or has ended, and for
        somebody whose account is closed or suspended."""
        now, digest = self._now(), _digest(token) if _TOKEN.fullmatch(token) else b""
        with self._database.reading() as tx:
            owner = calendar_feeds.owner(tx, digest)
            if owner is None or not accounts.is_there(tx, owner):
                raise NotFound("This calendar does not exist or was ended; its owner can make a new address.")
            person, feed = people.person(tx, owner), calendar_feeds.of_person(tx, owner)
            since = now.astimezone(ZoneInfo(person.zone)).date() - PAST
            found = [
                *calendar_feeds.deadlines(tx, owner, limit=MOST),
                *calendar_feeds.days(tx, owner, since, limit=MOST),
            ]
        if feed is not None and (feed.used is None or now - feed.used >= USED):
            with self._database.transaction() as tx:
                calendar_feeds.used(tx, digest, now)
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
