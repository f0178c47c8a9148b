"""Step 2: who signs, in which order, and until when: a date, a time and a zone, or so many days from now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response, request

from appliance.contracts.draft_rules import default_deadline
from appliance.contracts.sending import ProblemPlace
from appliance.directory import LONGEST, MOST
from appliance.entered_text import local_time
from appliance.errors import ApplianceError, PreconditionRefused
from appliance.language import instants
from appliance.model.contract import Contract, Deadline, GuestDetails, SigningOrder
from webui.portal.drafting import party_buttons
from webui.portal.drafting.controller import (
    NOTHING,
    DraftController,
    DraftStep,
    Remarks,
    field_value,
    redirect_to_step,
    seen_version,
    terms_of,
    wants_json,
)
from webui.portal.drafting.party_buttons import PressedButton
from webui.portal.drafting.sheets import party_mark
from webui.portal.seal_names import seal_name
from webui.shared.language import NAMES, current_language, translate

PRESETS = (3, 7, 14, 30)
"""Days from now that one press chooses."""

ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)
"""Zones that the form offers; the draft's own comes first when it is another one."""


@dataclass(frozen=True, slots=True)
class TypedDeadline:
    """The three fields as text: ``2026-12-09``, ``18:00``, ``Asia/Shanghai``."""

    date: str
    time: str
    zone: str

    @classmethod
    def of_deadline(cls, deadline: Deadline) -> TypedDeadline:
        """How *deadline* stands in the form."""
        day, _, time = instants.bare(deadline.at, deadline.zone).partition(" ")
        return cls(day, time, deadline.zone)

    def to_deadline(self) -> Deadline | None:
        """The deadline, or None for what is no date or no time of day.

        Raises :class:`PreconditionRefused` for a zone that there is not, and a time that its clocks leave out.
        """
        try:
            return Deadline(local_time(f"{self.date.strip()}T{self.time.strip()}", self.zone), self.zone)
        except ValueError:
            return None


def offered_zones(own: str) -> tuple[str, ...]:
    """What the form offers when the draft's zone is *own*."""
    return ZONES if own in ZONES else (own, *ZONES)


NOBODY = GuestDetails("", "", "", "")


@dataclass(frozen=True, slots=True)
class TypedParties:
    """What stands in the form."""

    order: str
    deadline: TypedDeadline
    guest: GuestDetails = NOBODY
    seal: str = ""
    requester: str = ""

    @classmethod
    def of_draft(cls, draft: Contract) -> TypedParties:
        """How the draft stands in the form."""
        guest = replace(NOBODY, language=current_language(), zone=draft.deadline.zone)
        return cls(draft.order, TypedDeadline.of_deadline(draft.deadline), guest, requester=draft.initiator)

    @classmethod
    def posted(cls) -> TypedParties:
        """What came with the form."""
        deadline = TypedDeadline(field_value("date"), field_value("time"), field_value("zone"))
        return cls(
            field_value("order"),
            deadline,
            party_buttons.typed_guest(),
            field_value("seal"),
            field_value("requester"),
        )


