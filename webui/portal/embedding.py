"""``/embedded/…``: the document of an outside signer in a frame of other software's pages, to read and to fill in.

1. The link alone decides who may frame it: pages of the one origin for which an API client got it.
2. It takes the code; the cookie that is given then is this frame's alone, and opens no page (decision 80).
3. Nothing in the frame has effect: to sign or decline, the guest opens the ordinary page in a window of its own.
4. No ordinary session counts here, whoever is signed in in this browser.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g, jsonify, request, url_for
from werkzeug.exceptions import Forbidden

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.guests import FrameEntry
from appliance.ledger.disclosure import Audience
from appliance.model.contract import ContractState, PartyState
from webui.portal.access import ContractView, PortalVisitor, view_contract
from webui.portal.contracts.files import current_picture
from webui.portal.contracts.status_line import state_line
from webui.portal.pages import appliance
from webui.portal.signing.filling import filling_form, filling_party, keep
from webui.portal.signing.sheet import fields_by_page
from webui.shared.errors import answer
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, status_in_workflow
from webui.shared.forms import sentence
from webui.shared.headers import FRAMED, policy, read_framed_cookie, set_framed_cookie
from webui.shared.language import speak_to, translate
from webui.shared.session_cookies import client_info

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,120}")
_REFUSALS = (PreconditionRefused, StateRefused)
_SESSION = "session"

pages = Blueprint(FRAMED, __name__, url_prefix=f"/{FRAMED}/<token>")


def _frame() -> FrameEntry:
    """What the link leads to, asked once for each request. Raises :class:`NotFound`."""
    if "frame" not in g:
        token = (request.view_args or {}).get("token", "")
        g.frame = appliance.given_links.entry(token if _TOKEN.fullmatch(token) else "")
    found: FrameEntry = g.frame
    return found


def _secure() -> bool:
    return appliance.settings.web.public_url.startswith("https:")


@pages.before_request
def know_visitor() -> None:
    """Whoever is in the frame, in place of who may be signed in in this browser."""
    g.visitor = None
    frame, secret = _frame(), read_framed_cookie(_SESSION, secure=_secure())
    person = appliance.registry.person(frame.invitation.person)
    speak_to(person.language, person.zone)
    looks = request.endpoint == f"{FRAMED}.state"
    found = appliance.given_links.visitor(frame, secret, looks=looks) if secret else None
    if found is not None:
        person, session = found
        g.visitor = PortalVisitor(
            subject=person.subject,
            name=person.name,
            organisation=person.organisation,
            roles=frozenset(),
            audience=Audience.of_person(person),
            session=session.id,
            guest_of=session.guest_of,
        )


@pages.after_request
def allow_framing(response: Response) -> Response:
    """Pages of the link's own origin may frame the answer, whatever it says; nobody where the link is no good."""
    with suppress(NotFound):  # then it gets the header of all other pages, which refuses every frame
        response.headers["Content-Security-Policy"] = policy(frames=_frame().link.origin)
    return response


@pages.context_processor
def in_frame() -> dict[str, Any]:
    try:
        return {"layout": "signing/frame.html", "frame": _frame(), "announced": ""}
    except NotFound:
        return {"layout": "signing/frame.html", "frame": None, "announced": ""}


@pages.errorhandler(403)
def without_cookie(_error: Forbidden) -> Response:
    """A form without its cookie: most likely the browser keeps none for frames."""
    g.visitor = None
    try:
        frame = _frame()
    except NotFound as unknown:
        return answer(404, unknown.code, sentence(unknown))
    person = appliance.registry.person(frame.invitation.person)
    speak_to(person.language, person.zone)
    problem = translate()(
        "Your browser keeps nothing for this page inside another one. Open it in its own window."
    )
    g.form_problems = FormProblems({"": problem}, 403)
    return _entrance(frame)


