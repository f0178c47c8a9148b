"""A document that was signed before it came here: what is said of that, from the upload to the verification."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, ZHANG
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.model.contract import ContractState
from appliance.model.intent import SigningOrigin
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.portal.conftest import form_token
from tests.portal.drafts import Wizard, upload
from tests.portal.visitors import signed_in
from tests.verification.authorities import Identity, Profile, authority, issue
from tests.verification.documents import Signing, plain, sign
from tests.world import OURS, World, confirm, contract_now, sequenced

HERE = SigningOrigin("192.0.2.1", "")
SIGNER = "外方示例"


@dataclass(frozen=True, slots=True)
class Foreign:
    """An authority that nobody here trusts, and a document that its signer signed, without a timestamp."""

    root: Identity
    document: bytes


@pytest.fixture(scope="module")
def foreign() -> Foreign:
    start = datetime.now(UTC) - timedelta(days=1)
    root = authority("Foreign CA", start=start)
    signer = issue(Profile(SIGNER, start=start, days=300), root)
    return Foreign(root, sign(plain(1), Signing("before", signer, [root])))


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.mark.long
def test_what_was_signed_before_is_said_from_the_upload_to_the_verification(
    zhang: FlaskClient, browser: FlaskClient, appliance: Appliance, world: World, foreign: Foreign
) -> None:
    wizard = _drafted(zhang, foreign.document)
    _send_knowingly(wizard, appliance)
    with sequenced(appliance, world):
        _sign(appliance, wizard.contract)
        package = Exporting(appliance).export(wizard.contract, OURS).package
    page = zhang.get(f"/contracts/{wizard.contract}").text
    assert "在本系统所作的每个签名均带时间戳并已验证" in page
    assert f"签名：{SIGNER}" in page
    readme = bytes(read_zip(package).files["README.en.txt"]).decode()
    assert re.search(rf"- {SIGNER}.*: INDETERMINATE \(field before\)", readme)
    assert appliance.verifier.verify(package).indication is Indication.INDETERMINATE
    answer = _verify(browser, package, foreign.root.pem)
    assert "TOTAL-PASSED" in answer.text
    assert "以您指定的证书为前提：Foreign CA" in answer.text


def _drafted(zhang: FlaskClient, document: bytes) -> Wizard:
    """The first step says who had signed, and that nobody here trusts the issuer."""
    answer = upload(zhang, document)
    wizard = Wizard(zhang, answer.headers["Location"].split("/")[2])
    page = wizard.step("document")
    assert "该文件送达之前已带有签名" in page
    assert f"签名：{SIGNER}" in page
    assert "未能在本系统验证" in page
    wizard.save("document", title="补充协议", kind="采购", purpose="采购示例设备")
    for act in (f"person:{LI.subject}", "myself"):
        wizard.save("parties", act=act)
    wizard.save("fields", act="usual")
    return wizard


def _send_knowingly(wizard: Wizard, appliance: Appliance) -> None:
    """Without the initiator's word it stays a draft; with it, the log says how many could not be verified."""
    assert 'name="unverified"' in wizard.step("check")
    answer = wizard.send("check", wizard.form("check"), act="send")
    assert (answer.status_code, "请确认仍要发出" in answer.text) == (422, True)
    assert contract_now(appliance, wizard.contract).state is ContractState.DRAFT
    assert wizard.send("check", wizard.form("check"), act="send", unverified="accepted").status_code == 303
    assert "送达之前已有、未能在本系统验证的签名数" in wizard.client.get(f"/contracts/{wizard.contract}").text


def _sign(appliance: Appliance, contract_id: str) -> None:
    for party in contract_now(appliance, contract_id).parties:
        opened = appliance.signing.open(contract_id, party.id, HERE)
        confirm(appliance, opened.intent.intent)
        appliance.signing.sign(opened.intent.id, HERE)
    appliance.finalisation.finalise(contract_id)
    assert contract_now(appliance, contract_id).state is ContractState.COMPLETED


def _verify(browser: FlaskClient, content: bytes, *trust: bytes, language: str = "zh") -> TestResponse:
    data = {
        "form_token": form_token(browser),
        "file": (io.BytesIO(content), "given"),
        "trust": [(io.BytesIO(each), f"{number}.pem") for number, each in enumerate(trust)],
    }
    answer = browser.post("/verify", data=data, headers={"Accept-Language": language})
    answer.request.environ["wsgi.input"].close()  # a large form is a file on disk, which the client leaves open
    return answer


def test_anybody_names_certificates_for_one_verification(browser: FlaskClient, foreign: Foreign) -> None:
    """In either form, several in one file or in several; nobody signs in, and the next reader trusts as before."""
    other = authority("Another CA")
    pem = foreign.root.pem
    for trust in ([pem], [foreign.root.der], [other.pem + pem], [other.der, pem]):
        answer = _verify(browser, foreign.document, *trust, language="en")
        assert "TOTAL-PASSED" in answer.text
        assert "rests on a certificate that you named: Foreign CA" in answer.text
        assert ("Another CA" in answer.text) == (len(trust) > 1 or trust[0].startswith(other.pem))
    assert "INDETERMINATE" in _verify(browser, foreign.document).text
    assert "INDETERMINATE" in _verify(browser, foreign.document, other.pem).text


@pytest.mark.parametrize(
    "bad", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nMII\n", b"\x30\x82", b"%PDF-1.7"]
)
def test_what_is_no_certificate_is_said_in_one_sentence(
    browser: FlaskClient, foreign: Foreign, bad: bytes
) -> None:
    answer = _verify(browser, foreign.document, bad)
    assert answer.status_code == 400
    assert "信任文件中没有 PEM 或 DER 格式的证书" in answer.text
    assert _verify(browser, foreign.document, foreign.root.pem, bad).status_code == 400


def test_too_many_certificates_are_refused(browser: FlaskClient, foreign: Foreign) -> None:
    many = b"".join(authority("Many", days=each).pem for each in range(1, 60))
    assert "超过 50 张" in _verify(browser, foreign.document, many).text
    assert _verify(browser, foreign.document, bytes(2_000_000)).status_code == 400


def test_a_document_with_a_broken_signature_does_not_come_in(zhang: FlaskClient, foreign: Foreign) -> None:
    at = foreign.document.find(b"%PDF") + 6
    changed = foreign.document[:at] + bytes([foreign.document[at] ^ 1]) + foreign.document[at + 1 :]
    answer = upload(zhang, changed)
    assert answer.status_code == 422
    assert "已失效的签名（签署区 before）" in answer.text
