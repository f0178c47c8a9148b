"""Who is here: people with their accounts, officers, those who can keep a seal; and looking people up."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from appliance.model.accounts import AccountRole
from appliance.model.office import DepartedPerson, DirectoryEntry, MemberEntry, OpenContract
from appliance.model.people import Person
from appliance.store.database import Transaction, pattern_of
from hsm.rows import Query

_PEOPLE = Query(
    Person,
    "SELECT subject, name, organisation, email, language, zone, guest, department,"
    " (SELECT above.name FROM people AS above WHERE above.subject = people.manager) AS manager_name,"
    " NULL AS partner, 0 AS certified FROM people",
)


def search(tx: Transaction, words: str, *, own: str, limit: int) -> list[Person]:
    """People with an account who sign and are not gone, whose name, organisation or mail address holds *words*, by
    name; those of the *own* organisation by department, too, which of others is not told."""
    found = _PEOPLE.all(
        tx,
        "INDEXED BY people_members_by_name WHERE guest = 0 AND subject LIKE 'person-%'"
        " AND (name LIKE ?1 ESCAPE '\\' OR organisation LIKE ?1 ESCAPE '\\' OR email LIKE ?1 ESCAPE '\\'"
        " OR (organisation = ?3 AND department LIKE ?1 ESCAPE '\\'))"
        " AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.subject = people.subject) ORDER BY name, subject LIMIT ?2",
        (pattern_of(words), limit, own),
    )
    return [
        each if each.organisation == own else replace(each, department="", manager_name=None) for each in found
    ]


# The rows of the list: what differs follows it. No value is ever put in here.
_ROW = (
    "SELECT p.subject, p.name, p.organisation, p.email, p.department, p.manager, m.name AS manager_name,"
    " m.organisation AS manager_organisation, a.login, a.state, p.guest,"
    " EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject) AS enrolled,"
    " EXISTS (SELECT 1 FROM enrolment_requests r WHERE r.subject = p.subject AND r.state = 'open') AS waiting,"
    " (SELECT partner FROM representatives r WHERE r.subject = p.subject) AS partner,"
    " (SELECT json_group_array(role) FROM account_roles r WHERE r.subject = p.subject) AS roles"
    ", (SELECT since FROM departures d WHERE d.subject = p.subject) AS departed"
    " FROM people p {index} LEFT JOIN accounts a ON a.subject = p.subject"
    " LEFT JOIN people m ON m.subject = p.manager"
)
_ENTRIES = Query(MemberEntry)
_ENTRY, _MEMBER = _ROW.format(index=""), _ROW.format(index="INDEXED BY people_members")

_OPEN = Query(OpenContract)
_KEEPS_SEALS = (
    " WHERE p.organisation = ?1 AND p.guest = 0 AND p.subject LIKE 'person-%'"
    " AND p.subject NOT GLOB 'person-guest-*' AND (a.state IS NULL OR (a.state = 'active' AND EXISTS"
    " (SELECT 1 FROM account_roles r WHERE r.subject = p.subject AND r.role = 'custodian')))"
    " AND EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject)"
)
_KEEPS_OUTSIDE_SEALS = (
    " WHERE p.organisation = ?1 AND p.subject GLOB 'person-guest-*'"
    " AND (a.state IS NULL OR a.state = 'active')"
    " AND EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject)"
    " AND NOT EXISTS (SELECT 1 FROM vouchings v WHERE v.person = p.subject)"
)
_KEEPS = {False: _KEEPS_SEALS, True: _KEEPS_OUTSIDE_SEALS}
"""By whether the seal is another company's."""
_FOUND = (
    " AND (p.name LIKE ?2 ESCAPE '\\' OR (?4 AND p.department LIKE ?2 ESCAPE '\\')"
    " OR a.login LIKE ?2 ESCAPE '\\' OR p.email LIKE ?2 ESCAPE '\\') ORDER BY p.name, p.subject LIMIT ?3"
)


def members_page(
    tx: Transaction, search: str, *, own: str | None = None, after: str, limit: int
) -> list[MemberEntry]:
    """At most *limit* people but guests, by subject after *after*, who are found by *search*. Departments and
    managers are those of the *own* organisation's people alone; None: of all."""
    found = _ENTRIES.all(
        tx,
        f"{_MEMBER} WHERE p.guest = 0 AND p.subject > ?1 AND (p.name LIKE ?2 ESCAPE '\\'"
        " OR p.organisation LIKE ?2 ESCAPE '\\'"
        " OR (?4 IN ('', p.organisation) AND p.department LIKE ?2 ESCAPE '\\')"
        " OR a.login LIKE ?2 ESCAPE '\\' OR p.email LIKE ?2 ESCAPE '\\') ORDER BY p.subject LIMIT ?3",
        (after, pattern_of(search), limit, own or ""),
    )
    return [shown_to(own, each) for each in found]


