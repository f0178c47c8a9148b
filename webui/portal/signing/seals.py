"""``/seals/requests``: requests for seals, for those who asked and for the custodians who answer.

``/seals/uses``: the register of uses of seals, as a page and as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request, url_for

from appliance.errors import NotFound
from appliance.language.sizes import ByteSize
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import Contract, Party
from appliance.model.people import SealRequest, SealRequestState, UseFilter
from appliance.seal_requests.register import STATES, as_csv
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.names import is_outside
from webui.portal import activations
from webui.portal.access import PortalVisitor, require, visitor, who_is
from webui.portal.office.forms import seal_name
from webui.portal.pages import appliance, house_names, name_of
from webui.portal.signing.page import refusals_in_form
from webui.portal.signing.sheet import fields_by_page, pages
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import date_of, member_of, whole_number
from webui.shared.language import moment, translate

REQUEST = "/seals/requests/<request_id>"

TAKEN_BACK = "taken-back"
"""``?done=`` after a custodian has taken the approval back."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request with its contract and party, and whether the visitor, the ``subject``, may answer it."""

    subject: str
    request: SealRequest
    contract: Contract
    party: Party
    answers: bool

    @property
    def waits(self) -> bool:
        """Whether it waits for the visitor's approval."""
        unanswered = self.request.state is SealRequestState.WAITING
        return unanswered and self.answers and self.subject not in self.request.approved_by


@pages.get("/seals/requests")
def seal_requests() -> Answer:
    someone, requests = seal_person(), appliance.seal_requests
    to_answer = [_about(each, someone) for each in requests.for_custodian(someone.subject)]
    return render(
        "signing/requests.html",
        to_answer=to_answer,
        waiting=[each.request.id for each in to_answer if each.waits],
        asked=[_about(each, someone) for each in requests.by_requester(someone.subject)],
        at_once=activations.batch_limit(),
        selected=request.form.getlist("request"),
        names=_names(),
    )


def _names() -> Callable[[str], str]:
    """How people are called for the visitor."""
    someone = visitor()
    return name_of if is_outside(someone.subject) else house_names(someone.organisation)


def seal_person(*, invited: bool = False) -> PortalVisitor:
    """Who can ask for a seal or keep one: with an account, of the house or of another company; where *invited*,
    also an outside signer with the link to one contract. Raises as :func:`webui.portal.access.require`."""
    someone = visitor()
    if is_outside(someone.subject) and (invited or someone.guest_of is None):
        return someone
    return require(*PEOPLES_ROLES)


def visible_request(request_id: str) -> SeenRequest:
    """The request, for the one who asked and for those who may answer. Raises :class:`NotFound` for others."""
    someone, requests = seal_person(invited=True), appliance.seal_requests
    found = requests.get(request_id)
    asks = someone.subject == found.requester
    if not asks and not requests.may_answer(found.seal, found.requester, someone.subject):
        raise NotFound("There is no request {request} for a seal.", request=request_id)
    return _about(found, someone)


def _about(found: SealRequest, someone: PortalVisitor) -> SeenRequest:
    subject = someone.subject
    by = subject if someone.guest_of is None else who_is(someone)  # whose link is to one contract alone
    contract = appliance.contracts.read_contract(found.contract, by)
    party = contract.party(found.party)
    if party is None:  # a party of a contract that was sent never goes
        raise NotFound("There is no request {request} for a seal.", request=found.id)
    answers = appliance.seal_requests.may_answer(found.seal, found.requester, subject)
    return SeenRequest(subject, found, contract, party, answers)


@pages.get(REQUEST)
def seal_request(request_id: str) -> Answer:
    seen = visible_request(request_id)
    approved = seen.subject in seen.request.approved_by
    waits = seen.request.state is SealRequestState.WAITING and not approved
    act = appliance.seal_requests.act(seen.request)
    known = activations.means_of(seen.subject) if waits and seen.answers else None
    return render(
        "signing/request.html",
        seen=seen,
        asked=seen.request,
        contract=seen.contract,
        party=seen.party,
        pages=fields_by_page(seen.contract, seen.party) if waits else {},
        fields=len(seen.party.places),
        act=act,
        means=known,
        approved=approved,
        taken_back=waits and seen.answers and request.args.get("done") == TAKEN_BACK,
        names=_names(),
        annexes=appliance.annexes.of(seen.contract.id),
        size_of=ByteSize,
        longest=LONGEST_REQUEST_REASON,
    )


