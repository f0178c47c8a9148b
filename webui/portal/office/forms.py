"""What the office's forms share: who may come in, and a refusal as the sentence at the form."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from flask import request

from appliance.errors import ApplianceError, DocumentRefused, NotFound
from appliance.model.accounts import AccountRole
from appliance.pdf.workshop import PdfWorkshop
from hsm.errors import AuthorityError
from hsm.names import LONGEST_ORGANISATION
from webui.portal import access
from webui.portal.parts import PortalParts
from webui.shared.errors import Refusal, status_of
from webui.shared.language import translate

REFUSALS = (ApplianceError, AuthorityError)
"""What a form shows again with its sentence; unknown ids stay pages of their own (404)."""


def office_reader() -> access.PortalVisitor:
    """The officer or auditor who visits. Raises as :func:`webui.portal.access.require`."""
    return access.require(AccountRole.OFFICER, AccountRole.AUDITOR)


def visiting_officer() -> access.PortalVisitor:
    """The officer who visits: who changes something. Raises as :func:`webui.portal.access.require`."""
    return access.require(AccountRole.OFFICER)


def field_value(name: str, most: int = 1000) -> str:
    """The posted field *name*, cut where it is refused as too long in any case."""
    return request.form.get(name, "")[: most + 1]


def organisations(parts: PortalParts) -> list[tuple[str, str]]:
    """The organisations that certificates may name, as choices; the appliance's own first."""
    own = parts.appliance.settings.organisation.name
    return [
        (each, each)
        for each in sorted(parts.appliance.authority.organisations(), key=lambda each: (each != own, each))
    ]


def unprintable_names(workshop: PdfWorkshop, names: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with *names*, by field, that have characters which a signature cannot show: they would be
    refused when somebody signs."""
    found = {}
    for field, name in names.items():
        if not name.strip() or len(name) > LONGEST_ORGANISATION:
            continue  # the rule of the field says so
        try:
            workshop.require_shown(" ".join(unicodedata.normalize("NFC", name).split()))
        except DocumentRefused as refusal:
            found[field] = translate()(refusal.template, **refusal.values)
    return found


def problem_of(refusal: Refusal) -> tuple[str, int]:
    """The sentence of *refusal* in the reader's language, and the status of the page that shows it.

    Raises *refusal* again when it is about something that is not there.
    """
    if isinstance(refusal, NotFound):
        raise refusal
    status = status_of(refusal)
    return translate()(refusal.template, **refusal.values), 422 if status == 400 else status
