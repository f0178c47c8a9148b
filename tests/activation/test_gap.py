"""The room for the signature is nothing else: what comes into it changes nothing that was shown."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import ZHANG, ZONE
from appliance.pdf import pages
from appliance.pdf.values import PlainRevision
from hsm import canonical
from hsm.intents import SigningIntent
from tests.activation.conftest import BACK, Desk
from tests.authority import soon
from tests.pdf import content_cases, overlapping, twins
from tests.pdf.overlapping import FIELD, Prepared, Shape
from tests.sweeps import one_in
from webui.activation import documents

SHARED = "is also part of something else in this document"


def request_for(made: Prepared) -> ActivationRequest:
    (start, length), content = made.gap, made.content
    digest = hashlib.sha256(content[:start] + content[start + length :]).digest()
    intent = SigningIntent("c-1", "p-1", FIELD, ZHANG.subject, digest, soon(), secrets.token_bytes(16))
    return ActivationRequest(
        ZHANG.subject, intent, BACK, "en", ZONE, content=content, base=made.base, gap=made.gap
    )


def refused(desk: Desk, request: ActivationRequest) -> str:
    """The words of the refusal; neither picture nor form activates anything."""
    path = desk.put(request)
    answer = desk.get(path)
    assert answer.status_code == 409 and "<form" not in answer.text and "<img" not in answer.text
    assert desk.get(f"{path}/{request.intent.challenge().hex()}/1.png").status_code == 409
    assert desk.confirm_anyway(request, path).status_code == 409
    assert desk.given(request) == ()
    return answer.text


def test_a_document_of_that_make_is_shown_when_nothing_overlaps(desk: Desk) -> None:
    request = request_for(overlapping.prepared(overlapping.HONEST))
    path = desk.put(request)
    assert desk.get(f"{path}/{request.intent.challenge().hex()}/1.png").status_code == 200
    assert desk.confirm(ZHANG.subject, path).status_code == 303


ALL = overlapping.OVERLAPPING | overlapping.HIDDEN
TWO_READINGS = overlapping.TWO_READINGS | {"a table": ALL.pop("a table")}


@pytest.mark.parametrize("shape", ALL.values(), ids=ALL)
def test_a_signature_that_is_also_something_else_shows_nothing(desk: Desk, shape: Shape) -> None:
    assert SHARED in refused(desk, request_for(overlapping.prepared(shape)))


@pytest.mark.parametrize("shape", TWO_READINGS.values(), ids=TWO_READINGS)
def test_one_that_programs_read_differently_shows_nothing(desk: Desk, shape: Shape) -> None:
    assert "read this file differently" in refused(desk, request_for(overlapping.prepared(shape)))


@pytest.mark.parametrize("shape", overlapping.BROKEN.values(), ids=overlapping.BROKEN)
def test_neither_does_one_that_not_all_can_read(desk: Desk, shape: Shape) -> None:
    assert "not a well-formed PDF" in refused(desk, request_for(overlapping.prepared(shape)))


STATED = (
    twins.without_blank,
    twins.with_an_escape,
    twins.by_reference,
    twins.with_a_sign,
    twins.with_a_comment,
)


@pytest.mark.parametrize("stated", STATED)
def test_one_whose_gap_could_be_elsewhere_shows_nothing(desk: Desk, stated: twins.Stated) -> None:
    """The same signature would count for another document, of which the same bytes are signed."""
    made = twins.twins(stated)
    shown, other = (request_for(each) for each in (made.shown, made.other))
    assert shown.intent.digest == other.intent.digest  # type: ignore[union-attr]  # they sign
    colours = [pages.drawn(each.content, 0, 300).getpixel((150, 150)) for each in (made.shown, made.other)]
    assert colours == [twins.SHOWN, twins.HIDDEN]
    assert SHARED in refused(desk, shown)
    refused(desk, other)


def test_one_that_says_twice_where_its_gap_is_shows_nothing(desk: Desk) -> None:
    made = twins.twins(twins.plainly)
    for each in (made.shown, made.other):
        refused(desk, request_for(each))


def test_the_field_is_the_one_that_the_act_names(desk: Desk) -> None:
    made = overlapping.prepared(overlapping.HONEST)
    other = overlapping.Prepared(made.content.replace(b"(Signature1)", b"(Signature2)"), made.base, made.gap)
    assert SHARED in refused(desk, request_for(other))


def test_active_content_shows_nothing(desk: Desk) -> None:
    assert "an action (JavaScript)" in refused(desk, request_for(overlapping.prepared(overlapping.SCRIPTED)))


def test_a_layer_that_is_hidden_here_alone_shows_nothing(desk: Desk) -> None:
    """PDFium, which draws the pages, leaves out what other programs show: no settings apply the usage."""
    layer = b"5 0 obj\n<</OC<</Type/OCG/Name(M)/Usage<</View<</ViewState/OFF>>>>>>>>\nendobj\n"
    made = overlapping.prepared(overlapping.Shape(layer))
    assert "layers that are hidden" in refused(desk, request_for(made))


# The page of these tests has chosen a font before.
WITHOUT_FONT = {"text without a font", "a font that was put away"}


@pytest.mark.parametrize("content", one_in(8, (each for each in content_cases.ODD if each not in WITHOUT_FONT)))
def test_content_that_programs_draw_differently_shows_nothing(desk: Desk, content: str) -> None:
    drawn = content_cases.ODD[content].replace(b"/F1", b"/F")
    made = overlapping.prepared(replace(overlapping.HONEST, drawn=drawn))
    assert "on page 1 breaks the rules of PDF" in refused(desk, request_for(made))


def test_a_page_that_looks_different_refuses_the_act(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first look has missed, the second one finds; and then the act is refused, not its page alone."""
    made = overlapping.prepared(replace(overlapping.PICTURE, catalogue=b"/Lang(en)"))
    request = request_for(made)
    path = desk.put(request)
    monkeypatch.setattr(
        "appliance.pdf.workshop.PdfWorkshop.require_plain_gap", lambda *given, **named: PlainRevision(1)
    )
    form = desk.form(path)
    picture = f"{path}/{request.intent.challenge().hex()}/1.png"
    assert desk.get(picture).status_code == 409
    assert SHARED in refused(desk, request)
    assert desk.send(form, credential=desk.answer(ZHANG.subject, form)).status_code == 409


def test_what_is_remembered_has_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MOST_REMEMBERED", 1)
    for shape in (overlapping.PICTURE, overlapping.SCRIPTED, overlapping.PICTURE):
        refused(desk, request_for(overlapping.prepared(shape)))


def test_a_record_that_is_a_document_too_shows_nothing(desk: Desk) -> None:
    """The digest of a declaration, with a PDF of one line as its reason."""
    made = overlapping.prepared(overlapping.HONEST)
    entries = dict.fromkeys(
        ["contract", "declared", "digest", "format", "name", "organisation", "person", "title"], "x"
    )
    front, back = canonical.encode(entries | {"reason": "@@"}).split(b"@@")
    (start, length), shift = made.gap, len(front)
    content = front + made.content + back
    numbers = b"/ByteRange [0 %d %d %d]"
    old = numbers % (start, start + length, len(made.content) - start - length)
    new = numbers % (start + shift, start + length + shift, len(content) - start - length - shift)
    content = content.replace(old + b" " * (len(new) - len(old)), new)
    assert new in content
    both = overlapping.Prepared(content, shift, (start + shift, length))
    assert "What would be shown here is not what would be confirmed" in refused(desk, request_for(both))
    within = overlapping.Prepared(made.content, 8, made.gap)
    assert "What would be shown here is not what would be confirmed" in refused(desk, request_for(within))
