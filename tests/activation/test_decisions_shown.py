"""An officers' act is shown with all its arguments, a seal with its picture; another picture shows nothing."""

from __future__ import annotations

import hashlib
import html
import io
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance.activation_requests import ActivationRequest
from appliance.administration.confirmed import ConfirmedKey, fingerprint_of
from appliance.demonstration.participants import ALPHA, CONTRACT_SEAL, CUSTODIAN, OFFICER, ZHANG
from appliance.model.administration import AdministratorRole
from hsm import intents
from hsm.authenticator import SoftwareAuthenticator
from tests.activation.conftest import ORIGIN, Desk
from tests.activation.shown import OTHER, picture, shows_nothing, words_of

LABELS = {"subject": "Identifier", "name": "Full name", "organisation": "Organisation", "credential": "Credential"}
LABELS |= {"credentials": "Credentials"}


# An officers' act.


def test_every_argument_of_an_officers_act_is_shown(desk: Desk) -> None:
    passkey = SoftwareAuthenticator.create("localhost", ORIGIN).credential()
    details: dict[str, Any] = {
        "subject": "keeper-new",
        "name": "孙<i>示例</i>",
        "organisation": ALPHA,
        "credentials": [passkey],
    }
    revoking = {"subject": ZHANG.subject, "credential": "pin-totp"}
    said = {"enrol_keeper": "Make somebody a keeper of the PIN", "revoke_credential": "End a credential"}
    for kind, more in (("enrol_keeper", details), ("revoke_credential", revoking)):
        page = desk.page(desk.decision(kind, **more))
        words = words_of(page)
        assert f"<dt>Operation</dt><dd>{said[kind]}</dd>" in page and kind not in words
        for name, value in more.items():
            assert (f"<dt>{LABELS[name]}</dt>" in page) is (name != "credentials"), name
            assert not isinstance(value, str) or words_of(html.escape(value)) in words, name
    page = desk.page(desk.decision("enrol_keeper", **details))
    words = words_of(page)
    assert "keeper-new" in words and ALPHA in words and "孙<i>示例</i>" in words and "<i>示例" not in page
    assert passkey["credential_id"] not in page and 'name="fingerprint"' in page
    typed = {**details, "subject": "person-new", "credentials": ["0000 0000 0000 0000 0000"]}
    page = desk.page(desk.decision("enrol_person", **typed))
    assert "This will give 孙&lt;i&gt;示例&lt;/i&gt; of" in page and "孙<i>示例</i>" in words_of(page)


def test_a_secret_of_somebody_in_an_act_shows_nothing(desk: Desk) -> None:
    pin = {"kind": "pin-totp", "pin_hash": "$argon2id$v=19$of-a-pin", "totp_secret": "JBSWY3DPEHPK3PXP"}
    who: dict[str, Any] = {"subject": "keeper-new", "name": "孙示例", "organisation": ALPHA}
    for request in (
        desk.decision("enrol_keeper", **who, credentials=[pin]),
        desk.decision("revoke_credential", subject=ZHANG.subject, credential=pin),
    ):
        shows_nothing(desk, request)
        page = desk.get(desk.put(request)).text
        assert pin["pin_hash"] not in page and pin["totp_secret"] not in page


def keeper_with(desk: Desk, *passkeys: Any) -> ActivationRequest:
    """The officer is to make Sun, an administrator, a PIN custodian."""
    who: dict[str, Any] = {"subject": "keeper-sun", "name": "孙示例", "organisation": ALPHA}
    return desk.decision("enrol_keeper", **who, credentials=list(passkeys))


def read_out(passkey: dict[str, Any], login: str = "sun") -> str:
    """What the owner of a passkey of the console reads in their settings there, and has read out to root."""
    identifier, key = (bytes.fromhex(passkey[each]) for each in ("credential_id", "public_key"))
    return fingerprint_of(ConfirmedKey(login, AdministratorRole.SYSTEM, identifier, key))


def test_another_key_in_the_place_of_a_pin_custodians_is_not_confirmed(desk: Desk) -> None:
    """The portal writes the intent; what is typed is what the custodian has read in the console."""
    own, thief = (SoftwareAuthenticator.create("localhost", ORIGIN).credential() for _ in range(2))
    for swapped in (thief, own | {"public_key": thief["public_key"]}):
        request = keeper_with(desk, swapped)
        assert desk.confirm(OFFICER, desk.put(request), fingerprint=read_out(own)).status_code == 409
        assert desk.confirm(OFFICER, desk.put(request)).status_code == 409
        assert desk.given(request) == ()
    request = keeper_with(desk, own)
    assert desk.confirm(OFFICER, desk.put(request), fingerprint=read_out(own, "li")).status_code == 409
    assert desk.confirm(OFFICER, desk.put(request), fingerprint=read_out(own)).status_code == 303
    assert desk.given(request) == (OFFICER,)


def test_each_passkey_of_a_pin_custodian_is_typed(desk: Desk) -> None:
    one, other = (SoftwareAuthenticator.create("localhost", ORIGIN).credential() for _ in range(2))
    request = keeper_with(desk, one, other)
    path = desk.put(request)
    assert desk.get(path).text.count('name="fingerprint"') == 2
    assert desk.confirm(OFFICER, path, fingerprint=read_out(one)).status_code == 409
    assert desk.confirm(OFFICER, path, fingerprint=[read_out(other), read_out(one)]).status_code == 303


