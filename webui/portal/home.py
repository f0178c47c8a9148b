"""``/``: signed out, what this machine does for whom; signed in, what waits for the visitor."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.model.accounts import AccountRole
from appliance.model.listing import EVERYTHING, MOST
from webui.portal.access import PortalVisitor, visitor_or_none
from webui.portal.contracts import choosing
from webui.portal.parts import PortalParts

ROWS = 20
"""Contracts on one page of the list."""


def blueprint(parts: PortalParts) -> Blueprint:
    """The first page."""
    pages = Blueprint("home", __name__)

    @pages.get("/")
    def home() -> str | Response | BaseResponse:
        someone = visitor_or_none()
        if someone is None:
            is_new = parts.appliance.appointing.is_new()
            return render_template("home.html", checkpoint=parts.proofs.latest(), is_new=is_new)
        if someone.guest_of is not None:
            return redirect(url_for("contracts.page", contract_id=someone.guest_of[0]), 303)
        if AccountRole.OFFICER in someone.roles:
            return redirect("/office", 303)
        keeps = AccountRole.CUSTODIAN in someone.roles
        return _list(parts, someone, parts.appliance.seal_requests.waiting_for(someone.subject) if keeps else 0)

    return pages


def _list(parts: PortalParts, someone: PortalVisitor, seals: int) -> Response:
    """The visitor's contracts as chosen; for an auditor all of them, but for drafts of other organisations.
    *seals* wait for this custodian."""
    listing = parts.appliance.listing
    whose = EVERYTHING if AccountRole.AUDITOR in someone.roles else someone.subject
    chosen = choosing.read_filter(request.args)
    page = listing.list_page(whose, chosen.filter, audience=someone.audience, limit=ROWS)
    body = render_template(
        "contracts/list.html",
        auditor=whose == EVERYTHING,
        seals=seals,
        counts=listing.count_buckets(whose, someone.audience),
        chosen=chosen.typed,
        problems=chosen.problems,
        narrowed=chosen.narrowed,
        filtered=chosen.filtered,
        buckets=choosing.buckets(),
        kinds=listing.list_kinds(whose, someone.audience),
        page=page,
        further=None if page.next is None else _address(chosen.address, after=page.next),
        start=_address(chosen.address) if chosen.filter.after else None,
        capped=lambda number: f"{MOST}+" if number >= MOST else number,
    )
    return make_response(body, 422 if chosen.problems else 200)


def _address(choice: Mapping[str, str], **more: str) -> str:
    """The list's address with this choice."""
    query = urlencode({**choice, **more})
    return f"/?{query}" if query else "/"
