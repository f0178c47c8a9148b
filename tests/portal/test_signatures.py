"""My signatures and seals: chosen, drawn, uploaded; what is wrong is said, what is another's stays unseen."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.people import MOST_PICTURES
from appliance.wiring import Appliance
from tests.pdf import documents
from tests.portal.visitors import signed_in
from tests.world import send

STROKES = [[[100, 200], [150, 120], [210, 260], [400, 180]], [[500, 50], [500, 350]]]


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    for picture in appliance.appearances.appearance_of(ZHANG.subject).pictures:
        appliance.appearances.remove(ZHANG.subject, picture.id)
    return signed_in(portal, appliance, ZHANG.subject)


def token(browser: FlaskClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/signatures").text)
    assert found is not None
    return found[1]


def post(browser: FlaskClient, where: str, **fields: object) -> TestResponse:
    data = {"form_token": token(browser), **fields}
    return browser.post(f"/signatures/{where}", data=data)


def draw(browser: FlaskClient, strokes: object = STROKES) -> TestResponse:
    return post(browser, "drawn", strokes=json.dumps(strokes))


def photograph(ink: tuple[int, int, int] = (30, 40, 140), kind: str = "JPEG") -> bytes:
    """A name on paper that lies half in the shade."""
    paper = Image.new("RGB", (1200, 700))
    pen = ImageDraw.Draw(paper)
    for x in range(1200):
        shade = 0.7 + 0.3 * x / 1200
        pen.line([(x, 0), (x, 700)], fill=tuple(int(part * shade) for part in (236, 232, 220)))
    pen.line([(300, 400), (450, 250), (600, 420), (900, 300)], fill=ink, width=14)
    file = BytesIO()
    paper.save(file, kind)
    return file.getvalue()


def uploaded(browser: FlaskClient, data: bytes, name: str = "signature.jpg") -> TestResponse:
    """Written by hand: Flask's client leaves the temporary file open in which it puts a large body."""
    head = f'--x\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token(browser)}\r\n--x\r\n'
    part = f'Content-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
    body = head.encode() + part.encode() + data + b"\r\n--x--\r\n"
    return browser.post("/signatures/image", data=body, content_type="multipart/form-data; boundary=x")


def test_who_is_signed_out_is_led_to_the_login(browser: FlaskClient) -> None:
    answer = browser.get("/signatures")
    assert answer.status_code == 303
    assert answer.location.startswith("/login")


def test_at_first_it_is_the_typed_name(zhang: FlaskClient) -> None:
    page = zhang.get("/signatures").text
    assert page.count('<li class="look') == 1
    assert '<li class="look used">' in page
    picture = Image.open(BytesIO(zhang.get("/signatures/preview/typed.png").data))
    assert picture.size == (477, 205)


def test_a_drawn_signature_is_kept_used_and_signed_with(zhang: FlaskClient, appliance: Appliance) -> None:
    typed = zhang.get("/signatures/preview/typed.png").data
    answer = draw(zhang)
    assert (answer.status_code, answer.location) == (303, "/signatures")
    own = appliance.appearances.appearance_of(ZHANG.subject)
    assert own.chosen == own.pictures[0].id
    assert zhang.get(f"/signatures/preview/{own.chosen}.png").data != typed
    contract = send(appliance, documents.plain(1))
    mine = next(party for party in contract.parties if party.subject == ZHANG.subject)
    assert b"/Hand" in _unpacked(appliance.cycle.prepare(contract.id, mine.id).document)
    assert post(zhang, "use", picture="typed").status_code == 303
    assert b"/Hand" not in _unpacked(appliance.cycle.prepare(contract.id, mine.id).document)


def test_a_photograph_becomes_ink_alone(zhang: FlaskClient, appliance: Appliance) -> None:
    assert uploaded(zhang, photograph()).status_code == 303
    own = appliance.appearances.appearance_of(ZHANG.subject)
    look = Image.open(BytesIO(zhang.get(f"/signatures/preview/{own.chosen}.png").data)).convert("RGB")
    handwriting = look.crop((20, 8, 300, 100))
    pixels = list(handwriting.get_flattened_data())
    blue = sum(b > r + 40 for r, _, b in pixels)
    paper = sum(min(pixel) > 250 for pixel in pixels)
    assert blue > 100
    assert blue + paper > 0.9 * len(pixels)


@pytest.mark.parametrize(
    "strokes",
    [
        [],
        [[]],
        {},
        "x",
        None,
        [[1, 2]],
        [[[1, 2, 3]]],
        [[["1", 2]]],
        [[[True, None]]],
        [[[-1, 0], [5, 5]]],
        [[[0, 401]]],
        [[[float("nan"), 0]]],
        [[[1e999, 0]]],
        [[[10, 10]]],
        [[[x % 1000, 5] for x in range(6001)]],
        [[[1, 1], [900, 300]]] * 201,
    ],
)
def test_drawings_that_are_none(strokes: object, zhang: FlaskClient, appliance: Appliance) -> None:
    answer = draw(zhang, strokes)
    assert answer.status_code == 422
    assert 'id="draw-problem"' in answer.text
    assert not appliance.appearances.appearance_of(ZHANG.subject).pictures


