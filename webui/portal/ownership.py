"""``/ownership``: a file's digest is deposited, dated and certified; the file itself stays where it is."""

from __future__ import annotations

from flask import Blueprint, request

from appliance.errors import PreconditionRefused
from appliance.model.intent import Deposit
from appliance.ownership import DepositOrder
from hsm.errors import RefusalError
from webui.portal.access import require_person
from webui.portal.pages import appliance, saved_file
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable

DIGITS = 18
"""More than any file's size has; Python takes no number of thousands of them."""

KNOWN = ("title", "digest", "file", "size")
"""The form's fields."""

pages = Blueprint("ownership", __name__, url_prefix="/ownership")


def _mine(deposit_id: str) -> Deposit:
    return appliance.ownership.get(deposit_id, by=require_person())


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in KNOWN}


@pages.get("")
def all_of_mine() -> Answer:
    return render("ownership/list.html", deposits=appliance.ownership.of_person(require_person()), typed=_typed())


def _place(_refusal: RefusalError) -> str:
    return "digest" if _typed()["title"].strip() else "title"


@pages.post("")
@form(all_of_mine, require_person, _place, refusals=(PreconditionRefused,), status=unprocessable)
def deposit(by: str) -> Answer:
    typed = _typed()
    size = typed["size"].strip()
    # The size is what the browser counted; without script nobody says, and it is left out.
    counted = size.isdecimal() and len(size) <= DIGITS
    order = DepositOrder(typed["title"], typed["digest"], typed["file"], int(size) if counted else None)
    return see_other("ownership.show", deposit_id=appliance.ownership.deposit(order, by=by).id)


@pages.get("/<deposit_id>")
def show(deposit_id: str) -> Answer:
    return render("ownership/show.html", deposit=_mine(deposit_id))


@pages.get("/<deposit_id>/certificate.pdf")
def certificate(deposit_id: str) -> Answer:
    found = _mine(deposit_id)
    return saved_file(appliance.ownership.certificate(found), "application/pdf", f"ownership-{found.id[:8]}.pdf")


@pages.get("/<deposit_id>/token.tsr")
def token(deposit_id: str) -> Answer:
    return saved_file(appliance.ownership.reply(_mine(deposit_id)), "application/timestamp-reply", "token.tsr")


@pages.get("/find")
def find() -> Answer:
    digest = "".join(request.args.get("digest", "").split()).lower()
    return render("ownership/find.html", digest=digest, found=appliance.ownership.of_digest(digest))
