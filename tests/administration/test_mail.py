"""An operator sees by a test mail whether mail goes out, in the words of the server."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from appliance.administration.action import ActionContext
from appliance.administration.actions import find_action
from appliance.config import MailSettings, Security
from appliance.errors import ApplianceError
from appliance.model.administration import ROOT
from tests.administration.conftest import Site
from tests.appliance.notices.smtp import post_office


def perform(site: Site, mail: MailSettings) -> str:
    action = find_action("mail.test")
    settings = replace(site.settings, mail=mail)
    parts = cast("ActionContext", SimpleNamespace(settings=settings, now=lambda: site.at))
    came = action.perform(parts, action.checked({"address": "operator@company.example"}), ROOT)
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


def test_without_a_server_nothing_is_claimed(site: Site) -> None:
    with pytest.raises(ApplianceError, match="No mail server is set"):
        perform(site, MailSettings())
