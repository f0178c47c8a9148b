"""The report of the verification centre, in each form that the page offers."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.portal.conftest import form_token
from tests.verification.documents import plain
from tests.verification.etsi_schema import indications, require_valid
from webui.portal.verify import FORMS


def reported(browser: FlaskClient, form: str, document: bytes) -> TestResponse:
    return browser.post(
        "/verify",
        data={"form_token": form_token(browser), "form": form, "file": (BytesIO(document), "contract.pdf")},
        content_type="multipart/form-data",
    )


@pytest.mark.parametrize("form", FORMS)
def test_each_form_that_the_page_offers(browser: FlaskClient, form: str) -> None:
    assert f'<option value="{form}">' in browser.get("/verify").text
    answer = reported(browser, form, plain(1))
    kind = {"page": "text/html", "pdf": "application/pdf", "etsi": "application/xml", "json": "application/json"}
    assert (answer.status_code, answer.mimetype) == (200, kind[form])
    if form == "etsi":
        assert indications(require_valid(answer.data)) == ["INDETERMINATE"]
    if form == "json":
        assert json.loads(answer.data)["indication"] == "INDETERMINATE"
