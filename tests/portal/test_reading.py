"""Policy asks that every page is read before a contract of a type is signed: pages come one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdfium2 import PdfDocument
from werkzeug.test import TestResponse

from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, ZHANG
from appliance.errors import PreconditionRefused
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.page_reading import Reading
from appliance.wiring import Appliance
from tests.portal.conftest import form_token, portal_of
from tests.portal.visitors import known_person, signed_in
from tests.world import OURS, confirm, contract_now, sample_document, shared_world, with_parts

POLICY = """
[types."采购".reading]
every_page = true
seconds = 5
[types."保密".reading]
watermark = true
"""


@pytest.fixture(scope="module")
def later() -> list[timedelta]:
    """How much later it is for readers than at the beginning: however slow the machine, only tests move their
    clock."""
    return [timedelta()]


@pytest.fixture(scope="module")
def appliance(later: list[timedelta]) -> Iterator[Appliance]:
    with shared_world() as world:
        world.home.policy.write_text(POLICY, encoding="utf-8")
        with world.opened() as opened:
            begun = opened.now()
            reading = Reading(opened.database, opened.policy, lambda: begun + later[0])
            yield with_parts(opened, reading=reading)


@pytest.fixture(scope="module")
def pages(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@pytest.fixture
def zhang(pages: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(pages, appliance, ZHANG.subject)


def waiting(appliance: Appliance, kind: str = "采购") -> Contract:
    """Two pages, for Zhang to sign."""
    deadline = Deadline(appliance.now() + timedelta(days=3), "Asia/Shanghai")
    terms = DraftTerms("逐页阅读示例", kind, "阅读", ZHANG.subject, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_document(2), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def go_on(client: FlaskClient, contract: Contract, page: int) -> TestResponse:
    return client.post(
        f"/contracts/{contract.id}/read", data={"form_token": form_token(client), "page": str(page)}
    )


def test_nobody_signs_before_every_page_was_shown_for_its_time(
    zhang: FlaskClient, appliance: Appliance, later: list[timedelta]
) -> None:
    contract = waiting(appliance)
    read, sign = f"/contracts/{contract.id}/read", f"/contracts/{contract.id}/sign"
    assert zhang.get(sign).location == read
    with pytest.raises(PreconditionRefused, match="page by page"):
        appliance.signing.open(contract.id, contract.parties[0].id, SigningOrigin("192.0.2.7"))
    assert go_on(zhang, contract, 1).status_code == 404, "not shown yet"
    first = zhang.get(read)
    assert "第 1 页，共 2 页" in first.text and f"/contracts/{contract.id}/pages/1.png" in first.text
    early = go_on(zhang, contract, 1)
    assert early.status_code == 422 and "秒后可翻页" in early.text
    assert go_on(zhang, contract, 2).status_code == 404, "one page after the other"
    later[0] += timedelta(seconds=5)
    assert go_on(zhang, contract, 1).location == read
    assert "第 2 页，共 2 页" in zhang.get(read).text and zhang.get(sign).location == read
    later[0] += timedelta(seconds=5)
    assert go_on(zhang, contract, 2).location == read
    assert go_on(zhang, contract, 2).status_code == 303, "once more changes nothing"
    assert zhang.get(read).location == sign and zhang.get(sign).status_code == 200
    told = [each for each in Timeline(appliance.database).of(contract.id, OURS) if each.kind == "document-read"]
    assert len(told) == 1 and {"2", "10"} <= {str(fact.value) for fact in told[0].facts}


def test_other_types_are_signed_at_once_and_others_read_nothing(
    zhang: FlaskClient, pages: Flask, appliance: Appliance
) -> None:
    other, contract = waiting(appliance, "租赁"), waiting(appliance)
    assert zhang.get(f"/contracts/{other.id}/sign").status_code == 200
    assert zhang.get(f"/contracts/{other.id}/read").location.endswith("/sign")
    stranger = signed_in(pages, appliance, CUSTODIAN.subject)
    assert stranger.get(f"/contracts/{contract.id}/read").status_code == 404


def test_copies_that_nobody_has_signed_carry_the_readers_name(
    zhang: FlaskClient, pages: Flask, appliance: Appliance
) -> None:
    plain, marked = waiting(appliance, "租赁"), waiting(appliance, "保密")
    given = zhang.get(f"/contracts/{plain.id}/document.pdf").data
    assert given == appliance.contracts.document(plain)
    copy = zhang.get(f"/contracts/{marked.id}/document.pdf").data
    assert copy != appliance.contracts.document(marked)
    shown = [page.get_textpage().get_text_bounded() for page in PdfDocument(copy)]
    assert len(shown) == 2 and all("".join(each.split()).count(ZHANG.name) == 3 for each in shown)
    picture = zhang.get(f"/contracts/{marked.id}/pages/1.png?width=320")
    known_person(appliance, "auditor-reading", "示例审计")
    auditor = signed_in(pages, appliance, "auditor-reading", [AccountRole.AUDITOR])
    other = auditor.get(f"/contracts/{marked.id}/pages/1.png?width=320")
    assert picture.data != other.data != b"" and picture.headers["ETag"] != other.headers["ETag"]
    opened = appliance.signing.open(marked.id, marked.parties[0].id, SigningOrigin("192.0.2.7"))
    confirm(appliance, opened.intent.intent)
    appliance.signing.sign(opened.intent.id, SigningOrigin("192.0.2.7"))
    assert zhang.get(f"/contracts/{marked.id}/document.pdf").data == appliance.contracts.document(
        contract_now(appliance, marked.id)
    )
