"""People whom nothing but the provider's claims tells of: ``openid.provision``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.config import load
from appliance.model.accounts import Account, AccountState
from appliance.model.directories import DirectorySource, DirectoryUser
from appliance.store import accounts
from appliance.store.single_sign_on import pass_identities
from tests.portal.conftest import portal_of
from tests.single_sign_on import people
from tests.single_sign_on.conftest import Site
from tests.single_sign_on.lying import SECRET, LyingProvider, lying_provider
from tests.world import World, shared_world


@pytest.fixture(scope="module")
def known() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def site(known: LyingProvider) -> Iterator[Site]:
    with shared_world() as world:
        groups = '\n[directory]\neverybody = []\nsigner = ["staff"]\n'
        people.configure(world.home, known.issuer, SECRET, more=f"provision = true\n{groups}")
        with World(world.home, load(world.home)).opened() as appliance:
            yield Site(appliance, portal_of(appliance, appliance.authority), known)


def claims_of(login: str, **changed: object) -> dict[str, object]:
    return {
        "sub": f"sub-of-{login}",
        "preferred_username": login,
        "name": f"示例 {login}",
        "email": f"{login}@mail.example",
        "email_verified": True,
        "groups": ["staff"],
    } | changed


def account_of(site: Site, login: str) -> Account:
    [found] = [each for each in site.appliance.database.query(accounts.everybody) if each.login == login]
    return found


def test_who_is_in_no_group_any_more_is_out(site: Site) -> None:
    browser = site.browser()
    assert site.sign_in(browser, **claims_of("weg")).status_code == 303
    answer = site.sign_in(site.browser(), **claims_of("weg", groups=[]))
    assert (answer.status_code, "is not in use" in answer.text) == (403, True)
    assert account_of(site, "weg").state is AccountState.SUSPENDED
    assert browser.get("/settings").status_code == 303
    assert site.sign_in(site.browser(), **claims_of("weg")).status_code == 303


def test_who_is_let_go_and_comes_back_has_a_new_account(site: Site) -> None:
    """The identity stays theirs, and leads to the account that the directory has for them now."""
    site.sign_in(site.browser(), **claims_of("back"))
    site.sign_in(site.browser(), **claims_of("back", groups=[]))
    before = account_of(site, "back").subject
    with site.appliance.database.transaction() as tx:
        accounts.close_account(tx, before)
    assert site.sign_in(site.browser(), **claims_of("back")).status_code == 303
    after = account_of(site, "back").subject
    assert after != before
    assert (site.sessions_of(before), site.sessions_of(after)) == (0, 1)


def test_an_identity_moves_from_no_account_that_goes_on(site: Site) -> None:
    for login in ("one", "other"):
        site.sign_in(site.browser(), **claims_of(login))
    one, other = (account_of(site, login).subject for login in ("one", "other"))
    with (
        pytest.raises(sqlite.IntegrityError, match="while their account goes on"),
        site.appliance.database.transaction() as tx,
    ):
        tx.execute("DELETE FROM sign_on_identities WHERE subject = ?", (other,))
        pass_identities(tx, one, other)


def test_where_another_directory_says_who_is_there_claims_alone_make_nobody(site: Site) -> None:
    """A leaver whom the provider still lets in, by another name and address than before."""
    leaver = DirectoryUser(
        "key-of-leaver", "leaver", "示例 leaver", "leaver@mail.example", groups=frozenset({"staff"})
    )
    site.appliance.directory_accounts.follow(DirectorySource.SCIM, leaver)
    site.appliance.directory_accounts.follow(DirectorySource.SCIM, replace(leaver, enabled=False))
    answer = site.sign_in(
        site.browser(), **claims_of("leaver", preferred_username="leaver2", email="l@home.example")
    )
    assert (answer.status_code, "does not have you here yet" in answer.text) == (403, True)
