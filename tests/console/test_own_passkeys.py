"""One's own passkeys: what changes them asks for the password first."""

from __future__ import annotations

from urllib.parse import quote

from tests.administration.conftest import GOOD
from tests.console.conftest import Console, post

REMOVE = "/settings/passkeys/remove"


def test_a_passkey_is_removed_by_who_knows_the_password(console: Console) -> None:
    """A browser that was left open is not enough."""
    own, browser = console.site.administration.own, console.browser("zheng")
    [mine] = own.passkeys_of("zheng")
    page = browser.get("/settings").text
    assert "Remove" in page and f'action="{REMOVE}"' not in page
    asked = browser.get(f"{REMOVE}?fingerprint={quote(mine.fingerprint)}")
    assert (asked.status_code, "Your password" in asked.text, mine.fingerprint in asked.text) == (200, True, True)
    assert "vermilion administrators unconfirm" in asked.text

    for wrong in ({}, {"old": ""}, {"old": "not this one"}):
        refused = post(browser, REMOVE, {"fingerprint": mine.fingerprint, **wrong})
        assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert own.passkeys_of("zheng") == [mine]
    console.site.later(minutes=10)  # who guessed waits

    done = post(console.browser("zheng"), REMOVE, {"fingerprint": mine.fingerprint, "old": GOOD})
    assert done.status_code == 303 and "done=removed" in done.headers["Location"]
    assert own.passkeys_of("zheng") == []
    assert console.site.told()[-1] == "passkey-removed"


def test_nobody_removes_what_is_not_theirs(console: Console) -> None:
    own, browser = console.site.administration.own, console.browser("sun")
    [other] = own.passkeys_of("zhou")
    assert browser.get(f"{REMOVE}?fingerprint={quote(other.fingerprint)}").status_code == 404
    assert post(browser, REMOVE, {"fingerprint": other.fingerprint, "old": GOOD}).status_code == 404
    assert own.passkeys_of("zhou") == [other]
