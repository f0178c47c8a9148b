"""Step 3: fields as a plain form, with everything that a browser could send instead of what the page shows."""

from __future__ import annotations

import io
import itertools
import math
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from reportlab.pdfgen.canvas import Canvas
from werkzeug.datastructures import MultiDict

from appliance.contracts.draft_rules import POINTS_PER_MM, AnchorSide, DraftTerms, place_beside
from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.model.contract import Contract, GuestDetails, Party
from appliance.pdf.values import FoundPhrase, PageSize
from appliance.wiring import Appliance
from tests.portal.drafts import Wizard, begun
from tests.portal.visitors import signed_in
from tests.world import contract_now
from webui.portal.drafting.field_rows import read_pages, write_pages

A4 = PageSize(210 * POINTS_PER_MM, 297 * POINTS_PER_MM, 0)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def wizard(zhang: FlaskClient) -> Wizard:
    """A draft of three pages that Li and the seal sign."""
    wizard = begun(zhang)
    wizard.save("parties", act=f"person:{LI.subject}")
    wizard.save("parties", act="seal", seal=CONTRACT_SEAL.subject, requester=ZHANG.subject)
    return wizard


@pytest.fixture
def draft(wizard: Wizard, appliance: Appliance) -> Contract:
    return contract_now(appliance, wizard.contract)


def party(wizard: Wizard, appliance: Appliance, number: int = 0) -> Party:
    return contract_now(appliance, wizard.contract).parties[number]


def with_row(form: MultiDict[str, str], row: dict[str, str]) -> MultiDict[str, str]:
    for name, value in row.items():
        form.add(name, value)
    return form


def row(party_id: str, **changes: str) -> dict[str, str]:
    """A row that is right, but for *changes*."""
    right = {"party": party_id, "pages": "1", "x": "10", "y": "20", "width": "25", "height": "8"}
    return {**right, **changes}


def _in_mm(draft: Contract) -> dict[str, str]:
    return row(draft.parties[0].id, x="21", width="52.5", height="29.7")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pages": ""}, "3 页"),
        ({"pages": "0"}, "3 页"),
        ({"pages": "4"}, "3 页"),
        ({"pages": "3-1"}, "3 页"),
        ({"pages": "1-99999"}, "3 页"),
        ({"pages": "<b>"}, "3 页"),
        ({"x": ""}, "数字"),
        ({"x": "links"}, "数字"),
        ({"x": "NaN"}, "数字"),
        ({"y": "Infinity"}, "数字"),
        ({"width": "1e999"}, "数字"),
        ({"x": "-1"}, "超出了页面"),
        ({"x": "80"}, "超出了页面"),
        ({"y": "93"}, "超出了页面"),
        ({"width": "0"}, "太小"),
        ({"height": "1"}, "太小"),
        ({"width": "-25"}, "太小"),
        ({"party": "nobody"}, "没有这个签署方"),
    ],
)
def test_a_row_that_cannot_be_is_refused_at_its_place_and_kept(
    wizard: Wizard, draft: Contract, appliance: Appliance, changes: dict[str, str], said: str
) -> None:
    form = with_row(wizard.form("fields"), row(draft.parties[1].id))
    form = with_row(form, row(draft.parties[0].id, **changes))
    answer = wizard.send("fields", form)
    assert answer.status_code == 422
    assert said in answer.text.split('id="field-spot-1"')[1].split("</li>")[0]
    assert said not in answer.text.split('id="field-spot-0"')[1].split("</li>")[0]
    assert "<b>" not in answer.text
    assert not any(each.places for each in contract_now(appliance, wizard.contract).parties)
    told = wizard.send("fields", form, json=True)
    assert [problem["row"] for problem in told.get_json()["problems"]] == [1]


def test_columns_that_do_not_fit_together_are_no_form_of_ours(wizard: Wizard, draft: Contract) -> None:
    form = with_row(wizard.form("fields"), row(draft.parties[0].id))
    form.add("x", "12")
    assert wizard.send("fields", form).status_code == 400
    many = wizard.form("fields")
    for _ in range(301):
        with_row(many, row(draft.parties[0].id))
    assert wizard.send("fields", many).status_code == 400