def shown_to(own: str | None, entry: MemberEntry) -> MemberEntry:
    """*entry* as a reader of the *own* organisation may see it; None: one who may see all."""
    if own in (None, entry.organisation):
        return entry
    return replace(entry, department="", manager=None, manager_name=None)


_WORKING = (
    " AND p.guest = 0 AND p.subject LIKE 'person-%' AND (a.state IS NULL OR a.state IN ('active', 'invited'))"
    " AND p.organisation IN (SELECT value FROM json_each(?1))"
)


def working_in(tx: Transaction, organisations: Collection[str], *, after: str, limit: int) -> list[MemberEntry]:
    """At most *limit* people of the *organisations* who start contracts or sign, by subject after *after*; nobody
    whose account is closed or suspended."""
    return _ENTRIES.all(
        tx,
        f"{_MEMBER} WHERE p.subject > ?2{_WORKING} ORDER BY p.subject LIMIT ?3",
        (json.dumps(sorted(organisations)), after, limit),
    )


def working_person(tx: Transaction, organisations: Collection[str], named: str) -> MemberEntry | None:
    """The one of them whose subject or mail address *named* is."""
    column = "email = ?2 COLLATE NOCASE" if "@" in named else "subject = ?2"
    return _ENTRIES.first(
        tx, f"{_ROW.format(index='')} WHERE p.{column}{_WORKING}", (json.dumps(sorted(organisations)), named)
    )


def member_entry(tx: Transaction, subject: str) -> MemberEntry | None:
    """The person of this subject, guests too, or None."""
    return _ENTRIES.first(tx, f"{_ENTRY} WHERE p.subject = ?", (subject,))


def directory_entry(tx: Transaction, subject: str) -> DirectoryEntry | None:
    """What a directory says of *subject*; None for an account that follows none."""
    return _OF_DIRECTORY.first(tx, "WHERE u.subject = ?", (subject,))


def departed(tx: Transaction, *, own: str | None = None, after: str, limit: int) -> list[DepartedPerson]:
    """Those whom their directory has disabled or removed and whose departure no officer has recorded, by subject
    after *after*; of the *own* organisation alone where one is given."""
    return _DEPARTED.all(
        tx,
        "WHERE a.state = 'suspended' AND a.subject > ?1 AND ?2 IN ('', p.organisation)"
        " ORDER BY a.subject LIMIT ?3",
        (after, own or "", limit),
    )


def count_departed(tx: Transaction) -> int:
    """How many these are."""
    return tx.count(
        "SELECT count(*) FROM accounts a INDEXED BY accounts_suspended CROSS JOIN departures d"
        " ON d.subject = a.subject WHERE a.state = 'suspended'"
    )


def came_back(tx: Transaction, *, own: str | None = None, since: datetime, limit: int) -> list[DepartedPerson]:
    """Those who departed after *since* and whom their directory has again, the last one first; of the *own*
    organisation alone where one is given."""
    return _RETURNED.all(
        tx,
        "WHERE u.source IN ('ldap', 'scim', 'openid') AND u.departed > ?1 AND a.state <> 'left'"
        " AND ?2 IN ('', p.organisation)"
        " AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.subject = u.subject)"
        " ORDER BY u.departed DESC, u.id LIMIT ?3",
        (since, own or "", limit),
    )


_OF_DIRECTORY = Query(
    DirectoryEntry,
    "SELECT u.source, u.login, u.made AS since, u.problem, p.directory_name AS other_name"
    " FROM directory_users u JOIN people p ON p.subject = u.subject",
)
_GONE = (
    "SELECT {since}, p.subject, p.name, p.organisation, p.email, p.department, m.name AS manager_name,"
    " EXISTS (SELECT 1 FROM certificates c WHERE c.subject = p.subject) AS enrolled,"
    " EXISTS (SELECT 1 FROM involvements i WHERE i.person = p.subject AND i.bucket IN"
    " ('to-sign', 'waiting', 'draft')) AS open_work FROM {table}"
    " JOIN people p ON p.subject = a.subject LEFT JOIN people m ON m.subject = p.manager"
)
_SUSPENDED = "accounts a INDEXED BY accounts_suspended CROSS JOIN departures d ON d.subject = a.subject"
"""Whoever departed is suspended until an officer records it."""

