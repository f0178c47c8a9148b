"""``/unlock``: the authority is unlocked by two keepers of the PIN, each with a passkey and a part of it."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.unlocking import LONGEST_PART, PARTS, PinPart
from appliance.errors import ApplianceError
from hsm.answers import AuthorityState
from hsm.errors import AuthorityError
from hsm.names import pin_custodian_subject
from webui.console.access import ConsoleVisitor, visitor
from webui.console.parts import ConsoleParts
from webui.shared import passkeys
from webui.shared.forms import field, sentence
from webui.shared.statuses import status_of

LONGEST_ACT = 500

View = BaseResponse | str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("unlocking", __name__)
    service = parts.administration.unlocking

    @pages.get("/unlock")
    def show() -> View:
        return _page(parts, visitor(), {})

    @pages.post("/unlock")
    def give() -> View:
        who, number = visitor(), field("part", 1)
        part = PinPart(int(number) if number in ("1", "2") else 0, field("pin", LONGEST_PART))
        try:
            answer = passkeys.activation(
                pin_custodian_subject(who.login), field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
            )
            service.give_part(_fields(field("act", LONGEST_ACT)), part, answer, by=who.actor)
        except (ApplianceError, AuthorityError) as refusal:
            return _page(parts, who, {"": sentence(refusal)}, status_of(refusal))
        return redirect(url_for("unlocking.show"), 303)

    @pages.post("/unlock/forget")
    def forget() -> View:
        who = visitor()
        try:
            service.forget_part(who.actor)
        except ApplianceError as refusal:
            return _page(parts, who, {"": sentence(refusal)}, status_of(refusal))
        return redirect(url_for("unlocking.show"), 303)

    return pages


def _page(parts: ConsoleParts, who: ConsoleVisitor, problems: dict[str, str], status: int = 200) -> Response:
    standing = parts.administration.unlocking.status_for(who.actor)
    party = parts.settings.console.relying_party
    page = render_template(
        "unlock.html",
        locked=parts.authority.status().state is AuthorityState.LOCKED,
        standing=standing,
        mine=standing.by == who.login,
        act=json.dumps(standing.act.fields()),
        options=passkeys.request_options(standing.act.challenge(), standing.credentials, party),
        choices=[each for each in PARTS if each != standing.given],
        problems=problems,
    )
    return make_response(page, status)


def _fields(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
