"""``/seals/requests``: requests for seals, for those who asked and for the custodians who answer.

``/seals/uses``: the register of uses of seals, as a page and as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import ApplianceError, NotFound, StateRefused
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import Contract, Party
from appliance.model.people import SealRequest, SealRequestState, UseFilter
from appliance.seal_requests.register import STATES, as_csv
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.errors import AuthorityUnreachable, RefusalError
from webui.portal.access import PortalVisitor, require
from webui.portal.office.forms import seal_name
from webui.portal.pages import name_of
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.portal.signing.refusing import refusal_sentence
from webui.portal.signing.sheet import SheetRemark, grouped_digest, shown_pages
from webui.shared.errors import status_of
from webui.shared.language import moment, translate


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request with what it is about: contract and party."""

    request: SealRequest
    contract: Contract
    party: Party
    answers: bool


def add_seal_request_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The list, one request, and what can be done with it."""
    requests = parts.appliance.seal_requests

    @pages.get("/seals/requests")
    def seal_requests() -> str:
        subject = require(*PEOPLES_ROLES).subject
        return render_template(
            "signing/requests.html",
            to_answer=_seen(parts, requests.for_custodian(subject), subject),
            asked=_seen(parts, requests.by_requester(subject), subject),
            names=name_of,
        )

    @pages.get("/seals/requests/<request_id>")
    def seal_request(request_id: str) -> BaseResponse:
        return _page(parts, _visible(parts, request_id))

    @pages.post("/seals/requests/<request_id>/approve")
    def approve_seal(request_id: str) -> BaseResponse:
        seen = _visible(parts, request_id)
        return _tried(
            parts, seen, lambda subject: requests.approve(request_id, activations.posted_activation(subject))
        )

    @pages.post("/seals/requests/<request_id>/refuse")
    def refuse_seal(request_id: str) -> BaseResponse:
        reason = request.form.get("answer", "")
        seen = _visible(parts, request_id)
        return _tried(
            parts, seen, lambda subject: requests.refuse(request_id, by=subject, reason=reason), "answer"
        )

    @pages.post("/seals/requests/<request_id>/withdraw")
    def withdraw_seal(request_id: str) -> BaseResponse:
        seen = _visible(parts, request_id)
        return _tried(parts, seen, lambda subject: requests.withdraw(request_id, by=subject))

    @pages.post("/seals/requests/<request_id>/finish")
    def finish_seal(request_id: str) -> BaseResponse:
        seen = _visible(parts, request_id)
        return _tried(parts, seen, lambda _subject: requests.finish(request_id))


def _visible(parts: PortalParts, request_id: str) -> SeenRequest:
    """The request, for the one who asked and for those who may answer. Raises :class:`NotFound` for others."""
    subject = require(*PEOPLES_ROLES).subject
    found = parts.appliance.seal_requests.get(request_id)
    [seen] = _seen(parts, [found], subject)
    if subject != found.requester and not seen.answers:
        raise NotFound("There is no request {request} for a seal.", request=request_id)
    return seen


def _seen(parts: PortalParts, found: Sequence[SealRequest], subject: str) -> list[SeenRequest]:
    return [_about(parts, each, subject) for each in found]


def _about(parts: PortalParts, found: SealRequest, subject: str) -> SeenRequest:
    contract = parts.appliance.contracts.get(found.contract)
    party = contract.party(found.party)
    if party is None:  # a party of a contract that was sent never goes
        raise NotFound("There is no request {request} for a seal.", request=found.id)
    answers = parts.appliance.seal_requests.may_answer(found.seal, found.requester, subject)
    return SeenRequest(found, contract, party, answers)


def _tried(parts: PortalParts, seen: SeenRequest, act: Callable[[str], object], place: str = "") -> BaseResponse:
    """Does *act* as the visitor and shows the request again; what was refused, at its *place*."""
    subject = require(*PEOPLES_ROLES).subject
    try:
        act(subject)
    except RefusalError as refusal:
        if isinstance(refusal, AuthorityUnreachable):
            raise
        return _page(parts, _visible(parts, seen.request.id), _remark(refusal), place)
    return redirect(url_for("signing.seal_request", request_id=seen.request.id), 303)


def _remark(refusal: RefusalError) -> SheetRemark:
    status = status_of(refusal)
    if isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused):
        status = 422
    return SheetRemark(refusal_sentence(refusal, status), status=status)


def _page(
    parts: PortalParts, seen: SeenRequest, remark: SheetRemark | None = None, place: str = ""
) -> BaseResponse:
    visitor = require(*PEOPLES_ROLES).subject
    approved = visitor in seen.request.approved_by
    waits = seen.request.state is SealRequestState.WAITING and not approved
    act = parts.appliance.seal_requests.act(seen.request)
    known = activations.means_of(visitor) if waits and seen.answers else None
    page = render_template(
        "signing/request.html",
        seen=seen,
        asked=seen.request,
        contract=seen.contract,
        party=seen.party,
        pages=shown_pages(seen.contract, seen.party) if waits else (),
        fields=len(seen.party.places),
        digest=grouped_digest(act.digest),
        expires=act.expires,
        means=known,
        approved=approved,
        options=activations.activation_options(act, known) if known else "",
        names=name_of,
        remark=remark,
        place=place,
        typed=request.form,
        longest=LONGEST_REQUEST_REASON,
    )
    return make_response(page, 200 if remark is None else remark.status)


_EVERY_SEAL = (AccountRole.OFFICER, AccountRole.AUDITOR)


def add_seal_use_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The register, for officers and auditors of the seals of their organisation, and for custodians of the seals
    that they keep."""
    register, registry = parts.appliance.seal_uses, parts.appliance.registry

    def allowed(visitor: PortalVisitor, wanted: UseFilter) -> UseFilter:
        if visitor.roles & set(_EVERY_SEAL):
            return register.of_company(visitor.audience, wanted)
        return register.of_custodian(visitor.subject, wanted)

    @pages.get("/seals/uses")
    def seal_uses() -> str:
        visitor = require(*_EVERY_SEAL, AccountRole.CUSTODIAN)
        wanted = allowed(visitor, _wanted())
        choice = allowed(visitor, UseFilter()).seals
        seals = [seal for seal in registry.seals() if choice is None or seal.subject in choice]
        return render_template(
            "signing/seal_uses.html",
            page=register.page(wanted, before=_number(request.args.get("before", ""))),
            seals=[(seal.subject, seal_name(seal)) for seal in seals],
            states=[(state.value, translate()(words)) for state, words in STATES.items()],
            said=STATES,
            typed=request.args,
            links=AccountRole.OFFICER not in visitor.roles,
        )

    @pages.get("/seals/uses.csv")
    def seal_uses_table() -> Response:
        visitor = require(*_EVERY_SEAL, AccountRole.CUSTODIAN)
        table = as_csv(register.every(allowed(visitor, _wanted())), translate(), moment)
        answer = Response(table, mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="seal-uses.csv"'
        return answer


def _wanted() -> UseFilter:
    """What the address asks for; what is no value of its kind asks for nothing."""
    seal, state = request.args.get("seal", "")[:80], request.args.get("state", "")
    return UseFilter(
        seals=(seal,) if seal else None,
        state=SealRequestState(state) if state in set(SealRequestState) else None,
        since=_date(request.args.get("since", "")),
        until=_date(request.args.get("until", "")),
        words=request.args.get("words", "").strip()[:100],
    )


def _date(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
