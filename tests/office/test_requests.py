"""Requests for enrolment: one at a time, by oneself, decided once; and what a PIN must be."""

from __future__ import annotations

import base64

import pytest

from appliance.demonstration import participants
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.office import EnrolmentRequestState
from appliance.office import Office
from appliance.wiring import Appliance
from hsm.activation.credentials import code_at, step_of
from tests.office.conftest import events_of, newcomer, notices_to, passkey


def test_a_request_waits_and_is_in_the_log(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    proposed, _ = passkey(appliance)

    asked = office.requests.submit_request(person.subject, [proposed], by=person.subject)

    assert asked in office.requests.waiting()
    assert office.requests.requests_of(person.subject) == [asked]
    assert office.requests.find_request(asked.id).credentials == (proposed,)
    assert events_of(appliance, person.subject) == ["person-registered", "enrolment-requested"]


def test_the_same_request_twice_is_one(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    proposed, _ = passkey(appliance)

    first = office.requests.submit_request(person.subject, [proposed], by=person.subject)
    second = office.requests.submit_request(person.subject, [proposed], by=person.subject)

    assert first == second
    assert events_of(appliance, person.subject).count("enrolment-requested") == 1


def test_another_request_waits_for_the_first(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    first = office.requests.submit_request(person.subject, [passkey(appliance)[0]], by=person.subject)

    with pytest.raises(StateRefused, match="waits already"):
        office.requests.submit_request(person.subject, [passkey(appliance)[0]], by=person.subject)
    office.requests.withdraw_request(first.id, by=person.subject)
    second = office.requests.submit_request(person.subject, [passkey(appliance)[0]], by=person.subject)

    assert [each.state for each in office.requests.requests_of(person.subject) if each.id == first.id] == [
        EnrolmentRequestState.WITHDRAWN
    ]
    assert office.requests.find_request(second.id).state is EnrolmentRequestState.OPEN


def test_what_no_request_can_be(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    proposals = [passkey(appliance)[0] for _ in range(5)]
    for wrong in ([], proposals):
        with pytest.raises(PreconditionRefused, match="1 to 4"):
            office.requests.submit_request(person.subject, wrong, by=person.subject)
    with pytest.raises(PreconditionRefused, match="one credential at a time"):
        office.requests.submit_request(participants.ZHANG.subject, proposals[:2], by=participants.ZHANG.subject)
    with pytest.raises(StateRefused, match="not known"):
        office.requests.submit_request("person-nobody", proposals[:1], by="person-nobody")
    with pytest.raises(NotFound):
        office.requests.find_request("ff")


def test_nobody_withdraws_for_somebody_else(appliance: Appliance, office: Office) -> None:
    person, other = newcomer(appliance), newcomer(appliance)
    asked = office.requests.submit_request(person.subject, [passkey(appliance)[0]], by=person.subject)

    with pytest.raises(NotFound):
        office.requests.withdraw_request(asked.id, by=other.subject)


def test_a_refusal_has_a_reason_and_is_final(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = office.requests.submit_request(person.subject, [passkey(appliance)[0]], by=person.subject)
    with pytest.raises(PreconditionRefused, match="why"):
        office.requests.refuse_request(asked.id, reason="  ", by=participants.OFFICER)

    office.requests.refuse_request(asked.id, reason="证件已过期", by=participants.OFFICER)

    decided = office.requests.find_request(asked.id)
    assert (decided.state, decided.reason, decided.credentials) == (
        EnrolmentRequestState.REFUSED,
        "证件已过期",
        (),
    )
    assert notices_to(appliance, person.subject) == ["enrolment-refused"]
    for again in (
        lambda: office.requests.refuse_request(asked.id, reason="again", by=participants.OFFICER),
        lambda: office.requests.withdraw_request(asked.id, by=person.subject),
        lambda: office.drafts.draft_enrolment(asked.id, verified="x", by=participants.OFFICER),
    ):
        with pytest.raises(StateRefused, match="decided"):
            again()


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "12345a", "１２３４５６", "000000", "123456", "987654"]
)
def test_pins_that_are_refused(appliance: Appliance, office: Office, pin: str) -> None:
    person = newcomer(appliance)
    draft = office.requests.draft_totp(person.subject, "zhao")
    code = code_at(base64.b32decode(draft.secret), step_of(appliance.now()))

    with pytest.raises(PreconditionRefused, match="PIN"):
        office.requests.pin_totp(person.subject, sealed=draft.sealed, pin=pin, code=code)


def test_a_code_must_show_that_the_secret_was_scanned(appliance: Appliance, office: Office) -> None:
    person, other = newcomer(appliance), newcomer(appliance)
    draft = office.requests.draft_totp(person.subject, "zhao")
    secret = base64.b32decode(draft.secret)
    code = code_at(secret, step_of(appliance.now()))
    late = code_at(secret, step_of(appliance.now()) + 9)

    with pytest.raises(PreconditionRefused, match="six digits"):
        office.requests.pin_totp(person.subject, sealed=draft.sealed, pin="246810", code=late)
    for subject, sealed in ((other.subject, draft.sealed), (person.subject, "zz"), (person.subject, "00" * 400)):
        with pytest.raises(PreconditionRefused, match="too old"):
            office.requests.pin_totp(subject, sealed=sealed, pin="246810", code=code)
    made = office.requests.pin_totp(person.subject, sealed=draft.sealed, pin="246810", code=code)
    assert "246810" not in repr(made) and secret not in made.wrapped_secret
    shown_again = office.requests.draft_totp(person.subject, "zhao", sealed=draft.sealed)
    assert shown_again == draft