_DEPARTED = Query(DepartedPerson, _GONE.format(since="d.source, d.since", table=_SUSPENDED))
_RETURNED = Query(
    DepartedPerson,
    _GONE.format(
        since="u.source, u.departed AS since", table="directory_users u JOIN accounts a ON a.subject = u.subject"
    ),
)


def can_keep_seals(tx: Transaction, person: str, organisation: str, *, outside: bool) -> bool:
    """Whether *person* is one of :func:`possible_custodians` of *organisation*."""
    return tx.exists(
        "SELECT 1 FROM people p LEFT JOIN accounts a ON a.subject = p.subject"  # noqa: S608 -- literals above
        f"{_KEEPS[outside]} AND p.subject = ?2",
        (organisation, person),
    )


def possible_custodians(
    tx: Transaction, organisation: str, words: str = "", *, own: str | None = None, outside: bool, limit: int = -1
) -> list[MemberEntry]:
    """Enrolled people of *organisation* whose account is active and has the custodian's role, or who have none, by
    name; with *words* in name, department, login or mail address, and at most *limit* of them.

    *outside*: it is another company, whose enrolled outside signers keep its seals. Departments are for a reader
    of the *own* organisation; None: for one who may see all.
    """
    values = (organisation, pattern_of(words), limit, own in (None, organisation))
    found = _ENTRIES.all(tx, _ENTRY + _KEEPS[outside] + _FOUND, values)
    return [shown_to(own, each) for each in found]


def outside_organisations(tx: Transaction, words: str = "", *, limit: int) -> list[str]:
    """At most *limit* organisations of outside signers whom officers have confirmed, by name, with *words* in
    their own name or in that of such a person."""
    return tx.column(
        str,
        "SELECT DISTINCT p.organisation FROM people p JOIN certificates c ON c.subject = p.subject"
        " WHERE p.subject GLOB 'person-guest-*' AND p.organisation <> ''"
        " AND NOT EXISTS (SELECT 1 FROM vouchings v WHERE v.person = p.subject)"
        " AND (p.organisation LIKE ?1 ESCAPE '\\' OR p.name LIKE ?1 ESCAPE '\\') ORDER BY p.organisation LIMIT ?2",
        (pattern_of(words), limit),
    )


def is_outside_organisation(tx: Transaction, organisation: str) -> bool:
    """Whether outside signers whom officers have confirmed are of *organisation*, letter by letter."""
    return bool(organisation) and tx.exists(
        "SELECT 1 FROM people p JOIN certificates c ON c.subject = p.subject"
        " WHERE p.subject GLOB 'person-guest-*' AND p.organisation = ?"
        " AND NOT EXISTS (SELECT 1 FROM vouchings v WHERE v.person = p.subject)",
        (organisation,),
    )


def officers(tx: Transaction) -> list[str]:
    return tx.column(
        str,
        "SELECT a.subject FROM accounts a JOIN account_roles r ON r.subject = a.subject"
        " WHERE r.role = 'officer' AND a.state = 'active' ORDER BY a.subject",
    )


def with_role(tx: Transaction, organisation: str, role: AccountRole, words: str = "", *, limit: int) -> list[str]:
    """The people of *organisation* whose accounts are active and who have *role*, and *words* in name, department
    or mail address, by name."""
    return tx.column(
        str,
        "SELECT p.subject FROM people p JOIN accounts a ON a.subject = p.subject"
        " JOIN account_roles r ON r.subject = p.subject"
        " WHERE p.organisation = ?1 AND p.guest = 0 AND a.state = 'active' AND r.role = ?2"
        " AND (p.name LIKE ?3 ESCAPE '\\' OR p.department LIKE ?3 ESCAPE '\\' OR p.email LIKE ?3 ESCAPE '\\')"
        " ORDER BY p.name, p.subject LIMIT ?4",
        (organisation, role, pattern_of(words), limit),
    )


def has_role_in(tx: Transaction, organisation: str, role: AccountRole, subject: str) -> bool:
    """Whether *subject* is one of :func:`with_role`."""
    return tx.exists(
        "SELECT 1 FROM people p JOIN accounts a ON a.subject = p.subject"
        " JOIN account_roles r ON r.subject = p.subject"
        " WHERE p.subject = ? AND p.organisation = ? AND p.guest = 0 AND a.state = 'active' AND r.role = ?",
        (subject, organisation, role),
    )


