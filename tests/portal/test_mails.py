"""Every kind of mail, to everybody who can get it: the link in it leads its reader to a page that is of use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from appliance.accounts.accounts import NewAccount
from appliance.accounts.sessions import ClientInfo
from appliance.config import MailSettings, Security
from appliance.demonstration.participants import CUSTODIAN, LI, OFFICER, ZHANG, ZONE
from appliance.errors import StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.captures import OrderKind
from appliance.model.contract import Deadline
from appliance.model.discussion import DraftKind
from appliance.model.notice import BY_GATEWAY, Notice, NoticeKind
from appliance.store import outbox, seal_requests
from appliance.wiring import Appliance
from hsm.intents import instant
from tests.appliance.notices.smtp import post_office
from tests.portal import signing_visits
from tests.portal.conftest import portal_of
from tests.portal.estate import Estate, drafted
from tests.portal.mail_visits import (
    CLOSED,
    Mails,
    declare,
    enrolled,
    made_long_ago,
    new_mails,
    plain,
    read_chinese,
    sent,
    sign,
)
from tests.portal.office_visits import token_in
from tests.world import World, agree


@pytest.fixture(scope="module")
def mails(estate: Estate) -> Iterator[Mails]:
    """The estate once more, with a mail server."""
    with post_office() as post:
        mail = MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE)
        settings = replace(estate.appliance.settings, mail=mail)
        with World(settings.home, settings).opened() as appliance:
            with appliance.database.reading() as tx:
                there = {contract for (contract,) in tx.execute("SELECT id FROM contracts")}
            others = frozenset(there - set(estate.names.values()))
            yield Mails(appliance, portal_of(appliance, appliance.authority), post, estate, others)


def test_every_mail_leads_to_a_page_that_is_of_use(mails: Mails) -> None:
    mails.follow_all()  # of all that the estate consists of
    from_invitation_to_void(mails)
    endings_before_everybody_signed(mails)
    everything_else(mails)
    assert mails.kinds == set(NoticeKind) - BY_GATEWAY, "a kind of mail whose link nobody has followed"
    for guest, path in mails.followed:  # mails stay in the inbox: the old ones too must lead somewhere
        page = mails.client().get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert any(mark in page.text for mark in ("data-passkey", 'name="code"', "/another", *CLOSED)), (
            guest,
            path,
        )


def from_invitation_to_void(mails: Mails) -> None:
    """Two guests on their way: one with a passkey, one who signs with PIN and code and so has no passkey."""
    appliance, title = mails.appliance, "邮件示例合同"
    contract = sent(mails, title)
    first, second = contract.parties
    assert set(mails.follow_all()) >= {(each.subject, NoticeKind.GUEST_INVITED) for each in contract.parties}
    enrolled(mails, first)
    with appliance.database.transaction() as tx:  # a refusal leaves no passkey, and a link that was used
        outbox.enqueue(tx, Notice(None, second.subject, NoticeKind.ENROLMENT_REFUSED, appliance.now(), "示例"))
    told = mails.follow_all()
    assert {(first.subject, NoticeKind.ENROLLED), (second.subject, NoticeKind.ENROLMENT_REFUSED)} <= set(told)
    enrolled(mails, second)
    later = Deadline(contract.deadline.at + timedelta(days=1), ZONE)
    extended = appliance.endings.extend(contract.id, later, by=ZHANG.subject)
    assert appliance.reminders.on_demand.remind_now(contract.id, by=ZHANG.subject) == len(extended.on_turn)
    told = mails.follow_all()
    assert {(each.subject, NoticeKind.REMINDED) for each in extended.on_turn} <= set(told)
    kinds = {kind for recipient, kind in told if recipient == second.subject}
    assert NoticeKind.EXTENDED in kinds
    with World(appliance.settings.home, appliance.settings).opened(ahead=timedelta(days=3)) as ahead:
        ahead.reminders.ticker.tick()
        with appliance.database.transaction() as tx:  # at whatever hour this test runs
            tx.execute("UPDATE outbox SET retry_at = due WHERE kind = 'reminders'")
        told = mails.follow_all(at=ahead)
    kinds = {kind for recipient, kind in told if recipient == second.subject}
    assert NoticeKind.REMINDERS in kinds
    with suppress(StateRefused):
        agree(appliance, appliance.registry.person(first.subject), ZHANG.organisation)
    for party in contract.parties:
        contract = sign(mails, contract, party)
    appliance.finalisation.finalise(contract.id)
    told = mails.follow_all()
    assert {(first.subject, NoticeKind.COMPLETED), (ZHANG.subject, NoticeKind.PARTY_SIGNED)} <= set(told)
    appliance.voiding.propose(contract.id, reason="示例", by=ZHANG.subject)
    told = mails.follow_all()
    assert (first.subject, NoticeKind.VOID_PROPOSED) in told
    assert (first.subject, NoticeKind.GUEST_INVITED) not in told, "there is nothing to sign any more"
    appliance.voiding.refuse(contract.id, reason="示例", by=second.subject)
    appliance.voiding.propose(contract.id, reason="再次", by=ZHANG.subject)
    for party in contract.parties:
        declare(mails, appliance.voiding.prepare(contract.id, by=party.subject))
    told = mails.follow_all()
    assert {(first.subject, NoticeKind.VOID_REFUSED), (second.subject, NoticeKind.VOIDED)} <= set(told)


def endings_before_everybody_signed(mails: Mails) -> None:
    """Guests who have come in, and guests who never have."""
    appliance, by = mails.appliance, ZHANG.subject
    contract = sent(mails, "被拒签的合同")
    mails.follow_all()
    appliance.endings.decline(contract.id, contract.parties[0].id, reason="示例", by=contract.parties[0].subject)
    assert (by, NoticeKind.DECLINED) in mails.follow_all()
    came, never = sent(mails, "撤回的合同甲"), sent(mails, "撤回的合同乙")
    mails.deliver()
    code = appliance.guests.code(came.id, came.parties[0].id, by=by)
    link = appliance.addresses.invitation_url(appliance.guests.of_party(came.parties[0].id))
    appliance.entering.admit(link.rpartition("/")[2], code, ClientInfo("192.0.2.7"))
    for contract in (came, never):
        appliance.endings.recall(contract.id, reason="示例", by=by)
        told = mails.follow_all()
        assert (contract.parties[0].subject, NoticeKind.RECALLED) in told
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE contracts SET deadline = ? WHERE id = ?", ("2026-01-01T00:00:00Z", never.id))
        outbox.enqueue(tx, Notice(never.id, never.parties[1].subject, NoticeKind.EXPIRED, appliance.now()))
    assert (never.parties[1].subject, NoticeKind.EXPIRED) in mails.follow_all()


def everything_else(mails: Mails) -> None:
    """What does not come about above, to somebody who can get it, about something that there is."""
    appliance, names, now = mails.appliance, mails.estate.names, mails.appliance.now()
    roles = frozenset({AccountRole.SIGNER})
    new = NewAccount("person", "by-mail", "邮件样本", LI.organisation, "mail@beta.example", roles)
    appliance.accounts.administration.invite(new, by=OFFICER)
    recovery = appliance.accounts.administration.open_link(CUSTODIAN.subject)
    assert recovery is not None
    with appliance.database.reading() as tx:
        asked = seal_requests.load_request(tx, names["seal_request"])
    contract = names["contract"]
    others = [
        Notice(contract, ZHANG.subject, NoticeKind.YOUR_TURN, now),
        Notice(asked.contract, ZHANG.subject, NoticeKind.SEAL_TURN, now),
        Notice(contract, ZHANG.subject, NoticeKind.HANDED_OVER, now),
        Notice(contract, ZHANG.subject, NoticeKind.TAKEN_OVER, now),
        Notice(asked.contract, CUSTODIAN.subject, NoticeKind.SEAL_REQUESTED, now, asked.id),
        *(
            Notice(asked.contract, ZHANG.subject, kind, now, asked.id)
            for kind in (NoticeKind.SEAL_APPROVED, NoticeKind.SEAL_REFUSED, NoticeKind.SEAL_LAPSED)
        ),
        Notice(names["inviting"], names["guest"], NoticeKind.GUEST_LINK, now),
        Notice(names["inviting"], ZHANG.subject, NoticeKind.GUEST_ASKS, now, names["guest_party"]),
        Notice(contract, LI.subject, NoticeKind.PARTY_CORRECTED, now),
        *(
            Notice(names["inviting"], ZHANG.subject, kind, now, names["guest_party"])
            for kind in (NoticeKind.GUEST_ARRIVED, NoticeKind.GUEST_LOCKED, NoticeKind.GUEST_REGISTERED)
        ),
        Notice(None, OFFICER, NoticeKind.CERTIFICATE_TO_END, now, names["guest"]),
        Notice(None, OFFICER, NoticeKind.DEPARTED, now, ZHANG.subject),
        Notice(None, ZHANG.subject, NoticeKind.CAPTURES_TAKEN_OVER, now, CUSTODIAN.subject),
        Notice(None, OFFICER, NoticeKind.ACT_WAITING, now, names["act"]),
        Notice(None, ZHANG.subject, NoticeKind.REMOTE_REQUESTED, now, names["remote"]),
        *(
            Notice(None, ZHANG.subject, kind, now, names["capture"])
            for kind in (NoticeKind.CAPTURE_CHANGED, NoticeKind.CAPTURE_FAILED)
        ),
        Notice(None, ZHANG.subject, NoticeKind.DEPOSIT_DECLARED, now, names["deposit"]),
        Notice(None, ZHANG.subject, NoticeKind.DEPOSITS_DECLARED, now, names["deposits"]),
        Notice(None, OFFICER, NoticeKind.ENROLMENT_WAITING, now, names["request"]),
        Notice(None, OFFICER, NoticeKind.CAPTURES_DUE, now, instant(now + timedelta(days=1))),
        Notice(None, OFFICER, NoticeKind.OFFICER_RECOVERY, now, "2"),
        Notice(None, CUSTODIAN.subject, NoticeKind.RECOVERY, now, recovery.id),
        Notice(names["reviewing"], CUSTODIAN.subject, NoticeKind.REVIEW_ASKED, now),
    ]
    with appliance.database.transaction() as tx:
        for notice in others:
            outbox.enqueue(tx, notice)
    waiting_for_the_absent(appliance, names["absent"])
    appliance.discussions.share(DraftKind.CONTRACT, names["draft"], CUSTODIAN.subject, by=ZHANG.subject)
    appliance.discussions.share(DraftKind.TEXT, names["text"], CUSTODIAN.subject, by=ZHANG.subject)
    for kind, order in ((OrderKind.CAPTURE, names["capture"]), (OrderKind.SCHEDULE, names["capture_plan"])):
        appliance.capture_sharing.share(kind, order, CUSTODIAN.subject, by=ZHANG.subject)
    told = mails.follow_all()
    assert {(each.recipient, each.kind) for each in others} <= set(told)
    assert (ZHANG.subject, NoticeKind.DEPUTY_ASKED) in told
    assert told.count((CUSTODIAN.subject, NoticeKind.DRAFT_SHARED)) == 2
    assert told.count((CUSTODIAN.subject, NoticeKind.CAPTURE_SHARED)) == 2


def waiting_for_the_absent(appliance: Appliance, absent: str) -> None:
    """A contract that waits for somebody whose deputy Zhang is."""
    draft = drafted(appliance)
    appliance.drafting.add_person(draft.id, subject=absent, by=ZHANG.subject)
    appliance.sending.send(draft.id, by=ZHANG.subject)


def test_another_link_is_really_sent_and_only_so_often(mails: Mails) -> None:
    contract = sent(mails, "再要链接的合同")
    mails.follow_all()  # both guests have come in by their code
    guest, client = contract.parties[0], mails.client()
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    page = client.get(path)
    assert "/another" in page.text and 'name="code"' not in page.text
    another = {"form_token": token_in(page.text)}
    refused = client.post(f"{path}/another", data=another)
    assert refused.status_code == 422, "one was sent just now"
    made_long_ago(mails, guest)
    page = client.post(f"{path}/another", data=another)
    assert page.status_code == 200 and "g…@gamma.example" in page.text and "guest0@" not in page.text
    assert client.post(f"{path}/another", data=another).status_code == 422
    told = [kind for recipient, kind in mails.follow_all() if recipient == guest.subject]
    assert told == [NoticeKind.GUEST_LINK]


def test_where_no_mail_is_sent_no_page_says_that_one_was(mails: Mails) -> None:
    contract = sent(mails, "没有邮件的合同")
    mails.follow_all()
    guest, client = contract.parties[0], mails.estate.browser("nobody")  # of the portal without a mail server
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    made_long_ago(mails, guest)
    page = client.get(path)
    assert "/another" not in page.text and ZHANG.name in page.text
    refused = client.post(f"{path}/another", data={"form_token": token_in(page.text)})
    assert refused.status_code == 422
    assert guest.subject not in {recipient for recipient, *_ in mails.deliver()}


def test_a_guest_asks_the_initiator_for_a_code(mails: Mails) -> None:
    contract = sent(mails, "再要验证码的合同")
    mails.follow_all()
    guest, client = contract.parties[1], mails.client()
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    asked = {"form_token": token_in(client.get(path).text)}
    assert client.post(f"{path}/ask", data=asked).status_code == 200
    assert client.post(f"{path}/ask", data=asked).status_code == 422, "once, not again and again"
    assert [kind for _, kind in mails.follow_all()].count(NoticeKind.GUEST_ASKS) == 1


def test_a_link_alone_lets_nobody_in(mails: Mails) -> None:
    """Neither an old one nor the one that holds; nor does somebody else's passkey."""
    contract = sent(mails, "只有链接的合同")
    mails.follow_all()
    guest, other = contract.parties
    enrolled(mails, guest)
    enrolled(mails, other)
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    client = mails.client()
    form = signing_visits.passkey_form(client.get(path).text)
    for subject in (other.subject, LI.subject):
        refused = signing_visits.send(client, form, credential=mails.answer(subject, form))
        assert refused.status_code == 422
    assert client.get_cookie("session") is None
    assert signing_visits.send(client, form, credential=mails.answer(guest.subject, form)).status_code == 303
    again = signing_visits.send(mails.client(), form, credential=mails.answer(guest.subject, form))
    assert again.status_code != 303, "a page's challenge counts once"


