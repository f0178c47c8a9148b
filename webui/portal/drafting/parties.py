"""Step 2: who signs, in which order, and until when: a date, a time and a zone, or so many days from now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import available_timezones

from flask import request

from appliance.accounts.registry import LONGEST, MOST
from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.contracts.draft_rules import FARTHEST_YEARS, TOO_FAR, default_deadline, is_too_far
from appliance.contracts.sending import ProblemPlace
from appliance.entered_text import local_time
from appliance.errors import PreconditionRefused
from appliance.language import Language, instants
from appliance.model.contract import Contract, Deadline, GuestDetails, SigningOrder
from appliance.model.partners import Representative
from appliance.model.people import Person
from appliance.signing_methods import METHOD_HINTS, METHOD_TITLES, SigningMethod
from hsm.errors import RefusalError
from hsm.names import is_outside
from webui.portal.access import visitor
from webui.portal.drafting.sheets import party_mark
from webui.portal.drafting.steps import (
    DraftStep,
    PressedButton,
    field_value,
    load_draft,
    pages,
    redirect_onward,
    redirect_to_step,
    seen_version,
    step_form,
    step_page,
    step_problems,
    terms_of,
    wants_json,
)
from webui.portal.office.forms import seal_name, unprintable_names
from webui.portal.pages import appliance, house_names, party_names
from webui.shared.form_pages import Answer, FormProblems
from webui.shared.forms import member_of, sentence
from webui.shared.language import NAMES, current_language, translate

PRESETS = (3, 7, 14, 30)
"""Days from now that one press chooses."""

ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Jakarta",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/Moscow",
    "Europe/Berlin",
    "Europe/London",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)
"""Zones that the form offers; the draft's own comes first when it is another one."""


def offered_zones(own: str) -> tuple[str, ...]:
    """What the form offers when the draft's zone is *own*."""
    others = tuple(zone for zone in ZONES if zone != "UTC" or own != "Etc/UTC")  # two names of one zone
    return others if own in ZONES else (own, *others)


NOBODY = GuestDetails("", "", "", "")

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


def guest_problems(guest: GuestDetails) -> dict[str, str]:
    """What is missing or invalid, by field."""
    _ = translate()
    found = unprintable_names({"name": guest.name, "organisation": guest.organisation})
    for name, rule in _RULES.items():
        typed = getattr(guest, name)
        if not typed.strip():
            if name in _MISSING:
                found[name] = _(_MISSING[name])
            continue
        try:
            rule(typed)
        except PreconditionRefused as refusal:
            found[name] = sentence(refusal)
    if guest.zone and guest.zone not in available_timezones():
        found["zone"] = _("Choose a time zone of the list.")
    return found


@dataclass(frozen=True, slots=True)
class TypedParties:
    """What stands in the form."""

    order: str
    date: str
    time: str
    zone: str
    guest: GuestDetails
    seal: str
    requester: str

    @classmethod
    def of_draft(cls, draft: Contract) -> TypedParties:
        """How the draft stands in the form."""
        zone = draft.deadline.zone
        day, _, time = instants.bare(draft.deadline.at, zone).partition(" ")
        guest = replace(NOBODY, language=current_language(), zone=zone)
        return cls(draft.order, day, time, zone, guest, "", draft.initiator)

    @classmethod
    def posted(cls) -> TypedParties:
        order, day, time, zone = (field_value(name) for name in ("order", "date", "time", "zone"))
        name, organisation, email, phone = (field_value(f"guest-{each}") for each in FIELDS)
        language = member_of(Language, field_value("guest-language"))
        method = member_of(SigningMethod, field_value("guest-method"))
        guest = GuestDetails(name, organisation, email, phone, language, field_value("guest-zone"), method)
        return cls(order, day, time, zone, guest, field_value("seal"), field_value("requester"))

    @property
    def names_guest(self) -> bool:
        return any((self.guest.name, self.guest.email))


