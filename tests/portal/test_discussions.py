"""Drafts are discussed before they are sent: comments, proposed changes, and what goes out nevertheless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.disclosure import Audience
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract
from appliance.model.discussion import DraftKind
from appliance.model.notice import QuietHours, ReminderPreferences
from appliance.model.writing import Text
from appliance.notices.channel import Envelope
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.messages import MailMessage
from appliance.store import reminders
from appliance.wiring import Appliance
from appliance.writing import Beginning, comments
from appliance.writing.comments import LONGEST
from appliance.writing.markup import LARGEST
from appliance.writing.redlines import changes
from tests.portal.conftest import form_token
from tests.portal.estate import once
from tests.portal.test_amending import completed, sent, terms
from tests.portal.visitors import known_person, signed_in
from tests.world import OURS, World, contract_now, sample_document, sequenced

COLLEAGUE, OTHER, REVIEWER = "person-discussing", "person-aside", "person-discussing-reviewer"
CLAUSES = ("第一条 甲方向乙方购买设备。", "第二条 付款期限为三十日。", "第三条 争议提交仲裁。")
HTML = "\n".join(["<h1>采购合同</h1>", *(f"<p>{each}</p>" for each in CLAUSES)])


def post(client: FlaskClient, address: str, **fields: str) -> TestResponse:
    return client.post(address, data={"form_token": form_token(client), "once": once(), **fields})


@pytest.fixture(scope="module")
def colleague(portal: Flask, appliance: Appliance) -> FlaskClient:
    for subject, name in ((COLLEAGUE, "评示例"), (OTHER, "旁示例"), (REVIEWER, "审示例")):
        known_person(appliance, subject, name)
    return signed_in(portal, appliance, COLLEAGUE)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def text(appliance: Appliance, colleague: FlaskClient) -> Text:
    """A text of Zhang's, shared with the colleague."""
    made = appliance.writing.texts.new(ZHANG.subject, Beginning("采购合同", "采购", Language.CHINESE, html=HTML))
    appliance.discussions.share(DraftKind.TEXT, made.id, COLLEAGUE, by=ZHANG.subject)
    return made


@pytest.fixture
def draft(appliance: Appliance, colleague: FlaskClient) -> Iterator[Contract]:
    made = appliance.drafting.draft(sample_document(2), terms("讨论示例合同"))
    yield made


def wording(appliance: Appliance, text: Text) -> str:
    return appliance.writing.texts.load_text(text.id, ZHANG.subject).wording.html


def proposed(appliance: Appliance, text: Text, *replaced: tuple[str, str]) -> int:
    """A proposal of the colleague's, who saw the text as it is now."""
    seen = appliance.proposals.shown(text.id, by=COLLEAGUE)
    html = seen.html
    for before, after in replaced:
        html = html.replace(before, after)
    return appliance.proposals.propose(text.id, html, "理由", by=COLLEAGUE, seen=seen.number).number


def test_a_shared_draft_is_discussed_by_page_and_sent_only_when_that_is_known(
    portal: Flask, appliance: Appliance, colleague: FlaskClient, zhang: FlaskClient, world: World
) -> None:
    said = "第二页的金额不对"

    def discussed(draft: Contract) -> None:
        here = f"/contracts/{draft.id}/discussion"
        for address in (here, f"/contracts/{draft.id}", f"/contracts/{draft.id}/document.pdf"):
            assert colleague.get(address).status_code == 404
        assert "评示例" in zhang.get(f"{here}?find=评示例").text
        assert post(zhang, here, act="share", person=COLLEAGUE).status_code == 303
        assert draft.title in colleague.get("/discussions").text
        assert colleague.get(f"/contracts/{draft.id}/pages/1.png").status_code == 200
        version = contract_now(appliance, draft.id).version
        assert post(colleague, here, act="comment", place="1", words=said).status_code == 303
        comment = appliance.discussions.load(DraftKind.CONTRACT, draft.id, ZHANG.subject).threads[1][0].first
        assert post(zhang, here, act="answer", comment=comment.id, words="改好了").status_code == 303
        assert "改好了" in colleague.get(here).text
        assert contract_now(appliance, draft.id).version == version  # whoever edits the draft goes on
        with pytest.raises(PreconditionRefused, match="still open: 1"):
            appliance.sending.send(draft.id, by=ZHANG.subject)
        check = f"/contracts/{draft.id}/draft/check"
        assert 'name="leaving-open" value="1"' in zhang.get(check).text
        assert colleague.get(check).status_code in (403, 404)
        assert post(colleague, here, act="resolve", comment=comment.id).status_code == 303
        assert post(zhang, here, act="reopen", comment=comment.id).status_code == 303
        assert post(zhang, here, act="resolve", comment=comment.id).status_code == 303
        assert post(zhang, here, act="resolve", comment=comment.id).status_code == 409
        assert "leaving-open" not in zhang.get(check).text

    contract = sent(appliance, before=discussed)
    here = f"/contracts/{contract.id}/discussion"
    assert colleague.get(here).status_code == 404
    assert said in zhang.get(here).text
    assert post(zhang, here, act="comment", place="1", words="太晚").status_code == 409
    li = signed_in(portal, appliance, LI.subject)
    assert li.get(f"/contracts/{contract.id}").status_code == 200
    assert li.get(here).status_code == 404
    completed(appliance, contract)
    kinds = [event.kind for event in Timeline(appliance.database).of(contract.id, OURS)]
    assert kinds.count(EventKind.COMMENT_WRITTEN) == 2
    assert EventKind.DRAFT_SHARED in kinds
    theirs = Audience.of_person(appliance.registry.person(LI.subject))
    assert EventKind.COMMENT_WRITTEN not in [
        event.kind for event in Timeline(appliance.database).of(contract.id, theirs)
    ]
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS, by=ZHANG.subject).package
    assert not [name for name, content in read_zip(package).files.items() if said.encode() in bytes(content)]


