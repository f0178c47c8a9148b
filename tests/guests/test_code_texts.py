"""The code of an outside signer as a text message: from the guest's page by the outbox to a gateway, and in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.accounts.sessions import ClientInfo
from appliance.config import load
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG, ZONE
from appliance.errors import PreconditionRefused, StateRefused
from appliance.guests import CodeDelivery, CodeText, GuestEntry
from appliance.guests.texting import MOST_TO_A_NUMBER
from appliance.jobs.__main__ import code_delivery
from appliance.language import Language, chinese_messages
from appliance.model.contract import Contract, Deadline, GuestDetails, Party, Placement, SigningOrder
from appliance.model.notice import NoticeKind
from appliance.notices.messages import CODE, CODE_BY_TEXT, MessageContext, compose_message
from appliance.store import outbox
from appliance.wiring import Appliance
from hsm.files import write_private
from tests.message_gateway import Gateway, message_gateway
from tests.portal.conftest import portal_of
from tests.portal.office_visits import token_in
from tests.portal.visitors import signed_in
from tests.world import World, sample_document, shared_world

KEY = b"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NUMBER, MASKED = "138 0000 0000", "+86 138 **** 0000"
WHERE = ClientInfo("192.0.2.7")
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Clock:
    """Of guests and of the scheduler: now, and what a test adds."""

    appliance: Appliance
    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.appliance.now() + self.ahead


@dataclass(slots=True)
class House:
    """An appliance with a message gateway, and those who use both."""

    appliance: Appliance
    portal: Flask
    gateway: Gateway
    clock: Clock
    delivery: CodeDelivery
    made: list[Contract] = field(default_factory=list)

    def invited(self, *, phone: str = NUMBER, language: Language = Language.CHINESE) -> tuple[Contract, Party]:
        """A contract that is out to one guest."""
        house, by, number = self.appliance, ZHANG.subject, len(self.made)
        deadline = Deadline(house.now() + timedelta(days=3), ZONE)
        terms = DraftTerms(f"合作合同{number}", "服务", "示例", by, deadline, SigningOrder.PARALLEL)
        draft = house.drafting.draft(sample_document(1), terms)
        guest = GuestDetails("郑示例", "丙公司", f"zheng{number}@gamma.example", phone)
        party = house.drafting.add_guest(draft.id, guest, by=by)
        house.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=by)
        contract = house.sending.send(draft.id, by=by)
        with house.database.transaction() as tx:
            tx.execute("UPDATE people SET language = ? WHERE subject = ?", (language, contract.parties[0].subject))
        self.made.append(contract)
        return contract, contract.parties[0]

    def link(self, party: Party) -> str:
        held = self.appliance.guests.of_party(party.id)
        return "/guest/" + self.appliance.addresses.invitation_url(held).rpartition("/")[2]

    def ask(self, party: Party) -> None:
        self.appliance.entering.text_code(self.link(party).rpartition("/")[2])

    def text(self, party: Party) -> CodeText:
        """What the guest's page says of it."""
        found = self.appliance.entering.code_text(
            self.appliance.entering.entry(self.link(party).rpartition("/")[2])
        )
        assert found is not None
        return found

    def code(self, contract: Contract, party: Party) -> str:
        return self.appliance.guests.code(contract.id, party.id, by=ZHANG.subject)

    def browser(self) -> FlaskClient:
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    def zhang(self) -> FlaskClient:
        return signed_in(self.portal, self.appliance, ZHANG.subject)

    def told(self, contract: Contract) -> list[NoticeKind]:
        """What the initiator is told of the contract."""
        with self.appliance.database.reading() as tx:
            rows = tx.execute(
                "SELECT kind FROM outbox WHERE recipient = ? AND contract = ?", (ZHANG.subject, contract.id)
            )
            return [NoticeKind(kind) for (kind,) in rows]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with message_gateway(KEY) as running:
        yield running


@pytest.fixture(scope="module")
def world(gateway: Gateway) -> Iterator[World]:
    with shared_world() as world:
        with world.home.settings.open("a", encoding="utf-8") as stream:
            stream.write(f'\n[gateway]\nurl = "{gateway.url}"\nseconds = 2\n')
        write_private(world.home.secrets / "gateway.key", KEY)
        yield World(world.home, load(world.home))


