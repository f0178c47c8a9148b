"""``/seals/requests``: requests for seals, for those who asked and for the custodians who answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError, NotFound, StateRefused
from appliance.model.accounts import PEOPLES_ROLES
from appliance.model.contract import Contract, Party
from appliance.model.seals import SealRequest, SealRequestState
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.errors import AuthorityError, AuthorityUnreachable
from webui.portal.access import require
from webui.portal.contracts.page import name_lookup
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.portal.signing.own import grouped_digest, shown_pages
from webui.portal.signing.refusing import refusal_sentence
from webui.portal.signing.sheet import SheetRemark
from webui.shared.statuses import Refusal, status_of


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request with what it is about: contract and party."""

    request: SealRequest
    contract: Contract
    party: Party
    answers: bool


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The list, one request, and what can be done with it."""
    requests = parts.appliance.seal_requests

    @pages.get("/seals/requests")
    def seal_requests() -> str:
        subject = require(*PEOPLES_ROLES).subject
        return render_template(
            "signing/requests.html",
            to_answer=_seen(parts, requests.for_custodian(subject), subject),
            asked=_seen(parts, requests.by_requester(subject), subject),
            names=name_lookup(parts),
        )

    @pages.get("/seals/requests/<request_id>")
    def seal_request(request_id: str) -> Response:
        return _page(parts, _visible(parts, request_id))

    @pages.post("/seals/requests/<request_id>/approve")
    def approve_seal(request_id: str) -> Response:
        seen = _visible(parts, request_id)
        return _tried(
            parts, seen, lambda subject: requests.approve(request_id, activations.posted_activation(subject))
        )

    @pages.post("/seals/requests/<request_id>/refuse")
    def refuse_seal(request_id: str) -> Response:
        reason = request.form.get("answer", "")
        seen = _visible(parts, request_id)
        return _tried(
            parts, seen, lambda subject: requests.refuse(request_id, by=subject, reason=reason), "answer"
        )

    @pages.post("/seals/requests/<request_id>/withdraw")
    def withdraw_seal(request_id: str) -> Response:
        seen = _visible(parts, request_id)
        return _tried(parts, seen, lambda subject: requests.withdraw(request_id, by=subject))

    @pages.post("/seals/requests/<request_id>/finish")
    def finish_seal(request_id: str) -> Response:
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


def _tried(parts: PortalParts, seen: SeenRequest, act: Callable[[str], object], place: str = "") -> Response:
    """Does *act* as the visitor and shows the request again; what was refused, at its *place*."""
    subject = require(*PEOPLES_ROLES).subject
    try:
        act(subject)
    except (ApplianceError, AuthorityError) as refusal:
        if isinstance(refusal, AuthorityUnreachable):
            raise
        return _page(parts, _visible(parts, seen.request.id), _remark(refusal), place)
    return redirect(url_for("signing.seal_request", request_id=seen.request.id), 303)


def _remark(refusal: Refusal) -> SheetRemark:
    status = status_of(refusal)
    if isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused):
        status = 422
    return SheetRemark(refusal_sentence(refusal, status), status=status)


def _page(parts: PortalParts, seen: SeenRequest, remark: SheetRemark | None = None, place: str = "") -> Response:
    visitor = require(*PEOPLES_ROLES).subject
    approved = visitor in seen.request.approved_by
    waits = seen.request.state is SealRequestState.WAITING and not approved
    act = parts.appliance.seal_requests.act(seen.request)
    known = activations.means_of(parts, visitor) if waits and seen.answers else None
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
        options=activations.activation_options(parts, act, known) if known else "",
        names=name_lookup(parts),
        remark=remark,
        place=place,
        typed=request.form,
        longest=LONGEST_REQUEST_REASON,
    )
    return make_response(page, 200 if remark is None else remark.status)
