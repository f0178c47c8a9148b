"""The activation service in tests: its Flask application beside a portal's, and people who confirm acts there."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from werkzeug.test import TestResponse

from appliance.activation_requests import ActivationRequests
from appliance.config import Settings
from appliance.home import Home
from appliance.pdf.workshop import PdfWorkshop
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.files import file_lock
from hsm.intents import PasskeyRegistration, WebAuthnActivation
from tests.world import shared_confinement
from webui.activation.acts import ShownActs
from webui.activation.application import create_app
from webui.activation.parts import ActivationParts


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a page gives to the authenticator, as the act that it stands for."""

    value: bytes

    def challenge(self) -> bytes:
        return self.value


@dataclass(frozen=True, slots=True)
class Form:
    """A form on a page: where it goes, its hidden fields, and the browser's options where a passkey answers it."""

    action: str
    fields: dict[str, str]
    options: dict[str, object]


@contextmanager
def activation_service(settings: Settings) -> Iterator[Flask]:
    """The service of a home whose authority runs, as :mod:`webui.activation.process` puts it together."""
    with AuthorityClient(settings.home.authority_socket("activation")) as authority:
        yield create_app(
            ActivationParts(
                settings=settings,
                requests=ActivationRequests(settings.home.activation_requests),
                acts=ShownActs(authority, PdfWorkshop(shared_confinement()), threads=settings.activation.threads),
                authority=authority,
            )
        )


def browser_at(service: Flask) -> FlaskClient:
    """A browser that accepts pages, and says of its forms that they come from the service's own page."""
    client = service.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


def passkey_form(page: str, kind: str = "get") -> Form:
    """The first form of *page* that a passkey answers, or that makes one (*kind* ``create``)."""
    found = re.search(rf'<form([^>]*) data-passkey="{kind}" data-options="([^"]+)">(.*?)</form>', page, re.S)
    assert found is not None, page
    action = re.search(r'action="([^"]+)"', found[1])
    target = html.unescape(action[1]) if action else ""
    return Form(target, hidden(found[3]), json.loads(html.unescape(found[2])))


def hidden(part: str) -> dict[str, str]:
    """The hidden fields in *part* of a page."""
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', part)
    return {name: html.unescape(value) for name, value in pairs}


def answer(home: Home, subject: str, form: Form, *, origin: str = "") -> str:
    """What the script posts when the passkey of *subject* answers the form on a page of *origin* (by default the
    activation service's)."""
    path = home.people / f"{subject}.json"
    with file_lock(path.with_suffix(".lock")):
        device = SoftwareAuthenticator.load(path)
        given = answer_of(device, subject, form, origin=origin)
        device.save(path)
    return given


def answer_of(device: SoftwareAuthenticator, subject: str, form: Form, *, origin: str = "") -> str:
    """The same of a *device* that is in no file."""
    act = Challenge(base64url_to_bytes(str(form.options["challenge"])))
    own, device.origin = device.origin, origin or device.origin
    given = device.activate(subject, act)  # type: ignore[arg-type]  # only its challenge counts
    device.origin = own
    return posted(given)


def posted(given: WebAuthnActivation) -> str:
    """An assertion as the page's script posts it."""
    response = {
        "clientDataJSON": bytes_to_base64url(given.client_data),
        "authenticatorData": bytes_to_base64url(given.authenticator_data),
        "signature": bytes_to_base64url(given.signature),
        "userHandle": None,
    }
    return _posted(given.credential_id, response)


def posted_registration(device: SoftwareAuthenticator, made: PasskeyRegistration) -> str:
    """What *device* answers to a registration, as the page's script posts it."""
    response = {
        "clientDataJSON": bytes_to_base64url(made.client_data),
        "attestationObject": bytes_to_base64url(made.attestation_object),
    }
    return _posted(device.credential_id, response)


def made_by(device: SoftwareAuthenticator, form: Form) -> str:
    """What the script posts when *device* makes a passkey for the form of a registration."""
    return posted_registration(device, device.register(base64url_to_bytes(str(form.options["challenge"]))))


def way_back(page: str) -> str:
    """Where the button of *page* leads that goes on in the portal."""
    [address] = re.findall(r'<a class="button(?: quiet)?" href="([^"]+)"', page)
    return html.unescape(address)


def _posted(credential_id: bytes, response: Mapping[str, str | None]) -> str:
    identifier = bytes_to_base64url(credential_id)
    return json.dumps({"id": identifier, "rawId": identifier, "type": "public-key", "response": response})


def send_to(browser: FlaskClient, origin: str, form: Form, **more: str | Sequence[str]) -> TestResponse:
    """The form of a page of the service at *origin* with *more* fields, as browsers send it; several of a name are
    a sequence."""
    return browser.post(form.action, base_url=origin, headers={"Origin": origin}, data={**form.fields, **more})
