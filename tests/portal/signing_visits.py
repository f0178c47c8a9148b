"""What the tests of signing do at the portal: read a page's form, let a passkey answer it, send it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from flask.testing import FlaskClient
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from werkzeug.test import TestResponse

from appliance.demonstration.participants import DemonstrationAuthenticators
from appliance.wiring import Appliance


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a page gives to the authenticator, as the act that it stands for."""

    value: bytes

    def challenge(self) -> bytes:
        return self.value


@dataclass(frozen=True, slots=True)
class Form:
    """A form with a passkey on a page: where it goes, its hidden fields, the browser's options."""

    action: str
    fields: dict[str, str]
    options: dict[str, object]


def passkey_form(page: str) -> Form:
    """The first form of *page* that a passkey answers."""
    found = re.search(
        r'<form[^>]*action="([^"]+)"[^>]*data-passkey="get" data-options="([^"]+)">(.*?)</form>', page, re.S
    )
    assert found is not None, page
    return Form(html.unescape(found[1]), hidden(found[3]), json.loads(html.unescape(found[2])))


def hidden(part: str) -> dict[str, str]:
    """The hidden fields in *part* of a page."""
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', part)
    return {name: html.unescape(value) for name, value in pairs}


def answer(appliance: Appliance, subject: str, form: Form) -> str:
    """What the script posts when the passkey of *subject* answers the form."""
    act = Challenge(base64url_to_bytes(str(form.options["challenge"])))
    given = DemonstrationAuthenticators(appliance.settings.home.people).activate(subject, act)  # type: ignore[arg-type]  # only its challenge counts
    identifier = bytes_to_base64url(given.credential_id)
    return json.dumps(
        {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": {
                "clientDataJSON": bytes_to_base64url(given.client_data),
                "authenticatorData": bytes_to_base64url(given.authenticator_data),
                "signature": bytes_to_base64url(given.signature),
                "userHandle": None,
            },
        }
    )


def send(client: FlaskClient, form: Form, **more: str) -> TestResponse:
    """The form with *more* fields."""
    return client.post(form.action, data={**form.fields, **more})


def sign(client: FlaskClient, appliance: Appliance, subject: str, address: str, **more: str) -> TestResponse:
    """Opens *address* and answers its form with the passkey of *subject*."""
    form = passkey_form(client.get(address).text)
    return send(client, form, credential=answer(appliance, subject, form), **more)