def test_fields_are_placed_on_pages_and_shown_again(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    form = with_row(wizard.form("fields"), row(draft.parties[0].id, pages="全部", x="１０,5"))
    assert wizard.send("fields", form).status_code == 303
    places = party(wizard, appliance).places
    assert [(place.page, place.x, place.y, place.width, place.height) for place in places] == [
        (page, 10.5, 20.0, 25.0, 8.0) for page in range(3)
    ]
    page = wizard.step("fields")
    assert page.count('name="pages" value="1-3"') == 1
    assert len(re.findall(r"<rect class=\"c1\"", page)) == 3


def test_a_number_that_was_rounded_at_the_edge_is_moved_inside(
    wizard: Wizard, draft: Contract, appliance: Appliance
) -> None:
    form = with_row(wizard.form("fields"), row(draft.parties[0].id, x="75.05"))
    wizard.send("fields", form)
    [place] = party(wizard, appliance).places
    assert place.x + place.width <= 100


def test_millimetres_are_another_way_to_say_the_same(
    wizard: Wizard, draft: Contract, appliance: Appliance
) -> None:
    form = with_row(
        wizard.form("fields", "?unit=mm"), row(draft.parties[0].id, x="21", width="52.5", height="29.7")
    )
    answer = wizard.send("fields", form)
    [place] = party(wizard, appliance).places
    assert math.isclose(place.x, 10, abs_tol=0.1)
    assert math.isclose(place.width, 25, abs_tol=0.1)
    assert math.isclose(place.height, 10, abs_tol=0.1)
    assert "unit=mm" in answer.headers["Location"]
    assert 'name="x" inputmode="decimal" value="21"' in wizard.client.get(answer.headers["Location"]).text


def test_a_row_is_added_and_removed_without_script(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    wizard.save("fields", act=f"add:{draft.parties[0].id}")
    assert len(party(wizard, appliance).places) == 1
    wizard.save("fields", act="usual")
    assert [len(each.places) for each in contract_now(appliance, wizard.contract).parties] == [1, 1]
    wizard.save("fields", act="remove:0")
    assert [len(each.places) for each in contract_now(appliance, wizard.contract).parties] == [0, 1]
    assert wizard.save("fields", act="remove:99").status_code == 303


def written_down_to(lowest: int) -> bytes:
    """Text from the top of an A4 page down to *lowest* (points from the foot)."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(A4.width, A4.height))
    for y in range(800, lowest, -14):
        canvas.drawString(40, y, "The parties agree. " * 5)
    canvas.save()
    return stream.getvalue()


def crowded(appliance: Appliance, document: bytes) -> Contract:
    """A draft of four people and a seal."""
    drafting, by = appliance.drafting, ZHANG.subject
    draft = drafting.draft(document, DraftTerms("满页示例", "采购", "示例", by))
    drafting.add_person(draft.id, subject=by, placement=None, by=by)
    for number in range(3):
        guest = GuestDetails(f"外部{number}", "乙公司", f"g{number}@example.test", "+86 138 0000 0000")
        drafting.add_guest(draft.id, guest, by=by)
    drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=by, placement=None, by=by)
    return contract_now(appliance, draft.id)


def test_missing_fields_come_where_nothing_is_written(wizard: Wizard, appliance: Appliance) -> None:
    document = written_down_to(280)
    crowd = Wizard(wizard.client, crowded(appliance, document).id)
    assert crowd.save("fields", act="usual").status_code == 303
    places = [place for each in contract_now(appliance, crowd.contract).parties for place in each.places]
    assert len(places) == 5
    assert all(appliance.layouts.blank_places(contract_now(appliance, crowd.contract).original.digest, places))
    assert not any(one.shared_with(other) for one, other in itertools.combinations(places, 2))


def test_who_finds_no_free_place_is_named(wizard: Wizard, appliance: Appliance) -> None:
    crowd = Wizard(wizard.client, crowded(appliance, written_down_to(150)).id)
    answer = crowd.save("fields", act="usual")
    parties = contract_now(appliance, crowd.contract).parties
    homeless = [each.name for each in parties if not each.places]
    assert answer.status_code == 422 and 0 < len(homeless) < len(parties)
    assert f"末页没有空白处可放置以下签署方的签署区，请自行指定位置：{'、'.join(homeless)}" in answer.text


def test_saving_what_is_saved_changes_nothing(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    wizard.save("fields", act="usual")
    version = contract_now(appliance, wizard.contract).version
    assert wizard.save("fields").status_code == 303
    assert contract_now(appliance, wizard.contract).version == version


def test_the_second_of_two_tabs_is_told_and_its_fields_stay_on_the_page(
    wizard: Wizard, draft: Contract, appliance: Appliance
) -> None:
    old = with_row(wizard.form("fields"), row(draft.parties[0].id, x="33.25"))
    wizard.save("fields", act="usual")
    answer = wizard.send("fields", old)
    assert answer.status_code == 409
    assert ZHANG.name in answer.text
    assert 'value="33.25"' in answer.text
    assert wizard.send("fields", old, json=True).get_json()["version"] == draft.version + 2
    again = MultiDict(old)
    again.setlist("seen", [str(contract_now(appliance, wizard.contract).version)])
    assert wizard.send("fields", again).status_code == 303
    assert [place.x for place in party(wizard, appliance).places] == [33.25]


@pytest.mark.parametrize("y", ["", "oben", "-1", "95", "NaN"])
def test_a_cross_page_seal_lies_inside_the_page(wizard: Wizard, draft: Contract, y: str) -> None:
    seal = draft.parties[1].id
    form = with_row(wizard.form("fields"), {"cross": seal})
    form.setlist(f"cross-y-{seal}", [y])
    answer = wizard.send("fields", form)
    assert answer.status_code == 422
    assert 'class="problem" role="alert">' in answer.text


def test_a_cross_page_seal_is_kept_with_its_height(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    seal = draft.parties[1].id
    form = with_row(wizard.form("fields"), {"cross": seal})
    form.setlist(f"cross-y-{seal}", ["30"])
    assert wizard.send("fields", form).status_code == 303
    cross = party(wizard, appliance, 1).cross_page
    assert cross is not None
    assert cross.y == 30.0
    wizard.send(
        "fields", MultiDict([each for each in wizard.form("fields").items(multi=True) if each[0] != "cross"])
    )
    assert party(wizard, appliance, 1).cross_page is None


def test_a_person_has_no_cross_page_seal(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    wizard.send("fields", with_row(wizard.form("fields"), {"cross": draft.parties[0].id}))
    assert party(wizard, appliance).cross_page is None


def test_fields_go_where_words_stand(wizard: Wizard, draft: Contract, appliance: Appliance) -> None:
    search = {"phrase": "clause 7:", "keyword_party": draft.parties[0].id, "side": "after"}
    answer = wizard.save("fields", act="find", **search)
    address = answer.headers["Location"]
    page = wizard.client.get(address).text
    assert page.count('name="hit"') == 3
    form = wizard.form("fields", "?" + address.partition("?")[2].partition("#")[0])
    form.setlist("hit", ["0", "2", "77"])
    assert wizard.send("fields", form, act="anchor", **search).status_code == 303
    assert [place.page for place in party(wizard, appliance).places] == [0, 2]


@pytest.mark.parametrize("phrase", ["", " ", "没有这些字", "<b>", "x" * 101])
def test_words_that_do_not_stand_there_are_told(wizard: Wizard, draft: Contract, phrase: str) -> None:
    search = {"phrase": phrase, "keyword_party": draft.parties[0].id, "side": "after"}
    page = wizard.client.get(wizard.save("fields", act="find", **search).headers["Location"]).text
    assert 'name="hit"' not in page
    assert "<b>" not in page
    assert "请输入要查找的文字" in page or 'role="alert"' in page or "文件中没有" in page


@pytest.mark.parametrize(
    ("side", "x", "y"),
    [
        (AnchorSide.AFTER, 20 + 10 + 200 / 210, 50 + 1 - 5),
        (AnchorSide.BELOW, 20, 52 + 200 / 297),
        (AnchorSide.OVER, 15, 46),
    ],
)
def test_a_field_goes_after_below_or_over_the_words(side: AnchorSide, x: float, y: float) -> None:
    place = place_beside(FoundPhrase("签字：", 0, 20, 50, 10, 2), side, A4, width_mm=42, height_mm=29.7)
    assert math.isclose(place.x, x, abs_tol=0.01)
    assert math.isclose(place.y, y, abs_tol=0.01)
    assert math.isclose(place.width, 20, abs_tol=0.01)


def test_a_field_beside_words_at_the_edge_stays_on_the_page() -> None:
    place = place_beside(FoundPhrase("签字：", 0, 95, 99, 5, 1), AnchorSide.AFTER, A4, width_mm=42, height_mm=29.7)
    assert place.x + place.width <= 100.001
    assert place.y + place.height <= 100.001


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("1-3, 5", (1, 2, 3, 5)),
        ("１，３", (1, 3)),
        ("2–3、5", (2, 3, 5)),
        ("all", (1, 2, 3, 4, 5)),
        ("全部", (1, 2, 3, 4, 5)),
        ("单数", (1, 3, 5)),
        ("EVEN", (2, 4)),
        ("", None),
        ("6", None),
        ("0", None),
        ("1-", None),
        ("a", None),
        ("1.5", None),
    ],
)
def test_pages_as_people_write_them(text: str, pages: tuple[int, ...] | None) -> None:
    assert read_pages(text, 5) == pages
    if pages:
        assert read_pages(write_pages(pages), 5) == pages


def test_a_long_document_is_shown_in_parts_and_stays_light(zhang: FlaskClient, appliance: Appliance) -> None:
    wizard = begun(zhang, pages=230)
    wizard.save("parties", act=f"person:{LI.subject}")
    li = contract_now(appliance, wizard.contract).parties[0].id
    refused = wizard.send("fields", with_row(wizard.form("fields"), row(li, pages="all")))
    assert refused.status_code == 422
    assert "200" in refused.text
    wizard.send("fields", with_row(wizard.form("fields"), row(li, pages="1-200")))
    first, last = wizard.step("fields"), wizard.step("fields", "?from=230")
    assert first.count('class="folio"') == 100
    assert last.count('class="folio"') == 30
    assert max(len(first.encode()), len(last.encode()), len(wizard.step("check").encode())) < 150_000
