"""The people of a portfolio: an enterprise's members with accounts, and outside signers; all invented."""

from __future__ import annotations

import hashlib
from datetime import datetime

from appliance.demonstration.participants import ZONE
from appliance.language import Language
from appliance.model.people import Person
from appliance.store.database import Database
from hsm.intents import instant

MEMBERS = 2000
"""People with accounts, whatever the number of contracts."""

HOUSES = ("甲公司示例有限公司", "乙公司示例有限公司", "丙集团示例股份有限公司", "丁商行示例")
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "示例样本虚构假设演习试验模拟范本"


def member(number: int) -> Person:
    """Somebody with an account."""
    return _person(f"person-member-{number:05d}", number, HOUSES[number % len(HOUSES)], guest=False)


def guest(number: int) -> Person:
    """Somebody from outside; each signs one contract."""
    return _person(f"person-guest-{number:018d}", number * 31, f"外部示例第{number % 5000}商行", guest=True)


def _person(subject: str, number: int, organisation: str, *, guest: bool) -> Person:
    name = _FAMILY[number % len(_FAMILY)] + _GIVEN[number // 32 % len(_GIVEN)] + _GIVEN[number // 7 % len(_GIVEN)]
    return Person(subject, name, organisation, f"{subject}@example.com", Language.CHINESE, ZONE, guest)


def settle(database: Database, now: datetime) -> None:
    """Writes every member with an account and roles; a few wait for their enrolment."""
    people = [member(number) for number in range(MEMBERS)]
    with database.transaction() as tx:
        tx.executemany(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES (?, ?, ?, ?, ?, ?, 0)",
            [
                (each.subject, each.name, each.organisation, each.email, each.language, each.zone)
                for each in people
            ],
        )
        tx.executemany(
            "INSERT INTO accounts (subject, login, state, handle, password, invited)"
            " VALUES (?, ?, 'active', ?, '$argon2id$not-used', ?)",
            [(each.subject, each.subject[7:], _handle(each.subject), instant(now)) for each in people],
        )
        tx.executemany(
            "INSERT INTO account_roles (subject, role) VALUES (?, ?)",
            [(each.subject, role) for each in people for role in ("initiator", "signer")],
        )
        (real,) = tx.execute("SELECT der FROM certificates LIMIT 1").fetchone()  # pages read when it ends
        tx.executemany(
            "INSERT INTO certificates (subject, der) VALUES (?, ?)",
            [(each.subject, real) for each in people if int(each.subject[-5:]) % 100],
        )
        tx.executemany(
            "INSERT INTO enrolment_requests (id, subject, kinds, state, asked) VALUES (?, ?, ?, 'open', ?)",
            [(f"bench-{each.subject}", each.subject, "webauthn", instant(now)) for each in people[::100]],
        )


def _handle(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()[:16]
