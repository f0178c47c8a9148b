"""Officers type the fingerprint that the applicant reads to them: a database that names another key activates
nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import ALPHA, CUSTODIAN, OFFICER, ZHANG
from hsm.client import AuthorityClient
from tests.activation.conftest import BACK, PORTAL, Desk
from webui.activation.acts import MOST_MISTAKES

WRONG = "0000 0000 0000 0000 0000"
MISTAKE, OVER = "The fingerprint is not that of what the applicant has set up", "was wrong three times"


@pytest.fixture
def subject() -> Iterator[str]:
    yield f"person-{secrets.token_hex(6)}"


def enrolment(desk: Desk, subject: str, *credentials: object) -> ActivationRequest:
    details = {"subject": subject, "name": "孙示例", "organisation": ALPHA}
    return desk.decision("enrol_person", **details, credentials=list(credentials))


def test_without_the_fingerprint_nothing_is_activated(desk: Desk, subject: str) -> None:
    made, other = desk.register(subject), desk.register(subject)
    for typed in ("", WRONG, other, made[:-1], f"{made}0", made[5:]):
        request = enrolment(desk, subject, made)
        answer = desk.confirm(OFFICER, desk.put(request), fingerprint=typed)
        assert answer.status_code == 409 and MISTAKE in answer.text, typed
        assert desk.given(request) == ()
        answer = desk.confirm(OFFICER, desk.put(enrolment(desk, subject, made)))
        assert answer.status_code == 409 and MISTAKE in answer.text


def test_the_page_does_not_tell_it(desk: Desk, subject: str) -> None:
    made = [desk.register(subject) for _ in range(2)]
    request = enrolment(desk, subject, *made)
    path = desk.put(request)
    for page in (desk.get(path).text, desk.confirm(OFFICER, path, fingerprint=[WRONG, made[0]]).text):
        assert page.count('name="fingerprint"') == 2
        for each in made:
            assert each not in page and each.replace(" ", "") not in page and each[:4] + each[5:9] not in page
    one = desk.page(desk.decision("add_credential", subject=OFFICER, credential=made[0]))
    assert one.count('name="fingerprint"') == 1 and made[0] not in one
    assert 'name="fingerprint"' not in desk.page(desk.decision("resume_seal", subject="seal-alpha-contract"))


def test_it_is_typed_as_people_type(desk: Desk, subject: str, operator: AuthorityClient) -> None:
    made, other = desk.register(subject), desk.register(subject)
    for typed in (
        [made, other],
        [other, made],
        [made.upper(), f"  {other.replace(' ', '-')} "],
        [made.replace(" ", ""), other],
    ):
        request = enrolment(desk, subject, made, other)
        answer = desk.confirm(OFFICER, desk.put(request), fingerprint=typed)
        assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
        assert desk.given(request) == (OFFICER,)
    assert operator.enrol_person(request.intent)


def test_each_of_several_is_typed(desk: Desk, subject: str) -> None:
    made, other, third = (desk.register(subject) for _ in range(3))
    for typed in (
        [made],
        [made, made],
        [made, WRONG],
        [made, other, third],
        [made, other, other],
        f"{made}{other}",
    ):
        request = enrolment(desk, subject, made, other)
        answer = desk.confirm(OFFICER, desk.put(request), fingerprint=typed)
        assert answer.status_code == 409 and MISTAKE in answer.text, typed
        assert desk.given(request) == ()


def test_after_three_mistakes_that_act_is_over_here(desk: Desk, subject: str) -> None:
    made = desk.register(subject)
    request, another = enrolment(desk, subject, made), enrolment(desk, subject, made)
    assert MOST_MISTAKES == 3
    path = desk.put(request)
    assert MISTAKE in desk.confirm(OFFICER, path, fingerprint=WRONG).text
    assert MISTAKE in desk.confirm(OFFICER, desk.put(request), fingerprint=WRONG).text
    for typed in (WRONG, made, made):
        for where in (path, desk.put(request)):
            answer = desk.confirm(OFFICER, where, fingerprint=typed)
            assert answer.status_code == 409 and OVER in answer.text
    assert desk.given(request) == ()
    assert desk.confirm(OFFICER, desk.put(another), fingerprint=made).status_code == 303
    assert desk.given(another) == (OFFICER,)


def test_two_mistakes_are_forgiven(desk: Desk, subject: str) -> None:
    made = desk.register(subject)
    request = enrolment(desk, subject, made)
    path = desk.put(request)
    for _ in range(2):
        assert MISTAKE in desk.confirm(OFFICER, path, fingerprint=WRONG).text
    assert desk.confirm(OFFICER, path, fingerprint=made).status_code == 303


def test_mistakes_of_others_than_officers_do_not_count(desk: Desk, subject: str) -> None:
    """Whoever writes requests may ask anybody enrolled: an outsider to the act ends it for nobody."""
    made = desk.register(subject)
    request = enrolment(desk, subject, made)
    for stranger in (ZHANG.subject, CUSTODIAN.subject):
        asked = replace(request, subject=stranger)
        for _ in range(MOST_MISTAKES):
            answer = desk.confirm(stranger, desk.put(asked), fingerprint=WRONG)
            assert answer.status_code == 403 and "Only officers may do this." in answer.text
            assert MISTAKE not in answer.text and OVER not in answer.text
    assert desk.given(request) == ()
    assert desk.confirm(OFFICER, desk.put(request), fingerprint=made).status_code == 303
    assert desk.given(request) == (OFFICER,)


def test_mistakes_with_anothers_passkey_do_not_count(desk: Desk, subject: str) -> None:
    """Who has the address of an officer's act, and a passkey of their own."""
    made = desk.register(subject)
    request = enrolment(desk, subject, made)
    path = desk.put(request)
    for _ in range(MOST_MISTAKES):
        form = desk.form(path)
        answer = desk.send(form, credential=desk.answer(ZHANG.subject, form), fingerprint=WRONG)
        assert answer.status_code == 403 and MISTAKE not in answer.text and OVER not in answer.text
    assert desk.confirm(OFFICER, path, fingerprint=made).status_code == 303