def test_what_is_left_open_is_logged_when_the_contract_goes_out(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = sent(
        appliance,
        before=lambda draft: appliance.discussions.comment(
            DraftKind.CONTRACT, draft.id, 0, "不必理会", by=ZHANG.subject
        ),
        leaving_open=1,
    )
    events = Timeline(appliance.database).of(contract.id, OURS)
    assert EventKind.SENT_WITH_COMMENTS in [event.kind for event in events]


def test_colleagues_lose_the_text_when_its_contract_goes_out(
    appliance: Appliance, colleague: FlaskClient, zhang: FlaskClient, text: Text
) -> None:
    here = f"/writing/{text.id}/discussion"
    assert (colleague.get(here).status_code, here in colleague.get("/discussions").text) == (200, True)
    texts = appliance.writing.texts
    sent(appliance, before=lambda draft: texts.belongs_to(text.id, draft.id, by=ZHANG.subject))
    assert (colleague.get(here).status_code, here in colleague.get("/discussions").text) == (404, False)
    assert zhang.get(here).status_code == 200


def test_a_reviewer_who_was_asked_takes_part_and_others_do_not(
    portal: Flask, appliance: Appliance, draft: Contract
) -> None:
    reviewer = signed_in(portal, appliance, REVIEWER, [AccountRole.REVIEWER])
    other = signed_in(portal, appliance, OTHER)
    here = f"/contracts/{draft.id}/discussion"
    assert reviewer.get(here).status_code == 404
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert post(reviewer, here, act="comment", place="2", words="违约责任缺失").status_code == 303
    page = reviewer.get(here)
    assert f"/reviews/{draft.id}/pages/2.png" in page.text
    for client in (other, signed_in(portal, appliance, LI.subject)):
        assert client.get(here).status_code == 404
        assert post(client, here, act="comment", place="1", words="偷看").status_code == 404
    assert post(reviewer, here, act="share", person=OTHER).status_code == 422  # only the owner shares
    appliance.endings.discard(draft.id, by=ZHANG.subject)


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"act": "comment", "place": "1", "words": "长" * 100_000}, 422, f"{LONGEST} 个字符"),
        ({"act": "comment", "place": "1", "words": " \u200b "}, 422, "请填写批注内容"),
        ({"act": "comment", "place": "3", "words": "第三页"}, 422, "没有第 3 页"),
        ({"act": "comment", "place": "1", "words": "a\x00b"}, 400, ""),
        ({"act": "answer", "comment": "none", "words": "答"}, 404, ""),
        ({"act": "share", "person": LI.subject}, 422, "不是本单位"),
        ({"act": "share", "person": ZHANG.subject}, 422, "您自己的草稿"),
        ({"act": "share", "person": "nobody"}, 404, ""),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_what_was_typed_stays(
    zhang: FlaskClient, draft: Contract, fields: dict[str, str], status: int, said: str
) -> None:
    answer = post(zhang, f"/contracts/{draft.id}/discussion", **fields)
    assert answer.status_code == status
    assert said in unescape(answer.text)
    if status == 422 and "words" in fields and len(fields["words"]) < 100:
        assert f'<option value="{fields["place"]}" selected>' in answer.text or fields["place"] == "3"


