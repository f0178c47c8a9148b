"""Being away: who acts as deputy until when. The deputy signs nothing in another's name: what waits can be handed
over to the deputy, who then signs as themself, if they may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from appliance.accounts.context import AccountsPart
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.people import Absence, Person
from appliance.store import absences, members, people
from hsm.intents import instant

LONGEST: Final = timedelta(days=366)
MOST_DEPUTIES: Final = 50
"""Colleagues in one list; others are found by their names."""


class Absences(AccountsPart):
    """Each person's own. Thread-safe."""

    def enter_absence(self, person: str, deputy: str, *, since: datetime, until: datetime) -> Absence:
        """*person* is away from *since* to *until* (aware), in place of what was entered before.

        Raises :class:`PreconditionRefused` for times that are over, too long or the wrong way round, and for a
        deputy who is not somebody else of the same organisation with an account in use.
        """
        now = self._now().replace(microsecond=0)
        if until <= since:
            raise PreconditionRefused("You cannot be back before you leave.", field="until")
        if until <= now:
            raise PreconditionRefused("This absence is over already.", field="until")
        if until - since > LONGEST:
            raise PreconditionRefused(
                "An absence lasts a year at most; whoever leaves for good tells an officer.", field="until"
            )
        absence = Absence(person, deputy, since, until, now)
        with self._database.transaction() as tx:
            if not people.is_colleague(tx, person, deputy):
                raise PreconditionRefused("Choose a deputy from the list.", field="deputy")
            absences.save_absence(tx, absence)
            public = {"person": person, "deputy": deputy, "since": instant(since), "until": instant(until)}
            self._append_event(tx, EventKind.ABSENCE_ENTERED, person, public)
        return absence

    def end_absence(self, person: str) -> None:
        """*person* is back. Raises :class:`StateRefused` where no absence is entered."""
        with self._database.transaction() as tx:
            if not absences.end_absence(tx, person):
                raise StateRefused("No absence is entered.")
            self._append_event(tx, EventKind.ABSENCE_ENDED, person, {"person": person})

    def absence_of(self, person: str) -> Absence | None:
        """The absence of *person* that goes on or is to come."""
        return self._database.query(absences.absence_of, person, self._now())

    def possible_deputies(self, person: str, words: str = "", *, chosen: str = "") -> tuple[list[Person], bool]:
        """The colleagues from whom *person* chooses, by name: at most :data:`MOST_DEPUTIES` who have *words* in
        name or mail address, after the one who is *chosen*; and whether there are more."""
        with self._database.reading() as tx:
            own = people.person(tx, person)
            found = members.colleagues(tx, own, words.strip()[:100], limit=MOST_DEPUTIES + 1)
            first = [people.person(tx, chosen)] if chosen and people.is_colleague(tx, person, chosen) else []
        shown = found[:MOST_DEPUTIES]
        return [*(each for each in first if each not in shown), *shown], len(found) > MOST_DEPUTIES

    def is_colleague(self, person: str, other: str) -> bool:
        """Whether *other* can act for *person*: somebody else of the same organisation with an account in use."""
        return self._database.query(people.is_colleague, person, other)

    def deputised(self, deputy: str) -> list[Absence]:
        """The people for whom *deputy* acts now."""
        return self._database.query(absences.deputised, deputy, self._now())
