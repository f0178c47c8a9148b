"""Nobody administrates and has an account in the portal: both databases refuse it, whichever comes first."""

from __future__ import annotations

from datetime import timedelta

import pysqlite3
import pytest

from appliance.errors import StateRefused
from appliance.language import Language
from appliance.model.administration import ROOT, AdministratorRole, NewAdministrator
from appliance.model.people import Person
from appliance.store import accounts, administrators, people
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from tests.administration.conftest import START, Site


@pytest.fixture
def portal(site: Site) -> Database:
    return Database(site.settings.home.database)


def person(portal: Database, subject: str, login: str | None, email: str) -> None:
    """Somebody in the portal; with an account when there is a login."""
    with portal.transaction() as tx:
        shown = Person(subject, "某示例", "甲公司示例有限公司", email, Language.CHINESE, "Asia/Shanghai")
        people.insert_person(tx, shown, None)
        if login is not None:
            accounts.insert_account(tx, subject, login, handle=subject.encode()[-16:].rjust(16), now=START)


def administrator(login: str, email: str) -> NewAdministrator:
    return NewAdministrator(login, "卫示例", email, AdministratorRole.SYSTEM)


@pytest.mark.parametrize(
    ("login", "email"),
    [("wei", "another@ops.example"), ("another", "wei@alpha.example"), ("another", "WEI@Alpha.example")],
)
def test_who_is_in_the_portal_does_not_become_an_administrator(
    site: Site, portal: Database, login: str, email: str
) -> None:
    person(portal, "person-wei", "wei", "wei@alpha.example")
    with pytest.raises(StateRefused, match="no account in the portal"):
        site.administration.administrators.add(administrator(login, email), by=ROOT)
    assert site.administration.administrators.everybody() == []


@pytest.mark.parametrize("kind", ["person", "officer", "auditor", "operator", "person-guest"])
def test_who_administrates_does_not_get_into_the_portal(site: Site, portal: Database, kind: str) -> None:
    site.administration.administrators.add(administrator("wei", "wei@ops.example"), by=ROOT)
    with pytest.raises(StateRefused, match="administrator"):
        person(portal, f"{kind}-one", None, "Wei@ops.example")
    if kind != "person-guest":
        with pytest.raises(StateRefused, match="administrator"):
            person(portal, f"{kind}-two", "wei", "other@alpha.example")


def test_the_portals_tables_refuse_it_without_our_code_too(site: Site, portal: Database) -> None:
    site.administration.administrators.add(administrator("wei", "wei@ops.example"), by=ROOT)
    person(portal, "person-lan", "lan", "lan@alpha.example")
    for statement in (
        "UPDATE accounts SET login = 'wei' WHERE subject = 'person-lan'",
        "UPDATE people SET email = 'wei@ops.example' WHERE subject = 'person-lan'",
        "INSERT INTO administrators (login, email) VALUES ('lan', 'new@ops.example')",
        "UPDATE administrators SET email = 'lan@alpha.example'",
    ):
        with pytest.raises(pysqlite3.IntegrityError, match="administrators"), portal.transaction() as tx:
            tx.execute(statement)


def test_an_adding_that_was_broken_off_between_the_databases_goes_on(site: Site, portal: Database) -> None:
    with portal.transaction() as tx:
        administrators.reserve(tx, "wei", "wei@ops.example")
    site.administration.administrators.add(administrator("wei", "wei@ops.example"), by=ROOT)
    assert [each.login for each in site.administration.administrators.everybody()] == ["wei"]


def test_nothing_is_kept_for_who_was_not_added(site: Site, portal: Database) -> None:
    """Whose address is another administrator's, or whose login was one's."""
    site.set_up("wei")
    with pytest.raises(StateRefused):
        site.administration.administrators.add(administrator("lan", "wei@ops.example"), by=ROOT)
    site.set_up("hua")
    site.administration.administrators.remove("wei", by=ROOT)
    with pytest.raises(StateRefused):
        site.administration.administrators.add(administrator("wei", "new@ops.example"), by=ROOT)
    person(portal, "person-lan", "lan", "new@ops.example")


def test_what_is_another_administrators_stays_kept(site: Site, portal: Database) -> None:
    site.set_up("wei")
    with pytest.raises(StateRefused):
        site.administration.administrators.add(administrator("wei", "wei@ops.example"), by=ROOT)
    with pytest.raises(StateRefused):
        person(portal, "person-wei", "wei", "other@alpha.example")


def test_who_is_an_administrator_no_longer_may_have_an_account(site: Site, portal: Database) -> None:
    site.set_up("wei")
    site.set_up("lan")
    site.administration.administrators.remove("wei", by=ROOT)
    person(portal, "person-wei", "wei", "wei@ops.example")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE administrators SET role = 'security'",
        "UPDATE administrators SET login = 'other'",
        "DELETE FROM administrators",
        "INSERT INTO administrators (login, name, email, role, state, added, added_by)"
        " VALUES ('own', '某', 'own@ops.example', 'system', 'invited', '2026-11-25T08:00:00Z', 'own')",
        "INSERT INTO administrators (login, name, email, role, state, added, added_by)"
        " VALUES ('two', '某', 'two@ops.example', 'system security', 'invited', '2026-11-25T08:00:00Z', 'root')",
        "UPDATE journal SET who = 'other'",
        "DELETE FROM journal",
    ],
)
def test_the_administrations_tables_keep_one_role_and_the_journal(site: Site, statement: str) -> None:
    site.set_up("wei")
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with pytest.raises(pysqlite3.IntegrityError), database.transaction() as tx:
        tx.execute(statement)
    database.close()


def test_a_role_is_for_the_whole_of_time(site: Site) -> None:
    """Not even after the account was closed does its login come back in another role."""
    site.set_up("wei")
    site.set_up("lan")
    site.administration.administrators.remove("wei", by=ROOT)
    site.later(days=timedelta(days=400).days)
    again = NewAdministrator("wei", "卫示例", "wei2@ops.example", AdministratorRole.AUDITOR)
    with pytest.raises(StateRefused):
        site.administration.administrators.add(again, by=ROOT)
