"""A power of attorney on the page where officers confirm it: every term, and the letter that they are of."""

from __future__ import annotations

import gc
import hashlib
import html
import io
import re
import weakref
from copy import copy
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, OFFICER, ZHANG
from appliance.errors import DocumentRefused
from appliance.pdf.values import PlainRevision
from appliance.pdf.workshop import PdfWorkshop
from hsm.intents import OfficerIntent
from tests.activation.conftest import BACK, PORTAL, Desk
from tests.activation.shown import shows_nothing, words_of
from tests.powers_of_attorney import details
from tests.world import sample_document

LETTER = sample_document(2)
NUMBER = "power-00112233aabb"
LABELS = ("Grantor", "Signed by", "May sign for it", "Types of contract", "Counterparties")
LABELS += ("Limit of a contract's amount", "Seals", "Replaces earlier ones", "Registered by", "Number")


def asked(desk: Desk, content: bytes = LETTER, **changes: Any) -> ActivationRequest:
    """The officer is asked to confirm a power of Zhang's."""
    given = {"subject": NUMBER, "agent": ZHANG.subject, "registered_by": CUSTODIAN.subject, **changes}
    given.setdefault("letter", hashlib.sha256(content).hexdigest())
    return desk.decision("confirm_power", content=content, **details(**given))


def facts_of(page: str) -> dict[str, str]:
    """What is read beside each label."""
    found = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    return {html.unescape(name): html.unescape(re.sub(r"<br>", "、", value)) for name, value in found}


def test_every_term_is_read_in_both_languages(desk: Desk) -> None:
    request = asked(desk)
    facts = facts_of(desk.page(request))
    read = [facts[name] for name in LABELS]
    assert read[:2] == [ALPHA, "钱示例"]
    assert read[2] == f"{ZHANG.name} · {ZHANG.organisation} ({ZHANG.subject})"
    assert read[3:6] == ["采购合同、服务合同", BETA, "CNY 1,000,000.00"]
    assert CONTRACT_SEAL.subject in read[6] and read[7] == "no" and CUSTODIAN.name in read[8]
    term = facts["In force from"], facts["Last day"]
    assert [re.sub("<[^>]+>", "", each) for each in term] == [
        "2026-11-02 00:00:00 UTC+08:00",
        "2027-10-31 UTC+08:00",
    ]
    assert NUMBER in read[9] and 'datetime="2026-11-01T16:00:00+00:00"' in desk.page(request)
    chinese = desk.page(replace(request, language="zh"))
    assert words_of(chinese).count(BETA) == 1
    assert f"确认{ZHANG.name}" in words_of(chinese) and "授权委托书" in chinese
    assert "受托人" in facts_of(chinese)
    assert request.intent.details["letter"] in words_of(chinese)  # type: ignore[union-attr]  # it is an officers' intent


def test_what_has_no_bounds_says_so(desk: Desk) -> None:
    page = desk.page(asked(desk, kinds=[], counterparties=[], seals=[], limit=None, currency=None, replaces=1))
    facts = facts_of(page)
    for name in ("Types of contract", "Counterparties", "Limit of a contract's amount"):
        assert facts[name].strip() == "not limited", name
    assert (facts["Seals"].strip(), facts["Replaces earlier ones"].strip()) == ("none", "yes")


def test_a_term_that_looks_like_an_identifier_is_shown_as_it_is(desk: Desk) -> None:
    facts = facts_of(desk.page(asked(desk, kinds=[ZHANG.subject], counterparties=[ZHANG.subject])))
    assert [facts[name].strip() for name in LABELS[3:5]] == [ZHANG.subject] * 2


def test_the_letter_s_pages_are_drawn_from_what_is_confirmed(desk: Desk) -> None:
    path = desk.put(asked(desk))
    pictures = re.findall(r'<img src="([^"]+)"', desk.get(path).text)
    assert len(pictures) == 2
    for each in pictures:
        answer = desk.get(each)
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        assert abs(Image.open(io.BytesIO(answer.data)).width - 1000) <= 1
    assert desk.get(pictures[0].replace("/1.png", "/3.png")).status_code == 404
    assert "Fonts are not embedded (Helvetica)" in desk.get(path).text, "what intake would warn of"


@pytest.mark.parametrize(
    "changed",
    [
        {"letter": hashlib.sha256(b"another letter").hexdigest()},
        {"kinds": "采购合同"},
        {"kinds": ["\u3164"]},
        {"since": "yesterday"},
        {"limit": None},
        {"limit": 10**17},
        {"limit": 10**17, "currency": "XXX"},
        {"agent": "somebody"},
        {"note": "free text"},
        {"principal": None},
        {"basis": "legal-representative"},
    ],
)
def test_anything_that_the_authority_would_not_state_shows_nothing(desk: Desk, changed: dict[str, Any]) -> None:
    request = asked(desk, **changed)
    path = desk.put(request)
    answer = desk.get(path)
    assert answer.status_code == 409 and "<form" not in answer.text and "<img" not in answer.text


def test_another_document_than_the_letter_shows_nothing(desk: Desk) -> None:
    request = asked(desk)
    shows_nothing(desk, replace(request, content=sample_document(3)))
    shows_nothing(desk, replace(request, content=b""))
    spoiled = asked(desk, b"no PDF at all")
    answer = desk.get(desk.put(spoiled))
    assert answer.status_code == 409 and "not a PDF" in answer.text


def test_a_refused_letter_is_looked_at_once_and_its_bytes_are_let_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[weakref.ref[PdfWorkshop]] = []

    def refuse(workshop: PdfWorkshop, content: bytes) -> PlainRevision:
        held = copy(workshop)  # stands for the bytes, to which no weak reference is possible
        looked.append(weakref.ref(held))
        raise DocumentRefused("scripted", "The document contains a script.")

    monkeypatch.setattr(PdfWorkshop, "require_plain", refuse)
    path = desk.put(asked(desk, sample_document(4)))
    for _ in range(2):
        assert desk.get(path).status_code == 409
    gc.collect()
    assert [each() for each in looked] == [None]


def test_the_officer_confirms_and_the_authority_states_it(desk: Desk) -> None:
    request = asked(desk, subject="power-00112233cccc")
    path = desk.put(request)
    answer = desk.confirm(OFFICER, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
    assert desk.given(request) == (OFFICER,)
    assert isinstance(request.intent, OfficerIntent)
    made = desk.appliance.authority.confirm_power(request.intent)
    assert ZHANG.name.encode() in made.statement


def test_who_registered_it_reads_why_another_officer_has_to(desk: Desk) -> None:
    request = asked(desk, registered_by=OFFICER)
    answer = desk.confirm(OFFICER, desk.put(request))
    assert "has registered this power of attorney; another officer has to confirm it." in html.unescape(
        answer.text
    )
    assert desk.given(request) == ()


def test_people_are_not_asked(desk: Desk) -> None:
    request = replace(asked(desk), subject=LI.subject)
    answer = desk.confirm(LI.subject, desk.put(request))
    assert "Only officers may do this." in answer.text
    assert desk.given(request) == ()