@pytest.fixture(scope="module")
def opened(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture
def house(opened: Appliance, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    clock = Clock(opened)
    monkeypatch.setattr(opened.entering, "_now", clock)
    delivery = code_delivery(opened.settings, opened)
    assert delivery is not None
    monkeypatch.setattr(delivery, "_now", clock)
    monkeypatch.setattr(delivery._channel, "_now", clock)
    with opened.database.transaction() as tx:
        tx.execute("DELETE FROM texted_numbers")
    yield House(opened, portal_of(opened, opened.authority), gateway, clock, delivery)
    gateway.status, gateway.reason, gateway.hang_up = None, "", False
    gateway.holds.set()
    with opened.database.transaction() as tx:
        tx.execute("UPDATE outbox SET state = 'withdrawn', settled = due WHERE state IN ('queued', 'sending')")


WORDS = {
    Language.CHINESE: (
        f"验证码可以短信发送到 {MASKED}",
        "正在向 +86 138 **** 0000 发送验证码",
        f"以短信发送到 {MASKED}",
    ),
    Language.ENGLISH: (
        f"Your code can be sent to {MASKED} as a text message",
        f"The code is being sent to {MASKED}",
        f"The code was sent to {MASKED} as a text message",
    ),
}


@pytest.mark.parametrize("language", list(Language))
def test_the_guests_whole_way_in(house: House, language: Language) -> None:
    contract, party = house.invited(language=language)
    offered, sending, sent = WORDS[language]
    guest, link, before = house.browser(), house.link(party), len(house.gateway.messages)
    page = guest.get(link)
    assert offered in page.text and f'action="{link}/text"' in page.text and "13800000000" not in page.text
    assert house.told(contract) == [], "who can have the code sent waits for nobody"
    asked = guest.post(f"{link}/text", data={"form_token": token_in(page.text)})
    assert (asked.status_code, asked.headers["Location"]) == (303, link)
    page = guest.get(link)
    assert sending in page.text and sent not in page.text, "nothing has left yet"
    assert page.headers["Refresh"] == "3" and f"{link}/text" not in page.text

    assert house.delivery.deliver_due() == 1
    page = guest.get(link)
    assert sent in page.text and "Refresh" not in page.headers and f'action="{link}/text"' in page.text
    [message] = house.gateway.messages[before:]
    assert (message["to"], message["language"], message["kind"]) == ("+8613800000000", language, "guest-code")
    assert message["text"].startswith("验证码 " if language is Language.CHINESE else "Code ")
    assert set(message["values"]) == {"code", "organisation", "host"}
    assert contract.title not in str(message) and party.name not in str(message) and link not in str(message)
    entered = guest.post(link, data={"form_token": token_in(page.text), "code": message["values"]["code"]})
    assert entered.status_code == 303 and entered.headers["Location"].startswith(
        f"{house.appliance.settings.activation.origin}/register/"
    )
    assert house.told(contract) == []


def test_the_initiator_sees_what_became_of_it(house: House) -> None:
    contract, party = house.invited()
    zhang, page = house.zhang(), f"/contracts/{contract.id}"
    assert "请将验证码告知郑示例" not in zhang.get(page).text, "the guest can have it sent"
    assert "对方尚未获取" in zhang.get(f"{page}/guests/{party.id}").text
    house.ask(party)
    house.gateway.status, house.gateway.reason = 422, "号码停机"
    assert house.delivery.deliver_due() == 0
    assert house.text(party).failed and house.told(contract) == [NoticeKind.GUEST_ARRIVED]
    refused = house.browser().get(house.link(party)).text
    assert f"发往 {MASKED} 的短信未能发出" in refused and "由其电话告知您验证码" in refused
    assert "请将验证码告知郑示例" in zhang.get(page).text
    assert "短信网关未接收" in zhang.get(f"{page}/guests/{party.id}").text

    mails = zhang.get(f"{page}/mail").text
    assert "短信验证码" in mails and "短信网关答复：422 号码停机" in mails
    message = re.search(r'name="message" value="(\d+)"', mails)
    assert message is not None
    house.gateway.status = None
    house.clock.ahead = timedelta(hours=5)  # long after it was given up
    form = {"form_token": token_in(mails), "message": message[1]}
    assert zhang.post(f"{page}/mail/resend", data=form).status_code == 303
    house.clock.ahead = timedelta()
    assert house.delivery.deliver_due() == 1 and house.text(party).state == "sent"
    assert "短信网关已接收" in zhang.get(f"{page}/mail").text
    history = zhang.get(f"{page}/history").text
    assert "外部签署人要求以短信接收验证码" in history


def test_a_gateway_that_is_away_is_tried_for_ten_minutes(house: House) -> None:
    contract, party = house.invited()
    house.ask(party)
    house.gateway.status = 429
    assert house.delivery.deliver_due() == 0 and house.text(party).under_way
    house.clock.ahead = MINUTE
    page = house.browser().get(house.link(party))
    assert f"发往 {MASKED} 的短信暂未发出" in page.text and "Refresh" not in page.headers
    for minute in range(1, 9):
        house.clock.ahead = minute * MINUTE
        house.delivery.deliver_due()
        assert house.text(party).under_way
    house.clock.ahead = 11 * MINUTE
    house.delivery.deliver_due()
    assert house.text(party).state == "refused", "certainly not sent"
    house.gateway.status = None
    house.clock.ahead = timedelta(hours=1)
    assert house.delivery.deliver_due() == 0, "nobody wants it any more"
    assert house.told(contract) == [NoticeKind.GUEST_ARRIVED]


def test_without_an_answer_it_goes_again_and_arrives_once(house: House) -> None:
    _, party = house.invited()
    house.ask(party)
    before = len(house.gateway.messages)
    house.gateway.hang_up = True
    assert house.delivery.deliver_due() == 0 and house.text(party).under_way
    house.gateway.hang_up = False
    house.clock.ahead = MINUTE
    assert house.delivery.deliver_due() == 1 and house.text(party).state == "sent"
    assert len(house.gateway.messages) == before + 1
    assert house.gateway.repeated[-1] == house.gateway.messages[-1]["id"]


def test_where_it_may_have_arrived_nobody_says_that_it_did_not(house: House) -> None:
    _, party = house.invited()
    house.ask(party)
    house.gateway.status = 503
    for minute in range(11):
        house.clock.ahead = minute * MINUTE
        house.delivery.deliver_due()
    assert house.text(party).state == "unknown"
    assert "无法确定发往" in house.browser().get(house.link(party)).text


def test_a_sender_that_is_killed_while_the_gateway_has_it(house: House) -> None:
    _, party = house.invited()
    house.ask(party)
    before, home = len(house.gateway.messages), house.appliance.settings.home.root
    house.gateway.holds.clear()
    house.gateway.arrived.clear()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.guests.text_sender", str(home)], env=os.environ
    ) as process:
        assert house.gateway.arrived.wait(60)
        process.kill()
    with house.appliance.database.reading() as tx:
        assert outbox.counts(tx).get("sending") == 1
    house.gateway.holds.set()
    assert house.delivery.recover_interrupted() == 1
    assert house.delivery.deliver_due() == 1 and house.text(party).state == "sent"
    assert len(house.gateway.messages) == before + 1


def test_how_often_a_code_is_sent(house: House) -> None:
    contract, party = house.invited()
    before = len(house.gateway.messages)
    house.ask(party)
    with pytest.raises(StateRefused, match="being sent already"):
        house.ask(party)
    house.delivery.deliver_due()
    with pytest.raises(StateRefused, match="sent just now"):
        house.ask(party)
    for minutes in (2, 4):
        house.clock.ahead = minutes * MINUTE
        house.ask(party)
        house.delivery.deliver_due()
    house.clock.ahead = 6 * MINUTE
    house.appliance.guests.invite_again(contract.id, party.id, by=ZHANG.subject)
    with pytest.raises(StateRefused, match="within an hour"):
        house.ask(party)
    told = {each["values"]["code"] for each in house.gateway.messages[before:]}
    assert len(house.gateway.messages) == before + 3 and len(told) == 1, "the code stays as it is"
    for hours in range(2, 7):
        house.clock.ahead = timedelta(hours=hours)
        house.ask(party)
        house.delivery.deliver_due()
    house.clock.ahead = timedelta(hours=8)
    with pytest.raises(StateRefused, match="today"):
        house.ask(party)


def test_a_scheduler_that_starts_anew_goes_on_counting(house: House) -> None:
    invited = [house.invited()[1] for _ in range(MOST_TO_A_NUMBER + 1)]
    for party in invited[:-1]:
        house.ask(party)
    house.delivery.deliver_due()
    with house.appliance.database.reading() as tx:
        kept = tx.execute("SELECT * FROM texted_numbers").fetchall()
    assert len(kept) == MOST_TO_A_NUMBER and NUMBER.replace(" ", "")[-8:] not in repr(kept)
    again = code_delivery(house.appliance.settings, house.appliance)
    assert again is not None
    house.ask(invited[-1])
    again.deliver_due()
    assert house.text(invited[-1]).state == "refused"


def test_one_number_is_not_flooded_by_many_contracts(house: House) -> None:
    before = len(house.gateway.messages)
    invited = [house.invited() for _ in range(MOST_TO_A_NUMBER + 1)]
    for _, party in invited:
        house.ask(party)
    house.delivery.deliver_due()
    assert len(house.gateway.messages) == before + MOST_TO_A_NUMBER
    contract, party = invited[-1]
    assert house.text(party).state == "refused"
    assert NoticeKind.GUEST_ARRIVED in house.told(contract), "the initiator calls instead"
    _, other = house.invited(phone="139 0000 0000")
    house.ask(other)
    assert house.delivery.deliver_due() == 1
    house.clock.ahead = timedelta(days=1, minutes=1)
    house.ask(party)
    assert house.delivery.deliver_due() == 1


def test_a_code_that_is_not_the_guests_any_more_is_not_sent(house: House) -> None:
    contract, party = house.invited()
    before = len(house.gateway.messages)
    house.ask(party)
    house.appliance.guests.new_code(contract.id, party.id, by=ZHANG.subject)
    assert (house.delivery.deliver_due(), len(house.gateway.messages)) == (0, before)
    assert house.text(party).state == "", "of the new code none was asked for"
    house.clock.ahead = 2 * MINUTE
    house.ask(party)
    token = house.link(party).rpartition("/")[2]
    house.appliance.entering.admit(token, house.code(contract, party), WHERE)
    assert (house.delivery.deliver_due(), len(house.gateway.messages)) == (0, before)
    with pytest.raises(StateRefused, match="used already"):
        house.ask(party)


def test_wrong_codes_are_not_forgiven_by_another_message(house: House) -> None:
    contract, party = house.invited()
    token, right = house.link(party).rpartition("/")[2], house.code(contract, party)
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    for _ in range(5):
        with pytest.raises(PreconditionRefused):
            house.appliance.entering.admit(token, wrong, WHERE)
    with pytest.raises(PreconditionRefused, match="this one is dead"):
        house.ask(party)


@pytest.mark.parametrize("phone", ["010-5555 0100", "+86 10 5555 0100"])
def test_a_number_that_takes_no_message_leaves_everything_as_it_was(house: House, phone: str) -> None:
    contract, party = house.invited(phone=phone)
    link, guest = house.link(party), house.browser()
    page = guest.get(link).text
    assert (
        "/text" not in page
        and "短信" not in page
        and "由张示例通过电话等方式告知您" in page.replace(ZHANG.name, "张示例")
    )
    assert house.told(contract) == [NoticeKind.GUEST_ARRIVED]
    answer = guest.post(f"{link}/text", data={"form_token": token_in(page)})
    assert answer.status_code == 422 and "没有可以接收验证码的手机号" in answer.text
    assert "请将验证码告知郑示例" in house.zhang().get(f"/contracts/{contract.id}").text


def test_invitations_say_how_the_code_comes(house: House) -> None:
    person = house.appliance.registry.person(house.invited()[1].subject)
    told = compose_message(
        person, NoticeKind.GUEST_INVITED, MessageContext("https://sign.example/guest/x", "甲公司", "合同")
    )
    assert chinese_messages()[CODE] in told.body
    texted = MessageContext("https://sign.example/guest/x", "甲公司", "合同", code_by_text=True)
    body = compose_message(person, NoticeKind.GUEST_INVITED, texted).body
    assert chinese_messages()[CODE_BY_TEXT] in body and chinese_messages()[CODE] not in body


def test_without_a_gateway_nothing_can_be_asked_for(house: House) -> None:
    _, party = house.invited()
    surroundings = house.appliance.entering._with
    without = GuestEntry(
        house.appliance.database,
        type(surroundings)(
            **{name: getattr(surroundings, name) for name in type(surroundings).__slots__} | {"texts": False}
        ),
        house.clock,
    )
    token = house.link(party).rpartition("/")[2]
    assert without.code_text(without.entry(token)) is None
    with pytest.raises(PreconditionRefused, match="No text message can be sent"):
        without.text_code(token)
