"""Pages as pictures: for readers of the contract alone, kept by browsers, never made twice."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract
from appliance.wiring import Appliance
from tests.pdf import documents
from tests.portal.visitors import known_person, signed_in
from tests.world import send


@pytest.fixture(scope="module")
def contract(appliance: Appliance) -> Contract:
    return send(appliance, documents.plain(3))


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


def at(contract: Contract, page: object = 1, query: str = "") -> str:
    return f"/contracts/{contract.id}/pages/{page}.png{query}"


def test_who_is_signed_out_is_led_to_the_login(contract: Contract, browser: FlaskClient) -> None:
    answer = browser.get(at(contract))
    assert answer.status_code == 303
    assert answer.location.startswith("/login")


def test_who_has_nothing_to_do_with_it_learns_nothing(
    contract: Contract, portal: Flask, appliance: Appliance
) -> None:
    known_person(appliance, "person-stranger", "孙路人")
    browser = signed_in(portal, appliance, "person-stranger")
    assert browser.get(at(contract)).status_code == 404


@pytest.mark.parametrize("subject", [ZHANG.subject, LI.subject])
def test_parties_see_the_page(subject: str, contract: Contract, portal: Flask, appliance: Appliance) -> None:
    browser = signed_in(portal, appliance, subject)
    answer = browser.get(at(contract, 2, "?width=640"))
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    picture = Image.open(BytesIO(answer.data))
    assert abs(picture.width - 640) <= 1
    assert abs(picture.height / picture.width - 2**0.5) < 0.01
    assert len(answer.data) < 20_000


def test_the_custodian_of_the_seal_sees_it(contract: Contract, portal: Flask, appliance: Appliance) -> None:
    browser = signed_in(portal, appliance, CUSTODIAN.subject, [AccountRole.CUSTODIAN])
    assert CONTRACT_SEAL.subject in {party.subject for party in contract.parties}
    assert browser.get(at(contract)).status_code == 200


@pytest.mark.parametrize("page", [0, 4, 10**30])
def test_pages_that_are_not_there(page: int, contract: Contract, zhang: FlaskClient) -> None:
    assert zhang.get(at(contract, page)).status_code == 404


@pytest.mark.parametrize("page", ["-1", "x", "1.5"])
def test_numbers_that_are_none(page: str, contract: Contract, zhang: FlaskClient) -> None:
    assert zhang.get(at(contract, page)).status_code == 404


@pytest.mark.parametrize("query", ["?revision=7", "?revision=-1", "?intent=0000", "?intent=%00"])
def test_revisions_and_signatures_that_are_not_there(query: str, contract: Contract, zhang: FlaskClient) -> None:
    assert zhang.get(at(contract, 1, query)).status_code == 404


@pytest.mark.parametrize(
    ("query", "width"), [("?width=x", 1000), ("?width=1", 320), ("?width=100000", 1400), ("", 1000)]
)
def test_widths_come_from_a_fixed_set(query: str, width: int, contract: Contract, zhang: FlaskClient) -> None:
    picture = Image.open(BytesIO(zhang.get(at(contract, 1, query)).data))
    assert abs(picture.width - width) <= 1


def test_browsers_keep_it_but_ask_each_time(contract: Contract, zhang: FlaskClient) -> None:
    answer = zhang.get(at(contract))
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = zhang.get(at(contract), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = zhang.get(at(contract, 2), headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status_code == 200


def test_what_is_about_to_be_signed_is_shown(contract: Contract, appliance: Appliance, zhang: FlaskClient) -> None:
    mine = next(party for party in contract.parties if party.subject == ZHANG.subject)
    prepared = appliance.cycle.prepare(contract.id, mine.id)
    before = zhang.get(at(contract, 3))
    after = zhang.get(at(contract, 3, f"?intent={prepared.id}"))
    assert after.status_code == 200
    assert after.data != before.data
    other = send(appliance, documents.plain(3))
    assert zhang.get(at(other, 3, f"?intent={prepared.id}")).status_code == 404


def test_pictures_are_kept_on_disk(contract: Contract, appliance: Appliance, zhang: FlaskClient) -> None:
    first = zhang.get(at(contract, 3, "?width=320")).data
    kept = [path for path in (appliance.settings.home.cache / "pages").glob("??/*") if path.read_bytes() == first]
    assert len(kept) == 1
    Path(kept[0]).write_bytes(b"from the cache")
    assert zhang.get(at(contract, 3, "?width=320")).data == b"from the cache"
    kept[0].unlink()
