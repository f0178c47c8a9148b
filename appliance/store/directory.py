"""Who is here: people with their accounts, officers, those who can keep a seal; and looking people up."""

from __future__ import annotations

import json

from appliance.model.accounts import AccountRole
from appliance.model.office import DirectoryEntry, OpenContract
from appliance.model.people import Person
from appliance.store.database import Transaction, pattern_of
from hsm.rows import Query

_PEOPLE = Query(Person, "SELECT subject, name, organisation, email, language, zone, guest FROM people")


def search(tx: Transaction, words: str, *, limit: int) -> list[Person]:
    """People with an account who sign, whose name, organisation or mail address holds *words*, by name."""
    return _PEOPLE.all(
        tx,
        "INDEXED BY people_members_by_name WHERE guest = 0 AND subject LIKE 'person-%'"
        " AND (name LIKE ?1 ESCAPE '\\' OR organisation LIKE ?1 ESCAPE '\\' OR email LIKE ?1 ESCAPE '\\')"
        " ORDER BY name, subject LIMIT ?2",
        (pattern_of(words), limit),
    )


# The rows of the list: what differs follows it. No value is ever put in here.
_ROW = (
    "SELECT p.subject, p.name, p.organisation, p.email, a.login, a.state, p.guest,"
    " EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject) AS enrolled,"
    " EXISTS (SELECT 1 FROM enrolment_requests r WHERE r.subject = p.subject AND r.state = 'open') AS waiting,"
    " (SELECT json_group_array(role) FROM account_roles r WHERE r.subject = p.subject) AS roles"
    " FROM people p {index} LEFT JOIN accounts a ON a.subject = p.subject"
)
_ENTRIES = Query(DirectoryEntry)
_ENTRY, _MEMBER = _ROW.format(index=""), _ROW.format(index="INDEXED BY people_members")

_OPEN = Query(OpenContract)
_KEEPS_SEALS = (
    " WHERE p.organisation = ?1 AND p.guest = 0 AND p.subject LIKE 'person-%'"
    " AND (a.state IS NULL OR (a.state = 'active' AND EXISTS"
    " (SELECT 1 FROM account_roles r WHERE r.subject = p.subject AND r.role = 'custodian')))"
    " AND EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject)"
)
_CUSTODIANS = (
    f"{_KEEPS_SEALS} AND (p.name LIKE ?2 ESCAPE '\\'"
    " OR a.login LIKE ?2 ESCAPE '\\' OR p.email LIKE ?2 ESCAPE '\\') ORDER BY p.name, p.subject LIMIT ?3"
)


def directory_page(tx: Transaction, search: str, *, after: str, limit: int) -> list[DirectoryEntry]:
    """At most *limit* people but guests, by subject after *after*, who are found by *search*."""
    return _ENTRIES.all(
        tx,
        f"{_MEMBER} WHERE p.guest = 0 AND p.subject > ?1 AND (p.name LIKE ?2 ESCAPE '\\'"
        " OR p.organisation LIKE ?2 ESCAPE '\\' OR a.login LIKE ?2 ESCAPE '\\' OR p.email LIKE ?2 ESCAPE '\\')"
        " ORDER BY p.subject LIMIT ?3",
        (after, pattern_of(search), limit),
    )


def directory_entry(tx: Transaction, subject: str) -> DirectoryEntry | None:
    """The person of this subject, guests too, or None."""
    return _ENTRIES.first(tx, f"{_ENTRY} WHERE p.subject = ?", (subject,))


def can_keep_seals(tx: Transaction, person: str, organisation: str) -> bool:
    """Whether *person* is one of :func:`possible_custodians` of *organisation*."""
    return tx.exists(
        "SELECT 1 FROM people p LEFT JOIN accounts a ON a.subject = p.subject"  # noqa: S608 -- literals above
        f"{_KEEPS_SEALS} AND p.subject = ?2",
        (organisation, person),
    )


def possible_custodians(
    tx: Transaction, organisation: str, words: str = "", *, limit: int = -1
) -> list[DirectoryEntry]:
    """Enrolled people of *organisation* whose account is active and has the custodian's role, or who have none, by
    name; with *words* in name, login or mail address, and at most *limit* of them."""
    return _ENTRIES.all(tx, _ENTRY + _CUSTODIANS, (organisation, pattern_of(words), limit))


def officers(tx: Transaction) -> list[str]:
    return tx.column(
        str,
        "SELECT a.subject FROM accounts a JOIN account_roles r ON r.subject = a.subject"
        " WHERE r.role = 'officer' AND a.state = 'active' ORDER BY a.subject",
    )


def with_role(tx: Transaction, organisation: str, role: AccountRole, *, limit: int) -> list[str]:
    """The people of *organisation* whose accounts are active and who have *role*, by name."""
    return tx.column(
        str,
        "SELECT p.subject FROM people p JOIN accounts a ON a.subject = p.subject"
        " JOIN account_roles r ON r.subject = p.subject"
        " WHERE p.organisation = ? AND p.guest = 0 AND a.state = 'active' AND r.role = ?"
        " ORDER BY p.name, p.subject LIMIT ?",
        (organisation, role, limit),
    )


def names(tx: Transaction, subjects: list[str]) -> dict[str, str]:
    """The names of *subjects*, people and seals, that are known."""
    rows = tx.execute(
        "SELECT subject, name FROM people WHERE subject IN (SELECT value FROM json_each(?1))"
        " UNION ALL SELECT subject, organisation || ' ' || kind FROM seals"
        " WHERE subject IN (SELECT value FROM json_each(?1))",
        (json.dumps(subjects),),
    )
    return dict(rows.fetchall())


def open_contracts(tx: Transaction, subject: str) -> list[OpenContract]:
    """Contracts under way that *subject* drafts or sent, has still to sign, or asks a seal for."""
    own = (
        "SELECT c.id, c.title, c.state = 'draft' AS draft, c.deadline FROM involvements i INDEXED BY {index}"
        " CROSS JOIN contracts c ON c.number = i.number"
        " WHERE i.person = ?1 AND i.bucket {buckets} AND c.state IN ('draft', 'sent')"
        " AND (c.initiator = ?1 OR EXISTS (SELECT 1 FROM parties p WHERE p.contract = c.id"
        " AND ?1 IN (p.subject, p.requester) AND p.state = 'waiting'))"
    )
    due = own.format(index="involvements_due", buckets="IN ('to-sign', 'waiting')")
    drafts = own.format(index="involvements_bucket", buckets="= 'draft'")
    return _OPEN.all(
        tx,
        f"SELECT id, title, draft FROM (SELECT * FROM ({due} ORDER BY i.deadline, i.number LIMIT 200) UNION ALL"  # noqa: S608  # literals of this module
        f" SELECT * FROM ({drafts} ORDER BY i.touched DESC, i.number DESC LIMIT 200)"
        " ORDER BY deadline, id LIMIT 200)",
        (subject,),
    )


def seals_kept_by(tx: Transaction, subject: str) -> list[str]:
    return tx.column(str, "SELECT seal FROM custodians WHERE person = ? ORDER BY seal", (subject,))
