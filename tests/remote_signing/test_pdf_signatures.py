"""PDFs that software hands in are signed within, after their person has seen them: others judge what comes of it,
and what was signed before still holds. Nothing but what was shown is signed, and nobody else is given it."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient
from pikepdf import Name
from pyhanko.pdf_utils.reader import PdfFileReader
from reportlab.pdfgen.canvas import Canvas

from appliance.demonstration.participants import ZHANG
from appliance.errors import DocumentRefused, ResultRefused, StateRefused
from appliance.model.api_clients import Scope
from appliance.model.remote_signing import PdfLevel, PdfOrder, RemoteAsk, RemoteRequestState
from appliance.pdf.values import FieldPlacement, PrepareOrder
from appliance.remote_signing.requests import AskedRequest, RemoteRequests
from appliance.verification.model import Level
from appliance.wiring import Appliance
from hsm.certificates import Profile
from hsm.errors import Sentence, TimeNotAvailable
from hsm.remote import RemoteDocument, RemoteUse
from tests import activation_service as visits
from tests.api.programs import Programs
from tests.pdf import contract, documents, judges, twins
from tests.pdf.document_signer import DocumentSigner
from tests.portal.office_visits import token_in
from tests.portal.visitors import signed_in
from tests.remote_signing.conftest import OFFICE
from tests.remote_signing.test_csc import DOCUMENT, ECDSA, SHA256, post
from tests.remote_signing.test_pages import ORIGIN, confirm
from tests.remote_signing.test_pyhanko import require_openssl
from tests.world import confirm_by, sample_document

OTHER = "client-00000000000000b3"
CERTIFIED, REVISION = (PdfOrder(PdfLevel.T, certifies) for certifies in (True, False))


@pytest.fixture(scope="module")
def client(portal: Flask, known: Programs) -> FlaskClient:
    client = portal.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(OFFICE.id)}"
    return client


@pytest.fixture(scope="module")
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture(scope="module")
def service(appliance: Appliance) -> Iterator[FlaskClient]:
    with visits.activation_service(appliance.settings) as found:
        yield visits.browser_at(found)


@pytest.fixture(autouse=True)
def nothing_waits(requests: RemoteRequests) -> Iterator[None]:
    yield
    for each in requests.waiting_for(ZHANG.subject):
        requests.refuse(each.id, by=ZHANG.subject)


def given(pdf: bytes, level: str = "AdES-B-T", **more: str) -> dict[str, Any]:
    """The document as the API takes it."""
    document = base64.b64encode(pdf).decode()
    return {"document": document, "signature_format": "P", "conformance_level": level, "signAlgo": ECDSA, **more}


def asked_for(requests: RemoteRequests, pdf: bytes, order: PdfOrder = REVISION) -> AskedRequest:
    ask = RemoteAsk(ZHANG.subject, RemoteUse.DOCUMENT, (RemoteDocument(bytes(32), "报价.pdf"),), pdf, order)
    return requests.ask(OFFICE, ask)


def fetched(requests: RemoteRequests, asked: AskedRequest, pdf: bytes) -> bytes:
    order = asked.request.pdf.order if asked.request.pdf else None
    digest = hashlib.sha256(pdf).digest()
    [signed] = requests.fetch(OFFICE, asked.secret, RemoteUse.DOCUMENT, [digest], pdf=order)
    return signed


def signed_by_zhang(appliance: Appliance, pdf: bytes, order: PdfOrder = REVISION) -> bytes:
    asked = asked_for(appliance.remote_requests, pdf, order)
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    return fetched(appliance.remote_requests, asked, pdf)


@pytest.mark.parametrize(
    ("level", "made"),
    [("AdES-B-B", Level.B), ("Ades-B-T", Level.T), ("AdES-B-LT", Level.LTA), ("AdES-B-LTA", Level.LTA)],
)
def test_a_pdf_is_shown_and_signed_within(
    client: FlaskClient,
    zhang: FlaskClient,
    service: FlaskClient,
    appliance: Appliance,
    tmp_path: Path,
    level: str,
    made: Level,
) -> None:
    pdf = sample_document(2)
    hashes = {"hashes": [base64.b64encode(hashlib.sha256(pdf).digest()).decode()], "hashAlgorithmOID": SHA256}
    asking = {
        "credentialID": DOCUMENT,
        "numSignatures": 1,
        "description": "报价.pdf",
        "documents": [given(pdf, level)],
    }
    asked = post(client, "v2/credentials/authorize", **asking, **hashes).json
    assert asked is not None and set(asked) == {"handle", "confirmation"}
    path = "/remote/" + asked["confirmation"].rpartition("/")[2]
    shown = confirm(zhang, service, appliance, path)
    assert shown.count("<img src=") == 2 and "报价.pdf" in shown
    sad = post(client, "v2/credentials/authorizeCheck", handle=asked["handle"]).json["SAD"]  # type: ignore[index]
    signing = {"credentialID": DOCUMENT, "SAD": sad, "documents": [given(pdf, level)]}
    answer = post(client, "v2/signatures/signDoc", **signing).json
    assert answer is not None and set(answer) == {"DocumentWithSignature"}
    assert post(client, "v2/signatures/signDoc", **signing).json == answer, "once, and the same again"
    signed = base64.b64decode(answer["DocumentWithSignature"][0])
    assert signed.startswith(pdf)

    own = [each for each in appliance.verifier.verify_pdf(signed).signatures if not each.document_timestamp]
    assert [(each.passed, each.level) for each in own] == [(True, made)]
    assert judges.valid_by_poppler(signed, tmp_path) == 1
    [theirs] = PdfFileReader(io.BytesIO(signed)).embedded_regular_signatures
    theirs.compute_integrity_info()
    assert theirs.summarise_integrity_info()["docmdp_ok"] and theirs.field_name == own[0].field
    if made is Level.LTA:
        root = x509.load_pem_x509_certificate((appliance.settings.home.trust / "ca.pem").read_bytes())
        judges.assert_lasting(signed, root)
    else:
        require_openssl(signed, appliance, tmp_path)


def test_signatures_are_added_to_those_before_and_break_none(appliance: Appliance, tmp_path: Path) -> None:
    pdf = sample_document(1)
    first = signed_by_zhang(appliance, pdf)
    second = signed_by_zhang(appliance, first, PdfOrder(PdfLevel.LTA, certifies=False))
    third = signed_by_zhang(appliance, second)
    fourth = signed_by_zhang(appliance, third, PdfOrder(PdfLevel.LTA, certifies=False))
    assert judges.brought_twice(fourth) == []
    assert second.startswith(first) and third.startswith(second)
    report = appliance.verifier.verify_pdf(third)
    assert [each.passed for each in report.signatures] == [True] * 4, "three, and the timestamp over two"
    assert judges.valid_by_poppler(third, tmp_path) == 3


def test_a_stranger_s_signature_still_holds(appliance: Appliance, tmp_path: Path) -> None:
    workshop, stranger = appliance.workshop, DocumentSigner()
    fields = [FieldPlacement("theirs", 0, 10, 10, 30, 10)]
    order = PrepareOrder("theirs", contract.ZHANG, contract.WHEN)
    prepared = workshop.prepare(workshop.add_fields(sample_document(1), fields), order)
    holder = stranger.holder(Profile.PERSON, "王他人")
    theirs = workshop.embed(prepared, stranger.signature(holder, prepared.digest))
    signed = signed_by_zhang(appliance, theirs)
    assert signed.startswith(theirs) and judges.valid_by_poppler(signed, tmp_path) == 2


def test_what_earlier_signatures_forbid_is_not_done(client: FlaskClient, appliance: Appliance) -> None:
    requests, pdf = appliance.remote_requests, sample_document(1)
    certified = signed_by_zhang(appliance, pdf, CERTIFIED)
    once = signed_by_zhang(appliance, pdf)
    assert b"/DocMDP" in certified and b"/DocMDP" not in once
    broken = once.replace(b"/Producer (ReportLab", b"/Producer (ReportBad")
    refused = {
        "allows no further": (certified, REVISION),
        "cannot be certified": (once, CERTIFIED),
        "broken": (broken, REVISION),
    }
    assert broken != once
    for sentence, (document, order) in refused.items():
        envelope = "Certification" if order.certifies else "Revision"
        document_in = given(document, signed_envelope_property=envelope)
        asking = {"credentialID": DOCUMENT, "numSignatures": 1, "documents": [document_in]}
        answer = post(client, "v2/credentials/authorize", **asking)
        assert answer.status_code == 400 and sentence in answer.text, answer.text
    assert requests.waiting_for(ZHANG.subject) == []


# Attacks.


def with_subject(subject: str) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=1)
    canvas.setSubject(subject)
    canvas.drawString(72, 700, "Nothing is owed.")
    canvas.save()
    return stream.getvalue()


def with_a_second_place(requests: RemoteRequests) -> bytes:
    """A PDF that says of a signature in it that it covers as many bytes as that of the prepared one will: put
    there, the message would be valid in a file whose tables lead to other pages."""
    said = "/Contents /ByteRange [0 0600 9000 {:08}]"
    asked = asked_for(requests, with_subject(said.format(0)))
    assert asked.request.pdf is not None
    whole = len(requests.content_of(asked.request.id)) - asked.request.pdf.gap[1]
    requests.refuse(asked.request.id, by=ZHANG.subject)
    return with_subject(said.format(whole - 600))


OTHER_PAGES: dict[str, Callable[[RemoteRequests], bytes]] = {
    "two files in one": lambda _: twins.twins(twins.by_reference).shown.content,
    "a hidden layer": lambda _: documents.with_layer(hidden=True),
    "objects that programs find": lambda _: documents.unlisted_packing(),
    "another place for the signature": with_a_second_place,
    "a script": lambda _: documents.with_action(S=Name.JavaScript, JS="app.alert(1)"),
    "no PDF": lambda _: b"text",
}


@pytest.mark.parametrize("kind", OTHER_PAGES)
def test_a_pdf_that_could_show_other_pages_is_refused(requests: RemoteRequests, kind: str) -> None:
    pdf = OTHER_PAGES[kind](requests)
    with pytest.raises(DocumentRefused):
        asked_for(requests, pdf)
    assert requests.waiting_for(ZHANG.subject) == []


def test_a_document_that_was_swapped_is_neither_shown_nor_signed(
    appliance: Appliance, zhang: FlaskClient, service: FlaskClient
) -> None:
    """Whoever writes the portal's database puts another prepared PDF in its place, before or after the person."""
    requests, pdf = appliance.remote_requests, sample_document(1)
    asked, other = asked_for(requests, pdf), asked_for(requests, sample_document(2))
    fair, foul = (requests.content_of(each.request.id) for each in (asked, other))

    def put(content: bytes) -> None:
        with appliance.database.transaction() as tx:
            assert tx.update("remote_requests", {"content": content}, id=asked.request.id)

    put(foul)
    path = f"/remote/{asked.request.id}"
    sent = zhang.post(f"{path}/confirm", data={"form_token": token_in(zhang.get(path).text)})
    answer = service.get(sent.headers["Location"].removeprefix(ORIGIN), base_url=ORIGIN)
    assert answer.status_code == 409 and "<form" not in answer.text and "<img" not in answer.text
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    for content in (foul, fair[:-1], fair.replace(b"ReportLab", b"ReportBad"), b""):
        put(content)
        with pytest.raises(ResultRefused, match="nothing was signed"):
            fetched(requests, asked, pdf)
    put(fair)
    assert fetched(requests, asked, pdf).startswith(pdf), "nothing was used up"
    requests.refuse(other.request.id, by=ZHANG.subject)


