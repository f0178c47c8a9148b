"""How the people of a new appliance come: officers by the ceremony's codes, signers by two officers' approval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import EmailMessage
from html import unescape

from tests.browser.house import MailRoom
from tests.machine.company import HOST, OFFICERS, ORGANISATION, PASSWORD, SIGNERS, Company, Person
from tests.machine.forms import Page

_LINK = re.compile(rf"https://{re.escape(HOST)}(/[^\s\"<>]*)")


def found(company: Company, codes: Sequence[str], mail: MailRoom) -> None:
    """Two officers, and two people who may start contracts and sign."""
    officers = [company.newcomer(login) for login in OFFICERS]
    for officer, code in zip(officers, codes, strict=True):
        _register(officer, code)
    for login in SIGNERS:
        someone = company.newcomer(login)
        _invite(officers[0], someone)
        fingerprint = _arrive(someone, mail)
        approve(officers, someone, fingerprint)


def _register(officer: Person, code: str) -> None:
    visitor = officer.visitor
    page = visitor.good("/setup")
    typed = {"name": officer.name, "organisation": ORGANISATION, "login": officer.login}
    typed |= {"email": officer.email, "password": PASSWORD}
    page = visitor.send(page.form(having="organisation"), **typed)
    page = visitor.send(page.form(having="setup_code"), setup_code=code)
    assert page.path == "/office", (page.path, page.said())
    officer.keep()


def _invite(officer: Person, someone: Person) -> None:
    page = officer.visitor.good("/office/people/new")
    officer.visitor.send(
        page.form(having="login"),
        kind="person",
        role=["initiator", "signer", "custodian"],
        name=someone.name,
        organisation=ORGANISATION,
        email=someone.email,
        login=someone.login,
    )


def _arrive(someone: Person, mail: MailRoom) -> str:
    """The fingerprint of the passkey with which *someone* will sign, as they read it to the officers."""
    visitor = someone.visitor
    page = visitor.good(link_in(mail.wait_for(someone.email)))
    page = visitor.send(page.form(having="again"), password=PASSWORD, again=PASSWORD, passkey="1")
    page = visitor.send(page.form(having="challenge"))
    someone.keep()
    [(back, _)] = page.links(r"/welcome/[^/]+/registered\?receipt=")
    visitor.good(back)
    return fingerprint_on(page)


def fingerprint_on(page: Page) -> str:
    """That of the passkey which was made just before *page* came."""
    [fingerprint] = re.findall(r'<code class="digest">([0-9a-f ]+)</code>', page.text)
    return str(fingerprint)


def approve(officers: Sequence[Person], someone: Person, fingerprint: str) -> None:
    """*officers* enrol *someone*, who has read them this *fingerprint*."""
    page = officers[0].visitor.good("/office")
    [(request, _)] = [link for link in page.links("/office/requests/") if someone.name in link[1]]
    page = officers[0].visitor.good(request)
    page = officers[0].visitor.send(page.form(having="verified"), verified="身份证原件，当面核对")
    approve_act(officers, page, fingerprint=fingerprint)


def approve_act(officers: Sequence[Person], page: Page, **typed: str) -> None:
    """Each of *officers* activates the act to which the first has come with *page*, and it is done."""
    for officer in officers:
        visitor = officer.visitor
        if officer is not officers[0]:
            page = visitor.good(page.path)
        if visitor.address.origin_of(page.path) == visitor.address.origin:  # the portal's page of the act
            page = visitor.send(page.form(action=r"/acts/[^/]+$"))
        page = visitor.confirm(page, **typed)
        officer.keep()
    assert 'class="callout good' in page.text, page.said()


def link_in(letter: EmailMessage) -> str:
    """The path of the first address of the appliance in a letter's plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    link = _LINK.search(body.get_content())
    assert link is not None, body.get_content()
    return unescape(link[1])
