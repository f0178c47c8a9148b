"""``/remote``: what other software asks the visitor to sign, and which of it may ask no more.

A request is read and activated on the activation service's page; refusing it, and blocking who asks, is done here.
The software fetches what was activated (:mod:`webui.csc`); nobody has to come back for that.
"""

from __future__ import annotations

from flask import Blueprint, request, url_for

from appliance.model.remote_signing import RemoteRequest
from webui.portal import activations
from webui.portal.access import require_person
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field

LONGEST_CLIENT = 100

pages = Blueprint("remote_signing", __name__, url_prefix="/remote")


@pages.get("")
def listed() -> Answer:
    by, requests = require_person(), appliance.remote_requests
    return render("remote/list.html", waiting=requests.waiting_for(by), blocked=requests.blocked_by(by))


@pages.get("/<request_id>")
def page(request_id: str) -> Answer:
    asked = _own(request_id, require_person())
    waits = asked.waits(appliance.now())
    activated = waits and appliance.remote_requests.is_activated(asked)
    return render("remote/request.html", asked=asked, waits=waits, activated=activated)


@pages.post("/<request_id>/confirm")
@form(page, require_person)
def confirm(by: str, request_id: str) -> Answer:
    """303 to the page on which it is shown and activated, and from there back to this one."""
    asked = _own(request_id, by)
    back = url_for("remote_signing.page", request_id=request_id)
    content = appliance.remote_requests.content_of(request_id)
    return activations.to_remote_signing(asked, content, back)


@pages.post("/<request_id>/refuse")
@form(page, require_person)
def refuse(by: str, request_id: str) -> Answer:
    appliance.remote_requests.refuse(request_id, by=by, block="block" in request.form)
    return see_other("remote_signing.page", request_id=request_id)


@pages.post("/admit")
@form(listed, require_person)
def admit(by: str) -> Answer:
    appliance.remote_requests.admit(field("client", LONGEST_CLIENT), by=by)
    return see_other("remote_signing.listed")


def _own(request_id: str, by: str) -> RemoteRequest:
    return appliance.remote_requests.of_person(request_id, by)
