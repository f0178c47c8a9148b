"""``/keys``: every key in the HSM that serves, its certificate, and the calendar of what expires; the recorded key
ceremonies, with their transcripts on ``/keys/ceremonies/NUMBER``.

``/unlock``: the authority is unlocked by two PIN custodians, each with a passkey and a part of the PIN.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.administration.unlocking import LONGEST_PART, PARTS, PinPart
from appliance.errors import ApplianceError, NotFound
from appliance.operations.inventory import ExpiringItem, ExpiringKind, expiring_items
from hsm.answers import AuthorityState, AuthorityStatus, HeldCeremony
from hsm.errors import AuthorityError
from hsm.names import pin_custodian_subject
from webui.console.access import ConsoleVisitor, visitor
from webui.console.parts import ConsoleParts
from webui.shared import passkeys
from webui.shared.errors import status_of
from webui.shared.forms import field, sentence
from webui.shared.language import bare_time, translate

SOON = 90
"""Days left from which somebody should plan."""

URGENT = 14

NAMES = {
    "root": "Root certification authority",
    "issuing": "Issuing certification authority",
    "tsa": "Timestamp authority",
    "log": "Log",
    "evidence": "Evidence packages",
    "list": "Revocation list",
}

STATES = {
    "unprovisioned": "Not provisioned",
    "locked": "Locked",
    "unavailable": "Not available",
    "operational": "Operational",
}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line: what it is, how many days are left, and how much of its time (0 to 100)."""

    it: ExpiringItem
    title: str
    days: int
    share: int

    @property
    def tone(self) -> str:
        """The class that colours what is left. A list is made anew by itself, days before it ends."""
        if self.days < 0 or (self.it.kind is not ExpiringKind.LIST and self.days < URGENT):
            return "over"
        return "soon" if self.it.kind is not ExpiringKind.LIST and self.days < SOON else ""


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The page."""
    pages = Blueprint("keys", __name__)

    @pages.get("/keys/ceremonies/<int:number>")
    def ceremony(number: int) -> str:
        visitor()
        held = next((each for each in parts.authority.ceremonies() if each.number == number), None)
        if held is None:
            raise NotFound("There is no ceremony {number}.", number=number)
        return render_template("ceremony.html", held=held, text=parts.authority.transcript(number))

    @pages.get("/keys")
    def everything() -> str:
        visitor()
        status, rows, held, problem = _look(parts)
        now = parts.now()
        return render_template(
            "keys.html",
            status=status,
            state=STATES[status.state.value] if status else "",
            problem=problem,
            certificates=[row for row in rows if row.it.kind is not ExpiringKind.LIST],
            lists=[row for row in rows if row.it.kind is ExpiringKind.LIST],
            months=_calendar(rows),
            ceremonies=list(reversed(held)),
            keepers=_keepers(parts) if status else None,
            now=now,
        )

    return pages


def _look(parts: ConsoleParts) -> tuple[AuthorityStatus | None, list[KeyRow], list[HeldCeremony], str]:
    """What the authority tells; when it does not, the sentence why."""
    try:
        status = parts.authority.status()
        found, held = expiring_items(parts.authority, status), parts.authority.ceremonies()
    except AuthorityError as refusal:
        return None, [], [], sentence(refusal)
    return status, [_row(each, parts.now()) for each in found], held, ""


def _keepers(parts: ConsoleParts) -> list[str] | None:
    """Who unlocks, by login; None while the authority does not tell, which is not to say that nobody does."""
    try:
        return parts.administration.pin_custodians.able_logins()
    except AuthorityError:
        return None


def _row(it: ExpiringItem, now: datetime) -> KeyRow:
    return KeyRow(
        it, translate()(NAMES.get(it.name, it.label)), it.days_left(now), round(100 * it.share_left(now))
    )


def _calendar(rows: Sequence[KeyRow]) -> list[tuple[str, list[KeyRow]]]:
    """By month, the next one first: what ends in it."""
    return [(month, list(found)) for month, found in groupby(rows, key=lambda row: bare_time(row.it.ends)[:7])]


LONGEST_ACT = 500

View = BaseResponse | str


def unlocking_blueprint(parts: ConsoleParts) -> Blueprint:
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