def test_who_was_signed_out_comes_back_by_the_passkey(mails: Mails) -> None:
    contract = sent(mails, "会话结束的合同")
    mails.follow_all()
    guest = contract.parties[0]
    enrolled(mails, guest)
    client = mails.client()
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    mails.come_in(client, guest.subject, client.get(path))
    with mails.appliance.database.transaction() as tx:
        mails.appliance.sessions.end_all_sessions(tx, guest.subject, by=guest.subject)
    page = client.get(f"/contracts/{contract.id}", follow_redirects=True)
    assert page.request.path.startswith("/guest/") and "data-passkey" in page.text


def test_the_link_is_shown_only_while_no_mail_goes_out(mails: Mails) -> None:
    contract = sent(mails, "链接不显示的合同")
    mails.deliver()
    zhang, page = mails.signed_in(ZHANG.subject), f"/contracts/{contract.id}/guests/{contract.parties[0].id}"
    form = {"form_token": token_in(zhang.get(page).text)}
    assert zhang.post(f"{page}/show", data=form).status_code in (409, 422), "the guest's mailbox has it"
    with mails.appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE outbox SET state = 'queued', reason = 'no connection', settled = NULL"
            " WHERE recipient = ? AND kind = 'guest-invited'",
            (contract.parties[0].subject,),
        )
    assert 'class="copied"' in zhang.post(f"{page}/show", data=form).text
    mails.deliver()