@pages.get("/contracts/<contract_id>/draft/parties")
def parties(contract_id: str) -> Answer:
    draft, registry = load_draft(contract_id), appliance.registry
    posted = request.method == "POST"
    given = TypedParties.posted() if posted else TypedParties.of_draft(draft)
    query = field_value("query") if posted else request.args.get("query")
    people = {party.responsible for party in draft.parties} | {draft.initiator}
    own = visitor().organisation
    names = {subject: house_names(own)(subject) for subject in people}
    taken = {party.subject for party in draft.parties}
    return step_page(
        DraftStep.PARTIES,
        draft,
        typed=given,
        marks={party.id: party_mark(party) for party in draft.parties},
        names=names,
        called=party_names(own),
        contacts={
            party.id: " · ".join(filter(None, (registry.person(party.subject).email, party.phone)))
            for party in draft.parties
            if party.guest
        },
        lacking=_lacking(draft),
        needs_powers=appliance.policy.rules_for(draft.kind).powers.required,
        movable=lambda party, by: may_move(draft, party.id, by),
        myself=draft.initiator not in taken,
        query=query,
        found=[each for each in _found(query or "", own) if each.subject not in taken],
        most=MOST,
        seals=_seals(taken),
        requesters=_requesters(names),
        guest_open=any(name.startswith("guest-") for name in step_problems()[0]) or given.names_guest,
        presets=PRESETS,
        zones=[(zone, zone) for zone in offered_zones(draft.deadline.zone)],
        languages=NAMES,
        methods=_methods(draft),
        method_titles=METHOD_TITLES,
    )


def _found(query: str, own: str) -> list[Person | Representative]:
    """People with accounts of the house, as somebody of the *own* organisation finds them, then representatives of
    partner organisations."""
    return [*appliance.registry.search(query, own=own), *appliance.representatives.search(query)]


def _place(refusal: RefusalError) -> str:
    """The field beside which the workflow's *refusal* of the button is shown."""
    act = _button(TypedParties.posted()).act
    if act == "guest" and "organisation" in refusal.values:
        return "guest-organisation"
    return {"guest": "guest-email", "person": "query", "seal": "seal", "myself": "parties"}.get(act, "")


@pages.post("/contracts/<contract_id>/draft/parties")
@step_form(parties, load_draft, _place)
def save_parties(draft: Contract, contract_id: str) -> Answer:
    given = TypedParties.posted()
    button = _button(given)
    if button.act == "days":
        return _save_preset(draft, given, button.about)
    deadline, found = _terms(draft, given)
    found.update(_button_problems(button, given))
    if found or deadline is None:
        raise FormProblems(found)
    _perform(_revised(draft, SigningOrder(given.order), deadline), button, given)
    if button.act == "search":
        query = field_value("query")[:LONGEST]
        return redirect_to_step(contract_id, DraftStep.PARTIES, anchor="field-query", query=query)
    if button.act != "save" and not request.form.get("go"):
        return redirect_to_step(contract_id, DraftStep.PARTIES, anchor="field-parties")
    return redirect_onward(load_draft(contract_id), DraftStep.PARTIES)


def _button(given: TypedParties) -> PressedButton:
    """The button that was pressed; whoever goes on with somebody's details typed in means to add them."""
    button = PressedButton.of_request()
    leaving = button.act == "save" and not wants_json()
    return PressedButton("guest", "") if leaving and given.names_guest else button


def _terms(draft: Contract, given: TypedParties) -> tuple[Deadline | None, dict[str, str]]:
    """The deadline as typed, and what is wrong with it or the order."""
    _ = translate()
    found: dict[str, str] = {}
    if given.order not in tuple(SigningOrder):
        found["order"] = _("Choose one of the two orders.")
    try:
        deadline = Deadline(local_time(f"{given.date}T{given.time}", given.zone), given.zone)
    except PreconditionRefused as refusal:  # an unknown zone, or a time that its clocks skip
        return None, found | {"date": sentence(refusal)}
    except ValueError:
        wanted = _("Give a date, a time of day and a time zone, such as 2026-12-31, 18:00, Asia/Shanghai.")
        return None, found | {"date": wanted}
    if deadline.at <= appliance.now() and deadline != draft.deadline:
        found["date"] = _("This moment has passed; choose a later one.")
    if is_too_far(deadline.at, appliance.now()):
        found["date"] = _(TOO_FAR, years=FARTHEST_YEARS)
    return deadline, found


def _revised(draft: Contract, order: SigningOrder, deadline: Deadline) -> Contract:
    terms = replace(terms_of(draft), order=order, deadline=deadline)
    return appliance.drafting.revise(draft.id, terms, by=draft.initiator, seen=seen_version())


