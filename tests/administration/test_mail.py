"""An operator sees by a test mail whether mail goes out, in the words of the server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from appliance.administration.action import ActionContext
from appliance.administration.actions import find_action
from appliance.config import GatewaySettings, MailSettings, Security
from appliance.errors import ApplianceError
from appliance.model.administration import ROOT
from hsm.files import write_private
from tests.administration.conftest import Site
from tests.appliance.notices.smtp import post_office
from tests.message_gateway import message_gateway


def perform(site: Site, mail: MailSettings) -> str:
    action = find_action("mail.test")
    settings = replace(site.settings, mail=mail)
    parts = cast("ActionContext", SimpleNamespace(settings=settings, now=lambda: site.at))
    came = action.perform(parts, action.checked({"address": "operator@company.example"}), ROOT)
    return came.template.format(**came.values)


def perform_text(site: Site, gateway: GatewaySettings, *, number: str = "138 0000 0000") -> str:
    action = find_action("gateway.test")
    settings = replace(site.settings, gateway=gateway)
    parts = cast("ActionContext", SimpleNamespace(settings=settings, now=lambda: datetime.now(UTC)))
    came = action.perform(parts, action.checked({"number": number}), ROOT)
    return came.template.format(**came.values)


def test_the_servers_answer_is_what_the_operator_reads(site: Site) -> None:
    with post_office() as post:
        mail = MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE)
        assert perform(site, mail).endswith(f":{post.port} answered: 250 taken")
        [message] = post.messages
        assert message["To"] == "operator@company.example"
        for answers in ({"to_text": "554 no mail from you"}, {"to_recipient": "451 come back later"}):
            for name, words in answers.items():
                setattr(post, name, words)
            with pytest.raises(ApplianceError, match=next(iter(answers.values()))[4:]):
                perform(site, mail)


def test_the_gateways_answer_is_what_the_operator_reads(site: Site) -> None:
    key = b"key of a gateway"
    site.settings.home.secrets.mkdir(mode=0o700, exist_ok=True)
    write_private(site.settings.home.secrets / "gateway.key", key)
    with message_gateway(key) as gateway:
        settings = GatewaySettings(url=gateway.url)
        assert perform_text(site, settings).endswith("/messages answered: 202")
        [message] = gateway.messages
        assert (message["to"], message["kind"], set(message["values"])) == (
            "+8613800000000",
            "test",
            {"organisation", "host"},
        )
        gateway.status, gateway.reason = 403, "another signature is registered"
        with pytest.raises(ApplianceError, match="403 another signature"):
            perform_text(site, settings)
        with pytest.raises(ApplianceError, match="no mobile number"):
            perform_text(site, settings, number="010-5555 0100")
    with pytest.raises(ApplianceError, match="No message gateway is set"):
        perform_text(site, GatewaySettings())


def test_without_a_server_nothing_is_claimed(site: Site) -> None:
    with pytest.raises(ApplianceError, match="No mail server is set"):
        perform(site, MailSettings())
