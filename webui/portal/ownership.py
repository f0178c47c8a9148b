"""``/ownership``: a file's digest is deposited, dated and certified; the file itself stays where it is."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused
from appliance.model.accounts import PEOPLES_ROLES
from appliance.model.declarations import Deposit
from appliance.ownership import DepositOrder
from webui.portal import access
from webui.portal.parts import PortalParts
from webui.shared.language import translate

DIGITS = 18
"""More than any file's size has; Python takes no number of thousands of them."""

KNOWN = {"title": "", "digest": "", "file": "", "size": ""}
"""The form's fields, empty."""


def blueprint(parts: PortalParts) -> Blueprint:
    """The list with its form, a deposit's page and files, and the question whether a file was deposited."""
    pages = Blueprint("ownership", __name__, url_prefix="/ownership")
    ownership = parts.appliance.ownership

    def overview(typed: dict[str, str], problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        mine = ownership.of_person(_depositor())
        return render_template("ownership/list.html", deposits=mine, typed=typed, problems=problems), status

    @pages.get("")
    def all_of_mine() -> tuple[str, int]:
        return overview(KNOWN, {})

    @pages.post("")
    def deposit() -> BaseResponse | tuple[str, int]:
        typed = {name: request.form.get(name, "") for name in KNOWN}
        by = _depositor()
        try:
            made = ownership.deposit(_order(typed), by=by)
        except PreconditionRefused as refusal:
            problem = translate()(refusal.template, **refusal.values)
            return overview(typed, {"title" if not typed["title"].strip() else "digest": problem}, 422)
        return redirect(url_for("ownership.show", deposit_id=made.id), 303)

    @pages.get("/<deposit_id>")
    def show(deposit_id: str) -> str:
        return render_template("ownership/show.html", deposit=_mine(deposit_id))

    @pages.get("/<deposit_id>/certificate.pdf")
    def certificate(deposit_id: str) -> Response:
        found = _mine(deposit_id)
        return _file(ownership.certificate(found), "application/pdf", f"ownership-{found.id[:8]}.pdf")

    @pages.get("/<deposit_id>/token.tsr")
    def token(deposit_id: str) -> Response:
        return _file(ownership.reply(_mine(deposit_id)), "application/timestamp-reply", "token.tsr")

    @pages.get("/find")
    def find() -> str:
        digest = "".join(request.args.get("digest", "").split()).lower()
        return render_template("ownership/find.html", digest=digest, found=ownership.of_digest(digest))

    def _mine(deposit_id: str) -> Deposit:
        return ownership.get(deposit_id, by=_depositor())

    return pages


def _depositor() -> str:
    """The signed-in person; officers, operators and auditors deposit nothing, and guests have no list."""
    return access.require(*PEOPLES_ROLES).subject


def _order(typed: dict[str, str]) -> DepositOrder:
    size = typed["size"].strip()
    # The size is what the browser counted; without script nobody says, and it is left out.
    counted = size.isdecimal() and len(size) <= DIGITS
    return DepositOrder(typed["title"], typed["digest"], typed["file"], int(size) if counted else None)


def _file(body: bytes, kind: str, name: str) -> Response:
    options: dict[str, Any] = {"mimetype": kind, "as_attachment": True, "download_name": name}
    return send_file(io.BytesIO(body), **options)