def test_a_draft_has_a_thousand_comments_and_one_page_shows_them(
    appliance: Appliance, zhang: FlaskClient, draft: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MOST", 30)
    for number in range(30):
        appliance.discussions.comment(DraftKind.CONTRACT, draft.id, number % 3, f"第{number}条", by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="at most 30"):
        appliance.discussions.comment(DraftKind.CONTRACT, draft.id, 1, "再一条", by=ZHANG.subject)
    assert zhang.get(f"/contracts/{draft.id}/discussion").text.count('class="thread"') == 30


def test_changes_are_proposed_read_and_decided_one_by_one(
    appliance: Appliance, colleague: FlaskClient, zhang: FlaskClient, text: Text
) -> None:
    here = f"/writing/{text.id}"
    assert colleague.get(here).status_code in (403, 404)  # the editor is the owner's
    form = colleague.get(f"{here}/proposals/new").text
    seen = re.search(r'name="seen" value="(\d+)"', form)
    assert seen is not None
    typed = unescape(form).split('<textarea id="field-plain"')[1].split(">", 1)[1].split("</textarea>")[0]
    same = post(colleague, f"{here}/proposals/new", plain=typed, seen=seen[1])
    assert (same.status_code, "没有任何改动" in same.text) == (422, True)
    changed = typed.replace("购买设备", "采购机床设备").replace("三十日", "六十日") + "\n\n第四条 份数"
    made = post(colleague, f"{here}/proposals/new", plain=changed, words="账期太短", seen=seen[1])
    assert made.status_code == 303
    address = made.headers["Location"]
    page = zhang.get(address).text
    assert "<del>三</del><ins>六</ins>十日" in page
    assert "账期太短" in page
    ids = re.findall(r'name="accept" value="([0-9a-f]{16})"', page)
    assert len(ids) == 3
    assert 'name="accept"' not in colleague.get(address).text
    assert post(colleague, address, accept=ids[0]).status_code == 422
    assert post(zhang, address, accept=ids[1]).status_code == 303
    assert "六十日" in wording(appliance, text)
    assert "机床" not in wording(appliance, text)
    assert post(zhang, address, accept=ids[1]).status_code == 409  # twice
    first = re.findall(r'name="reject" value="([0-9a-f]{16})"', zhang.get(address).text)[0]
    assert post(zhang, address, reject=first).status_code == 303
    assert post(zhang, address, accept="all").status_code == 303
    assert wording(appliance, text) == HTML.replace("三十日", "六十日") + "\n<p>第四条 份数</p>"
    assert "均已处理" in zhang.get(address).text
    compared = zhang.get(f"{here}/compare?from=1&to=0").text
    assert "<del>三</del><ins>六</ins>" in compared
    assert "机床" in zhang.get(f"{here}/compare?from=1&to={address.rsplit('/', 1)[1]}").text
    assert colleague.get(f"{here}/compare").status_code == 200
    assert zhang.get(f"{here}/compare?from=99").status_code == 404


def test_a_long_text_is_a_page_that_can_be_read(appliance: Appliance, zhang: FlaskClient) -> None:
    html = "".join(f"<p>第{number}条 甲方应当履行义务。</p>" for number in range(1, 2001))
    made = appliance.writing.texts.new(ZHANG.subject, Beginning("长文本", "采购", Language.CHINESE, html=html))
    here = f"/writing/{made.id}/discussion"
    assert len(zhang.get(here).data) < 1_500_000
    assert 'name="quote-1999" value="第1999条' in zhang.get(f"{here}?place=1999").text


def test_comparing_takes_no_longer_than_a_moment() -> None:
    """Every other one of so many paragraphs is different: what would be walked through for each is one change."""
    before = [f"第{number}条" for number in range(12_000)]
    after = [line if number % 2 else f"{line}改" for number, line in enumerate(before)]
    assert len(changes(before[:4000], after[:4000])) == 2000
    assert len(changes(before, after)) == 1


def test_two_at_once_lose_nothing(appliance: Appliance, text: Text) -> None:
    """The owner writes on while a colleague's changes wait: what is elsewhere is taken over, what meets is not."""
    number = proposed(appliance, text, ("三十日", "六十日"), ("仲裁", "诉讼"))
    older = appliance.writing.texts.load_text(text.id, ZHANG.subject)
    mine = HTML.replace("<p>第一", "<p>前言</p>\n<p>第一").replace("争议提交仲裁", "争议提交上海仲裁委员会")
    appliance.writing.texts.save(text.id, mine, by=ZHANG.subject, seen=older.version)
    found = appliance.proposals.proposal(text.id, number, by=ZHANG.subject)
    term, court = (each.id for each in changes(found.before, found.after))
    with pytest.raises(StateRefused, match="one by one"):
        appliance.proposals.accept(text.id, number, None, by=ZHANG.subject)
    assert wording(appliance, text) == mine
    assert appliance.proposals.accept(text.id, number, [term], by=ZHANG.subject) == 1
    assert wording(appliance, text) == mine.replace("三十日", "六十日")
    with pytest.raises(StateRefused, match="changed at this place"):
        appliance.proposals.accept(text.id, number, [court], by=ZHANG.subject)
    assert appliance.proposals.reject(text.id, number, None, by=ZHANG.subject) == 1
    stale = proposed(appliance, text, ("六十日", "九十日"))
    with pytest.raises(StateRefused):  # the owner's window from before
        appliance.writing.texts.save(text.id, HTML, by=ZHANG.subject, seen=older.version)
    assert appliance.proposals.accept(text.id, stale, None, by=ZHANG.subject) == 1
    assert "九十日" in wording(appliance, text)


def test_changes_cannot_make_a_text_too_large_to_be_read(
    appliance: Appliance, zhang: FlaskClient, text: Text
) -> None:
    """Each wording fits; both changes together do not."""
    most = "字" * (LARGEST // 3 - 1000)
    number = proposed(appliance, text, ("三十日", most))
    now = appliance.writing.texts.load_text(text.id, ZHANG.subject)
    long = HTML.replace("仲裁", most)
    appliance.writing.texts.save(text.id, long, by=ZHANG.subject, seen=now.version)
    answer = post(zhang, f"/writing/{text.id}/proposals/{number}", accept="all")
    assert (answer.status_code, "最多" in answer.text) == (422, True)
    assert wording(appliance, text) == long


def test_comments_go_with_their_paragraph(appliance: Appliance, colleague: FlaskClient, text: Text) -> None:
    here, quote = f"/writing/{text.id}/discussion", "第二条 付款期限为三十日。"
    answer = post(colleague, here, act="comment", place="3", words="太短", **{"quote-3": quote})
    assert answer.status_code == 303
    load = appliance.discussions.load
    assert list(load(DraftKind.TEXT, text.id, ZHANG.subject).threads) == [3]
    moved = HTML.replace("<p>第一", "<p>前言</p>\n<p>第一")
    now = appliance.writing.texts.save(text.id, moved, by=ZHANG.subject, seen=text.version)
    assert list(load(DraftKind.TEXT, text.id, ZHANG.subject).threads) == [4]
    gone = moved.replace("付款期限为三十日", "货到付款")
    appliance.writing.texts.save(text.id, gone, by=ZHANG.subject, seen=now.version)
    assert list(load(DraftKind.TEXT, text.id, ZHANG.subject).threads) == [0]
    assert quote in colleague.get(here).text
    with pytest.raises(NotFound):
        load(DraftKind.TEXT, text.id, OTHER)
    appliance.discussions.unshare(DraftKind.TEXT, text.id, COLLEAGUE, by=ZHANG.subject)
    assert colleague.get(here).status_code == 404


def test_what_was_accepted_goes_into_the_draft_made_of_the_text(
    appliance: Appliance, zhang: FlaskClient, text: Text
) -> None:
    made = post(zhang, f"/writing/{text.id}/use", seen=str(text.version))
    contract = contract_now(appliance, made.headers["Location"].split("/")[2])
    number = proposed(appliance, text, ("三十日", "六十日"))
    assert appliance.discussions.unresolved(contract.id) == 1
    appliance.proposals.accept(text.id, number, None, by=ZHANG.subject)
    assert appliance.discussions.unresolved(contract.id) == 0
    kinds = [event.kind for event in Timeline(appliance.database).of(contract.id, OURS)]
    assert {EventKind.CHANGES_PROPOSED, EventKind.CHANGES_DECIDED} <= set(kinds)
    assert f'value="{contract.id}"' in zhang.get(f"/writing/{text.id}").text
    now = appliance.writing.texts.load_text(text.id, ZHANG.subject)
    again = post(zhang, f"/writing/{text.id}/use", seen=str(now.version), into=contract.id)
    assert again.headers["Location"].split("/")[2] == contract.id
    assert contract_now(appliance, contract.id).original.digest != contract.original.digest
    appliance.endings.discard(contract.id, by=ZHANG.subject)


def test_its_author_withdraws_a_proposal_while_something_is_open(
    portal: Flask, appliance: Appliance, zhang: FlaskClient, colleague: FlaskClient, text: Text
) -> None:
    made = post(zhang, f"/writing/{text.id}/use", seen=str(text.version))
    contract = contract_now(appliance, made.headers["Location"].split("/")[2])
    number = proposed(appliance, text, ("三十日", "六十日"), ("仲裁", "诉讼"))
    page = f"/writing/{text.id}/proposals/{number}"
    found = appliance.proposals.proposal(text.id, number, by=COLLEAGUE)
    first = changes(found.before, found.after)[0].id
    appliance.proposals.accept(text.id, number, {first}, by=ZHANG.subject)
    assert "撤回修订建议" in colleague.get(page).text and "撤回修订建议" not in zhang.get(page).text
    refused = post(zhang, page, withdraw="1")
    assert refused.status_code == 422 and "提出人本人" in refused.text
    assert post(colleague, page, withdraw="1").status_code == 303
    assert "六十日" in wording(appliance, text) and "仲裁" in wording(appliance, text)
    assert "提出人已撤回" in zhang.get(page).text and "已撤回" in zhang.get(f"/writing/{text.id}/discussion").text
    assert appliance.discussions.unresolved(contract.id) == 0
    again = post(colleague, page, withdraw="1")
    assert again.status_code == 409 and "已处理完毕或已撤回" in again.text
    for decide in (appliance.proposals.accept, appliance.proposals.reject):
        with pytest.raises(StateRefused, match="decided already"):
            decide(text.id, number, None, by=ZHANG.subject)
    kinds = [event.kind for event in Timeline(appliance.database).of(contract.id, OURS)]
    assert kinds.count(EventKind.CHANGES_WITHDRAWN) == 1
    appliance.endings.discard(contract.id, by=ZHANG.subject)


class Post:
    """A mail server that keeps what it takes."""

    def __init__(self, appliance: Appliance) -> None:
        self.taken: list[tuple[str, MailMessage]] = []
        settings, mails = appliance.settings, appliance.reminders.mails
        self._delivery = OutboxDelivery(
            appliance.database,
            self,  # type: ignore[arg-type]  # all that is asked of a client
            mails,
            addresses=appliance.addresses,
            issuer=settings.organisation.name,
            now=appliance.now,
        )

    def send_message(self, envelope: Envelope, message: MailMessage) -> str:
        self.taken.append((envelope.recipient, message))
        return ""

    def delivered(self) -> list[MailMessage]:
        """What has come for the colleague since the last time."""
        before = len(self.taken)
        while self._delivery.deliver_due():
            pass
        return [message for address, message in self.taken[before:] if address == f"{COLLEAGUE}@alpha.example"]


def test_a_colleague_is_told_by_mail_and_never_what_it_says(
    appliance: Appliance, zhang: FlaskClient, colleague: FlaskClient, text: Text
) -> None:
    post, share = Post(appliance), appliance.discussions.share
    draft = appliance.drafting.draft(sample_document(1), terms("共享示例合同"))
    share(DraftKind.CONTRACT, draft.id, COLLEAGUE, by=ZHANG.subject)
    told = {message.subject.partition("] ")[2] or message.subject: message for message in post.delivered()}
    for page, title in (
        (f"/writing/{text.id}/discussion", text.wording.title),
        (f"/contracts/{draft.id}/discussion", "共享示例合同"),
    ):
        subject = f"“{title}”的草稿请您提意见"
        mail, notices = told[subject], unescape(colleague.get("/notices").text)
        assert page in mail.body and "张示例" in mail.body and subject in notices and page in notices
        assert not any(clause[4:] in mail.body + mail.html for clause in CLAUSES)
    assert "共享示例合同" not in zhang.get("/notices").text

    long = appliance.writing.texts.new(ZHANG.subject, Beginning("夜间合同", "采购", Language.CHINESE, html=HTML))
    now = appliance.now().astimezone(ZoneInfo("Asia/Shanghai"))
    quiet = QuietHours((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
    appliance.database.commit(reminders.save_preferences, COLLEAGUE, ReminderPreferences(quiet))
    share(DraftKind.TEXT, long.id, COLLEAGUE, by=ZHANG.subject)
    assert not post.delivered(), "in quiet hours"
    appliance.database.commit(reminders.save_preferences, COLLEAGUE, ReminderPreferences())

    other = appliance.writing.texts.new(ZHANG.subject, Beginning("收回合同", "采购", Language.CHINESE, html=HTML))
    share(DraftKind.TEXT, other.id, COLLEAGUE, by=ZHANG.subject)
    appliance.discussions.unshare(DraftKind.TEXT, other.id, COLLEAGUE, by=ZHANG.subject)
    assert not post.delivered(), "what is shared no more"
    appliance.endings.discard(draft.id, by=ZHANG.subject)
    notices = colleague.get("/notices").text
    assert "共享示例合同" not in notices and "收回合同" not in notices and "夜间合同" in notices
