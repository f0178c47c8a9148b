"""Step 2: who signs, in which order, and until when."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response, request

from appliance.contracts.draft_rules import default_deadline
from appliance.contracts.sending import ProblemPlace
from appliance.directory import LONGEST, MOST
from appliance.errors import ApplianceError, PreconditionRefused
from appliance.model.contract import Contract, Deadline, GuestDetails, SigningOrder
from webui.portal.drafting import adding
from webui.portal.drafting.adding import Button
from webui.portal.drafting.deadlines import PRESETS, TypedDeadline, zones
from webui.portal.drafting.desk import NOTHING, Desk, Remarks, Step, seen, terms_of, to, typed, wants_json
from webui.portal.drafting.palette import mark
from webui.portal.seal_names import named
from webui.shared.language import NAMES, current_language, translate

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
    def of(cls, draft: Contract) -> TypedParties:
        """How the draft stands in the form."""
        guest = replace(NOBODY, language=current_language(), zone=draft.deadline.zone)
        return cls(draft.order, TypedDeadline.of(draft.deadline), guest, requester=draft.initiator)

    @classmethod
    def posted(cls) -> TypedParties:
        """What came with the form."""
        deadline = TypedDeadline(typed("date"), typed("time"), typed("zone"))
        return cls(typed("order"), deadline, adding.typed_guest(), typed("seal"), typed("requester"))


def install(pages: Blueprint, desk: Desk) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/parties")
    def parties(contract_id: str) -> Response:
        draft = desk.draft(contract_id)
        return _page(desk, draft, TypedParties.of(draft), NOTHING)

    @pages.post("/contracts/<contract_id>/draft/parties")
    def save_parties(contract_id: str) -> Response:
        draft = desk.draft(contract_id)
        given = TypedParties.posted()
        button = _button(given)
        try:
            if button.act == "days":
                return _save_preset(desk, draft, button.about)
            deadline, found = _terms(desk, draft, given)
            found.update(adding.problems(desk, button))
            if found or deadline is None:
                return _page(desk, draft, given, Remarks(found))
            draft = _revised(desk, draft, SigningOrder(given.order), deadline)
            adding.perform(desk, draft, button)
        except ApplianceError as refusal:
            draft = desk.draft(contract_id)
            return _page(desk, draft, given, desk.remarks(refusal, draft, place=_place(button, refusal)))
        return _saved(desk, desk.draft(contract_id), button)


def _button(given: TypedParties) -> Button:
    """The button that was pressed; whoever goes on with somebody's details typed in means to add them."""
    button = Button.pressed()
    leaving = button.act == "save" and not wants_json()
    return Button("guest", "") if leaving and any((given.guest.name, given.guest.email)) else button


def _terms(desk: Desk, draft: Contract, given: TypedParties) -> tuple[Deadline | None, dict[str, str]]:
    """The deadline as typed, and what is wrong with it or the order."""
    _ = translate()
    found: dict[str, str] = {}
    if given.order not in tuple(SigningOrder):
        found["order"] = _("Choose one of the two orders.")
    try:
        deadline = given.deadline.read()
    except PreconditionRefused as refusal:
        return None, found | {"date": _(refusal.template, **refusal.values)}
    if deadline is None:
        found["date"] = _("Give a date, a time of day and a time zone, such as 2026-12-31, 18:00, Asia/Shanghai.")
    elif deadline.at <= desk.appliance.now() and deadline != draft.deadline:
        found["date"] = _("This moment has passed; choose a later one.")
    return deadline, found


def _revised(desk: Desk, draft: Contract, order: SigningOrder, deadline: Deadline) -> Contract:
    terms = replace(terms_of(draft), order=order, deadline=deadline)
    return desk.appliance.drafting.revise(draft.id, terms, by=draft.initiator, seen=seen())


def _save_preset(desk: Desk, draft: Contract, days: str) -> Response:
    chosen = next((each for each in PRESETS if str(each) == days), PRESETS[0])
    given = TypedParties.posted()
    zone = given.deadline.zone if given.deadline.zone in zones(draft.deadline.zone) else draft.deadline.zone
    order = SigningOrder(given.order) if given.order in tuple(SigningOrder) else draft.order
    _revised(desk, draft, order, default_deadline(desk.appliance.now(), zone, chosen))
    return to(draft.id, Step.PARTIES, anchor="field-deadline")


def _saved(desk: Desk, draft: Contract, button: Button) -> Response:
    if button.act == "search":
        return to(draft.id, Step.PARTIES, anchor="field-query", query=typed("query")[:LONGEST])
    if button.act != "save" and not request.form.get("go"):
        return to(draft.id, Step.PARTIES, anchor="field-parties")
    return desk.onward(draft, Step.PARTIES)


def _place(button: Button, refusal: ApplianceError) -> str:
    """The field beside which the workflow's *refusal* of *button* is shown."""
    if button.act == "guest" and "organisation" in refusal.values:
        return "guest-organisation"
    return {"guest": "guest-email", "person": "query", "seal": "seal", "myself": "parties"}.get(button.act, "")


def _page(desk: Desk, draft: Contract, given: TypedParties, remarks: Remarks) -> Response:
    language = current_language()
    registry = desk.appliance.registry
    query = typed("query") if request.method == "POST" else request.args.get("query")
    people = {party.responsible for party in draft.parties if not party.guest} | {draft.initiator}
    names = {subject: registry.person(subject).name for subject in people}
    contacts = {
        party.id: f"{registry.person(party.subject).email} · {party.phone}"
        for party in draft.parties
        if party.guest
    }
    taken = {party.subject for party in draft.parties}
    _ = translate()
    return desk.page(
        Step.PARTIES,
        draft,
        remarks,
        typed=given,
        marks={party.id: mark(party, language) for party in draft.parties},
        names=names,
        contacts=contacts,
        lacking=_lacking(desk, draft),
        movable=lambda party, by: adding.may_move(draft, party.id, by),
        myself=draft.initiator not in taken,
        query=query,
        found=[each for each in desk.appliance.directory.search(query or "") if each.subject not in taken],
        most=MOST,
        seals=_seals(desk, taken),
        requesters=list(names.items()),
        guest_open=any(name.startswith("guest-") for name in remarks.problems)
        or any((given.guest.name, given.guest.email)),
        presets=PRESETS,
        zones=[(zone, zone) for zone in zones(draft.deadline.zone)],
        languages=NAMES,
    )


def _lacking(desk: Desk, draft: Contract) -> dict[str, list[str]]:
    """What keeps each party from signing, by its id: the same that sending would refuse."""
    _ = translate()
    found: dict[str, list[str]] = {party.id: [] for party in draft.parties}
    for problem in desk.appliance.sending.problems(draft):
        if problem.place is ProblemPlace.PARTIES and problem.party is not None:
            found[problem.party].append(_(problem.template, **problem.values))
    return found


def _seals(desk: Desk, taken: set[str]) -> list[tuple[str, str]]:
    usable = [
        seal for seal in desk.appliance.registry.seals() if seal.suspended is None and seal.subject not in taken
    ]
    if not usable:
        return []
    choices = [(seal.subject, named(seal)) for seal in usable]
    return choices if len(choices) == 1 else [("", translate()("Choose…")), *choices]
