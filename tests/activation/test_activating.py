"""Who can activate what is shown, with what, and where it leads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from webauthn.helpers import base64url_to_bytes

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import ALPHA, LI, OFFICER, ZHANG, DemonstrationAuthenticators
from hsm.activation.credentials import code_at, step_of
from hsm.client import AuthorityClient
from hsm.errors import NotPermitted
from hsm.intents import OfficerIntent
from tests.activation.conftest import BACK, PORTAL, Desk
from tests.activation_service import Form, hidden, posted
from tests.authority import soon
from tests.hsm.test_activation import register_pin

PIN = "246810"
"""That of :func:`register_pin`."""


def test_who_is_asked_activates_it_and_is_back_in_the_portal(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    answer = desk.confirm(ZHANG.subject, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
    assert desk.given(request) == (ZHANG.subject,)
    assert desk.appliance.authority.sign_document(request.intent)


def test_what_was_activated_already_says_so_and_leads_back(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    form = desk.form(path)
    desk.send(form, credential=desk.answer(ZHANG.subject, form))
    page = desk.get(path).text
    assert "You have confirmed this." in page and f'href="{PORTAL}{BACK}"' in page
    assert "<form" not in page and "What you have confirmed" in page
    assert "<h1>You have confirmed your signature on “Sample &lt;b&gt;contract&lt;/b&gt;”</h1>" in page
    again = desk.send(form, credential=desk.answer(ZHANG.subject, form))
    assert (again.status_code, again.headers["Location"]) == (303, PORTAL + BACK)
    assert desk.given(request) == (ZHANG.subject,)


@pytest.mark.parametrize(
    ("make", "heading"),
    [
        (lambda desk: desk.agreement("en"), "You have confirmed: "),
        (lambda desk: desk.declaration("en"), "You have confirmed that you declare “设备采购合同” void"),
        (lambda desk: desk.decision("unlock"), "You have confirmed: Unlock the authority"),
        (
            lambda desk: desk.decision("retire", subject=LI.subject, reason="superseded"),
            "You have confirmed: End an",
        ),
    ],
)
def test_the_heading_of_what_was_activated_says_what_happened(
    desk: Desk, make: Callable[[Desk], ActivationRequest], heading: str
) -> None:
    request = make(desk)
    path = desk.put(request)
    assert f"<h1>{heading}" not in desk.get(path).text
    desk.confirm(request.subject, path)
    assert f"<h1>{heading}" in desk.get(path).text


def test_only_the_passkeys_of_who_is_asked_are_asked_for(desk: Desk) -> None:
    request = desk.document()
    options = desk.form(desk.put(request)).options
    own = {each.credential_id for each in desk.appliance.authority.credentials(ZHANG.subject)}
    assert {base64url_to_bytes(each["id"]) for each in options["allowCredentials"]} == own  # type: ignore[attr-defined]  # JSON
    assert base64url_to_bytes(str(options["challenge"])) == request.intent.challenge()
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")


def test_somebody_else_s_passkey_activates_nothing(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    answer = desk.confirm(LI.subject, path)
    assert answer.status_code == 403 and "Nothing is signed." in answer.text
    assert desk.given(request) == ()
    assert desk.form(path).options["challenge"], "the act can still be activated"


def test_whoever_is_named_instead_has_no_part_in_it(desk: Desk) -> None:
    """The portal asks Li to activate what Zhang's key would sign."""
    request = desk.document(subject=LI.subject)
    assert desk.confirm(LI.subject, desk.put(request)).status_code == 403
    assert desk.given(request) == ()


def test_an_assertion_for_another_act_activates_nothing(desk: Desk) -> None:
    request, other = desk.document(), desk.document()
    path = desk.put(request)
    given = DemonstrationAuthenticators(desk.appliance.settings.home).activate(ZHANG.subject, other.intent)
    assert desk.send(desk.form(path), credential=posted(given)).status_code == 403
    assert desk.given(request) == desk.given(other) == ()


@pytest.mark.parametrize(
    "origin", [PORTAL, "http://localhost:8082", "https://evil.example", "http://localhost:80830"]
)
def test_an_assertion_made_on_another_origin_is_refused(desk: Desk, origin: str) -> None:
    """That of the portal, too, where the same passkey signs people in."""
    request = desk.document()
    form = desk.form(desk.put(request))
    assert desk.send(form, credential=desk.answer(ZHANG.subject, form, origin=origin)).status_code == 403
    assert desk.given(request) == ()


def test_no_other_role_submits_an_activation(desk: Desk, operator: AuthorityClient) -> None:
    request = desk.document()
    activation = DemonstrationAuthenticators(desk.appliance.settings.home).activate(ZHANG.subject, request.intent)
    for client in (desk.appliance.authority, operator):
        with pytest.raises(NotPermitted):
            client.approve(request.intent, activation)
    assert desk.given(request) == ()


@pytest.mark.parametrize(
    "credential", ["", "{}", "[1]", "null", '{"rawId": "AA", "response": {}}', "x" * 30_000, "[" * 20_000]
)
def test_an_answer_that_is_none_is_asked_for_again(desk: Desk, credential: str) -> None:
    request = desk.document()
    form = desk.form(desk.put(request))
    answer = desk.send(form, credential=credential)
    assert answer.status_code == 409 and 'role="alert"' in answer.text
    assert f'action="{form.action}"' in answer.text
    assert desk.given(request) == ()


