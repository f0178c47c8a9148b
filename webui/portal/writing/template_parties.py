"""``/templates/ID/parties``: who signs every contract made from a template and who gets a copy, and its annexes,
taken from a contract of the visitor's; and in the form of a template, who takes its open roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import redirect, request

from appliance.contracts.permissions import ContractActor
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract, GuestDetails
from appliance.model.template_parties import (
    LONGEST_PHRASE,
    LONGEST_ROLE,
    RoleKind,
    TemplateParties,
    TemplateRole,
    kept_of,
)
from appliance.model.writing import Template
from webui.portal.drafting.parties import FIELDS, guest_problems
from webui.portal.office.forms import seal_name
from webui.portal.pages import appliance
from webui.portal.writing.texts import DIGITS, field_value, pages, writer
from webui.shared.form_pages import Answer, form, render, status_in_workflow
from webui.shared.forms import posted_number
from webui.shared.language import current_language, translate

OUT = "out"
"""Chosen for a party that the template does not keep."""

STEMS = "甲乙丙丁戊己庚辛壬癸"


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role as the pages show it: ``who`` takes it, ``asks`` for a seal, how many ``fields`` it has; ``choices``
    are what it can become."""

    role: TemplateRole
    who: str
    asks: str
    fields: int
    choices: tuple[tuple[str, str], ...]


def role_row(role: TemplateRole) -> RoleRow:
    """How *role* is shown, to readers of the visitor's language."""
    _, registry, asks = translate(), appliance.registry, ""
    match role.kind:
        case RoleKind.SENDER:
            who = kept = _("Whoever makes the contract")
        case RoleKind.SEAL:
            who = seal_name(registry.seal(role.subject))
            kept = _("Always this seal")
            asks = registry.person(role.requester).name if role.requester else _("whoever makes the contract")
        case RoleKind.PERSON:
            person = registry.person(role.subject)
            who = f"{person.name} · {person.organisation}" if person.organisation else person.name
            kept = _("Always this person")
        case _:
            who, kept = _("To be named"), _("To be named for each contract")
    choices = [(role.kind.value, kept)]
    if role.kind is RoleKind.PERSON and registry.person(role.subject).guest:  # a partner's representative
        choices.append((RoleKind.OPEN.value, _("To be named for each contract")))
    choices.append((OUT, _("Not kept")))
    return RoleRow(role, who, asks, len(role.places) + len(role.inputs), tuple(choices))


def _base(template: Template, contract_id: str) -> TemplateParties:
    """What the form is about: what a contract of the visitor's own has, or what the template keeps."""
    if not contract_id:
        return template.current.parties
    subject = writer()
    contract: Contract = appliance.contracts.read_contract(contract_id, ContractActor(subject))
    if contract.initiator != subject:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    found = kept_of(contract, appliance.annexes.of(contract.id))
    named = (replace(role, name=_proposed(place)) for place, role in enumerate(found.roles))
    return replace(found, roles=tuple(named))


def _proposed(place: int) -> str:
    stem = STEMS[place % len(STEMS)]
    letter = chr(ord("A") + place % 26)
    return translate()("Party {letter}", letter=stem if current_language() == "zh" else letter)


def _posted(base: TemplateParties) -> list[TemplateRole | None]:
    """The roles as the form has them; None for those that are not kept."""
    found: list[TemplateRole | None] = []
    for place, role in enumerate(base.roles):
        chosen = field_value(f"who-{place}")
        changed = replace(role, name=field_value(f"name-{place}"), words=field_value(f"words-{place}"))
        if chosen == RoleKind.OPEN.value:
            organisation = words(field_value(f"organisation-{place}"))
            changed = replace(changed, kind=RoleKind.OPEN, subject="", organisation=organisation, method=None)
        found.append(None if chosen == OUT else changed)
    return found


def _kept(base: TemplateParties) -> TemplateParties:
    """Those copies and annexes that the form has ticked."""
    return base.keeping(request.form.getlist("copy"), request.form.getlist("annex"))


def copies_of(parties: TemplateParties) -> list[tuple[str, str]]:
    """Who gets a copy: subject and name, with the organisation."""
    people = (appliance.registry.person(each) for each in parties.copies)
    return [(each.subject, " · ".join(filter(None, (each.name, each.organisation)))) for each in people]


def annexes_of(parties: TemplateParties) -> list[tuple[str, str, str]]:
    """The annexes: digest, name with size, and how they belong to the document."""
    _ = translate()
    ways = _("Attached beside the document"), _("Merged after the text")
    return [
        (each.digest, f"{each.name} · {ByteSize(each.size)}", ways[each.pages > 0]) for each in parties.annexes
    ]


@pages.get("/templates/<template_id>/parties")
def template_parties(template_id: str) -> Answer:
    template = appliance.writing.templates.offered(template_id, writer())
    source = request.values.get("contract", "")
    base = _base(template, source)
    posted = _posted(base) if request.method == "POST" else list(base.roles)
    rows = [(place, role_row(role), posted[place]) for place, role in enumerate(base.roles)]
    ticked = _kept(base) if request.method == "POST" else base
    return render(
        "writing/parties.html",
        template=template,
        source=source,
        order=base.order,
        rows=rows,
        copies=copies_of(base),
        annexes=annexes_of(base),
        ticked={*ticked.copies, *(each.digest for each in ticked.annexes)},
        longest=LONGEST_ROLE,
        longest_words=LONGEST_PHRASE,
        out=OUT,
    )


@pages.post("/templates/<template_id>/parties")
@form(
    template_parties,
    writer,
    "roles",
    refusals=(PreconditionRefused, StateRefused),
    status=status_in_workflow,
)
def keep_parties(by: str, template_id: str) -> Answer:
    template = appliance.writing.templates.offered(template_id, by)
    base = _kept(_base(template, field_value("contract")))
    kept = tuple(role for role in _posted(base) if role is not None)
    parties, seen = replace(base, roles=kept), posted_number("seen", DIGITS)
    appliance.writing.templates.keep_parties(template_id, parties, by=by, seen=seen)
    return redirect(f"/templates/{template_id}#parties", 303)


def posted_guests(roles: Sequence[TemplateRole]) -> list[GuestDetails]:
    """Who takes the open *roles*, as typed into the form of a template."""
    found = []
    for place, role in enumerate(roles):
        name, organisation, email, phone = (words(field_value(f"guest{place}-{each}")) for each in FIELDS)
        found.append(GuestDetails(name, organisation, email, phone, method=role.method))
    return found


def blank_guests(roles: Sequence[TemplateRole]) -> list[GuestDetails]:
    return [GuestDetails("", role.organisation, "") for role in roles]


def problems_of_guests(guests: Sequence[GuestDetails]) -> Mapping[str, str]:
    """What is missing or invalid, by the form's field."""
    return {
        f"guest{place}-{name}": sentence
        for place, guest in enumerate(guests)
        for name, sentence in guest_problems(guest).items()
    }
