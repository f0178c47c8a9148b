"""Static files: fetched once, then kept; pages are never kept."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient


def addresses(browser: FlaskClient, page: str = "/verify") -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get(page).text)


def test_a_page_names_its_files_by_their_content_and_they_are_kept_for_good(browser: FlaskClient) -> None:
    found = addresses(browser)

    assert any(address.endswith("/page.css") for address in found)
    for address in found:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_what_scripts_and_style_sheets_load_beside_them_is_of_the_same_release(browser: FlaskClient) -> None:
    folder = next(address for address in addresses(browser) if address.endswith("/page.css")).rpartition("/")[0]

    for name in ("chevron.svg", "fields-saving.js", "editor-clean.js"):
        assert "immutable" in browser.get(f"{folder}/{name}").headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/static/page.css", "/static/0123456789abcdef/page.css"])
def test_an_address_without_this_release_asks_again_and_gets_little(browser: FlaskClient, address: str) -> None:
    first = browser.get(address)
    again = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, no-cache"
    assert (again.status_code, again.data) == (304, b"")


def test_pages_and_what_is_missing_are_not_kept(browser: FlaskClient) -> None:
    assert browser.get("/verify").headers["Cache-Control"] == "no-store"
    missing = browser.get("/static/nothing.css")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert browser.get("/static/../application.py").status_code == 404
