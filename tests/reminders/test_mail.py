"""A reminder as it arrives: through a real mail server, as text and HTML, in the recipient's language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from appliance.config import MailSettings, Security
from appliance.language import Language
from appliance.model.contract import SigningOrder
from appliance.notices.mail import MailClient
from tests.appliance.notices.smtp import Post, post_office
from tests.reminders.simulation import Year

SIGNER = "person-4"


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as running:
        yield running


def speak(simulation: Year, language: Language) -> None:
    with simulation.database.transaction() as tx:
        tx.execute("UPDATE people SET language = ? WHERE subject = ?", (language, SIGNER))


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        (
            Language.CHINESE,
            "提醒：有 2 份合同待您处理",
            "待您签署，签署截止时间为 2026-11-26 10:00 UTC+08:00（Asia/Shanghai）。",
        ),
        (
            Language.ENGLISH,
            "Reminder: 2 contracts wait for you",
            "possible until 2026-11-26 10:00 UTC+08:00 (Asia/Shanghai).",
        ),
    ],
)
def test_one_mail_names_all_that_waits_with_an_address_each(
    simulation: Year, post: Post, language: Language, subject: str, sentence: str
) -> None:
    speak(simulation, language)
    simulation.delivery._channel = MailClient(
        MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE), None
    )
    for number in (1, 2):
        simulation.send(number, 10 * 24, (SIGNER,), SigningOrder.PARALLEL)
    simulation.run_until(simulation.now + timedelta(days=4))
    (mail,) = [each for each in post.messages if each["Subject"] == subject]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert sentence in text
        assert all(f"https://sign.example/contracts/c{number}/sign" in text for number in (1, 2))
    assert mail["To"].addresses[0].addr_spec == f"{SIGNER}@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_a_long_list_is_cut_and_leads_to_the_portal(simulation: Year) -> None:
    for number in range(55):
        simulation.send(number, 10 * 24, (SIGNER,), SigningOrder.PARALLEL)
    simulation.run_until(simulation.now + timedelta(days=4))
    mail = next(each for each in simulation.post.received if each.reminds)
    assert mail.letter.subject == "Reminder: 55 contracts wait for you"
    assert "And 5 more: https://sign.example/notices" in mail.letter.body
    assert mail.letter.body.count("/sign\n") == 50
