"""Where no mail is sent no page says that one was, and whoever invites gets the link to hand over."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, LI, OFFICER, ZHANG, ZONE
from appliance.language import chinese_areas
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, Deadline, GuestDetails, Placement, SigningOrder
from appliance.notices.messages import MORE, SUBJECTS
from tests.portal import signing_visits
from tests.portal.estate import Estate
from tests.portal.office_visits import token_in
from tests.portal.routes import GET
from tests.portal.visitors import signed_in
from tests.world import sample_document

PROMISES = re.compile(
    r"\bby (e-)?mail\b|\ba mail tells\b|\bget a mail\b|\bis in the mail\b|\bMail to\b|以邮件|邮件通知|邀请邮件"
    r"|收到(一封)?(带链接的)?邮件|通过邮件(收到|发送)|发往 \S+ 的邮件"
)
"""What only a page may say that is shown where mail is sent."""

UNTRUE = re.compile(
    r"\b(SMS|text message|short message)\b|code (goes|is sent)|code over the phone|gets? .{0,30}code (by|over)"
    r"|短信|验证码将(发送|发往)|通过手机号?收到|收到验证码|验证码已发送|向.{0,12}手机.{0,4}发送"
)
"""What only a message gateway does: without one a code comes from a person."""


@pytest.fixture(scope="module")
def invited(estate: Estate) -> Contract:
    appliance = estate.appliance
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("转交链接的合同", "服务", "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    guest = GuestDetails("郑示例", "丙公司", "zheng@gamma.example", "+86 138 0000 0000")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def test_no_sentence_promises_what_no_channel_does() -> None:
    """Neither a page nor a mail, in either language, but for those that belong to a message gateway."""
    areas = chinese_areas()
    by_gateway = areas.pop("texting.po")
    said = [*(text for area in areas.values() for each in area.items() for text in each)]
    said += [*SUBJECTS.values(), *sum(MORE.values(), ())]
    assert not [each for each in said if UNTRUE.search(each)]
    assert [each for each in by_gateway.values() if UNTRUE.search(each)]
    assert UNTRUE.search("Gets a link by e-mail, and a code over the phone number") and UNTRUE.search(
        "验证码将发送到这里"
    )
    assert any("由您电话告知对方" in each for each in chinese_areas()["wizard.po"].values())


@pytest.mark.long
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_says_that_mail_is_sent(estate: Estate, invited: Contract, language: str) -> None:
    told = []
    with estate.appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET language = ?", (language,))
    for endpoint, row in GET.items():
        client = estate.browser(row.keeper)
        client.set_cookie("language", language)
        page = client.get(row.path.format(**estate.names), follow_redirects=True)
        if page.mimetype == "text/html":
            told += [(endpoint, found) for each in (PROMISES, UNTRUE) if (found := each.search(page.text))]
    zhang = signed_in(estate.portal, estate.appliance, ZHANG.subject)
    zhang.set_cookie("language", language)
    for path in ("", f"/guests/{invited.parties[0].id}", "/mail"):
        page_text = zhang.get(f"/contracts/{invited.id}{path}").text
        assert not PROMISES.search(page_text) and not UNTRUE.search(page_text), path
    assert not told


def test_the_initiator_hands_the_link_over(estate: Estate, invited: Contract) -> None:
    portal, appliance = estate.portal, estate.appliance
    [party] = invited.parties
    zhang, page = signed_in(portal, appliance, ZHANG.subject), f"/contracts/{invited.id}/guests/{party.id}"
    before = zhang.get(page).text
    assert "/guest/" not in before, "not before somebody asks for it"
    shown = zhang.post(f"{page}/show", data={"form_token": token_in(before)}).text
    link = handed_over(shown, "郑示例")
    assert "只能使用一次" not in shown and "It works once" not in shown, "the passkey opens it again"
    guest = portal.test_client()
    guest.environ_base["HTTP_ACCEPT"] = "text/html"
    door = guest.get(link).text
    code = appliance.guests.code(invited.id, party.id, by=ZHANG.subject)
    assert guest.post(link, data={"form_token": token_in(door), "code": code}).status_code == 303
    shown = zhang.post(f"{page}/show", data={"form_token": token_in(before)}).text
    assert handed_over(shown, "郑示例") != link, "that one was used"
    li = signed_in(portal, appliance, LI.subject)
    assert li.post(f"{page}/show", data={"form_token": token_in(li.get("/").text)}).status_code == 404
    history = zhang.get(f"/contracts/{invited.id}/history").text
    assert "Link of the outside signer shown to the initiator" in history or "已向发起人显示" in history


def test_an_officer_hands_the_link_to_an_account_over(estate: Estate) -> None:
    portal, appliance = estate.portal, estate.appliance
    officer = signed_in(portal, appliance, OFFICER, [AccountRole.OFFICER])
    form = signing_visits.hidden(officer.get("/office/people/new").text)
    form |= {"name": "新同事", "organisation": ALPHA, "email": "new@alpha.example", "login": "newcomer"}
    form |= {"kind": "person", "role": "signer"}
    page = officer.post("/office/people/new", data=form, follow_redirects=True)
    assert page.status_code == 200, page.text
    link = handed_over(page.text, "新同事")
    assert link.startswith("/welcome/") and portal.test_client().get(link).status_code == 200
    auditor = signed_in(portal, appliance, "auditor-sweep", [AccountRole.AUDITOR])
    assert "/welcome/" not in auditor.get(page.request.path + "?done=invite").text


def handed_over(page: str, name: str) -> str:
    """The link that a page gives to copy, without the host; it is there as a picture too, and says for whom."""
    found = re.search(r'class="copied"><code>([^<]+)</code>', page)
    assert found is not None and "<svg" in page and name in page, page
    return urlsplit(html.unescape(found[1])).path
