"""A new home takes no PIN and code; and at which somebody tries codes that are none."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from appliance.activation_requests import RegistrationPurpose, RegistrationRequest
from appliance.demonstration.participants import ALPHA
from hsm.authenticator import SoftwareAuthenticator
from tests import activation_service as visits
from tests.activation.conftest import ORIGIN, PORTAL, Desk
from tests.world import World, authority, copy_home, load, template_home

ASKED = RegistrationRequest(
    subject="person-another",
    purpose=RegistrationPurpose.SIGNING,
    back="/settings/signing/registered",
    language="en",
    zone="Asia/Shanghai",
    login="another",
    name="孙示例",
    organisation=ALPHA,
    handle=bytes(16),
)


@pytest.fixture(scope="module")
def site() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        home = copy_home(template_home(), Path(directory))
        world = World(home, load(home))
        with (
            authority(home),
            world.opened() as appliance,
            visits.activation_service(appliance.settings) as service,
        ):
            yield Desk(appliance, service)


def put(site: Desk, asked: RegistrationRequest) -> str:
    return f"/register/{site.appliance.activation_requests.add(asked)}"


def test_who_may_have_no_pin_is_offered_none(site: Desk) -> None:
    path = put(site, ASKED)
    page = site.get(path).text
    assert 'data-passkey="create"' in page
    assert 'name="pin"' not in page and "sealed" not in page and "otpauth" not in page
    sealed = site.appliance.accounts.codes.draft_secret(ASKED.subject, ASKED.login).sealed
    fields = {"seen": visits.passkey_form(page, "create").fields["seen"], "sealed": sealed}
    refused = site.send(visits.Form(path, fields, {}), pin="246810", pin_again="246810", code="123456")
    assert refused.status_code == 403 and "PIN and code are not taken here; set up a passkey." in refused.text
    assert site.appliance.authority.pending_credentials(ASKED.subject) == []


def test_codes_that_are_wrong_are_counted_and_the_right_one_is_taken_all_the_same(site: Desk) -> None:
    code = site.appliance.settings.home.setup_code.read_text().strip()
    officer = replace(
        ASKED,
        subject=f"officer-{secrets.token_hex(6)}",
        purpose=RegistrationPurpose.APPOINTMENT,
        back="/setup/registered/x",
        reference="ab" * 32,
    )
    path, said = put(site, officer), []
    for number in range(7):
        answer = typed(site, path, f"{number:04d}-0000")
        assert 400 <= answer.status_code < 500 and 'name="setup_code"' in answer.text
        said += re.findall(r'role="alert" tabindex="-1" data-problems><p>([^<]+)</p>', answer.text)
    assert [each.partition(".")[0] for each in said[:5]] == [
        "The set-up code is wrong, was used or has run out"
    ] * 5
    assert said[5:] == ["Too many wrong codes were entered lately; this one is wrong as well."] * 2
    assert site.appliance.authority.credentials(officer.subject) == []
    taken = typed(site, path, code)
    assert taken.status_code == 303
    assert taken.headers["Location"].startswith(f"{PORTAL}/setup/registered/x?receipt=")


def typed(site: Desk, path: str, code: str) -> TestResponse:
    device = SoftwareAuthenticator.create("localhost", ORIGIN)
    form = visits.passkey_form(site.get(path).text, "create")
    return site.send(form, credential=visits.made_by(device, form), setup_code=code)