@pages.post(f"{REQUEST}/approve")
@form(seal_request, visible_request, refusals=())
def approve_seal(seen: SeenRequest, request_id: str) -> Answer:
    with refusals_in_form():
        appliance.seal_requests.require_usable(seen.request)
        opened = appliance.signing.opened(seen.contract, seen.request.intent)
        back = url_for("signing.seal_activated", request_id=request_id)
        return activations.to_signing(seen.subject, opened, back)


@pages.get(f"{REQUEST}/activated")
@form(seal_request, visible_request, refusals=())
def seal_activated(seen: SeenRequest, request_id: str) -> Answer:
    """Back from the activation service: counts the custodian's activation; with enough, the seal is used."""
    if activations.is_activated(seen.subject, appliance.seal_requests.act(seen.request)):
        with refusals_in_form():
            appliance.seal_requests.approve(request_id, by=seen.subject)
    return _redirect_back(seen)


@pages.post(f"{REQUEST}/refuse")
@form(seal_request, visible_request, refusals=())
def refuse_seal(seen: SeenRequest, request_id: str) -> Answer:
    with refusals_in_form("answer"):
        reason = request.form.get("answer", "")
        appliance.seal_requests.refuse(request_id, by=seen.subject, reason=reason)
    return _redirect_back(seen)


@pages.post(f"{REQUEST}/withdraw")
@form(seal_request, visible_request, refusals=())
def withdraw_seal(seen: SeenRequest, request_id: str) -> Answer:
    with refusals_in_form():
        appliance.seal_requests.withdraw(request_id, by=seen.subject)
    return _redirect_back(seen)


@pages.post(f"{REQUEST}/take-back")
@form(seal_request, visible_request, refusals=())
def take_approval_back(seen: SeenRequest, request_id: str) -> Answer:
    with refusals_in_form():
        appliance.seal_requests.take_back(request_id, by=seen.subject)
    return see_other("signing.seal_request", request_id=request_id, done=TAKEN_BACK)


@pages.post(f"{REQUEST}/finish")
@form(seal_request, visible_request, refusals=())
def finish_seal(seen: SeenRequest, request_id: str) -> Answer:
    with refusals_in_form():
        appliance.seal_requests.finish(request_id)
    return _redirect_back(seen)


def _redirect_back(seen: SeenRequest) -> Answer:
    return see_other("signing.seal_request", request_id=seen.request.id)


_EVERY_SEAL = (AccountRole.OFFICER, AccountRole.AUDITOR)


def _register_reader() -> PortalVisitor:
    someone = visitor()
    if is_outside(someone.subject) and someone.guest_of is None:
        return someone
    return require(*_EVERY_SEAL, AccountRole.CUSTODIAN)


def _allowed(someone: PortalVisitor, wanted: UseFilter) -> UseFilter:
    """What is *wanted* of the uses: for officers and auditors those of the seals of their organisation, for
    custodians, also those from outside, those of the seals that they keep."""
    if someone.roles & set(_EVERY_SEAL):
        return appliance.seal_uses.of_company(someone.audience, wanted)
    return appliance.seal_uses.of_custodian(someone.subject, wanted)


@pages.get("/seals/uses")
def seal_uses() -> Answer:
    someone = _register_reader()
    choice = _allowed(someone, UseFilter()).seals
    seals = [seal for seal in appliance.registry.seals() if choice is None or seal.subject in choice]
    before = whole_number(request.args.get("before", ""), 18)
    return render(
        "signing/seal_uses.html",
        page=appliance.seal_uses.page(_allowed(someone, _wanted()), before=before),
        seals=[(seal.subject, seal_name(seal)) for seal in seals],
        states=[(state.value, translate()(words)) for state, words in STATES.items()],
        said=STATES,
        typed=request.args,
        links=AccountRole.OFFICER not in someone.roles,
    )


@pages.get("/seals/uses.csv")
def seal_uses_table() -> Answer:
    uses = appliance.seal_uses.every(_allowed(_register_reader(), _wanted()))
    headers = {"Content-Disposition": 'attachment; filename="seal-uses.csv"'}
    return Response(as_csv(uses, translate(), moment), mimetype="text/csv", headers=headers)


def _wanted() -> UseFilter:
    """What the address asks for; what is no value of its kind asks for nothing."""
    asked = request.args
    seal = asked.get("seal", "")[:80]
    return UseFilter(
        seals=(seal,) if seal else None,
        state=member_of(SealRequestState, asked.get("state", "")),
        since=date_of(asked.get("since", "")),
        until=date_of(asked.get("until", "")),
        words=asked.get("words", "").strip()[:100],
    )
