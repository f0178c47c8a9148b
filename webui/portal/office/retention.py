"""``/office/retention``: legal holds, what has to go and what went; erasing somebody's personal data."""

from __future__ import annotations

from flask import request

from appliance.errors import NotFound
from appliance.model.retention import Disposal, DisposalState, LegalHold
from appliance.retention import PAGE
from hsm.errors import RefusalError
from webui.portal.office.forms import office_reader, pages, visiting_officer
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import field, sentence
from webui.shared.language import translate


@pages.get("/retention")
def retained() -> Answer:
    office_reader()
    both = appliance.retention, appliance.capture_retention
    holds = [each for kind in both for each in kind.list_holds()]
    waiting = [each for kind in both for each in kind.list_disposals(DisposalState.PROPOSED)]
    done = [each for kind in both for each in kind.list_disposals(DisposalState.DONE, limit=PAGE)]
    subjects = [each.placed_by for each in holds] + [each.proposed_by for each in (*waiting, *done)]
    return render(
        "office/retention.html",
        holds=holds,
        reason=_reason,
        waiting=waiting,
        due=appliance.retention.list_due(),
        captures_due=[
            (each, appliance.captures.keeps_until(each)) for each in appliance.capture_retention.list_due()
        ],
        done=done,
        names=appliance.office.members.names(subjects),
        two=appliance.policy.default.retention.second_person,
    )


def _place(_refusal: RefusalError) -> str:
    return "contract" if (request.view_args or {})["what"] == "hold" else ""


@pages.post("/retention/<any(hold, lift, propose, confirm, refuse):what>")
@form(retained, visiting_officer, _place)
def retain(by: str, what: str) -> Answer:
    number, reason = field("contract", 80).strip(), field("reason", 2000)
    retention = appliance.capture_retention if appliance.capture_retention.knows(number) else appliance.retention
    try:
        match what:
            case "hold":
                retention.place_hold(number, reason=reason, by=by)
            case "lift":
                retention.lift_hold(number, reason=reason, by=by)
            case "propose":
                retention.propose_disposal(number, reason=reason, by=by)
            case "confirm":
                retention.confirm_disposal(number, by=by)
            case _:
                retention.refuse_disposal(number, reason=reason, by=by)
    except NotFound as refusal:
        raise FormProblems({"contract": sentence(refusal)}) from refusal
    return see_other("office.retained")


def _reason(each: LegalHold | Disposal) -> str:
    """The reason for readers of the organisation that drafted the contract, or ordered the capture: it is internal
    to that."""
    audience = office_reader().audience
    if appliance.capture_retention.knows(each.about):
        own = appliance.capture_retention.is_of(each.about, audience)
        return each.reason if own else translate()("internal to the organisation of whoever ordered it")
    if appliance.disclosing.drafted(each.about, audience):
        return each.reason
    return translate()("internal to the organisation that drafted it")


@pages.get("/people/<subject>/erase")
def erasure(subject: str) -> Answer:
    visiting_officer()
    return render(
        "office/erase.html",
        member=appliance.office.members.member(subject),
        remainder=appliance.retention.remainder(subject),
    )


@pages.post("/people/<subject>/erase")
@form(erasure, visiting_officer, "reason")
def erase(by: str, subject: str) -> Answer:
    appliance.retention.erase_person(subject, reason=field("reason", 2000), by=by)
    return see_other("office.person", subject=subject)
