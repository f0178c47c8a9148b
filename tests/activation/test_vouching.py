"""The page on which somebody vouches: every argument, the codes once; and the page that takes a code."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

import pytest

from appliance.activation_requests import ActivationRequest, RegistrationPurpose, RegistrationRequest
from appliance.demonstration.participants import LI, ZHANG, ZONE
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused
from hsm.intents import OfficerIntent
from tests import activation_service as visits
from tests.activation.conftest import BACK, ORIGIN, Desk

CODE = re.compile(r'<p class="callnumber"><code class="digest">(\d{4} \d{4})</code></p>')


def asked_to_vouch(desk: Desk, *more: dict[str, Any], **changed: str) -> ActivationRequest:
    """Zhang is asked to vouch for somebody new, and for *more*."""
    signer = {
        "subject": f"person-guest-{secrets.token_hex(6)}",
        "name": "郑<b>外部</b>",
        "organisation": "丙公司外部有限公司",
        "party": "party-one",
        "channel": "+86 138 0000 0000",
        **changed,
    }
    details = {"contract": "contract-seven", "title": "采购<i>合同</i>", "signers": [signer, *more]}
    return replace(desk.decision("vouch", **details), subject=ZHANG.subject)


def test_every_argument_is_shown_in_both_languages(desk: Desk) -> None:
    alone = {
        "subject": "person-guest-alone",
        "name": "王独立",
        "organisation": "",
        "party": "party-two",
        "channel": "当面",
    }
    request = asked_to_vouch(desk, alone)
    english, chinese = desk.page(request), desk.page(replace(request, language="zh"))
    assert "You answer for who they are; no officer checks it." in english
    assert "对方身份由您确认并负责，登记员不再核验。" in chinese
    assert "for no organisation" in english and "不代表任何单位" in chinese
    [first, second] = request.intent.fields()["details"]["signers"]
    for page in (english, chinese):
        assert "采购&lt;i&gt;合同&lt;/i&gt;" in page and "contract-seven" in page
        for signer in (first, second):
            for value in filter(None, signer.values()):
                assert value.replace("<", "&lt;").replace(">", "&gt;") in page, value


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "郑\u202e"},
        {"channel": "\u3164"},
        {"party": ""},
        {"subject": "person-zhang"},
        {"name": "a\nb"},
        {"more": "x"},
    ],
)
def test_what_cannot_be_read_or_is_no_outside_signer_shows_nothing(desk: Desk, changed: dict[str, str]) -> None:
    shown = desk.get(desk.put(asked_to_vouch(desk, **changed)))
    assert shown.status_code == 409 and "data-passkey" not in shown.text


def test_the_codes_are_shown_once_and_not_to_the_portal(desk: Desk) -> None:
    request = asked_to_vouch(desk)
    path = desk.put(request)
    form = desk.form(path)
    credential = desk.answer(ZHANG.subject, form)
    told = desk.send(form, credential=credential)
    [code] = CODE.findall(told.text)
    assert told.headers["Cache-Control"] == "no-store" and code not in str(told.headers)
    assert "by mail, by message or on another page" in told.text
    again = desk.send(form, credential=credential)
    assert again.status_code == 409 and not CODE.findall(again.text)
    assert not CODE.findall(desk.get(path).text)


def test_who_knows_the_address_alone_gets_no_codes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal does: between the confirmation and the codes, or after they could not be made."""
    path = desk.put(asked_to_vouch(desk))
    form = desk.form(path)

    def busy(_authority: AuthorityClient, _intent: OfficerIntent) -> list[str]:
        raise ActivationRefused("Nobody may vouch for more.")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(AuthorityClient, "vouch", busy)
        assert desk.send(form, credential=desk.answer(ZHANG.subject, form)).status_code == 403
    stolen = desk.send(form, credential="")
    assert stolen.status_code == 409 and not CODE.findall(stolen.text)
    assert "shown once" in stolen.text


def test_nobody_else_gets_the_codes(desk: Desk) -> None:
    path = desk.put(asked_to_vouch(desk))
    form = desk.form(path)
    refused = desk.send(form, credential=desk.answer(LI.subject, form))
    assert refused.status_code == 403 and not CODE.findall(refused.text)


def test_a_code_is_taken_with_the_passkey_and_says_who_vouched(desk: Desk) -> None:
    request = asked_to_vouch(desk)
    [signer] = request.intent.fields()["details"]["signers"]
    path = desk.put(request)
    [code] = CODE.findall(desk.confirm(ZHANG.subject, path).text)
    asked = RegistrationRequest(
        subject=signer["subject"],
        purpose=RegistrationPurpose.VOUCHED,
        back=BACK,
        language="en",
        zone=ZONE,
        login="zheng@gamma.example",
        name="郑示例",
        organisation="丙公司外部有限公司",
        handle=secrets.token_bytes(16),
        reference=signer["subject"],
    )
    address = f"/register/{desk.appliance.activation_requests.add(asked)}"
    device = SoftwareAuthenticator.create("localhost", ORIGIN)
    page = desk.get(address).text
    assert f"{ZHANG.name} · {ZHANG.organisation}" in page, "as enrolled, whatever the portal says"
    slip = visits.passkey_form(page, "create")
    told = desk.send(slip, credential=visits.made_by(device, slip), vouched_code="123")
    assert "The code has 8 digits" in told.text
    form = visits.passkey_form(told.text, "create")
    landed = desk.send(form, credential=visits.made_by(device, form), vouched_code=code)
    assert landed.status_code == 303 and "receipt=" in landed.headers["Location"], landed.text
    assert desk.get(address).status_code == 409, "one passkey for one invitation"
