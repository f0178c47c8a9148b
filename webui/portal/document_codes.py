"""``/verify/code`` and ``/verify/CODE``: what is said of a contract to whoever has its document code."""

from __future__ import annotations

from flask import Blueprint, request

from appliance.model.document_codes import LENGTH, read_code, show_code
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, render, see_other

pages = Blueprint("document_codes", __name__)


@pages.get("/verify/code")
def ask() -> Answer:
    """The page of the code that was typed, in its one form."""
    typed = request.args.get("code", "")
    return see_other("document_codes.show", code=show_code(read_code(typed) or typed[: 2 * LENGTH] or "-"))


@pages.get("/verify/<code>")
def show(code: str) -> Answer:
    found = appliance.document_codes.find(code)
    largest = appliance.settings.documents.largest // (1024 * 1024)
    shown = show_code(found.code) if found else code[: 2 * LENGTH]
    status = 404 if found is None else 200
    return render("verify_code.html", status=status, contract=found, code=shown, largest=largest)
