"""What the tests of signing do: press the portal's button, confirm at the activation service, come back."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.activation_requests import ActivationRequest
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.intents import OfficerIntent
from tests import activation_service as service
from tests.activation_service import Form, hidden, passkey_form

__all__ = [
    "Form",
    "answer",
    "ask",
    "confirm",
    "hidden",
    "new_device",
    "passkey_form",
    "press",
    "register",
    "send",
    "set_up",
    "sheet_form",
    "sign",
]


def sheet_form(page: str) -> Form:
    """The form of *page* that leads to the activation service."""
    found = re.search(r'<form class="form way" method="post" action="([^"]+)">(.*?)</form>', page, re.S)
    assert found is not None, page
    return Form(html.unescape(found[1]), hidden(found[2]), {})


def answer(appliance: Appliance, subject: str, form: Form) -> str:
    """What the script posts when the passkey of *subject* answers a form of the portal."""
    settings = appliance.settings
    return service.answer(settings.home, subject, form, origin=settings.web.origin)


def send(client: FlaskClient, form: Form, **more: str) -> TestResponse:
    """The form with *more* fields."""
    return client.post(form.action, data={**form.fields, **more})


def ask(client: FlaskClient, address: str, **more: str) -> TestResponse:
    """Opens *address* and sends its form: the answer leads to the activation service."""
    return send(client, sheet_form(client.get(address).text), **more)


def confirm(
    client: FlaskClient,
    appliance: Appliance,
    subject: str,
    asked: TestResponse,
    credential: str | None = None,
    *,
    says: str = "",
) -> TestResponse:
    """Goes where the portal's answer *asked* leads, reads the act there and has the passkey of *subject* answer
    (or sends another *credential*); the portal's answer to whoever comes back. What the portal did not let through
    is the last answer itself, and so is what the activation service refuses. An officer who gives somebody what
    they have set up types its fingerprint. The page *says* these words."""
    settings = appliance.settings
    origin = settings.activation.origin
    if asked.status_code != 303 or not asked.headers["Location"].startswith(f"{origin}/act/"):
        return asked
    with service.activation_service(settings) as app:
        browser = service.browser_at(app)
        path = urlsplit(asked.headers["Location"]).path
        page = browser.get(path, base_url=origin)
        assert page.status_code == 200 and says in page.text, page.text
        if "data-passkey" in page.text:
            form = passkey_form(page.text)
            if credential is None:
                credential = service.answer(settings.home, subject, form)
            typed = _told(appliance, path) if 'name="fingerprint"' in page.text else []
            given = service.send_to(browser, origin, form, credential=credential, fingerprint=typed)
            if given.status_code != 303:
                return given
            back = given.headers["Location"]
        else:  # confirmed already
            back = service.way_back(page.text)
    return _come_back(client, appliance, back)


def _told(appliance: Appliance, path: str) -> list[str]:
    """What the applicant reads to the officer who confirms the act at *path*."""
    ticket = path.rpartition("/")[2]
    intent = appliance.activation_requests.load(ActivationRequest, ticket).intent
    assert isinstance(intent, OfficerIntent)
    pending = appliance.authority.pending_credentials(intent.text("subject"))
    several = len(intent.details.get("credentials", [""]))
    return [each.fingerprint for each in pending[-several:]]


def _come_back(client: FlaskClient, appliance: Appliance, back: str) -> TestResponse:
    portal = appliance.settings.web.origin
    assert back.startswith(f"{portal}/"), back
    return client.get(back.removeprefix(portal))


def new_device(appliance: Appliance) -> SoftwareAuthenticator:
    """A passkey device that answers on pages of the activation service."""
    settings = appliance.settings
    return SoftwareAuthenticator.create(settings.web.relying_party, settings.activation.origin)


def register(
    appliance: Appliance, asked: TestResponse, device: SoftwareAuthenticator, **fields: str
) -> TestResponse:
    """Goes where the portal's answer *asked* leads and makes a passkey with *device* there (or sends another
    ``credential``); the activation service's answer. What the portal did not let through is *asked* itself."""
    settings = appliance.settings
    origin = settings.activation.origin
    if asked.status_code != 303 or not asked.headers["Location"].startswith(f"{origin}/register/"):
        return asked
    with service.activation_service(settings) as app:
        browser = service.browser_at(app)
        page = browser.get(urlsplit(asked.headers["Location"]).path, base_url=origin)
        form = passkey_form(page.text, "create")
        return service.send_to(browser, origin, form, **{"credential": service.made_by(device, form), **fields})


def set_up(
    client: FlaskClient, appliance: Appliance, asked: TestResponse, device: SoftwareAuthenticator, **fields: str
) -> TestResponse:
    """As :func:`register`, and goes on; the portal's answer to whoever comes back, or what was refused."""
    given = register(appliance, asked, device, **fields)
    if given is asked or given.status_code >= 400:
        return given
    back = given.headers["Location"] if given.status_code == 303 else service.way_back(given.text)
    return _come_back(client, appliance, back)


def press(client: FlaskClient, appliance: Appliance, subject: str, form: Form, **more: str) -> TestResponse:
    """Sends a form of the portal, and has *subject* confirm what it leads to; the portal's last answer."""
    return confirm(client, appliance, subject, send(client, form, **more))


def sign(client: FlaskClient, appliance: Appliance, subject: str, address: str, **more: str) -> TestResponse:
    """Opens *address*, presses its button and confirms with the passkey of *subject*; the portal's last answer."""
    return press(client, appliance, subject, sheet_form(client.get(address).text), **more)
