"""How people come: the first officer by the ceremony's code, the others by the officer's invitation."""

from __future__ import annotations

from collections.abc import Sequence

from tests.browser.people import PASSWORD, PIN, Actor, AuthenticatorApp


def register_officer(officer: Actor, name: str, code: str, *, first: bool) -> None:
    """With a code of the ceremony to the office; *first* from the first page of a machine without accounts."""
    if first:
        officer.go("/")
        officer.follow("Register the first officer")
        officer.study()
    else:
        officer.go("/setup")
    officer.fill("Set-up code", code)
    officer.fill("Name", name)
    officer.fill("E-mail", officer.email)
    officer.fill("Login", officer.login)
    officer.fill("Password", PASSWORD)
    officer.press("Make a passkey and register")
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


def arrive_with_passkey(someone: Actor) -> None:
    """From the letter to the request for signing with the passkey that one signs in with."""
    _choose_password(someone)
    someone.press("Set up a passkey")
    assert someone.page.url.endswith("/settings/signing")
    someone.study()
    someone.press("Ask an officer to register it", someone.page.locator("form[action$='/passkey']"))
    someone.see("An officer has your request")


def arrive_with_codes(someone: Actor) -> None:
    """The same for somebody without passkeys: a login code, and a PIN with another code for signing."""
    _choose_password(someone)
    someone.login_app = _scanned(someone)
    someone.fill("Login code", someone.login_app.code())
    someone.press("Use login codes")
    someone.signing_app = _scanned(someone)
    form = someone.page.locator("form[action$='/pin']")
    someone.fill("Signing code", someone.signing_app.code(), form)
    someone.fill("Signing PIN", PIN, form)
    someone.fill("The same once more", PIN, form)
    someone.press("Ask an officer to register it", form)
    someone.see("An officer has your request")


def approve(officer: Actor, name: str, how: str) -> None:
    """The officer has met the person and approves what waits."""
    officer.go("/office")
    officer.study()
    officer.touch(officer.page.locator("a[href*='/requests/']", has_text=name).first)
    officer.look()
    officer.fill("How the identity was verified", how)
    officer.press("Continue to the passkey")
    _activate(officer)


def make_company_seal(officer: Actor, custodian: Actor) -> None:
    """A seal of the company, released by *custodian*."""
    officer.go("/office")
    officer.follow("Make a seal")
    officer.study()
    officer.page.locator("input[name=kind][value=COMPANY]").check()
    officer.fill("Width in millimetres", "42")
    officer.page.locator(f"#custodian-person-{custodian.login}").check()
    officer.press("Continue to the passkey")
    _activate(officer)


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


def _choose_password(someone: Actor) -> None:
    someone.open_mail()
    someone.fill("Choose a password", PASSWORD)
    someone.fill("The same once more", PASSWORD)
    someone.press("Continue")


def _scanned(someone: Actor) -> AuthenticatorApp:
    """An app that has the secret which the page shows for typing."""
    someone.unfold("Cannot scan? Enter the key by hand")
    secret = someone.page.locator(".scan details code").inner_text()
    someone.names.add(secret)
    return AuthenticatorApp(secret)


def _activate(officer: Actor) -> None:
    officer.press("Activate")
    officer.page.locator(".callout.good").wait_for()
