"""The register of people and seals: who may be named as a party, and under which certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.errors import PreconditionRefused
from appliance.history.chronicle import Chronicle
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.people import Person, Seal
from appliance.store import people
from appliance.store.database import Database


class Registry:
    """Registers whom the authority has enrolled already; registering gives nobody a key. Thread-safe."""

    def __init__(self, database: Database, chronicle: Chronicle, now: Callable[[], datetime]) -> None:
        self._database = database
        self._chronicle = chronicle
        self._now = now

    def add_person(self, person: Person, certificate: bytes, *, by: str) -> None:
        """Register *person* with the certificate (DER) that ``enrol_person`` returned; *by* is who did it.

        Raises :class:`PreconditionRefused` for an unknown time zone and :class:`StateRefused` when known already.
        """
        try:
            ZoneInfo(person.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise PreconditionRefused("There is no time zone {zone}.", zone=person.zone) from error
        with self._database.transaction() as tx:
            people.insert_person(tx, person, certificate)
            private = {"name": person.name, "organisation": person.organisation, "email": person.email}
            public = {"subject": person.subject}
            event = HistoryEvent(EventKind.PERSON_REGISTERED, self._now(), by, None, public, private)
            self._chronicle.tell(tx, event)

    def add_seal(self, seal: Seal, certificate: bytes, *, by: str) -> None:
        """Register *seal*; its custodians are known people. Raises :class:`StateRefused` otherwise."""
        with self._database.transaction() as tx:
            people.insert_seal(tx, seal, certificate)
            public = {"subject": seal.subject, "kind": seal.kind.name, "custodians": " ".join(seal.custodians)}
            private = {"organisation": seal.organisation}
            event = HistoryEvent(EventKind.SEAL_REGISTERED, self._now(), by, None, public, private)
            self._chronicle.tell(tx, event)

    def person(self, subject: str) -> Person:
        """The person. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return people.person(tx, subject)

    def seal(self, subject: str) -> Seal:
        """The seal. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return people.seal(tx, subject)

    def people(self) -> list[Person]:
        """Everybody, by subject."""
        with self._database.reading() as tx:
            return people.people(tx)

    def seals(self) -> list[Seal]:
        """Every seal, by subject."""
        with self._database.reading() as tx:
            return people.seals(tx)

    def certificate(self, subject: str) -> bytes:
        """The certificate (DER) of a person or a seal. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return people.certificate(tx, subject)
