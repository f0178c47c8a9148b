"""``/captures/ID/live``: whoever ordered a capture with a log-in by hand sees its browser's page and acts on it,
until they have it recorded or give it up.

The page comes as pictures; pointer, keys and text go back, several actions in a request. They are handed on to the
scheduler, and kept nowhere: not in the database, a file, a log or the sentence of a refusal.
"""

from __future__ import annotations

import json
from threading import BoundedSemaphore
from typing import Final

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.captures import OrderedCapture
from appliance.model.deposits import readable_name
from appliance.web_capture.live_view import LiveAction, LivePicture, decode_actions
from webui.portal.captures import investigator, is_live
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import whole_number

LONGEST: Final = 64 * 1024
"""Characters of one request's actions, which the page's script keeps far below."""

WAIT: Final = 1.0
"""Seconds for which a look waits for a newer picture."""

_PATIENT: Final = BoundedSemaphore(2)
"""So many looks of this process wait on their threads; others are answered at once, and come again."""

pages = Blueprint("live_views", __name__, url_prefix="/captures/<capture_id>/live")


def _own(capture_id: str) -> OrderedCapture:
    """The visitor's own capture; nobody else looks or acts. Raises :class:`NotFound`."""
    return appliance.captures.own(capture_id, by=investigator())


@pages.get("")
def show(capture_id: str) -> Answer:
    capture = _own(capture_id)
    if not is_live(capture, by=capture.owner):
        return see_other("captures.show", capture_id=capture_id)
    return render("captures/live.html", capture=capture)


def _seen(capture_id: str, *, after: int, wait: float) -> LivePicture | None:
    return appliance.live_views.picture(capture_id, by=_own(capture_id).owner, after=after, wait=wait)


def _number(name: str) -> int:
    return whole_number(request.args.get(name, ""), 9) or 0


@pages.get("/state")
def state(capture_id: str) -> Answer:
    """What is shown, once there is a newer picture than the number ``after``; 204 where none comes in time."""
    waits = _PATIENT.acquire(blocking=False)
    try:
        seen = _seen(capture_id, after=_number("after"), wait=WAIT if waits else 0.0)
    finally:
        if waits:
            _PATIENT.release()
    if seen is None:
        return Response(status=204)
    words = {"address": readable_name(seen.address), "title": readable_name(seen.title)}
    size = {"width": seen.width, "height": seen.height}
    return jsonify({"number": seen.number, "left": seen.seconds_left} | size | words)


@pages.get("/picture.jpg")
def picture(capture_id: str) -> Answer:
    """The newest picture, if it has at least this ``number``; shown as a picture alone, and kept by nobody."""
    seen = _seen(capture_id, after=max(0, _number("number") - 1), wait=0.0)
    return Response(status=204) if seen is None else Response(seen.jpeg, content_type="image/jpeg")


@pages.post("")
def act(capture_id: str) -> Answer:
    capture = _own(capture_id)
    given = request.form.get("actions", "")
    if len(given) > LONGEST:
        raise RequestEntityTooLarge
    appliance.live_views.act(capture_id, by=capture.owner, actions=_actions(given))
    return Response(status=204)


def _actions(given: str) -> list[LiveAction]:
    try:
        return decode_actions(json.loads(given))
    except (ValueError, RecursionError):
        raise PreconditionRefused("The page sent what is no list of actions; load it again.") from None


@pages.post("/<any(record, give_up):end>")
@form(show, _own, refusals=(StateRefused,))
def finish(capture: OrderedCapture, capture_id: str, end: str) -> Answer:
    if end == "record":
        appliance.live_views.proceed(capture_id, by=capture.owner)
    else:
        appliance.live_views.give_up(capture_id, by=capture.owner)
    return see_other("captures.show", capture_id=capture_id)