def colleagues(tx: Transaction, person: Person, words: str = "", *, limit: int) -> list[Person]:
    """The others of the organisation of *person* whose accounts are in use, who sign or start contracts, and who
    have *words* in their name, department or mail address, by name."""
    return _PEOPLE.all(
        tx,
        "WHERE organisation = ?1 AND guest = 0 AND subject LIKE 'person-%' AND subject <> ?2"
        " AND EXISTS (SELECT 1 FROM accounts a WHERE a.subject = people.subject AND a.state = 'active')"
        " AND (name LIKE ?3 ESCAPE '\\' OR email LIKE ?3 ESCAPE '\\' OR department LIKE ?3 ESCAPE '\\')"
        " ORDER BY name, subject LIMIT ?4",
        (person.organisation, person.subject, pattern_of(words), limit),
    )


def called(tx: Transaction, subject: str, own: str | None = None) -> str | None:
    """The name of somebody of the house, and what tells them from others here of the same name: the department
    where each of these has another one, else the mail address. Departments are only told to a reader of the *own*
    organisation; None: to one who may know all. None for somebody who is not known."""
    found = _PEOPLE.first(tx, "WHERE subject = ?", (subject,))
    if found is None or found.guest:
        return None if found is None else found.name
    rows = tx.execute(
        "SELECT department FROM people INDEXED BY people_members_by_name WHERE guest = 0 AND name = ?"
        " AND subject <> ? LIMIT ?",
        (found.name, subject, MOST_NAMESAKES),
    )
    others = [department for (department,) in rows]
    if not others:
        return found.name
    known = own in (None, found.organisation) and len(others) < MOST_NAMESAKES
    apart = known and found.department and found.department not in others
    more = found.department if apart else found.email
    return f"{found.name}（{more}）" if _CHINESE.search(found.name) else f"{found.name} ({more})"


_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
"""In a name with such a character the brackets are those of Chinese."""

MOST_NAMESAKES = 50
"""Others of one name who are looked at."""


def names(tx: Transaction, subjects: list[str]) -> dict[str, str]:
    """The names of *subjects*, people and seals, that are known."""
    rows = tx.execute(
        "SELECT subject, name FROM people WHERE subject IN (SELECT value FROM json_each(?1))"
        " UNION ALL SELECT subject, organisation || ' '"
        " || CASE kind WHEN '分公司章' THEN replace(unit, '分公司', '') ELSE unit END || kind FROM seals"
        " WHERE subject IN (SELECT value FROM json_each(?1))",
        (json.dumps(subjects),),
    )
    return dict(rows.fetchall())


def names_apart(tx: Transaction, subjects: list[str], own: str | None = None) -> dict[str, str]:
    """The same with people as :func:`called` for a reader of the *own* organisation."""
    return {subject: called(tx, subject, own) or name for subject, name in names(tx, subjects).items()}


MOST_OPEN = 200
"""Contracts under way that one list of somebody's has."""


def open_contracts(tx: Transaction, subject: str) -> list[OpenContract]:
    """Contracts under way that *subject* drafts or sent, has still to sign, or asks a seal for."""
    own = (
        "SELECT c.id, c.title, c.state = 'draft' AS draft, c.deadline, c.number"
        " FROM involvements i INDEXED BY {index} CROSS JOIN contracts c ON c.number = i.number"
        " WHERE i.person = ?1 AND i.bucket {buckets} AND c.state IN ('draft', 'sent')"
        " AND (c.initiator = ?1 OR EXISTS (SELECT 1 FROM parties p WHERE p.contract = c.id"
        " AND ?1 IN (p.subject, p.requester) AND p.state = 'waiting'))"
    )
    due = own.format(index="involvements_due", buckets="IN ('to-sign', 'waiting')")
    drafts = own.format(index="involvements_bucket", buckets="= 'draft'")
    return _OPEN.all(
        tx,
        f"SELECT id, title, draft FROM (SELECT * FROM ({due} ORDER BY i.deadline, i.number LIMIT ?2) UNION ALL"  # noqa: S608  # literals of this module
        f" SELECT * FROM ({drafts} ORDER BY i.touched DESC, i.number DESC LIMIT ?2)"
        " ORDER BY deadline, number LIMIT ?2)",
        (subject, MOST_OPEN),
    )


def seals_kept_by(tx: Transaction, subject: str) -> list[str]:
    return tx.column(str, "SELECT seal FROM custodians WHERE person = ? ORDER BY seal", (subject,))
