"""What the settings demand of a sign-in: how strong it was (``acr``), and who answers for a mail address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from appliance.model.directories import DirectorySource
from appliance.store import accounts, directories
from tests.portal.conftest import portal_of
from tests.single_sign_on import people
from tests.single_sign_on.conftest import Site
from tests.single_sign_on.lying import TOKEN, LyingProvider
from tests.single_sign_on.test_signing_in import UNKNOWN, require_refused
from tests.world import World

WEAK = "is not strong enough for this appliance"
NO_ADDRESS = "no verified mail address of yours"
STRONG = ("urn:example:two-factors", "phr")

OpenSite = Callable[..., Site]


@pytest.fixture(scope="module")
def open_site(sso_world: World, lying: LyingProvider) -> Iterator[OpenSite]:
    """Opens the same house with other settings of ``[openid]``."""
    with ExitStack() as stack:

        @cache
        def opened(**changed: Any) -> Site:
            settings = replace(sso_world.settings, openid=replace(sso_world.settings.openid, **changed))
            appliance = stack.enter_context(World(sso_world.home, settings).opened())
            return Site(appliance, portal_of(appliance, appliance.authority), lying)

        yield opened


@pytest.fixture(autouse=True)
def honest(lying: LyingProvider) -> None:
    lying.reset()


@pytest.fixture(scope="module")
def strong(open_site: OpenSite) -> Site:
    site = open_site(acr=STRONG)
    people.add_person(site.appliance, "stark")
    return site


CLAIMS: dict[str, Any] = {"sub": "sub-of-stark", "preferred_username": "stark"}


@pytest.mark.parametrize("acr", [None, "", "0", "pwd", "PHR", ["phr"], "phr "], ids=repr)
def test_who_signed_in_too_weakly_is_told_and_is_not_in(
    strong: Site, acr: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        require_refused(strong.sign_in(strong.browser(), **CLAIMS, acr=acr), WEAK)
    assert strong.sessions_of("person-stark") == 0
    assert strong.provider.asked[TOKEN], "the provider was asked for the token that was refused"


@pytest.mark.parametrize("acr", STRONG)
def test_who_signed_in_as_strongly_as_is_asked_for_is_in(strong: Site, acr: str) -> None:
    browser = strong.browser()
    assert strong.begin(browser)["acr_values"] == " ".join(STRONG)
    assert strong.sign_in(browser, **CLAIMS, acr=acr).status_code == 303
    assert browser.get("/settings").status_code == 200


def test_nothing_is_asked_for_where_nothing_is_set(open_site: OpenSite) -> None:
    site = open_site()
    assert "acr_values" not in site.begin(site.browser())


# --- mail addresses

VERIFIED: list[tuple[object, bool, bool]] = [
    (True, False, True),
    (True, True, True),
    (None, False, False),
    (None, True, True),
    (False, False, False),
    (False, True, False),
    ("true", False, False),
    ("true", True, False),
    (1, True, False),
]
"""``email_verified``, ``trust_email``, and whether the address counts."""


@pytest.mark.parametrize(("verified", "trusted", "counts"), VERIFIED)
def test_an_address_finds_its_user_only_where_the_provider_answers_for_it(
    open_site: OpenSite, verified: object, trusted: bool, counts: bool
) -> None:
    site = open_site(match="email", attribute="email", trust_email=trusted)
    login = f"mail-{VERIFIED.index((verified, trusted, counts))}"
    subject = people.add_person(site.appliance, login)
    claims: dict[str, Any] = {"sub": f"sub-of-{login}", "preferred_username": None, "email_verified": verified}
    browser = site.browser()
    answer = site.sign_in(browser, **claims, email=f"{login.upper()}@MAIL.example")
    if counts:
        assert answer.status_code == 303
        assert browser.get("/settings").status_code == 200
    else:
        require_refused(answer, UNKNOWN)
    assert site.sessions_of(subject) == counts


@pytest.mark.parametrize(("verified", "trusted", "counts"), VERIFIED)
def test_an_address_makes_an_account_only_where_the_provider_answers_for_it(
    open_site: OpenSite, verified: object, trusted: bool, counts: bool
) -> None:
    site = open_site(provision=True, trust_email=trusted)
    login = f"made-{VERIFIED.index((verified, trusted, counts))}"
    claims: dict[str, Any] = {"sub": f"sub-of-{login}", "preferred_username": login, "name": "示例 新人"}
    answer = site.sign_in(site.browser(), **claims, email=f"{login}@mail.example", email_verified=verified)
    made = [each for each in site.appliance.database.query(accounts.everybody) if each.login == login]
    if counts:
        assert (answer.status_code, len(made)) == (303, 1)
    else:
        require_refused(answer, NO_ADDRESS)
        assert made == []
        with site.appliance.database.reading() as tx:
            [known] = directories.with_login(tx, DirectorySource.OPENID, login)
        assert known.subject is None
