"""``/keys``: every key in the HSM that serves, its certificate, and the calendar of what expires; the recorded key
ceremonies, with their transcripts on ``/keys/ceremonies/NUMBER``.

``/unlock``: the authority is unlocked by two PIN custodians, each with a passkey and a part of the PIN.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template

from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.administration.unlocking import LONGEST_PART, PARTS, PinPart
from appliance.errors import NotFound
from appliance.operations.inventory import ExpiringItem, ExpiringKind, expiring_items
from hsm.errors import AuthorityError
from hsm.names import pin_custodian_subject
from hsm.operation_types import AuthorityState, AuthorityStatus, HeldCeremony
from webui.console.access import administration, parts, visitor
from webui.shared import passkeys
from webui.shared.errors import status_of
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field, sentence
from webui.shared.language import bare_time, translate

SOON = 90
"""Days left from which somebody should plan."""

URGENT = 14

NAMES = {
    "root": "Root certification authority",
    "issuing": "Issuing certification authority",
    "events": "Issuing certification authority for event certificates",
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


blueprint = Blueprint("keys", __name__)


@blueprint.get("/keys/ceremonies/<int:number>")
def ceremony(number: int) -> str:
    visitor()
    authority = parts.authority
    held = next((each for each in authority.ceremonies() if each.number == number), None)
    if held is None:
        raise NotFound("There is no ceremony {number}.", number=number)
    return render_template("ceremony.html", held=held, text=authority.transcript(number))


@blueprint.get("/keys")
def everything() -> str:
    """Keys, certificates and lists, with what expires when."""
    visitor()
    status, rows, held, problem = _look()
    return render_template(
        "keys.html",
        status=status,
        state=STATES[status.state.value] if status else "",
        problem=problem,
        certificates=[row for row in rows if row.it.kind is not ExpiringKind.LIST],
        lists=[row for row in rows if row.it.kind is ExpiringKind.LIST],
        # By month, the next one first: what ends in it.
        months=[(month, list(found)) for month, found in groupby(rows, lambda row: bare_time(row.it.ends)[:7])],
        ceremonies=list(reversed(held)),
        pin_custodians=_pin_custodians() if status else None,
        now=parts.now(),
    )


def _look() -> tuple[AuthorityStatus | None, list[KeyRow], list[HeldCeremony], str]:
    """What the authority tells; when it does not, the sentence why."""
    authority, now = parts.authority, parts.now()
    try:
        status = authority.status()
        found, held = expiring_items(authority, status), authority.ceremonies()
    except AuthorityError as refusal:
        return None, [], [], sentence(refusal)
    return status, [_row(each, now) for each in found], held, ""


def _row(it: ExpiringItem, now: datetime) -> KeyRow:
    title = translate()(NAMES.get(it.name, it.label))
    return KeyRow(it, title, it.days_left(now), round(100 * it.share_left(now)))


def _pin_custodians() -> list[str] | None:
    """Who unlocks, by login; None while the authority does not tell, which is not to say that nobody does."""
    try:
        return administration.pin_custodians.able_logins()
    except AuthorityError:
        return None


LONGEST_ACT = 500

unlocking = Blueprint("unlocking", __name__)


@unlocking.get("/unlock")
def show() -> Answer:
    """What the visitor is asked for."""
    who = visitor()
    status = administration.unlocking.status_for(who.actor)
    party = parts.settings.console.relying_party
    return render(
        "unlock.html",
        locked=parts.authority.status().state is AuthorityState.LOCKED,
        unlock_status=status,
        mine=status.by == who.login,
        act=json.dumps(status.act.fields()),
        options=passkeys.request_options(status.act.challenge(), status.credentials, party),
        choices=[each for each in PARTS if each != status.given],
    )


@unlocking.post("/unlock")
@form(show, visitor, status=status_of)
def give(who: ConsoleSessionHolder) -> Answer:
    """One custodian's part."""
    number = field("part", 1)
    part = PinPart(int(number) if number in ("1", "2") else 0, field("pin", LONGEST_PART))
    posted = field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    answer = passkeys.activation(pin_custodian_subject(who.login), posted)
    administration.unlocking.give_part(_fields(field("act", LONGEST_ACT)), part, answer, by=who.actor)
    return see_other("unlocking.show")


@unlocking.post("/unlock/forget")
@form(show, visitor, status=status_of)
def forget(who: ConsoleSessionHolder) -> Answer:
    """The part that waits is forgotten."""
    administration.unlocking.forget_part(who.actor)
    return see_other("unlocking.show")


def _fields(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
