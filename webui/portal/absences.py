"""``/settings/absence``: when the visitor is away, and who acts as deputy; ``/settings/hand-over``: everything
open goes to a colleague at once; ``/deputy/ID``: what waits for somebody who is away, for the deputy.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, request

from appliance.entered_text import local_time
from appliance.errors import NotAllowed, PreconditionRefused
from appliance.language import instants
from appliance.model.people import Absence
from webui.portal.access import PortalVisitor, require_person
from webui.portal.accounts.settings import owner
from webui.portal.departures import open_parts_page
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, unprocessable
from webui.shared.forms import date_of, field, sentence
from webui.shared.language import translate

ADDRESS, HAND_OVER = "/settings/absence", "/settings/hand-over"
_DAY = timedelta(days=1)

pages = Blueprint("absences", __name__)


@pages.get(ADDRESS)
def absence() -> Answer:
    who = require_person()
    absences, zone = appliance.accounts.absences, appliance.registry.person(who).zone
    entered, find = absences.absence_of(who), field("find", 100)
    typed = {name: field(name, 80) for name in ("since", "until", "deputy")}
    if request.method == "GET" and entered is not None:
        days = instants.bare(entered.since, zone)[:10], instants.bare(entered.until - _DAY, zone)[:10]
        typed = {"since": days[0], "until": days[1], "deputy": entered.deputy}
    deputies, more = absences.possible_deputies(who, find, chosen=typed["deputy"])
    return render(
        "accounts/absence.html",
        entered=entered,
        deputies=deputies,
        find=find,
        more=more or bool(find),
        deputised=_deputised(who),
        typed=typed,
        zone=zone,
    )


def _deputised(subject: str) -> list[tuple[Absence, str]]:
    found = appliance.accounts.absences.deputised(subject)
    return [(each, appliance.registry.person(each.person).name) for each in found]


@pages.post(ADDRESS)
@form(
    absence,
    require_person,
    lambda refusal: str(refusal.values.get("field", "")),
    refusals=(PreconditionRefused,),
    status=unprocessable,
)
def enter(who: str) -> Answer:
    if field("act") == "search":
        return absence()
    zone = appliance.registry.person(who).zone
    days = {name: date_of(field(name, 10)) for name in ("since", "until")}
    if wrong := [name for name, day in days.items() if day is None or day.year > 9000]:
        raise FormProblems({name: translate()("Choose a day, like 2026-12-31.") for name in wrong})
    since, last = (local_time(f"{days[name]}T00:00", zone) for name in ("since", "until"))
    until = local_time(f"{instants.bare(last + _DAY, zone)[:10]}T00:00", zone)
    appliance.accounts.absences.enter_absence(who, field("deputy", 80), since=since, until=until)
    return see_other("absences.absence", done="entered")


@pages.post(f"{ADDRESS}/end")
@form(absence, require_person)
def end(who: str) -> Answer:
    appliance.accounts.absences.end_absence(who)
    return see_other("absences.absence", done="ended")


def _deputy(subject: str) -> PortalVisitor:
    """The visitor, who acts for *subject* now. Raises :class:`NotAllowed`."""
    who = owner()
    if subject not in {each.person for each in appliance.accounts.absences.deputised(who.subject)}:
        raise NotAllowed("You are not the deputy of this person, or the absence is over.")
    return who


@pages.get("/deputy/<subject>")
def open_parts(subject: str) -> Answer:
    who = _deputy(subject)
    parts = appliance.handing_over.open_parts(subject, only=who.subject)
    return open_parts_page(parts, absent=subject, deputy=who.subject)


@pages.post("/deputy/<subject>")
@form(open_parts, _deputy)
def take_over(who: PortalVisitor, subject: str) -> Answer:
    contract, party, to = field("contract", 80), field("party", 80), who.subject
    reason = translate()("Absence; taken over by the deputy")
    if party:
        appliance.handing_over.reassign(contract, party, to=to, reason=reason, by=to, left=subject)
    else:
        appliance.handing_over.take_over(contract, to=to, reason=reason, by=to, left=subject)
    return see_other("contracts.page", contract_id=contract)


@pages.get(HAND_OVER)
def everything() -> Answer:
    who = require_person()
    return _hand_over_page(who, handed_over=0)


def _hand_over_page(who: str, **shown: Any) -> Answer:
    find, to = field("find", 100), field("to", 80)
    colleagues, more = appliance.accounts.absences.possible_deputies(who, find, chosen=to)
    return render(
        "accounts/hand_over.html",
        parts=appliance.handing_over.open_parts(who, only=""),
        colleagues=colleagues,
        find=find,
        more=more or bool(find),
        **shown,
    )


@pages.post(HAND_OVER)
@form(everything, require_person, {"reason": "reason"})
def hand_everything_over(who: str) -> Answer:
    """What could not go is shown with its reason; the rest has gone, each part on its own."""
    if field("act") == "search":
        return everything()
    to = field("to", 80)
    if not appliance.accounts.absences.is_colleague(who, to):
        raise FormProblems({"to": translate()("Choose a colleague from the list.")})
    done = appliance.handing_over.hand_over_all(who, to=to, reason=field("reason", 1001))
    stays = [(each.part.contract, sentence(each.refusal)) for each in done if each.refusal is not None]
    return _hand_over_page(who, handed_over=len(done), stays=stays)
