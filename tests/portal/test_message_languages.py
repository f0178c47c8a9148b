"""Every kind of letter, calendar and certificate, for readers of both languages in three zones."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from appliance.language import translator
from appliance.model.notice import DATES, Duty, Occasion, Reminder, ReminderRole
from appliance.model.people import Person
from appliance.notices.messages import SUBJECTS, MailMessage, MessageContext, compose_message
from appliance.ownership import CertificateFacts, certificate_html
from appliance.reminders.calendar_feeds import NAME, SUMMARIES
from appliance.reminders.messages import ReminderLine, compose_reminder_mail
from tests.deposits import file_of, work
from tests.portal.reading import READERS, Reader, faults_of_page, faults_of_times, faults_of_words

AT = datetime(2026, 12, 4, 17, 30, tzinfo=UTC)
SUMMER = datetime(2027, 7, 1, 23, 59, tzinfo=UTC)
WRITTEN = "设备采购合同\n张示例\n甲公司示例有限公司\nSample Company of Both Tongues"


def person(reader: Reader, *, guest: bool = False) -> Person:
    organisation = "Sample Company of Both Tongues"
    return Person("person-x", "张示例", organisation, "x@a.example", reader.language, reader.zone, guest)


def faults_of_letter(told: MailMessage, reader: Reader) -> list[str]:
    text = f"{told.subject}\n{told.body}"
    return [
        *faults_of_words(text, reader, WRITTEN),
        *faults_of_times(text, (reader.zone,)),
        *faults_of_page(told.html, reader, WRITTEN, (reader.zone,)),
    ]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.zone)
def test_every_notice(reader: Reader) -> None:
    for kind in SUBJECTS:
        for guest in (False, True):
            matter = MessageContext("http://localhost/contracts/1", "甲公司示例有限公司", "设备采购合同", AT)
            assert not faults_of_letter(compose_message(person(reader, guest=guest), kind, matter), reader), kind


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.zone)
def test_every_reminder(reader: Reader) -> None:
    for part in ReminderRole:
        for day, overdue in ((None, False), (None, True), (date(2027, 1, 1), False)):
            for occasion in DATES if day else (Occasion.SIGNING,):
                reminder = Reminder(1, "1", occasion, "3d", Duty("person-x", part), AT, AT, AT)
                item = ReminderLine(
                    reminder, "设备采购合同", ("张示例",), day, overdue, SUMMER, "http://localhost/1"
                )
                told = compose_reminder_mail(
                    person(reader), [item], 2, "http://localhost/notices", issuer="甲公司示例有限公司"
                )
                assert not faults_of_letter(told, reader), (part, occasion, overdue)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.zone)
def test_the_calendar_and_the_certificate_of_a_deposit(reader: Reader) -> None:
    translate = translator(reader.language)
    said = [translate(each, title="设备采购合同") for each in SUMMARIES.values()]
    assert not list(faults_of_words("\n".join([*said, translate(NAME, name="张示例")]), reader, WRITTEN))
    facts = CertificateFacts(
        number="1" * 24,
        title="设备采购合同",
        depositor="张示例",
        organisation="甲公司示例有限公司",
        work=work(description="示例"),
        files=(file_of("a.txt", b"a"), file_of("b.txt", b"b")),
        at=SUMMER,
        zone=reader.zone,
        serial="1f",
        reply=b"reply",
        issuer="甲公司示例有限公司",
        address="http://localhost",
    )
    page = certificate_html(facts, reader.language)
    assert not list(faults_of_page(page, reader, WRITTEN, (reader.zone,)))
    assert reader.zone in page
