"""The register of people and seals: who may be named as a party, how they are found, under which certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.entered_text import require_zone
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.people import Person, Seal
from appliance.store import members, people
from appliance.store.database import Database, Transaction, reads

MOST = 20
"""People that one search shows."""

LONGEST = 100
"""Letters that are looked for; more of them are in no name, and SQLite refuses very long patterns."""


class PeopleRegistry:
    """Registers whom the authority has enrolled already; registering gives nobody a key. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    is_enrolled = reads(people.is_enrolled)
    person = reads(people.person)
    certificate = reads(people.certificate)
    seal = reads(people.seal)
    seals = reads(people.seals)
    working_in = reads(members.working_in)
    working_person = reads(members.working_person)
    called = reads(members.called)

    def add_person(self, person: Person, certificate: bytes | None, *, by: str) -> None:
        """Register *person*; *certificate* (DER) is what ``enrol_person`` returned, None for who is not enrolled.

        *by* is who did it. Raises :class:`PreconditionRefused` for an unknown time zone and :class:`StateRefused`
        for a subject or a mail address that is known already.
        """
        self._database.commit(self.register, person, certificate, by=by)

    def register(self, tx: Transaction, person: Person, certificate: bytes | None, *, by: str) -> None:
        """The same inside the caller's transaction."""
        require_zone(person.zone)
        people.insert_person(tx, person, certificate)
        private = {"name": person.name, "organisation": person.organisation, "email": person.email}
        public = {"subject": person.subject}
        append_event(tx, AuditEvent(EventKind.PERSON_REGISTERED, self._now(), by, None, public, private))

    def add_seal(self, seal: Seal, certificate: bytes, *, by: str) -> None:
        """Register *seal*; its custodians are known people. Raises :class:`StateRefused` otherwise."""
        with self._database.transaction() as tx:
            people.insert_seal(tx, seal, certificate)
            public = {"subject": seal.subject, "kind": seal.kind.name, "custodians": " ".join(seal.custodians)}
            private = {"organisation": seal.organisation}
            append_event(tx, AuditEvent(EventKind.SEAL_REGISTERED, self._now(), by, None, public, private))

    def search(self, words: str, *, own: str) -> list[Person]:
        """At most :data:`MOST` people with accounts by name, organisation or mail address, those of the *own*
        organisation by department, too; none for no words."""
        wanted = words.strip()[:LONGEST]
        if not wanted:
            return []
        return self._database.query(members.search, wanted, own=own, limit=MOST)