def _save_preset(draft: Contract, given: TypedParties, days: str) -> Answer:
    chosen = next((each for each in PRESETS if str(each) == days), PRESETS[0])
    own, typed = draft.deadline.zone, given.zone
    deadline = default_deadline(appliance.now(), typed if typed in offered_zones(own) else own, chosen)
    _revised(draft, member_of(SigningOrder, given.order) or draft.order, deadline)
    return redirect_to_step(draft.id, DraftStep.PARTIES, anchor="field-deadline")


def _button_problems(button: PressedButton, given: TypedParties) -> dict[str, str]:
    """What keeps *button* from doing anything, at its field."""
    _ = translate()
    if button.act == "guest":
        return {f"guest-{name}": problem for name, problem in guest_problems(given.guest).items()}
    if button.act == "search" and not field_value("query"):
        return {"query": _("Type a few letters of the name.")}
    if button.act == "seal":
        missing = {"seal": _("Choose the seal."), "requester": _("Choose who requests its use.")}
        return {name: sentence for name, sentence in missing.items() if not field_value(name)}
    return {}


def _perform(draft: Contract, button: PressedButton, given: TypedParties) -> None:
    """Asks the workflow for what *button* says. Raises its refusals; does nothing for what only saves."""
    drafting, by, about, seen = appliance.drafting, draft.initiator, button.about, draft.version
    match button.act:
        case "myself" | "person":
            subject = by if button.act == "myself" else about
            drafting.add_person(draft.id, subject=subject, placement=None, by=by, seen=seen)
        case "seal":
            seal, requester = given.seal, given.requester
            drafting.add_seal(draft.id, seal=seal, requester=requester, placement=None, by=by, seen=seen)
        case "guest":
            drafting.add_guest(draft.id, given.guest, by=by, seen=seen)
        case "remove":
            drafting.remove_party(draft.id, about, by=by, seen=seen)
        case "up" | "down":
            order = reordered(draft, about, -1 if button.act == "up" else 1)
            drafting.reorder(draft.id, order, by=by, seen=seen)


def reordered(draft: Contract, party_id: str, by: int) -> list[str]:
    """The ids of the parties with one moved by a place; unchanged when that is not possible."""
    order = [party.id for party in draft.parties]
    if party_id in order:
        at = order.index(party_id)
        to = min(max(at + by, 0), len(order) - 1)
        order.insert(to, order.pop(at))
    return order


def may_move(draft: Contract, party_id: str, by: int) -> bool:
    """Whether the party can move there; nobody is placed before the initiator, who signs first."""
    order = [party.subject for party in draft.parties if party.id != party_id]
    at = next(index for index, party in enumerate(draft.parties) if party.id == party_id)
    if draft.parties[at].subject == draft.initiator or not 0 <= at + by < len(draft.parties):
        return False
    return order[min(at, at + by)] != draft.initiator


def _lacking(draft: Contract) -> dict[str, list[str]]:
    """What keeps each party from signing, by its id: the same that sending would refuse."""
    _ = translate()
    found: dict[str, list[str]] = {party.id: [] for party in draft.parties}
    for problem in appliance.sending.problems(draft):
        if problem.place is ProblemPlace.PARTIES and problem.party is not None:
            found[problem.party].append(_(problem.template, **problem.values))
    return found


def _methods(draft: Contract) -> list[tuple[SigningMethod, str, str]]:
    """The methods that somebody from outside can be given, with their words; the first is proposed."""
    _ = translate()
    methods = appliance.drafting.offered_methods(draft)
    return [(method, _(METHOD_TITLES[method]), _(METHOD_HINTS[method])) for method in methods]


def _requesters(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Who may ask for a seal: those who act in the draft, and the custodians of other companies' seals; with their
    organisation where they are from outside."""
    registry = appliance.registry
    kept = {each for seal in registry.seals() if seal.outside and not seal.suspended for each in seal.custodians}
    others = [registry.person(each) for each in sorted({each for each in names if is_outside(each)} | kept)]
    able = [each for each in others if each.organisation]
    own = [(subject, name) for subject, name in names.items() if not is_outside(subject)]
    return own + [(each.subject, f"{each.name} · {each.organisation}") for each in able]


def _seals(taken: set[str]) -> list[tuple[str, str]]:
    usable = [seal for seal in appliance.registry.seals() if seal.suspended is None and seal.subject not in taken]
    if not usable:
        return []
    choices = [(seal.subject, seal_name(seal)) for seal in usable]
    return choices if len(choices) == 1 else [("", translate()("Choose…")), *choices]
