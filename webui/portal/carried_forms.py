"""What was typed into a form whose session had ended: it travels through the sign-in page and goes on.

It goes as one signed ticket in a hidden field, so that it comes back as it was, to the person it was taken from.
Files and secrets (passwords, PINs, codes, answers of passkeys) do not travel; their form asks for them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request

from appliance.accounts.tickets import LONGEST, Tickets
from appliance.errors import StateRefused
from webui.shared import forms
from webui.shared.passkeys import FIELD as PASSKEY_FIELD

FIELD = "carried"
LASTING = timedelta(hours=1)

MOST_LETTERS = LONGEST
"""Of a ticket; a text of a hundred pages fits."""

MOST_FIELDS = 2500
"""As many as the form of step 3 has with all of its rows."""

SECRET = frozenset(
    {"password", "again", "old", "pin", "pin_again", "code", "sealed", "ticket", PASSKEY_FIELD, forms.FIELD, FIELD}
)
"""Fields that stay behind."""


@dataclass(frozen=True, slots=True)
class CarriedForm:
    """A form under way: where it was posted, whose it is, and its fields in order."""

    path: str
    subject: str
    fields: tuple[tuple[str, str], ...]


def pack_form(tickets: Tickets, subject: str, *, now: datetime) -> str:
    """The posted form of this request as a ticket, or nothing when it is too large to travel."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in SECRET]
    content = json.dumps([request.path, subject, fields], ensure_ascii=False)
    if len(fields) > MOST_FIELDS or len(content) > MOST_LETTERS:
        return ""
    ticket = tickets.issue_ticket(FIELD, content, now=now, lasting=LASTING)
    return ticket if len(ticket) <= MOST_LETTERS else ""


def unpack_form(tickets: Tickets, ticket: str, *, now: datetime) -> CarriedForm | None:
    """The form in *ticket*; None for none, or for one that is too old or not ours."""
    if not ticket:
        return None
    try:
        path, subject, fields = json.loads(tickets.read_ticket(FIELD, ticket, now=now).content)
    except StateRefused:
        return None
    return CarriedForm(path, subject, tuple((name, value) for name, value in fields))
