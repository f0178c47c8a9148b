"""From the request on the first page by way of the confirmation page to the signature, and the way to say no."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.remote_signing import RemoteAsk
from appliance.remote_signing.requests import RemoteRequests
from appliance.store import remote_signing
from appliance.wiring import Appliance
from hsm.remote import RemoteDocument, RemoteUse
from tests import activation_service as visits
from tests.portal.office_visits import token_in
from tests.portal.visitors import signed_in
from tests.remote_signing.conftest import DIGESTS, OFFICE, ask_for
from tests.world import sample_document

ORIGIN = "http://localhost:8083"


@pytest.fixture(scope="module")
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture(scope="module")
def service(appliance: Appliance) -> Iterator[FlaskClient]:
    with visits.activation_service(appliance.settings) as found:
        yield visits.browser_at(found)


def confirm(client: FlaskClient, service: FlaskClient, appliance: Appliance, path: str) -> str:
    """The visitor opens the request, and their passkey answers; what the confirmation page said."""
    sent = client.post(f"{path}/confirm", data={"form_token": token_in(client.get(path).text)})
    assert sent.status_code == 303 and sent.headers["Location"].startswith(ORIGIN)
    page = service.get(urlsplit(sent.headers["Location"]).path, base_url=ORIGIN).text
    form = visits.passkey_form(page)
    answer = visits.answer(appliance.settings.home, ZHANG.subject, form)
    back = visits.send_to(service, ORIGIN, form, credential=answer)
    assert urlsplit(back.headers["Location"]).path == path
    return page


def test_a_request_is_found_read_confirmed_and_signed(
    zhang: FlaskClient, service: FlaskClient, appliance: Appliance, requests: RemoteRequests
) -> None:
    pdf = sample_document(1)
    made = requests.ask(
        OFFICE, RemoteAsk(ZHANG.subject, RemoteUse.DOCUMENT, (RemoteDocument(bytes(32), "报价.pdf"),), pdf)
    )
    path = f"/remote/{made.request.id}"
    assert 'href="/remote"' in zhang.get("/").text
    listed = zhang.get("/remote").text
    assert OFFICE.name in listed and f'href="{path}"' in listed
    shown = confirm(zhang, service, appliance, path)
    assert "<img src=" in shown and "报价.pdf" in shown
    page = zhang.get(path).text
    assert "You have confirmed this" in page or "您已确认" in page
    digests = [each.digest for each in made.request.signing.documents]
    assert len(requests.fetch(OFFICE, made.secret, RemoteUse.DOCUMENT, digests)) == 1
    assert "<form" not in zhang.get(path).text.partition("<main")[2].partition("</main")[0]


def test_everybody_who_signs_finds_the_page_in_the_menu(
    zhang: FlaskClient,
) -> None:
    """Also while nothing waits, on a desktop and on a phone."""
    assert zhang.get("/").text.count('<a href="/remote">') == 2


def test_an_unseen_hash_is_warned_of_and_refused_for_good(zhang: FlaskClient, requests: RemoteRequests) -> None:
    made = requests.ask(OFFICE, ask_for())
    path = f"/remote/{made.request.id}"
    page = zhang.get(path).text
    assert "callout warning" in page and DIGESTS[0].hex() in page
    token = {"form_token": token_in(page)}
    assert zhang.post(f"{path}/refuse", data={**token, "block": "1"}).status_code == 303
    listed = zhang.get("/remote").text
    assert OFFICE.id in listed
    assert zhang.post("/remote/admit", data={**token, "client": OFFICE.id}).status_code == 303
    assert requests.blocked_by(ZHANG.subject) == []


def test_nobody_else_sees_it(portal: Flask, appliance: Appliance, requests: RemoteRequests) -> None:
    made = requests.ask(OFFICE, ask_for())
    other = signed_in(portal, appliance, LI.subject)
    path = f"/remote/{made.request.id}"
    assert other.get(path).status_code == 404 and made.request.id not in other.get("/remote").text
    token = {"form_token": token_in(other.get("/remote").text)}
    for what in ("confirm", "refuse"):
        assert other.post(f"{path}/{what}", data=token).status_code == 404
    requests.refuse(made.request.id, by=ZHANG.subject)


def test_while_the_software_fetches_nobody_is_told_that_nothing_was_signed(
    zhang: FlaskClient, appliance: Appliance, requests: RemoteRequests
) -> None:
    made = requests.ask(OFFICE, ask_for())
    assert appliance.database.commit(remote_signing.claim, made.request.id)
    page = zhang.get(f"/remote/{made.request.id}").text
    assert "nothing was signed" not in page and "未签署任何内容" not in page
    appliance.database.commit(remote_signing.release, made.request.id)
    requests.refuse(made.request.id, by=ZHANG.subject)
