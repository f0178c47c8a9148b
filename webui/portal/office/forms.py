"""What the office's pages share: who may come in, and the names and choices in their forms."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from flask import Blueprint

from appliance.errors import DocumentRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.people import Seal, SealKind
from hsm.names import LONGEST_ORGANISATION
from webui.portal import access
from webui.portal.pages import appliance
from webui.shared.forms import sentence
from webui.shared.language import current_language, translate

pages = Blueprint("office", __name__, url_prefix="/office")

SEAL_KINDS = {
    SealKind.COMPANY: "Company seal",
    SealKind.CONTRACT: "Contract seal",
    SealKind.LEGAL_REPRESENTATIVE: "Seal of the legal representative",
    SealKind.FINANCE: "Finance seal",
}
"""The kinds, as message ids."""


def office_reader() -> access.PortalVisitor:
    """The officer or auditor who visits. Raises as :func:`webui.portal.access.require`."""
    return access.require(AccountRole.OFFICER, AccountRole.AUDITOR)


def visiting_officer() -> str:
    """The officer who visits: who changes something. Raises as :func:`webui.portal.access.require`."""
    return access.require(AccountRole.OFFICER).subject


def organisations() -> list[tuple[str, str]]:
    """The organisations that certificates may name, as choices; the appliance's own first."""
    own = appliance.settings.organisation.name
    known = sorted(appliance.authority.organisations(), key=lambda each: (each != own, each))
    return [(each, each) for each in known]


def unprintable_names(names: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with *names*, by field, that have characters which a signature cannot show: they would be
    refused when somebody signs."""
    found = {}
    for field, name in names.items():
        if not name.strip() or len(name) > LONGEST_ORGANISATION:
            continue  # the rule of the field says so
        try:
            appliance.workshop.require_shown(" ".join(unicodedata.normalize("NFC", name).split()))
        except DocumentRefused as refusal:
            found[field] = sentence(refusal)
    return found


def seal_name(seal: Seal) -> str:
    """The seal's own name, whose kind is Chinese as on its face; for other readers the kind in their words too."""
    if current_language() is Language.CHINESE:
        return seal.label
    return f"{seal.label} · {translate()(SEAL_KINDS[seal.kind])}"
