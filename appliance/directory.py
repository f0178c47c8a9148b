"""The directory: who can be named as a party, found by a few letters."""

from __future__ import annotations

from appliance.model.people import Person
from appliance.store import directory
from appliance.store.database import Database

MOST = 20
"""People that one search shows."""

LONGEST = 100
"""Letters that are looked for; more of them are in no name, and SQLite refuses very long patterns."""


class Directory:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, words: str) -> list[Person]:
        """At most :data:`MOST` people with accounts by name, organisation or mail address; none for no words."""
        wanted = words.strip()[:LONGEST]
        if not wanted:
            return []
        with self._database.reading() as tx:
            return directory.search(tx, wanted, limit=MOST)