def test_the_initiator_is_told_what_a_guest_waits_for(mails: Mails) -> None:
    contract = sent(mails, "等待验证码的合同")
    guest, other = contract.parties
    path = urlsplit(mails.appliance.addresses.invitation_url(mails.appliance.guests.of_party(guest.id))).path
    client = mails.client()
    client.get(path)
    page = client.get(path)  # opened again, which tells nothing new
    for _ in range(5):
        answer = client.post(path, data={"form_token": token_in(page.text), "code": "12345678"})
        assert answer.status_code == 422
    enrolled(mails, other)
    read_chinese(mails)
    subjects = [str(message["Subject"]) for message in new_mails(mails, to="zhang")]
    assert (
        subjects.count(f"[{contract.number}] {guest.name}（丙公司）已打开“{contract.title}”的链接，正在等待验证码")
        == 1
    )
    assert (
        f"[{contract.number}] {guest.name}（丙公司）输错“{contract.title}”的验证码次数过多，验证码已失效"
        in subjects
    )
    assert (
        f"[{contract.number}] {other.name}（丙公司）已为签署“{contract.title}”完成设置，正在等待登记员确认"
        in subjects
    )
    notices = mails.signed_in(ZHANG.subject).get("/notices").text
    assert f"{guest.name}（丙公司）已打开" in notices