def test_what_has_expired_at_the_authority_is_not_activated(desk: Desk) -> None:
    request = desk.document()
    late = replace(request, intent=replace(request.intent, expires=soon(-1)))
    answer = desk.confirm(ZHANG.subject, desk.put(late))
    assert answer.status_code == 403 and "expired" in answer.text


def test_an_officer_s_passkey_activates_an_officer_s_act_and_no_signer_s_does(
    desk: Desk, operator: AuthorityClient
) -> None:
    details = {"subject": "person-by-act", "name": "孙示例", "organisation": ALPHA}
    made = desk.register("person-by-act")
    request = desk.decision("enrol_person", **details, credentials=[made])
    path = desk.put(request)
    assert desk.confirm(ZHANG.subject, path, fingerprint=made).status_code == 403
    assert desk.given(request) == ()
    assert desk.confirm(OFFICER, path, fingerprint=made).status_code == 303
    assert desk.given(request) == (OFFICER,)
    assert operator.enrol_person(request.intent)


# PIN and code.


@pytest.fixture(scope="module")
def secret(desk: Desk, operator: AuthorityClient) -> bytes:
    """Of somebody who has a PIN and an authenticator app, and no passkey."""
    secret = secrets.token_bytes(20)
    with desk.authority() as service:
        made = register_pin(service, "person-pin", secret)
    details = {"subject": "person-pin", "name": "李号码", "organisation": ALPHA, "credentials": [made]}
    act = OfficerIntent("enrol_person", details, soon(), secrets.token_bytes(16))
    DemonstrationAuthenticators(desk.appliance.settings.home).confirm(OFFICER, act)
    operator.enrol_person(act)
    return secret


def by_pin(desk: Desk):
    request = desk.document(subject="person-pin")
    return replace(request, intent=replace(request.intent, signer="person-pin"))


def code_of(secret: bytes, *, later: int = 0) -> str:
    return code_at(secret, step_of(datetime.now(UTC)) + later)


def pin_form(desk: Desk, path: str) -> Form:
    page = desk.get(path).text
    assert "data-passkey" not in page and 'name="pin"' in page
    return Form(path, hidden(page), {})


def test_pin_and_code_activate_and_are_called_the_weaker_way(desk: Desk, secret: bytes) -> None:
    request = by_pin(desk)
    path = desk.put(request)
    assert "Weaker than a passkey" in desk.get(path).text
    answer = desk.send(pin_form(desk, path), pin=f" {PIN} ", code=code_of(secret))
    assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
    assert desk.given(request) == ("person-pin",)


def test_what_takes_a_passkey_says_so_and_takes_no_pin_and_code(desk: Desk, secret: bytes) -> None:
    request = by_pin(desk)
    request = replace(request, intent=replace(request.intent, passkey_only=True))
    path, demand = desk.put(request), "<dd>A passkey; PIN and code are not enough</dd>"
    page = desk.get(path).text
    assert demand in page and "You have no passkey for signing yet." in page
    assert "<form" not in page and 'name="pin"' not in page
    fields = {"seen": request.intent.challenge().hex()}
    refused = desk.send(Form(path, fields, {}), pin=PIN, code=code_of(secret, later=1))
    assert (refused.status_code, "This is confirmed with a passkey only" in refused.text) == (403, True)
    assert desk.given(request) == ()

    own = desk.document({"passkey_only": True})
    assert demand in desk.page(own) and demand not in desk.page(desk.document())
    assert desk.confirm(ZHANG.subject, desk.put(own)).status_code == 303
    assert desk.given(own) == (ZHANG.subject,)


@pytest.mark.parametrize(
    ("pin", "code", "status", "said"),
    [
        ("", "123456", 409, "Enter your PIN for signing."),
        (PIN, "", 409, "Enter the six digits"),
        (PIN, "12345", 409, "Enter the six digits"),
        (PIN, "１２３４５６", 409, "Enter the six digits"),
        ("1234567890123", "123456", 409, "A PIN has at most 12 digits."),
        ("111111", "000000", 403, "wrong"),
    ],
)
def test_a_wrong_pin_or_code_is_told_in_a_sentence(
    desk: Desk, secret: bytes, pin: str, code: str, status: int, said: str
) -> None:
    request = by_pin(desk)
    path = desk.put(request)
    answer = desk.send(pin_form(desk, path), pin=pin, code=code)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert 'name="pin"' in answer.text, "it can be tried again"
    assert pin == "" or f'value="{pin}"' not in answer.text
    assert desk.given(request) == ()


def test_officers_activate_nothing_by_pin(desk: Desk, secret: bytes) -> None:
    request = replace(desk.decision("resume_seal", subject="seal-alpha-contract"), subject="person-pin")
    path = desk.put(request)
    answer = desk.send(Form(path, hidden(desk.get(path).text), {}), pin=PIN, code=code_of(secret, later=1))
    assert answer.status_code == 403
    assert desk.given(request) == ()


def test_a_person_with_nothing_to_confirm_with_is_told_so(desk: Desk) -> None:
    act = replace(desk.document(), subject="seal-alpha-contract")
    page = desk.get(desk.put(act)).text
    assert "You have no passkey for signing yet." in page and "<form" not in page


def test_nobody_whom_the_authority_does_not_know_is_asked(desk: Desk) -> None:
    for subject in ("person-nobody", "", "x" * 200):
        answer = desk.get(desk.put(desk.document(subject=subject)))
        assert 400 <= answer.status_code < 500
        assert "<form" not in answer.text, json.dumps(subject)