@pytest.mark.parametrize("posted", ["", "{", "[" * 100_000, "1" * 5000, '<script>alert("x")</script>'])
def test_what_is_no_json_is_refused_and_kept_in_the_form(posted: str, zhang: FlaskClient) -> None:
    answer = post(zhang, "drawn", strokes=posted)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"<svg/>",
        photograph()[:2000],
        bytes(2 * 1024 * 1024 + 1),
    ],
)
def test_files_that_are_no_picture(data: bytes, zhang: FlaskClient, appliance: Appliance) -> None:
    answer = uploaded(zhang, data)
    assert answer.status_code == 422
    assert 'id="field-image-problem"' in answer.text
    assert not appliance.appearances.appearance_of(ZHANG.subject).pictures


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("picture", [Image.new("RGB", (400, 200), "white"), Image.new("RGB", (400, 200), "black")])
def test_pictures_without_a_signature(picture: Image.Image, zhang: FlaskClient) -> None:
    assert uploaded(zhang, png(picture), "x.png").status_code == 422


def test_no_file_and_no_name(zhang: FlaskClient) -> None:
    assert post(zhang, "image").status_code == 422
    assert uploaded(zhang, photograph(), "").status_code == 422


def test_a_picture_of_too_many_pixels(zhang: FlaskClient) -> None:
    assert uploaded(zhang, png(Image.new("1", (20_000, 20_000))), "x.png").status_code == 422


def test_a_picture_cut_out_already_stays_as_it_is(zhang: FlaskClient, appliance: Appliance) -> None:
    picture = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(20, 180), (200, 20), (380, 150)], fill=(200, 20, 20, 255), width=10)
    assert uploaded(zhang, png(picture), "x.png").status_code == 303


def test_there_is_room_for_six(zhang: FlaskClient, appliance: Appliance) -> None:
    form_token = token(zhang)
    data = {"form_token": form_token, "strokes": json.dumps(STROKES)}
    for _ in range(MOST_PICTURES):
        assert zhang.post("/signatures/drawn", data=data).status_code == 303
    assert zhang.post("/signatures/drawn", data=data).status_code == 422
    page = zhang.get("/signatures").text
    assert "data-draw" not in page
    oldest = re.findall(r'formaction|name="picture" value="([0-9a-f]{24})"', page)[-1]
    assert post(zhang, "remove", picture=oldest).status_code == 303
    assert len(appliance.appearances.appearance_of(ZHANG.subject).pictures) == MOST_PICTURES - 1


def test_what_is_in_use_and_taken_away_makes_room_for_the_name(zhang: FlaskClient, appliance: Appliance) -> None:
    draw(zhang)
    chosen = appliance.appearances.appearance_of(ZHANG.subject).chosen
    assert post(zhang, "remove", picture=chosen).status_code == 303
    assert appliance.appearances.appearance_of(ZHANG.subject).chosen is None
    assert post(zhang, "remove", picture=chosen).status_code == 404
    assert post(zhang, "use", picture=chosen).status_code == 404


def test_anothers_pictures_are_not_there(zhang: FlaskClient, portal: Flask, appliance: Appliance) -> None:
    draw(zhang)
    mine = appliance.appearances.appearance_of(ZHANG.subject).chosen
    browser = signed_in(portal, appliance, LI.subject)
    assert browser.get(f"/signatures/preview/{mine}.png").status_code == 404
    assert post(browser, "use", picture=mine).status_code == 404
    assert post(browser, "remove", picture=mine).status_code == 404
    assert appliance.appearances.appearance_of(ZHANG.subject).chosen == mine


def test_seals_that_one_keeps_or_may_ask_for(portal: Flask, appliance: Appliance) -> None:
    browser = signed_in(portal, appliance, CUSTODIAN.subject, [AccountRole.CUSTODIAN])
    page = browser.get("/signatures").text
    assert f"/signatures/seals/{CONTRACT_SEAL.subject}.svg" in page
    assert "40 mm" in page
    picture = browser.get(f"/signatures/seals/{CONTRACT_SEAL.subject}.svg")
    assert picture.content_type.startswith("image/svg+xml")
    assert 'width="40mm"' in picture.text
    assert browser.get("/signatures/seals/seal-unknown.svg").status_code == 404


def test_seals_of_another_organisation_are_not_shown(portal: Flask, appliance: Appliance) -> None:
    assert LI.organisation != CONTRACT_SEAL.organisation
    browser = signed_in(portal, appliance, LI.subject)
    assert CONTRACT_SEAL.subject not in browser.get("/signatures").text
    assert browser.get(f"/signatures/seals/{CONTRACT_SEAL.subject}.svg").status_code == 404


def test_foreign_forms_are_refused(zhang: FlaskClient) -> None:
    for where in ("drawn", "image", "use", "remove"):
        assert zhang.post(f"/signatures/{where}", data={"strokes": json.dumps(STROKES)}).status_code == 403


def _unpacked(document: bytes) -> bytes:
    """What is written in the document in the clear."""
    return document
