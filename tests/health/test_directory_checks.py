"""What health says of directories: not read, held, in trouble, running out, silent; and of single sign-on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.config import LdapSettings, OpenIdSettings, Settings
from appliance.health import Condition, RunbookPage
from appliance.health.directory_checks import (
    AWAY,
    ENDING,
    NOTED,
    SILENT,
    TO_LET_GO,
    authorities,
    departures,
    directory,
    held,
    problems,
    provider,
    pushing_finding,
    removals,
)
from appliance.health.figures import measure_directories
from appliance.home import Home
from appliance.model.api_clients import ApiClient, ClientState, Scope
from appliance.store import directory_health
from appliance.store.database import Database, Transaction
from tests.health.asked import asked

NOON = datetime(2026, 11, 25, 12, 1, tzinfo=UTC)
URL, ISSUER = "ldaps://directory.enterprise.example", "https://id.enterprise.example"
ROUND = timedelta(minutes=3)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "vermilion.db")
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ldap = LdapSettings(url=URL, people="dc=example", bind_dn="cn=reader")
    return Settings(Home(tmp_path), ldap=ldap, openid=OpenIdSettings(issuer=ISSUER, client="vermilion"))


def user(tx: Transaction, key: str, *, problem: str | None = None, removed: datetime | None = None) -> str:
    """A user of the directory, by its id."""
    named = key.rjust(32, "0")
    row = {"id": named, "source": "ldap", "key": key, "login": key, "name": key, "email": f"{key}@example.com"}
    row |= {"department": "", "manager": "", "groups": "[]"}
    state = {"enabled": 1, "problem": problem, "removed": removed, "made": NOON, "changed": NOON}
    tx.insert("directory_users", row | state)
    return named


def add_round(database: Database, began: datetime, outcome: str = "done", problem: str = "") -> None:
    row = {"source": "ldap", "outcome": outcome, "counts": "{}", "problem": problem}
    with database.transaction() as tx:
        tx.insert("directory_rounds", row | {"began": began, "ended": began + timedelta(seconds=2)})


def hold(database: Database, key: str, kind: str, *, released: datetime | None = None) -> None:
    with database.transaction() as tx:
        tx.insert("directory_held", {"user": user(tx, key), "kind": kind, "since": NOON, "released": released})


def test_nobody_asks_about_directories_that_there_are_none_of(database: Database, tmp_path: Path) -> None:
    plain = Settings(Home(tmp_path))
    context = asked(NOON, database, configured=lambda: plain, home=plain.home)
    for check in (directory, removals, held, problems, authorities, provider, departures):
        assert check(context).condition is Condition.NOT_CONFIGURED, check.__name__


def test_a_directory_that_is_not_read_is_told_of_after_three_rounds(
    database: Database, settings: Settings
) -> None:
    def found(now: datetime) -> tuple[Condition, str]:
        finding = directory(asked(now, database, configured=lambda: settings))
        assert finding.page in (None, RunbookPage.DIRECTORY_DOWN)
        return finding.condition, str(finding)

    assert found(NOON)[0] is Condition.ATTENTION, "never read"
    add_round(database, NOON)
    assert found(NOON + ROUND)[0] is Condition.GOOD
    for number in range(1, 4):
        add_round(database, NOON + number * ROUND, "failed", "The directory does not answer.")
    assert found(NOON + 3 * ROUND)[0] is Condition.GOOD
    condition, said = found(NOON + 4 * ROUND)
    assert condition is Condition.ATTENTION and "since 2026-11-25 12:01 UTC" in said and "not answer." in said
    assert found(NOON + AWAY + ROUND)[0] is Condition.FAILING
    add_round(database, NOON + 30 * ROUND, "held")
    assert found(NOON + 31 * ROUND) == (Condition.GOOD, f"The directory {URL} was read at 2026-11-25 13:31 UTC.")
    condition, said = found(NOON + 50 * ROUND)
    assert condition is Condition.ATTENTION and "the scheduler does not read it" in said


def test_a_directory_that_never_answered_fails_after_an_hour(database: Database, settings: Settings) -> None:
    add_round(database, NOON, "failed", "Refused.")
    finding = directory(asked(NOON + AWAY + ROUND, database, configured=lambda: settings))
    assert finding.condition is Condition.FAILING


def test_what_waits_for_administrators_is_told_by_kind(database: Database, settings: Settings) -> None:
    context = asked(NOON, database, configured=lambda: settings)
    assert removals(context).condition is held(context).condition is Condition.GOOD
    hold(database, "a", "removal")
    hold(database, "b", "removal", released=NOON)
    found = removals(context)
    assert (found.condition, found.page, found.values["count"]) == (
        *(Condition.ATTENTION, RunbookPage.DIRECTORY_REMOVALS),
        1,
    )
    assert held(context).condition is Condition.GOOD
    hold(database, "c", "duty")
    hold(database, "d", "link")
    hold(database, "e", "link")
    found = held(context)
    assert (found.page, found.values) == (RunbookPage.DIRECTORY_HELD, {"duties": 1, "links": 2})


def test_users_with_problems_are_counted(database: Database, settings: Settings) -> None:
    context = asked(NOON, database, configured=lambda: settings)
    assert problems(context).condition is Condition.GOOD
    with database.transaction() as tx:
        user(tx, "a", problem="directory-no-role")
        user(tx, "b")
    found = problems(context)
    assert (found.page, found.values["count"]) == (RunbookPage.DIRECTORY_PROBLEMS, 1)


def certificate(until: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA 示例")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, NOON - 2 * ENDING, until)
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_authorities_are_told_of_before_the_last_of_them_expires(tmp_path: Path, settings: Settings) -> None:
    named = replace(settings, ldap=replace(settings.ldap, tls="ldap-ca.pem"))
    context = asked(NOON, configured=lambda: named, home=named.home)
    file = named.home.settings.parent / "ldap-ca.pem"
    assert authorities(context).condition is Condition.FAILING, "no file"
    file.parent.mkdir(exist_ok=True, parents=True)
    for ends, condition in (
        ((NOON - timedelta(days=1),), Condition.FAILING),
        ((NOON - timedelta(days=1), NOON + ENDING), Condition.ATTENTION),
        ((NOON + ENDING + timedelta(days=1), NOON), Condition.GOOD),
    ):
        file.write_bytes(b"".join(certificate(each) for each in ends))
        assert authorities(context).condition is condition
    file.write_bytes(b"none")
    assert authorities(context).page is RunbookPage.DIRECTORY_AUTHORITY


def test_a_provider_is_told_of_while_sign_ins_fail(database: Database, settings: Settings) -> None:
    def found(minutes: int) -> tuple[Condition, str]:
        at = NOON + timedelta(minutes=minutes)
        finding = provider(asked(at, database, configured=lambda: settings))
        return finding.condition, str(finding)

    def fails(minutes: int, problem: str) -> None:
        with database.transaction() as tx:
            directory_health.provider_failed(tx, ISSUER, problem, at=NOON + timedelta(minutes=minutes))

    assert found(0)[0] is Condition.GOOD
    fails(0, "It is late.")
    fails(5, "It refused.")
    assert found(6) == (
        Condition.FAILING,
        f"Nobody can sign in through the identity provider {ISSUER} since 2026-11-25 12:01 UTC. It refused.",
    )
    assert found(6 + NOTED // timedelta(minutes=1))[0] is Condition.GOOD, "it ends by itself"
    with database.transaction() as tx:
        directory_health.provider_answered(tx, ISSUER)
    assert found(6)[0] is Condition.GOOD


def departed(database: Database, subject: str, *, certified: bool = True, state: str = "suspended") -> None:
    """Somebody whom the directory lost at noon."""
    with database.transaction() as tx:
        person = {"name": subject, "organisation": "甲公司", "email": f"{subject}@example.com", "guest": 0}
        tx.insert("people", {"subject": subject, "language": "zh", "zone": "Asia/Shanghai", **person})
        account = {"login": subject[-8:], "state": state, "handle": subject[-16:].encode().rjust(16)}
        tx.insert("accounts", {"subject": subject, "invited": NOON, **account})
        if certified:
            tx.insert("certificates", {"subject": subject, "der": b"0"})
        tx.insert("departures", {"subject": subject, "since": NOON, "source": "ldap", "was": "active"})


def test_officers_have_three_days_for_who_has_left(database: Database, settings: Settings) -> None:
    def found(days: int) -> Condition:
        return departures(asked(NOON + timedelta(days=days), database, configured=lambda: settings)).condition

    days = TO_LET_GO // timedelta(days=1)
    departed(database, "person-left-0001", state="left")
    departed(database, "person-left-0002", certified=False)
    assert found(days + 1) is Condition.GOOD, "nothing is left to end"
    departed(database, "person-left-0003")
    assert found(days) is Condition.GOOD
    assert found(days + 1) is Condition.ATTENTION


PUSHES = ApiClient(
    id="client-0123456789abcdef",
    name="IdP 示例",
    scopes=frozenset[Scope](),
    organisations=frozenset[str](),
    kinds=frozenset[str](),
    state=ClientState.ACTIVE,
    created=NOON - 2 * SILENT,
    last_used=NOON,
)


def test_a_program_that_pushes_people_is_heard_of_every_week() -> None:
    assert pushing_finding([], NOON).condition is Condition.NOT_CONFIGURED
    silent = replace(PUSHES, id="client-fedcba9876543210", last_used=None)
    assert pushing_finding([PUSHES], NOON + SILENT).condition is Condition.GOOD
    found = pushing_finding([PUSHES, silent], NOON)
    assert (found.page, found.mark) == (RunbookPage.SCIM_SILENT, silent.id)


def test_directories_have_figures(database: Database) -> None:
    context = asked(NOON + ROUND, database)
    assert dict(measure_directories(context))["vermilion_directory_problems"] == 0
    add_round(database, NOON)
    hold(database, "a", "removal")
    with database.transaction() as tx:
        user(tx, "b", problem="directory-no-role")
        user(tx, "c", removed=NOON)
    figures = dict(measure_directories(context))
    assert figures['vermilion_directory_users{source="ldap"}'] == 2
    assert figures['vermilion_directory_success_age_seconds{source="ldap"}'] == 178
    assert figures['vermilion_directory_held{kind="removal"}'] == 1
    assert figures["vermilion_directory_problems"] == 1
