"""Adding, moving and removing parties: what each button of step 2 asks of the workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.contract import Contract, GuestDetails
from webui.portal.drafting.controller import DraftController, field_value
from webui.portal.office.forms import unprintable_names
from webui.shared.language import translate

FIELDS: Final = ("name", "organisation", "email", "phone")
_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "name": person_name,
    "organisation": organisation_name,
    "email": email_address,
    "phone": telephone_number,
}
_MISSING: Final = {
    "name": "Who is it? Give the name as in the contract.",
    "email": "Give an e-mail address such as name@example.com; the link goes there.",
    "phone": "Give a phone number such as +86 138 0000 0000, to tell the code at.",
}
"""What is to be given, and what it is for; who signs for nobody else has no organisation."""


@dataclass(frozen=True, slots=True)
class PressedButton:
    """The button that was pressed: ``act`` and what it concerns, both from its value ``act:about``."""

    act: str
    about: str

    @classmethod
    def of_request(cls) -> PressedButton:
        """The button of this request; ``save`` when it was none of the list's."""
        act, _, about = field_value("act").partition(":")
        return cls(act or "save", about)


def typed_guest() -> GuestDetails:
    """The fields for somebody from outside, as typed."""
    name, organisation, email, phone = (field_value(f"guest-{each}") for each in FIELDS)
    language = field_value("guest-language")
    chosen = Language(language) if language in tuple(Language) else None
    return GuestDetails(name, organisation, email, phone, chosen, field_value("guest-zone"))


def guest_problems(guest: GuestDetails) -> dict[str, str]:
    """What is missing or cannot be right."""
    _ = translate()
    found = {}
    for name, rule in _RULES.items():
        typed = getattr(guest, name)
        if not typed.strip():
            if name in _MISSING:
                found[f"guest-{name}"] = _(_MISSING[name])
            continue
        try:
            rule(typed)
        except PreconditionRefused as refusal:
            found[f"guest-{name}"] = _(refusal.template, **refusal.values)
    if guest.zone and guest.zone not in available_timezones():
        found["guest-zone"] = _("Choose a time zone of the list.")
    return found


def button_problems(controller: DraftController, button: PressedButton) -> dict[str, str]:
    """What keeps *button* from doing anything, at its field."""
    _ = translate()
    if button.act == "guest":
        guest = typed_guest()
        names = {"guest-name": guest.name, "guest-organisation": guest.organisation}
        return unprintable_names(controller.appliance.workshop, names) | guest_problems(guest)
    if button.act == "search" and not field_value("query"):
        return {"query": _("Type a few letters of the name.")}
    if button.act == "seal":
        missing = {"seal": _("Choose the seal."), "requester": _("Choose who requests its use.")}
        return {name: sentence for name, sentence in missing.items() if not field_value(name)}
    return {}


def perform_button(controller: DraftController, draft: Contract, button: PressedButton) -> None:
    """Ask the workflow for what *button* says. Raises its refusals; does nothing for what only saves."""
    drafting, by, seen = controller.appliance.drafting, draft.initiator, draft.version
    acts: dict[str, Callable[[], object]] = {
        "myself": lambda: drafting.add_person(draft.id, subject=by, placement=None, by=by, seen=seen),
        "person": lambda: drafting.add_person(draft.id, subject=button.about, placement=None, by=by, seen=seen),
        "seal": lambda: drafting.add_seal(
            draft.id,
            seal=field_value("seal"),
            requester=field_value("requester"),
            placement=None,
            by=by,
            seen=seen,
        ),
        "guest": lambda: drafting.add_guest(draft.id, typed_guest(), by=by, seen=seen),
        "remove": lambda: drafting.remove_party(draft.id, button.about, by=by, seen=seen),
        "up": lambda: drafting.reorder(draft.id, reordered(draft, button.about, -1), by=by, seen=seen),
        "down": lambda: drafting.reorder(draft.id, reordered(draft, button.about, 1), by=by, seen=seen),
    }
    if button.act in acts:
        acts[button.act]()


def reordered(draft: Contract, party_id: str, by: int) -> list[str]:
    """The ids of the parties with one moved by a place; as they are when that leads nowhere."""
    order = [party.id for party in draft.parties]
    if party_id in order:
        at = order.index(party_id)
        to = min(max(at + by, 0), len(order) - 1)
        order.insert(to, order.pop(at))
    return order


def may_move(draft: Contract, party_id: str, by: int) -> bool:
    """Whether the list has a place there; nobody passes the initiator, who signs first."""
    order = [party.subject for party in draft.parties if party.id != party_id]
    at = next(index for index, party in enumerate(draft.parties) if party.id == party_id)
    if draft.parties[at].subject == draft.initiator or not 0 <= at + by < len(draft.parties):
        return False
    return order[min(at, at + by)] != draft.initiator