@pytest.mark.parametrize("name", ["credential_id", "public_key"])
def test_a_passkey_of_another_form_shows_nothing(desk: Desk, name: str) -> None:
    own = SoftwareAuthenticator.create("localhost", ORIGIN).credential()
    for odd in (own[name].upper(), f" {own[name]}", "zz", 7, None, [own[name]]):
        shows_nothing(desk, keeper_with(desk, own | {name: odd}))
    for passkeys in ([], [own, "0000 0000 0000 0000 0000"], [None]):
        shows_nothing(desk, keeper_with(desk, *passkeys))


def test_people_and_seals_in_an_act_are_named_as_they_are_enrolled(desk: Desk) -> None:
    seal = CONTRACT_SEAL.subject
    page = desk.page(desk.decision("add_custodian", subject=seal, custodian=CUSTODIAN.subject))
    words = words_of(page)
    assert f"{CUSTODIAN.name}·{CUSTODIAN.organisation}({CUSTODIAN.subject})" in words
    assert seal in words and CONTRACT_SEAL.organisation in words
    page = desk.page(desk.decision("set_custodians_needed", subject=seal, needed=2))
    assert "Custodians who approve each use" in page and "2" in words_of(page)


def test_the_act_says_all_that_it_does_whatever_it_leaves_out(desk: Desk) -> None:
    page = desk.page(desk.decision("revoke_certificate", subject=ZHANG.subject, reason="superseded"))
    assert f"revokes every certificate of {ZHANG.name}" in page
    page = desk.page(desk.decision("revoke_certificate", subject="tsa", reason="superseded", serial="1f"))
    assert "the certificate 1f of the service tsa" in page
    page = desk.page(desk.decision("change_picture", subject=CONTRACT_SEAL.subject, picture=""))
    assert "without a picture of its own" in page and "picture shown here" not in page


def test_a_pin_custodian_who_is_enrolled_anew_is_called_by_that_name(desk: Desk) -> None:
    request = keeper_with(desk, passkey := SoftwareAuthenticator.create("localhost", ORIGIN).credential())
    assert desk.confirm(OFFICER, desk.put(request), fingerprint=read_out(passkey)).status_code == 303
    desk.appliance.authority.enrol_pin_custodian(request.intent)  # type: ignore[arg-type]  # it is an officers' intent
    again = {"subject": "keeper-sun", "name": "吴示例", "organisation": ALPHA, "credentials": [passkey]}
    page = desk.page(desk.decision("enrol_keeper", **again))
    assert f"From then on 孙示例 · {ALPHA} (keeper-sun), a keeper of the token" in page and "吴示例" in page


def test_an_act_that_the_portal_has_no_sentence_for_is_shown_by_its_name(desk: Desk) -> None:
    request = desk.decision("unlock")
    assert "<h1>Unlock the authority</h1>" in desk.page(request)
    assert "<h1>解锁签名服务</h1>" in desk.page(replace(request, language="zh"))


def test_every_operation_that_officers_activate_has_a_name_in_words() -> None:
    named = Path("webui/templates/activation/record.html").read_text("utf-8").partition("operations = {")[2]
    assert set(re.findall(r'"(\w+)": _\(', named.partition("}")[0])) == set(intents._ARGUMENTS)


def test_the_picture_of_a_seal_is_shown_when_the_act_names_it(desk: Desk) -> None:
    png = picture()
    named = hashlib.sha256(png).hexdigest()
    request = desk.decision("change_picture", content=png, subject=CONTRACT_SEAL.subject, picture=named)
    path = desk.put(request)
    [address] = re.findall(r'<img[^>]* src="([^"]+/seal\.png)"', desk.get(path).text)
    answer = desk.get(address)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", png)


def test_another_picture_of_a_seal_is_not_shown(desk: Desk) -> None:
    named = hashlib.sha256(picture()).hexdigest()
    for content in (picture(), b""):
        request = desk.decision("change_picture", content=content, subject=CONTRACT_SEAL.subject, picture=named)
        path = desk.put(request)
        seen = request.intent.challenge().hex()
        assert desk.get(f"{path}/{seen}/seal.png").status_code == 409
        answer = desk.get(path)
        assert answer.status_code == 409 and OTHER in answer.text and "<form" not in answer.text
        assert desk.confirm_anyway(request, path).status_code == 409
        assert desk.given(request) == ()


def moving() -> bytes:
    """A picture that changes after a while."""
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("white", "red")]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:], duration=60_000)
    return stream.getvalue()


def with_a_comment() -> bytes:
    png, text = picture(), b"tEXtx\x00y"
    return png[:-12] + (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big") + png[-12:]


def test_a_picture_of_a_seal_is_one_picture(desk: Desk) -> None:
    jpeg = io.BytesIO()
    Image.new("RGB", (40, 40)).save(jpeg, "JPEG")
    damaged = bytearray(picture())
    damaged[60] ^= 1
    wrong = [moving(), with_a_comment(), picture() + b"<html>", picture()[:-1], bytes(damaged), jpeg.getvalue()]
    for png in [*wrong, b"", picture()[:8]]:
        named = hashlib.sha256(png).hexdigest()
        request = desk.decision("change_picture", content=png, subject=CONTRACT_SEAL.subject, picture=named)
        path = desk.put(request)
        assert desk.get(f"{path}/{request.intent.challenge().hex()}/seal.png").status_code == 409
        assert desk.confirm_anyway(request, path).status_code == 409
        assert desk.given(request) == ()
