"""``/reviews``: what waits for a reviewer, and each case with what the reviewer does in it.
``/contracts/ID/review``: the result, for readers of the contract.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.documents.page_pictures import offered
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import ContractState
from appliance.model.review import ReviewRequestState
from webui.portal.access import require, view_contract
from webui.portal.contracts.page import name_lookup
from webui.portal.parts import PortalParts
from webui.portal.reviews.view import review_view
from webui.shared.language import translate


def add_case_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The queue, a case, its pages as pictures, and the three answers."""
    reviewing = parts.appliance.reviewing

    @pages.get("/reviews")
    def queue() -> str:
        reviewer = require(AccountRole.REVIEWER).subject
        return render_template(
            "reviews/queue.html",
            waiting=reviewing.queue(reviewer),
            answered=reviewing.answered(reviewer),
            names=name_lookup(parts),
        )

    @pages.get("/reviews/<contract_id>")
    def case(contract_id: str) -> Response:
        return _case(parts, contract_id, {}, 200)

    @pages.get("/reviews/<contract_id>/pages/<int:number>.png")
    def picture(contract_id: str, number: int) -> Response:
        contract = reviewing.case(contract_id, require(AccountRole.REVIEWER).subject)
        if not 1 <= number <= contract.pages:
            raise NotFound("There is no page {page}; the document has {pages}.", page=number, pages=contract.pages)
        width = offered(request.args.get("width", 1000, type=int))
        png = parts.appliance.pictures.page(contract.original.digest, number - 1, width)
        response = Response(png, content_type="image/png")
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    @pages.post("/reviews/<contract_id>/waive")
    def waive(contract_id: str) -> Response | BaseResponse:
        item, reason = request.form.get("item", ""), request.form.get("reason", "")
        by = require(AccountRole.REVIEWER).subject
        return _done(
            parts, contract_id, item, lambda: reviewing.waive(contract_id, item, reason, by=by, seen=_document())
        )

    @pages.post("/reviews/<contract_id>/sign-off")
    def sign_off(contract_id: str) -> Response | BaseResponse:
        by = require(AccountRole.REVIEWER).subject
        return _done(
            parts, contract_id, "sign-off", lambda: reviewing.sign_off(contract_id, by=by, seen=_document())
        )

    @pages.post("/reviews/<contract_id>/return")
    def send_back(contract_id: str) -> Response | BaseResponse:
        words, by = request.form.get("words", ""), require(AccountRole.REVIEWER).subject
        return _done(
            parts, contract_id, "return", lambda: reviewing.send_back(contract_id, words, by=by, seen=_document())
        )


def _document() -> str:
    return request.form.get("document", "")


def _done(parts: PortalParts, contract_id: str, place: str, act: Callable[[], object]) -> Response | BaseResponse:
    """Back to the case after *act*; with the sentence at *place* when it is refused."""
    try:
        act()
    except (PreconditionRefused, StateRefused) as refusal:
        return _case(
            parts, contract_id, {place: _sentence(refusal)}, 409 if isinstance(refusal, StateRefused) else 422
        )
    return redirect(f"/reviews/{contract_id}", 303)


def _case(parts: PortalParts, contract_id: str, problems: dict[str, str], status: int) -> Response:
    reviewer = require(AccountRole.REVIEWER).subject
    contract = parts.appliance.reviewing.case(contract_id, reviewer)
    standing = parts.appliance.reviewing.review_status(contract)
    asked = standing.request
    answers = (
        contract.state is ContractState.DRAFT
        and asked is not None
        and asked.state is ReviewRequestState.OPEN
        and asked.document == standing.document
    )
    if answers and standing.check is None:  # the rules have changed since it was asked for
        parts.appliance.reviewing.check_content(contract, by=reviewer)
        standing = parts.appliance.reviewing.review_status(contract)
    page = render_template(
        "reviews/case.html",
        answers=answers,
        pictures=f"/reviews/{contract.id}/pages/",
        problems=problems,
        names=name_lookup(parts),
        typed=request.form,
        **review_view(parts, contract, standing),
    )
    return make_response(page, status)


def _sentence(refusal: ApplianceError) -> str:
    return translate()(refusal.template, **refusal.values)


def add_result_page(pages: Blueprint, parts: PortalParts) -> None:
    """The result, with its boxes on the pages."""

    @pages.get("/contracts/<contract_id>/review")
    def result(contract_id: str) -> str:
        seen = view_contract(parts, contract_id)
        seen.require_drafting()
        contract = seen.contract
        return render_template(
            "reviews/case.html",
            answers=False,
            pictures=f"/contracts/{contract.id}/pages/",
            problems={},
            names=name_lookup(parts),
            typed={},
            **review_view(parts, contract, parts.appliance.reviewing.review_status(contract)),
        )
