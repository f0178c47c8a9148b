"""The verification centre judges the package of a web capture, and says what it proves."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from appliance.demonstration.participants import ZHANG
from appliance.evidence.repacked import read_zip
from appliance.wiring import Appliance
from tests.evidence.captured import recorded, small_capture
from tests.evidence.resealing import repacked
from tests.portal.conftest import form_token
from tests.world import World, sequenced


@pytest.fixture(scope="module")
def package(appliance: Appliance, world: World) -> bytes:
    """By the real authority, of a capture that Zhang had made."""
    with sequenced(appliance, world):
        made = recorded(appliance, small_capture(), by=ZHANG.subject, name=ZHANG.name)
        return appliance.capture_recording.package(made)


def verified(browser: FlaskClient, package: bytes, form: str, language: str = "en") -> str:
    given = {"form_token": form_token(browser), "file": (BytesIO(package), "page.zip"), "form": form}
    answer = browser.post(
        "/verify", data=given, content_type="multipart/form-data", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200
    return answer.text


def test_a_capture_is_judged_and_is_not_called_a_contract(browser: FlaskClient, package: bytes) -> None:
    said = verified(browser, package, "page")
    assert "TOTAL-PASSED" in said
    assert "The evidence package is complete, unaltered and validly signed." in said
    assert "What it does not prove" in said
    report = said[said.index("TOTAL-PASSED") :]
    assert "the contract" not in report
    assert "网页取证的网址" in verified(browser, package, "page", "zh")
    assert json.loads(verified(browser, package, "json"))["indication"] == "TOTAL-PASSED"


def test_one_that_was_changed_is_not_to_be_relied_on(browser: FlaskClient, package: bytes) -> None:
    picture = bytearray(read_zip(package).files["page.png"])
    picture[-20] ^= 1
    said = verified(browser, repacked(package, {"page.png": bytes(picture)}), "page")
    assert "TOTAL-FAILED" in said
    assert "page.png is not the one that the manifest lists" in said