def test_the_signed_document_is_given_to_nobody_else(
    client: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    known.add(OTHER, scopes=frozenset({Scope.SIGNATURES_REQUEST}))
    requests, pdf = appliance.remote_requests, sample_document(1)
    asked = asked_for(requests, pdf)
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    envelope = {"signed_envelope_property": "Revision"}
    signing = {"credentialID": DOCUMENT, "SAD": asked.secret, "documents": [given(pdf, **envelope)]}
    theirs = portal.test_client()
    theirs.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(OTHER)}"
    for _ in range(2):
        answer = post(theirs, "v2/signatures/signDoc", **signing)
        assert answer.status_code == 400 and "no such request" in answer.text
        assert post(client, "v2/signatures/signDoc", **signing).status_code == 200
        detached = {**given(pdf, "AdES-B-B"), "signature_format": "C"}
        for other in (
            given(sample_document(2), **envelope),
            given(pdf, "AdES-B-B", **envelope),
            given(pdf),
            detached,
        ):
            wrong = post(client, "v2/signatures/signDoc", **{**signing, "documents": [other]})
            assert wrong.status_code == 400 and "not the digests" in wrong.text, wrong.text


def test_a_signature_that_cannot_be_dated_is_given_to_nobody(
    appliance: Appliance, requests: RemoteRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_for(requests, pdf := sample_document(1))
    confirm_by(appliance, ZHANG.subject, asked.request.intent())

    def undated(_: bytes) -> bytes:
        raise TimeNotAvailable("The time is not certain enough.")

    monkeypatch.setattr(appliance.timestamps, "issue_token", undated)
    with pytest.raises(TimeNotAvailable):
        fetched(requests, asked, pdf)
    monkeypatch.undo()
    assert requests.of_client(OFFICE, asked.secret).state is RemoteRequestState.FAILED
    with pytest.raises(StateRefused, match="nothing was given out"):
        fetched(requests, asked, pdf)


def test_while_nothing_can_be_dated_the_activation_is_not_used_up(
    appliance: Appliance, requests: RemoteRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_for(requests, pdf := sample_document(1))
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    status = appliance.authority.status()
    late = replace(status.clock, trusted=False, sentence=Sentence("The time is not certain enough.", {}))
    monkeypatch.setattr(appliance.authority, "status", lambda: replace(status, clock=late))
    with pytest.raises(TimeNotAvailable):
        fetched(requests, asked, pdf)
    assert requests.of_client(OFFICE, asked.secret).state is RemoteRequestState.OPEN
    monkeypatch.undo()
    assert fetched(requests, asked, pdf).startswith(pdf)
