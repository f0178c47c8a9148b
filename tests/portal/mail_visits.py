"""Mails that really arrive, the people who read them, and where their links lead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.test import TestResponse

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.endings import VoidDeclaration
from appliance.demonstration.participants import OFFICER, ZHANG, ZONE
from appliance.language import Language
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, possible_roles
from appliance.model.contract import Contract, Deadline, GuestDetails, Party, Placement, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.notice import NoticeKind
from appliance.model.people import Person
from appliance.notices.delivery import MailOptions, OutboxDelivery, ReminderComposer
from appliance.notices.mail import MailClient
from appliance.notices.messages import MailMessage, Postponed
from appliance.store import outbox
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from tests.appliance.notices.smtp import Post
from tests.portal import signing_visits
from tests.portal.estate import Estate
from tests.portal.office_visits import asked_for, performed, token_in
from tests.portal.visitors import signed_in
from tests.world import confirm, contract_now, sample_document

HERE = SigningOrigin("192.0.2.7")
NO_DEAD_ENDS = (
    *("used already", "已使用过", "no longer holds", "不再有效"),
    *("taken your code already", "凭该链接和验证码进入过"),
)
CLOSED = ("nothing left for you to do", "无需再做任何操作")
LINK = re.compile(r"https?://localhost:\d+/[^\s\"<>]*")


@dataclass(slots=True)
class AtOnce:
    """Reminders without regard to working hours and quiet hours."""

    digests: ReminderComposer

    def compose_mail(
        self, tx: Transaction, message: outbox.OutboxMessage, now: datetime
    ) -> MailMessage | Postponed | None:
        made = self.digests.compose_mail(tx, message, now)
        return self.digests.compose_mail(tx, message, made.until) if isinstance(made, Postponed) else made

    def free_from(self, _tx: Transaction, _person: Person, now: datetime) -> datetime:
        return now


@dataclass(slots=True)
class Mails:
    """A portal that sends real mail, and the people who read it. Nobody reads mails about the contracts of
    ``others``: other tests left them, with guests whose devices are gone."""

    appliance: Appliance
    portal: Flask
    post: Post
    estate: Estate
    others: frozenset[str] = frozenset()
    kinds: set[NoticeKind] = field(default_factory=set)
    followed: list[tuple[str, str]] = field(default_factory=list)

    def deliver(self, at: Appliance | None = None) -> list[tuple[str, str, NoticeKind, str | None]]:
        """Sends what waits: recipient, link, kind and title of the contract; a daily mail may have more links."""
        before, delivery = len(self.post.messages), self._delivery(at or self.appliance)
        while delivery.deliver_due():
            pass
        return [each for message in self.post.messages[before:] for each in self._read(message)]

    def _delivery(self, appliance: Appliance) -> OutboxDelivery:
        settings = appliance.settings
        composing, issuer = AtOnce(appliance.reminders.mails), settings.organisation.name
        mail = MailClient(settings.mail, None)
        return OutboxDelivery(
            appliance.database,
            mail,
            composing,
            addresses=appliance.addresses,
            issuer=issuer,
            now=appliance.now,
            options=MailOptions(settings.mail.reply_to_initiator, settings.gateway.configured),
        )

    def _read(self, message: EmailMessage) -> list[tuple[str, str, NoticeKind, str | None]]:
        with self.appliance.database.reading() as tx:
            query = (
                "SELECT o.recipient, o.kind, p.language, c.title, coalesce(o.contract, g.contract) FROM outbox o"
                " JOIN people p ON p.subject = o.recipient LEFT JOIN contracts c ON c.id = o.contract"
                " LEFT JOIN guest_invitations g ON g.person = o.recipient WHERE o.message_id = ?"
            )
            found = tx.execute(query, (str(message["Message-ID"]),)).fetchone()
        recipient, kind, language, title, about = found
        if about in self.others:
            return []
        plain, rich = (message.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None and rich is not None
        lines = [line for line in plain.get_content().splitlines() if line.strip() and not LINK.fullmatch(line)]
        if language == Language.CHINESE:
            assert all(re.search(r"[\u4e00-\u9fff]", line) for line in lines), lines
        links = set(LINK.findall(plain.get_content()))
        assert links == {each.rstrip(".") for each in LINK.findall(rich.get_content())}
        places = sorted(each for each in links if "/notices" not in each)
        assert len(places) == 1 or (places and kind == NoticeKind.REMINDERS), places
        return [(recipient, place, NoticeKind(kind), title) for place in places]

    def follow_all(self, at: Appliance | None = None) -> list[tuple[str, NoticeKind]]:
        """Everybody follows the links in each new mail, where nobody is signed in, or as oneself.

        Each leads to the contract it is about; a daily mail is about all contracts of its reader.
        """
        told, arrived = [], self.deliver(at)
        for number, (recipient, link, kind, title) in enumerate(arrived):
            path = urlsplit(link).path
            guest = self.is_guest(recipient)
            self.kinds.add(kind)
            told.append((recipient, kind))
            if guest:
                self.followed.append((recipient, path))
            if guest and (recipient, link) in [each[:2] for each in arrived[:number]]:
                continue  # two mails at once have the same link, which takes the code once
            for tongue in Language:
                self.follow(recipient, path, tongue, None if kind is NoticeKind.REMINDERS else title)
        return told

    def follow(self, recipient: str, path: str, tongue: Language, title: str | None) -> None:
        guest = self.is_guest(recipient)
        alone = path.startswith(("/welcome/", "/recover/"))
        client = self.client() if guest or alone else self.signed_in(recipient)
        client.set_cookie("language", tongue.value)
        with self.appliance.database.transaction() as tx:  # whoever is signed in reads their own language
            tx.execute("UPDATE people SET language = ? WHERE subject = ?", (tongue, recipient))
        page = client.get(path, follow_redirects=True)
        assert page.status_code == 200, (recipient, path, page.text)
        assert f'<html lang="{tongue.value}' in page.text
        assert not [each for each in NO_DEAD_ENDS if guest and each in page.text], path
        assert page.request.path != "/login"
        if title is not None and not page.request.path.startswith(("/seals", "/office")):
            assert escape(title) in page.text, (recipient, path)
        if guest and not any(each in page.text for each in CLOSED):
            self.come_in(client, recipient, page, peek=tongue is Language.CHINESE)

    def is_guest(self, recipient: str) -> bool:
        """Whether the link of an invitation is the way in: a representative has an account."""
        person = self.appliance.registry.person(recipient)
        return person.guest and person.partner is None

    def signed_in(self, recipient: str) -> FlaskClient:
        outside = possible_roles(recipient) == {AccountRole.REPRESENTATIVE}
        roles = possible_roles(recipient) if outside or recipient.startswith("officer-") else PEOPLES_ROLES
        return signed_in(self.portal, self.appliance, recipient, roles)

    def come_in(self, client: FlaskClient, guest: str, page: TestResponse, *, peek: bool = False) -> None:
        """The guest signs in with the passkey, or there is a field for the code (*peek*: it is not used up)."""
        path = page.request.path
        held = self.appliance.guests.of_person(guest)
        contract = contract_now(self.appliance, held.contract)
        if "data-passkey" in page.text:
            form = signing_visits.passkey_form(page.text)
            entered = signing_visits.send(client, form, credential=self.answer(guest, form))
        else:
            assert 'name="code"' in page.text, page.text
            if peek:
                return
            code = self.appliance.guests.code(contract.id, held.party, by=contract.initiator)
            entered = client.post(path, data={"form_token": token_in(page.text), "code": code})
        assert entered.status_code == 303, entered.text
        leads = entered.headers["Location"]
        if leads.startswith(f"{self.appliance.settings.activation.origin}/register/"):
            leads = path  # to what one signs with, for now on the portal's own page
        inside = client.get(leads, follow_redirects=True)
        assert inside.status_code == 200 and str(escape(contract.title)) in inside.text, inside.text
        again = client.get(path, follow_redirects=True)  # whoever is in is not asked again
        assert again.request.path == inside.request.path

    def answer(self, guest: str, form: signing_visits.Form) -> str:
        return signing_visits.answer(self.appliance, guest, form)

    def client(self) -> FlaskClient:
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client


def sent(mails: Mails, title: str, *, lasts: timedelta = timedelta(days=3)) -> Contract:
    """To two guests at once, one of whom reads English; Zhang looks after it and Li signs too."""
    mails.deliver()  # whatever else waits
    appliance, by = mails.appliance, ZHANG.subject
    terms = DraftTerms(title, "服务", "示例", by, Deadline(appliance.now() + lasts, ZONE), SigningOrder.PARALLEL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for number, name in enumerate(("郑示例", "Gina Sample")):
        guest = GuestDetails(name, "丙公司", f"guest{number}@gamma.example", "+86 138 0000 0000")
        party = appliance.drafting.add_guest(draft.id, guest, by=by)
        appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 20 + 20 * number, 25, 8)], by=by)
    contract = appliance.sending.send(draft.id, by=by)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET language = 'en' WHERE subject = ?", (contract.parties[1].subject,))
    return contract


def enrolled(mails: Mails, party: Party) -> None:
    """The guest proposes a passkey and an officer confirms it."""
    appliance = mails.appliance
    request = asked_for(appliance, party.subject)
    act = appliance.office.drafts.draft_enrolment(request.id, verified="示例", by=OFFICER)
    performed(appliance, act)


def sign(mails: Mails, contract: Contract, party: Party) -> Contract:
    appliance = mails.appliance
    opened = appliance.signing.open(contract.id, party.id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def declare(mails: Mails, declaration: VoidDeclaration) -> None:
    confirm(mails.appliance, declaration.intent)
    mails.appliance.voiding.declare(declaration.contract, declaration.id)


def made_long_ago(mails: Mails, guest: Party) -> None:
    """The mails to *guest* so far are older than the pause between two links."""
    with mails.appliance.database.transaction() as tx:
        tx.execute("UPDATE outbox SET due = '2026-01-01T00:00:00Z' WHERE recipient = ?", (guest.subject,))


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def read_chinese(mails: Mails) -> None:
    with mails.appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET language = 'zh'")


def new_mails(mails: Mails, *, to: str = "") -> list[EmailMessage]:
    """Sends what waits; what arrived by it."""
    before = len(mails.post.messages)
    mails.deliver()
    return [message for message in mails.post.messages[before:] if to in str(message["To"])]
