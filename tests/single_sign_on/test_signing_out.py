"""Signing out here and there: what our form does, and what the provider ends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from tests.portal.conftest import form_token, portal_of
from tests.portal.visitors import signed_in
from tests.single_sign_on import people
from tests.single_sign_on.conftest import Site
from tests.single_sign_on.lying import CLIENT, KEYS
from tests.world import World


@pytest.fixture(scope="package")
def you(sso_site: Site) -> str:
    return people.add_person(sso_site.appliance, "you")


def claims_of(site: Site, **changed: Any) -> Mapping[str, Any]:
    return site.provider.logout_claims(**{"sub": "sub-of-you", **changed})


def ended_by_provider(site: Site, token: str) -> TestResponse:
    """What the provider hears: it is no browser, and has no cookie and no form of ours."""
    return site.portal.test_client().post("/login/provider/logout", data={"logout_token": token})


def in_twice(site: Site, subject: str) -> None:
    """Two sessions of *subject*, the second one called so."""
    site.appliance.sessions.revoke_others("", by=subject)
    for sid in ("first", "second"):
        site.sign_in(site.browser(), sub="sub-of-you", preferred_username="you", sid=sid)
    assert site.sessions_of(subject) == 2


def test_signing_out_leads_to_the_provider(site: Site, you: str) -> None:
    browser = site.browser()
    site.sign_in(browser, sub="sub-of-you", preferred_username="you")
    answer = browser.post("/logout", data={"form_token": form_token(browser)})
    assert answer.status_code == 200
    seconds, _, address = answer.headers["Refresh"].partition("; url=")
    asked = parse_qs(urlsplit(address).query)
    assert (seconds, address.partition("?")[0]) == ("0", f"{site.provider.issuer}/end")
    assert asked["client_id"] == [CLIENT]
    assert asked["post_logout_redirect_uri"] == [f"{site.appliance.settings.web.public_url}/"]
    assert browser.get("/settings").status_code == 303


def test_signing_out_of_a_local_session_stays_here(site: Site, you: str) -> None:
    site.sign_in(site.browser(), sub="sub-of-you", preferred_username="you")
    browser = signed_in(site.portal, site.appliance, "person-zhang")
    answer = browser.post("/logout", data={"form_token": form_token(browser)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_signing_out_in_a_process_that_never_asked_the_provider_leads_there(
    site: Site, sso_world: World, you: str
) -> None:
    browser = site.browser()
    site.sign_in(browser, sub="sub-of-you", preferred_username="you")
    asked = site.provider.asked.total()
    with sso_world.opened() as other:
        browser.application = portal_of(other, other.authority)
        answer = browser.post("/logout", data={"form_token": form_token(browser)})
    assert f"url={site.provider.issuer}/end?" in answer.headers["Refresh"]
    assert site.provider.asked.total() == asked


def test_signing_out_waits_for_nobody(site: Site, you: str) -> None:
    browser = site.browser()
    site.sign_in(browser, sub="sub-of-you", preferred_username="you")
    asked = site.provider.asked.total()
    browser.post("/logout", data={"form_token": form_token(browser)})
    assert site.provider.asked.total() == asked


def test_the_provider_ends_all_sessions_of_somebody(site: Site, you: str) -> None:
    in_twice(site, you)
    told = site.told("signed-out-by-provider")
    answer = ended_by_provider(site, site.provider.signed(claims_of(site)))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert site.sessions_of(you) == 0
    assert site.told("signed-out-by-provider") == told + 1


def test_the_provider_ends_one_session(site: Site, you: str) -> None:
    in_twice(site, you)
    ended_by_provider(site, site.provider.signed(claims_of(site, sub=None, sid="second")))
    assert site.sessions_of(you) == 1
    ended_by_provider(site, site.provider.signed(claims_of(site, sub="sub-of-qin", sid="first")))
    assert site.sessions_of(you) == 1  # it is not that one's
    ended_by_provider(site, site.provider.signed(claims_of(site, sid="first")))
    assert site.sessions_of(you) == 0


def test_local_sessions_are_none_of_its_business(site: Site, you: str) -> None:
    site.appliance.sessions.revoke_others("", by=you)
    signed_in(site.portal, site.appliance, you)
    assert ended_by_provider(site, site.provider.signed(claims_of(site))).status_code == 200
    assert site.sessions_of(you) == 1


def test_a_logout_token_counts_once(site: Site, you: str) -> None:
    token = site.provider.signed(claims_of(site))
    assert ended_by_provider(site, token).status_code == 200
    in_twice(site, you)
    answer = ended_by_provider(site, token)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "invalid_request"
    assert site.sessions_of(you) == 2


@pytest.mark.parametrize(
    "changed", [{"events": {}}, {"nonce": "x"}, {"aud": "another"}, {"iss": "https://x.example"}, {"sub": None}]
)
def test_a_token_that_is_no_logout_token_ends_nothing(site: Site, you: str, changed: dict[str, Any]) -> None:
    in_twice(site, you)
    assert ended_by_provider(site, site.provider.signed(claims_of(site, **changed))).status_code == 400
    assert site.sessions_of(you) == 2


@pytest.mark.parametrize("token", ["", "x", "吕", "x" * 1_000_000])
def test_nonsense_ends_nothing(site: Site, you: str, token: str) -> None:
    assert ended_by_provider(site, token).status_code == 400


def test_strangers_do_not_have_us_ask_again_and_again(site: Site, you: str) -> None:
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    for _ in range(3):
        assert ended_by_provider(site, site.provider.signed(claims_of(site), key=stranger)).status_code == 400
    assert site.provider.asked[KEYS] == 1


def test_a_provider_that_cannot_be_asked_hears_to_come_again(site: Site, you: str) -> None:
    site.provider.said = {"issuer": "https://id.other.example"}
    assert ended_by_provider(site, site.provider.signed(claims_of(site))).status_code == 503
