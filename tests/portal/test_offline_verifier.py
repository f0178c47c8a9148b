"""The verifier for computers without a network, as the portal offers it."""

from __future__ import annotations

import hashlib

from flask.testing import FlaskClient

from appliance.evidence.common_files import read_verifier, verifier_digest, verifier_policy


def test_anybody_gets_it_as_it_lies_in_packages(browser: FlaskClient) -> None:
    answer = browser.get("/verify.html")

    assert answer.status_code == 200 and answer.data == read_verifier()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_its_own_policy_goes_with_it_and_nobody_frames_it(browser: FlaskClient) -> None:
    answer = browser.get("/verify.html")

    assert answer.headers["Content-Security-Policy"] == f"{verifier_policy()}; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_fetched_again_only_when_it_is_another(browser: FlaskClient) -> None:
    first = browser.get("/verify.html")
    again = browser.get("/verify.html", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, no-cache"
    assert (again.status_code, again.data) == (304, b"")


def test_the_verification_centre_offers_it_with_its_digest(browser: FlaskClient) -> None:
    page = browser.get("/verify").text

    assert 'href="/verify.html" download' in page
    assert hashlib.sha256(read_verifier()).hexdigest() == verifier_digest() and verifier_digest() in page
