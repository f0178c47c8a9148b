"""Who may decide on an act is told by mail, through a real mail server; who asked sees who was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.administration.approval_mail import ApprovalMail, NotifiedApprovers
from appliance.config import MailSettings, Security
from appliance.language import Language
from appliance.model.administration import ROOT, AdministratorRole, AdminRequest
from appliance.notices.mail import MailClient
from tests.administration.conftest import Site
from tests.health.receivers import Post

LIN, SHI = "lin 示例", "shi 示例"


@pytest.fixture
def post() -> Iterator[Post]:
    """A mail server; it is away until it is opened."""
    server = Post()
    yield server
    server.close()


@pytest.fixture
def asked(site: Site) -> AdminRequest:
    """What an administrator of the machine asked for; of the three who look after administrators one is away."""
    for login in ("zhou", "sun"):
        site.set_up(login, AdministratorRole.SYSTEM)
    for login in ("shi", "lin", "gone"):
        site.set_up(login, AdministratorRole.SECURITY)
    site.set_up("wu", AdministratorRole.AUDITOR)
    site.add("new", AdministratorRole.SECURITY)
    site.administration.administrators.suspend("gone", by=ROOT)
    return site.administration.requests.submit_request(
        "release.upgrade", {"version": "1.4.0"}, by=site.actor("sun")
    )


def approval_mail_of(
    site: Site, post: Post, language: Language = Language.ENGLISH
) -> tuple[ApprovalMail, MailClient]:
    """The scheduler's side, with *post* as its mail server."""
    mail = MailSettings("127.0.0.1", post.port, Security.NONE, sender="vermilion@sign.example")
    interface = replace(site.settings.interface, language=language)
    context = site.administration.approval_mail._context
    return ApprovalMail(context, replace(site.settings, mail=mail, interface=interface)), MailClient(mail, None)


def test_whoever_may_decide_is_told_once_and_nobody_else(site: Site, asked: AdminRequest, post: Post) -> None:
    approval_mail, mail = approval_mail_of(site, post)
    assert approval_mail.notified_approvers(asked) == NotifiedApprovers((), (LIN, SHI), ())
    assert approval_mail.deliver_queued(mail) == 0  # nobody answers there
    assert approval_mail.notified_approvers(asked) == NotifiedApprovers((), (LIN, SHI), ())
    post.open()
    site.later(minutes=1)
    assert (approval_mail.deliver_queued(mail), approval_mail.deliver_queued(mail)) == (2, 0)

    assert sorted(str(each["To"]) for each in post.messages) == [
        "lin 示例 <lin@ops.example>",
        "shi 示例 <shi@ops.example>",
    ]
    message = post.messages[0]
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert message["Subject"] == "Your decision is asked for: Upgrade"
    assert f"http://localhost:8082/requests/{asked.id}" in text
    assert "sun has asked for it" in text and "2026-11-26" in text
    assert "1.4.0" not in text, "what is asked for is for the console's pages alone"
    assert approval_mail.notified_approvers(asked) == NotifiedApprovers((LIN, SHI), (), ())


def test_what_was_decided_meanwhile_is_told_to_nobody(site: Site, asked: AdminRequest, post: Post) -> None:
    approval_mail, mail = approval_mail_of(site, post)
    post.open()
    site.administration.requests.refuse_request(asked.id, by=site.actor("shi"))
    assert (approval_mail.deliver_queued(mail), post.messages) == (0, [])
    site.later(minutes=10)
    assert (approval_mail.deliver_queued(mail), post.messages) == (0, [])


def test_without_a_mail_server_who_asked_is_told_so(site: Site, asked: AdminRequest) -> None:
    assert site.administration.approval_mail.notified_approvers(asked) == NotifiedApprovers((), (), (LIN, SHI))


def test_the_letter_is_in_the_recipients_language_else_the_houses(
    site: Site, asked: AdminRequest, post: Post
) -> None:
    site.administration.own.choose_language("shi", Language.ENGLISH)
    approval_mail, mail = approval_mail_of(site, post, Language.CHINESE)
    post.open()
    approval_mail.deliver_queued(mail)
    subjects = {str(each["To"]).split()[0]: str(each["Subject"]) for each in post.messages}
    assert subjects["lin"].startswith("请您审批：")
    assert subjects["shi"].startswith("Your decision is asked for")


def test_what_takes_one_person_is_told_to_nobody(site: Site, asked: AdminRequest, post: Post) -> None:
    approval_mail, mail = approval_mail_of(site, post)
    post.open()
    approval_mail.deliver_queued(mail)
    site.administration.requests.submit_request("administrators.suspend", {"login": "zhou"}, by=site.actor("shi"))
    assert approval_mail.deliver_queued(mail) == 0
