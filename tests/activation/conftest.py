"""The activation service with a real authority behind it, and acts of each kind that it is asked to show."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.activation_requests import ActivationRequest
from appliance.contracts import endings
from appliance.contracts.agreement import AgreementSides
from appliance.contracts.dependencies import record_intent
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, OFFICER, ZHANG, ZONE, DemonstrationAuthenticators
from appliance.language import Language
from appliance.model.contract import AgreementSide, Deadline, OpenVoiding
from appliance.model.intent import SigningOrigin
from appliance.wiring import Appliance
from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from tests import activation_service as visits
from tests.authority import soon
from tests.world import World, contract_now, sample_document, shared_world

ORIGIN = "http://localhost:8083"
"""Of the activation service in these tests."""

PORTAL = "http://localhost:8080"
PAGES = 3
BACK = "/contracts/somewhere?party=1"


class Desk:
    """One visitor at the service, and the requests that the portal would write."""

    def __init__(self, appliance: Appliance, service: Flask) -> None:
        self.appliance = appliance
        self.service = service
        self.browser = visits.browser_at(service)
        self._document: ActivationRequest | None = None

    @property
    def folder(self) -> Any:
        """Where the requests lie."""
        return self.appliance.settings.home.activation_requests

    def document(self, words: Mapping[str, Any] | None = None, **changes: Any) -> ActivationRequest:
        """Zhang is asked to sign a document with three pages; each time another act, whose intent has *words*."""
        if self._document is None:
            self._document = self.prepared("Sample <b>contract</b>", PAGES)
        known = self._document
        intent = replace(known.intent, nonce=secrets.token_bytes(16), **(words or {}))
        return replace(known, intent=intent, **changes)

    def prepared(self, title: str, pages: int) -> ActivationRequest:
        """Zhang is asked to sign a contract of their own with as many pages."""
        house = self.appliance
        deadline = Deadline(house.now() + timedelta(days=3), ZONE)
        terms = DraftTerms(title, "服务", "示例", ZHANG.subject, deadline)
        draft = house.drafting.draft(sample_document(pages), terms)
        house.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
        contract = house.sending.send(draft.id, by=ZHANG.subject)
        opened = house.signing.open(contract.id, contract.parties[0].id, SigningOrigin())
        content = house.signing.prepared_document(opened)
        return ActivationRequest(
            ZHANG.subject,
            opened.intent.intent,
            BACK,
            "en",
            ZONE,
            content=content,
            base=len(content) - len(opened.intent.suffix),
            gap=opened.intent.contents,
        )

    def agreement(self, language: str = "en", side: AgreementSide = ZHANG.side) -> ActivationRequest:
        """Zhang, who reads *language*, is asked to accept the agreement for *side* with a company that nobody has
        agreed with yet."""
        other = AgreementSide(f"丁公司 {secrets.token_hex(4)}")
        between = AgreementSides(side, (other,))
        proposal = self.appliance.agreements.propose(ZHANG.subject, between, Language(language))
        return ActivationRequest(
            ZHANG.subject,
            proposal.intent,
            BACK,
            language,
            ZONE,
            content=proposal.record,
            text=proposal.text,
            other_text=proposal.other_text,
        )

    def declaration(self, language: str = "en", **changes: Any) -> ActivationRequest:
        """Zhang, who reads *language*, is asked to declare void a contract with Li, as Li has proposed; of the
        record some entries are *changes*."""
        house = self.appliance
        deadline = Deadline(house.now() + timedelta(days=3), ZONE)
        terms = DraftTerms("设备采购合同", "采购", "示例", ZHANG.subject, deadline)
        draft = house.drafting.draft(sample_document(1), terms)
        for person in (ZHANG, LI):
            house.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
        draft = contract_now(house, draft.id)
        proposal = OpenVoiding(secrets.token_hex(12), LI.subject, "双方协商一致", house.now())
        record = canonical.decode(endings._record(draft, proposal, ZHANG, house.now())) | changes
        content, expires = canonical.encode(record), house.now() + timedelta(minutes=10)
        intent = record_intent(ZHANG.subject, content, field=endings.FIELD, expires=expires, about=draft)
        return ActivationRequest(ZHANG.subject, intent, BACK, language, ZONE, content=content)

    def decision(self, kind: str, /, *, content: bytes = b"", **details: Any) -> ActivationRequest:
        """The officer is asked to activate an act of this *kind*."""
        intent = OfficerIntent(kind, details, soon(), secrets.token_bytes(16))
        return ActivationRequest(OFFICER, intent, BACK, "en", ZONE, content=content)

    def put(self, request: ActivationRequest) -> str:
        """Writes *request*, as the portal does; its path at the service."""
        return f"/act/{self.appliance.activation_requests.add(request)}"

    def swap(self, path: str, request: ActivationRequest) -> None:
        """Puts *request* in the place of the one that is shown at *path*: the portal owns the files."""
        other = self.put(request)
        (self.folder / other[5:]).replace(self.folder / path[5:])

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path, base_url=ORIGIN)

    def page(self, request: ActivationRequest) -> str:
        """The words of the page that shows *request*."""
        shown = self.get(self.put(request))
        assert shown.status_code == 200, shown.text
        return shown.text

    def form(self, path: str) -> visits.Form:
        return visits.passkey_form(self.get(path).text)

    def send(self, form: visits.Form, **fields: str | Sequence[str]) -> TestResponse:
        return visits.send_to(self.browser, ORIGIN, form, **fields)

    def answer(self, subject: str, form: visits.Form, *, origin: str = "") -> str:
        return visits.answer(self.appliance.settings.home, subject, form, origin=origin)

    def confirm(self, subject: str, path: str, **fields: str | Sequence[str]) -> TestResponse:
        """The passkey of *subject* answers the page at *path*, on which they have filled in *fields*."""
        form = self.form(path)
        return self.send(form, credential=self.answer(subject, form), **fields)

    def register(self, subject: str, device: SoftwareAuthenticator | None = None) -> str:
        """*subject* sets up a passkey, a new one unless it is given; its fingerprint."""
        made_by = device or SoftwareAuthenticator.create("localhost", ORIGIN)
        with self.authority() as service:
            answer = made_by.register(service.begin_registration(subject).challenge)
            return service.register_passkey(subject, answer).fingerprint

    def authority(self) -> AuthorityClient:
        """The authority as the activation service sees it."""
        return AuthorityClient(self.appliance.settings.home.authority_socket("activation"))

    def confirm_anyway(self, request: ActivationRequest, path: str) -> TestResponse:
        """The same without a page that offers it: a right assertion, sent to *path*."""
        given = DemonstrationAuthenticators(self.appliance.settings.home).activate(request.subject, request.intent)
        fields = {"seen": request.intent.challenge().hex(), "credential": visits.posted(given)}
        return self.send(visits.Form(path, fields, {}))

    def given(self, request: ActivationRequest) -> tuple[str, ...]:
        """Who has activated the act, as the authority knows."""
        return self.appliance.authority.approvals(request.intent).given


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world(pins=True) as world:
        yield world


@pytest.fixture(scope="package")
def desk(world: World) -> Iterator[Desk]:
    with world.opened() as appliance, visits.activation_service(appliance.settings) as service:
        yield Desk(appliance, service)


@pytest.fixture(scope="package")
def operator(world: World) -> Iterator[AuthorityClient]:
    with AuthorityClient(world.home.authority_socket("operator")) as client:
        yield client


@pytest.fixture
def elsewhere(desk: Desk) -> FlaskClient:
    """A browser that says nothing of where its forms come from."""
    return desk.service.test_client()
