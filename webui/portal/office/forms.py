"""What the office's pages share: who may come in, and the names and choices in their forms."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from flask import Blueprint, request

from appliance.errors import DocumentRefused, PreconditionRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.people import Seal, SealKind
from appliance.office import SealDraft
from appliance.office.drafts import LONGEST_UNIT
from hsm.names import LONGEST_ORGANISATION
from webui.portal import access
from webui.portal.pages import appliance
from webui.shared.form_pages import FormProblems
from webui.shared.forms import field, sentence
from webui.shared.language import current_language, translate

pages = Blueprint("office", __name__, url_prefix="/office")

SEAL_KINDS = {
    SealKind.COMPANY: "Company seal",
    SealKind.CONTRACT: "Contract seal",
    SealKind.LEGAL_REPRESENTATIVE: "Seal of the legal representative",
    SealKind.FINANCE: "Finance seal",
    SealKind.PERSONNEL: "Personnel seal",
    SealKind.INVOICE: "Invoice seal",
    SealKind.DEPARTMENT: "Seal of a department",
    SealKind.BRANCH: "Seal of a branch",
}
"""The kinds, as message ids."""


USUAL_WIDTH = "40"
"""Of a contract seal, in mm (印章治安管理: 公章 of companies 40 to 42)."""

SEAL_PLACES = {
    "wide": "width",
    "width": "width",
    "unit": "unit",
    "kind": "kind",
    "ustodian": "custodian",
    "organisation": "organisation",
}
"""Word in a refusal of a seal → the field that it is about."""


def typed_seal() -> dict[str, str]:
    """What the form of a seal shows."""
    return {
        "organisation": field("organisation"),
        "kind": field("kind") or SealKind.CONTRACT.name,
        "unit": field("unit", LONGEST_UNIT),
        "width": field("width") if request.method == "POST" else USUAL_WIDTH,
        "needed": field("needed", 1) or "1",
    }


def posted_seal() -> SealDraft:
    """The seal that was described. Raises :class:`PreconditionRefused` for a kind or width that is none, and
    :class:`FormProblems` for a unit that cannot be shown on it."""
    try:
        kind = SealKind[field("kind")]
    except KeyError as error:
        raise PreconditionRefused("Choose the kind of the seal.") from error
    try:
        width = float(field("width", 10).replace(",", "."))
    except ValueError as error:
        raise PreconditionRefused("The width is a number of millimetres, such as 40.") from error
    problems = unprintable_names({"unit": field("unit", LONGEST_UNIT)}) if kind.has_unit else {}
    if problems:
        raise FormProblems(problems)
    custodians = tuple(request.form.getlist("custodian")[:20])
    return SealDraft(
        field("organisation"),
        kind,
        custodians,
        width,
        2 if field("needed", 1) == "2" else 1,
        field("unit", LONGEST_UNIT),
    )


def office_reader() -> access.PortalVisitor:
    """The officer or auditor who visits. Raises as :func:`webui.portal.access.require`."""
    return access.require(AccountRole.OFFICER, AccountRole.AUDITOR)


def whole_view() -> str | None:
    """None for officers, who know the people of all organisations of the house; for others who read here their own
    organisation, whose departments and managers alone they see."""
    someone = access.visitor()
    return None if AccountRole.OFFICER in someone.roles else someone.organisation


def own_view() -> str:
    """The organisation of whoever reads a list: departments of others stand on the pages of their people alone."""
    return access.visitor().organisation


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
    for place, name in names.items():
        if not name.strip() or len(name) > LONGEST_ORGANISATION:
            continue  # the rule of the field says so
        try:
            appliance.workshop.require_shown(" ".join(unicodedata.normalize("NFC", name).split()))
        except DocumentRefused as refusal:
            found[place] = sentence(refusal)
    return found


def seal_name(seal: Seal) -> str:
    """The seal's own name, whose kind is Chinese as on its face; for other readers the kind in their words too."""
    if current_language() is Language.CHINESE:
        return seal.label
    return f"{seal.label} · {translate()(SEAL_KINDS[seal.kind])}"
