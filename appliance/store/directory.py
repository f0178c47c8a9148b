"""Looking people up by what one remembers of them."""

from __future__ import annotations

from appliance.model.people import Person
from appliance.store.database import Transaction
from hsm.rows import RowMapper

_PEOPLE = RowMapper(Person)


def search(tx: Transaction, words: str, *, limit: int) -> list[Person]:
    """People with an account who sign, whose name, organisation or mail address holds *words*, by name."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = tx.execute(
        "SELECT subject, name, organisation, email, language, zone, guest FROM people"
        " INDEXED BY people_members_by_name WHERE guest = 0 AND subject LIKE 'person-%'"
        " AND (name LIKE ?1 ESCAPE '\\' OR organisation LIKE ?1 ESCAPE '\\' OR email LIKE ?1 ESCAPE '\\')"
        " ORDER BY name, subject LIMIT ?2",
        (pattern, limit),
    )
    return _PEOPLE.all(rows)