def test_mails_name_who_signed_and_answers_go_to_the_initiator(mails: Mails) -> None:
    appliance, contract = mails.appliance, sent(mails, "写明签署人的合同")
    read_chinese(mails)
    invitations = [message for message in new_mails(mails) if "guest" in str(message["To"])]
    assert len(invitations) == 2
    for message in invitations:
        assert ZHANG.email in str(message["Reply-To"])
        assert ZHANG.email not in str(message["From"]), "nobody is impersonated"
        assert ZHANG.name in plain(message)
    for party in contract.parties:
        enrolled(mails, party)
    new_mails(mails)
    with suppress(StateRefused):  # the guest's organisation may have accepted it before
        agree(appliance, appliance.registry.person(contract.parties[0].subject), ZHANG.organisation)
    sign(mails, contract, contract.parties[0])
    [message] = [each for each in new_mails(mails, to="zhang") if contract.title in str(each["Subject"])]
    assert f"[{contract.number}] {contract.parties[0].name}（丙公司）已签署“{contract.title}”" == str(
        message["Subject"]
    )
    assert message["Reply-To"] is None, "to oneself"
    appliance.endings.decline(
        contract.id, contract.parties[1].id, reason="内部原因", by=contract.parties[1].subject
    )
    declined = [message for message in new_mails(mails) if contract.title in str(message["Subject"])]
    assert declined
    for message in declined:
        assert contract.parties[1].name in plain(message)
        assert "内部原因" not in plain(message), "why is on the page, not in a mail"
