"""How people come: the first officer by the ceremony's code, the others by the officer's invitation."""

from __future__ import annotations

import time
from collections.abc import Sequence

from playwright.sync_api import Locator

from tests.browser.people import PASSWORD, PIN, WEAKER, Actor, AuthenticatorApp
from tests.browser.signing import confirm
from tests.browser.steps import within

SOON = 120.0
"""Seconds in which an officer hears of what somebody has set up."""


def register_officer(officer: Actor, name: str, code: str, *, first: bool) -> None:
    """With a code of the ceremony, typed at the activation service, to the office; *first* from the first page of
    a machine without accounts."""
    officer.go("/" if first else "/setup")
    officer.study()
    officer.fill("Name", name)
    officer.fill("E-mail", officer.email)
    officer.fill("Login", officer.login)
    officer.fill("Password", PASSWORD)
    officer.press("Continue")
    _arrive_where_it_counts(officer)
    officer.fill("Set-up code", code)
    officer.press("Set up a passkey")
    assert officer.page.url.endswith("/office")
    visitor = officer.visitor
    made = visitor.devtools.send("WebAuthn.getCredentials", {"authenticatorId": visitor.authenticator})[
        "credentials"
    ]
    # By these the device lists the passkey among others.
    assert [(each["userName"], each["userDisplayName"]) for each in made] == [(officer.login, name)]


def invite(officer: Actor, name: str, someone: Actor, roles: Sequence[str]) -> None:
    """The officer has the appliance send *someone* a letter."""
    officer.go("/office")
    officer.follow("Invite a person")
    officer.fill("Name", name)
    officer.page.locator("#field-organisation").select_option(officer.organisation)
    officer.fill("E-mail", someone.email)
    officer.fill("Login", someone.login)
    for role in officer.page.locator("input[name=role]").all():
        role.set_checked(role.get_attribute("value") in roles)
    officer.press("Send the invitation")


def arrive_with_passkey(someone: Actor) -> str:
    """From the letter to the request for signing with the one passkey that also signs in; its fingerprint."""
    _choose_password(someone, "Continue")
    _arrive_where_it_counts(someone)
    someone.press("Set up a passkey")
    fingerprint = read_fingerprint(someone)
    _return(someone)
    assert someone.page.url.endswith("/settings/signing")
    someone.see("An officer has your request")
    someone.study()
    return fingerprint


def arrive_with_codes(someone: Actor) -> str:
    """The same for somebody without passkeys: a login code, and a PIN with another code for signing."""
    _choose_password(someone, "Without a passkey")
    someone.login_app = _scanned(someone)
    someone.fill("Login code", someone.login_app.code())
    someone.press("Use login codes")
    _arrive_where_it_counts(someone)
    someone.see(WEAKER)
    someone.signing_app = _scanned(someone)
    someone.study()
    someone.fill("New PIN for signing", PIN)
    someone.fill("The PIN again", PIN)
    someone.fill("Code that the app shows now", someone.signing_app.code())
    someone.press("Set up PIN and code")
    return read_fingerprint(someone)


def read_fingerprint(someone: Actor) -> str:
    """What the activation service's page has one read to an officer; nothing else is to be done there."""
    someone.study()
    return someone.page.locator("code.digest").inner_text()


def approve(officer: Actor, name: str, how: str, fingerprint: str) -> None:
    """The officer has met the person, who has read the *fingerprint* of what waits, and approves it."""
    request = waiting_request(officer, name)
    officer.study()
    officer.visitor.touch(request)
    officer.look()
    officer.fill("How the identity was verified", how)
    with within(officer.visitor, "enrolment"):
        _decide(officer, fingerprint)


def waiting_request(officer: Actor, name: str) -> Locator:
    """The link to what *name* asks an officer for, once it is there."""
    waiting = officer.page.locator("a[href*='/requests/']", has_text=name)
    deadline = time.monotonic() + SOON
    officer.go("/office")
    while waiting.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.2)
        officer.go("/office")
    return waiting.first


def make_company_seal(officer: Actor, custodian: Actor) -> None:
    """A seal of the company, released by *custodian*."""
    officer.names.update(f"{officer.organisation}{space}公章" for space in ("", " "))  # as enrolled, and in lists
    officer.go("/office")
    officer.follow("Make a seal")
    officer.study()
    officer.page.locator("input[name=kind][value=COMPANY]").check()
    officer.fill("Width in millimetres", "42")
    officer.page.locator(f"#custodian-person-{custodian.login}").check()
    with within(officer.visitor, "new seal"):
        _decide(officer)


def sign_out(someone: Actor, name: str) -> None:
    """Leaves by the menu with one's name."""
    someone.page.locator("details.menu.desk summary", has_text=name).click()
    someone.press("Sign out", someone.page.locator("details.menu.desk"))


def sign_in_with_passkey(someone: Actor) -> None:
    """Without a name and without a password."""
    someone.go("/login")
    someone.study()
    someone.press("Sign in with a passkey")


def sign_in_with_code(someone: Actor) -> None:
    """Password, then the code of the app."""
    someone.go("/login")
    someone.fill("Login", someone.login)
    someone.fill("Password", PASSWORD)
    someone.press("Continue")
    someone.fill("Login code", someone.login_app.code())
    someone.press("Sign in")


def _choose_password(someone: Actor, then: str) -> None:
    someone.open_mail()
    someone.study()
    someone.fill("Choose a password", PASSWORD)
    someone.fill("Repeat the password", PASSWORD)
    someone.press(then)


def _scanned(someone: Actor) -> AuthenticatorApp:
    """An app that has the secret which the page shows for typing."""
    someone.unfold("Cannot scan? Enter the key by hand")
    secret = someone.page.locator(".scan details code").inner_text()
    someone.names.add(secret)
    return AuthenticatorApp(secret)


def _return(someone: Actor) -> None:
    someone.follow("Continue")
    assert someone.page.url.startswith(f"{someone.house.address}/")


def _arrive_where_it_counts(someone: Actor) -> None:
    assert someone.page.url.startswith(f"{someone.house.settings.activation.origin}/register/")
    someone.study()


def _decide(officer: Actor, fingerprint: str = "") -> None:
    """Whoever has prepared a decision is on the page of its confirmation at once."""
    officer.press("Continue to the passkey")
    assert officer.page.url.startswith(f"{officer.house.settings.activation.origin}/act/")
    if fingerprint:
        assert fingerprint not in officer.page.content()
        officer.fill("Fingerprint that the applicant reads to you", fingerprint)
    confirm(officer)
    officer.page.locator(".callout.good").wait_for()