def add_parties_step(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/parties")
    def parties(contract_id: str) -> Response:
        draft = controller.load_draft(contract_id)
        return _page(controller, draft, TypedParties.of_draft(draft), NOTHING)

    @pages.post("/contracts/<contract_id>/draft/parties")
    def save_parties(contract_id: str) -> Response:
        draft = controller.load_draft(contract_id)
        given = TypedParties.posted()
        button = _button(given)
        try:
            if button.act == "days":
                return _save_preset(controller, draft, button.about)
            deadline, found = _terms(controller, draft, given)
            found.update(party_buttons.button_problems(controller, button))
            if found or deadline is None:
                return _page(controller, draft, given, Remarks(found))
            draft = _revised(controller, draft, SigningOrder(given.order), deadline)
            party_buttons.perform_button(controller, draft, button)
        except ApplianceError as refusal:
            draft = controller.load_draft(contract_id)
            return _page(
                controller, draft, given, controller.remarks(refusal, draft, place=_place(button, refusal))
            )
        return _saved(controller, controller.load_draft(contract_id), button)


def _button(given: TypedParties) -> PressedButton:
    """The button that was pressed; whoever goes on with somebody's details typed in means to add them."""
    button = PressedButton.of_request()
    leaving = button.act == "save" and not wants_json()
    return PressedButton("guest", "") if leaving and any((given.guest.name, given.guest.email)) else button


def _terms(
    controller: DraftController, draft: Contract, given: TypedParties
) -> tuple[Deadline | None, dict[str, str]]:
    """The deadline as typed, and what is wrong with it or the order."""
    _ = translate()
    found: dict[str, str] = {}
    if given.order not in tuple(SigningOrder):
        found["order"] = _("Choose one of the two orders.")
    try:
        deadline = given.deadline.to_deadline()
    except PreconditionRefused as refusal:
        return None, found | {"date": _(refusal.template, **refusal.values)}
    if deadline is None:
        found["date"] = _("Give a date, a time of day and a time zone, such as 2026-12-31, 18:00, Asia/Shanghai.")
    elif deadline.at <= controller.appliance.now() and deadline != draft.deadline:
        found["date"] = _("This moment has passed; choose a later one.")
    return deadline, found


def _revised(controller: DraftController, draft: Contract, order: SigningOrder, deadline: Deadline) -> Contract:
    terms = replace(terms_of(draft), order=order, deadline=deadline)
    return controller.appliance.drafting.revise(draft.id, terms, by=draft.initiator, seen=seen_version())


def _save_preset(controller: DraftController, draft: Contract, days: str) -> Response:
    chosen = next((each for each in PRESETS if str(each) == days), PRESETS[0])
    given = TypedParties.posted()
    zone = (
        given.deadline.zone if given.deadline.zone in offered_zones(draft.deadline.zone) else draft.deadline.zone
    )
    order = SigningOrder(given.order) if given.order in tuple(SigningOrder) else draft.order
    _revised(controller, draft, order, default_deadline(controller.appliance.now(), zone, chosen))
    return redirect_to_step(draft.id, DraftStep.PARTIES, anchor="field-deadline")


def _saved(controller: DraftController, draft: Contract, button: PressedButton) -> Response:
    if button.act == "search":
        return redirect_to_step(
            draft.id, DraftStep.PARTIES, anchor="field-query", query=field_value("query")[:LONGEST]
        )
    if button.act != "save" and not request.form.get("go"):
        return redirect_to_step(draft.id, DraftStep.PARTIES, anchor="field-parties")
    return controller.redirect_onward(draft, DraftStep.PARTIES)


def _place(button: PressedButton, refusal: ApplianceError) -> str:
    """The field beside which the workflow's *refusal* of *button* is shown."""
    if button.act == "guest" and "organisation" in refusal.values:
        return "guest-organisation"
    return {"guest": "guest-email", "person": "query", "seal": "seal", "myself": "parties"}.get(button.act, "")


def _page(controller: DraftController, draft: Contract, given: TypedParties, remarks: Remarks) -> Response:
    language = current_language()
    registry = controller.appliance.registry
    query = field_value("query") if request.method == "POST" else request.args.get("query")
    people = {party.responsible for party in draft.parties if not party.guest} | {draft.initiator}
    names = {subject: registry.person(subject).name for subject in people}
    contacts = {
        party.id: f"{registry.person(party.subject).email} · {party.phone}"
        for party in draft.parties
        if party.guest
    }
    taken = {party.subject for party in draft.parties}
    _ = translate()
    return controller.step_page(
        DraftStep.PARTIES,
        draft,
        remarks,
        typed=given,
        marks={party.id: party_mark(party, language) for party in draft.parties},
        names=names,
        contacts=contacts,
        lacking=_lacking(controller, draft),
        movable=lambda party, by: party_buttons.may_move(draft, party.id, by),
        myself=draft.initiator not in taken,
        query=query,
        found=[each for each in controller.appliance.directory.search(query or "") if each.subject not in taken],
        most=MOST,
        seals=_seals(controller, taken),
        requesters=list(names.items()),
        guest_open=any(name.startswith("guest-") for name in remarks.problems)
        or any((given.guest.name, given.guest.email)),
        presets=PRESETS,
        zones=[(zone, zone) for zone in offered_zones(draft.deadline.zone)],
        languages=NAMES,
    )


def _lacking(controller: DraftController, draft: Contract) -> dict[str, list[str]]:
    """What keeps each party from signing, by its id: the same that sending would refuse."""
    _ = translate()
    found: dict[str, list[str]] = {party.id: [] for party in draft.parties}
    for problem in controller.appliance.sending.problems(draft):
        if problem.place is ProblemPlace.PARTIES and problem.party is not None:
            found[problem.party].append(_(problem.template, **problem.values))
    return found


def _seals(controller: DraftController, taken: set[str]) -> list[tuple[str, str]]:
    usable = [
        seal
        for seal in controller.appliance.registry.seals()
        if seal.suspended is None and seal.subject not in taken
    ]
    if not usable:
        return []
    choices = [(seal.subject, seal_name(seal)) for seal in usable]
    return choices if len(choices) == 1 else [("", translate()("Choose…")), *choices]
