"""What is put in the place of what was seen is not activated."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import replace

import pytest

from appliance.demonstration.participants import OFFICER, ZHANG
from tests.activation.conftest import Desk
from tests.activation.shown import picture


def test_an_act_that_was_swapped_behind_the_page_is_not_activated(desk: Desk) -> None:
    shown, other = desk.document(), desk.document()
    path = desk.put(shown)
    form = desk.form(path)
    desk.swap(path, other)
    answer = desk.send(form, credential=desk.answer(ZHANG.subject, form))
    assert answer.status_code == 409 and "too old" in answer.text
    assert desk.given(shown) == desk.given(other) == ()


@pytest.mark.parametrize("seen", ["", "0" * 64, "x", "é"])
def test_a_form_that_does_not_say_what_was_seen_activates_nothing(desk: Desk, seen: str) -> None:
    request = desk.document()
    form = desk.form(desk.put(request))
    given = desk.answer(ZHANG.subject, form)
    assert desk.send(replace(form, fields={}), credential=given, seen=seen).status_code == 409
    assert desk.send(replace(form, fields={}), credential=given).status_code == 409
    assert desk.given(request) == ()


def test_pictures_of_an_act_that_was_swapped_are_not_shown_on_the_page_of_the_other(desk: Desk) -> None:
    shown = desk.document()
    path = desk.put(shown)
    pictures = re.findall(r'<img src="([^"]+)"', desk.get(path).text)
    desk.swap(path, desk.document())
    assert {desk.get(each).status_code for each in pictures} == {409}
    png = picture()
    named = hashlib.sha256(png).hexdigest()
    desk.swap(path, desk.decision("change_picture", content=png, subject="seal-x", picture=named))
    assert desk.get(f"{path}/{shown.intent.challenge().hex()}/seal.png").status_code == 409


def test_whose_act_it_is_can_be_swapped_for_nothing(desk: Desk) -> None:
    """The same act for another person: that person's passkey would be needed, and has no part in it."""
    request = desk.document()
    path = desk.put(request)
    form = desk.form(path)
    given = desk.answer(ZHANG.subject, form)
    desk.swap(path, replace(request, subject=OFFICER))
    assert desk.send(form, credential=given).status_code == 403
    assert desk.given(request) == ()


def test_two_acts_under_one_nonce_are_told_apart(desk: Desk) -> None:
    request = desk.document()
    assert desk.confirm(ZHANG.subject, desk.put(request)).status_code == 303
    other = replace(request, intent=replace(request.intent, contract=secrets.token_hex(12)))  # type: ignore[type-var]  # it signs
    answer = desk.get(desk.put(other))
    assert answer.status_code == 403 and "<form" not in answer.text