def _signed_out(frame: FrameEntry) -> Response:
    """For what takes somebody who has come in."""
    g.form_problems = FormProblems({"": translate()("You are not signed in here, or not any more.")}, 401)
    return _entrance(frame)


def _entrance(frame: FrameEntry) -> Response:
    """The page that asks for the code, or says that the link is over."""
    return render(
        "signing/frame_entry.html",
        frame=frame,
        inviter=appliance.registry.person(frame.invitation.invited_by),
        person=appliance.registry.person(frame.invitation.person),
        onward=appliance.addresses.invitation_url(appliance.given_links.onward(frame)) if frame.open else "",
        announced="" if frame.open else "expired",
    )


def _seen() -> ContractView | None:
    """The contract as whoever is in the frame sees it; None for nobody."""
    return view_contract(_frame().contract.id) if g.visitor is not None else None


def _answered(seen: ContractView) -> str:
    """What the software around hears about how it stands: ``decided``, ``expired`` or nothing."""
    party = seen.contract.require_party(_frame().party.id)
    if party.state is not PartyState.WAITING:
        return "decided"
    ended = seen.contract.state is not ContractState.SENT or seen.contract.is_overdue(seen.now)
    return "expired" if ended else ""


@pages.get("")
def page(token: str) -> Answer:
    seen, frame = _seen(), _frame()
    if seen is None:
        if frame.open and request.method == "GET":
            appliance.given_links.arrived(frame)
        return _entrance(frame)
    contract = seen.contract
    party = contract.require_party(frame.party.id)
    kept = "filled" if "filled" in request.args else ""
    return render(
        "signing/frame_document.html",
        contract=contract,
        party=party,
        pages=fields_by_page(contract, party),
        pictures=f"/{FRAMED}/{token}/pages",
        line=state_line(contract, seen.who.subject, seen.now),
        fills=filling_party(seen) is not None,
        annexes=len(appliance.annexes.of(contract.id)),
        onward=appliance.addresses.invitation_url(appliance.given_links.onward(frame)),
        answered=_answered(seen),
        announced=" ".join(filter(None, ("ready", kept, _answered(seen)))),
    )


@pages.post("")
@form(page, _frame, refusals=())
def enter(_frame_of: FrameEntry, token: str) -> Answer:
    try:
        opened = appliance.given_links.admit(token, request.form.get("code", "")[:40], client_info())
    except _REFUSALS as refusal:
        g.pop("frame")  # it may be over now
        raise FormProblems({"code": sentence(refusal)}) from refusal
    response = see_other(f"{FRAMED}.page", token=token)
    set_framed_cookie(response, _SESSION, opened.secret, secure=_secure())
    return response


@pages.get("/fill")
def fill(token: str) -> Answer:
    seen = _seen()
    party = None if seen is None else filling_party(seen)
    if seen is None:
        return _signed_out(_frame())
    if party is None:
        return see_other(f"{FRAMED}.page", token=token)
    return filling_form(seen, party, url_for(f"{FRAMED}.keep_filled", token=token))


@pages.post("/fill")
@form(fill, _frame, refusals=_REFUSALS, status=status_in_workflow)
def keep_filled(_frame_of: FrameEntry, token: str) -> Answer:
    seen = _seen()
    if seen is None:
        return _signed_out(_frame())
    party = filling_party(seen)
    if party is None:
        return see_other(f"{FRAMED}.page", token=token)
    keep(seen, party)
    return see_other(f"{FRAMED}.page", token=token, filled=1)


@pages.get("/pages/<int:number>.png")
def picture(token: str, number: int) -> Answer:
    seen = _seen()
    if seen is None:
        return _signed_out(_frame())
    return current_picture(seen.contract, number)


@pages.get("/state")
def state(token: str) -> Answer:
    """``{"state": …}`` for the frame's own script: ``open``, ``decided`` or ``expired``."""
    seen = _seen()
    return jsonify({"state": "expired" if seen is None else _answered(seen) or "open"})
