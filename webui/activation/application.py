"""The activation service as one Flask application: an act, its pages, and its activation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jinja2
from flask import Flask, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import Forbidden

from appliance.activation_requests import ActivationRequest
from appliance.errors import DocumentRefused, NotFound, StateRefused
from appliance.model.decision_sentences import describe_intent
from appliance.model.office import OfficerDecisionKind
from hsm.activation.credentials import verify_assertion
from hsm.errors import ActivationRefused, BadRequest, RefusalError
from hsm.intents import Activation, Intent, OfficerIntent, SigningIntent, WebAuthnActivation, moment_in
from webui.activation.acts import ShownAct, TypedFingerprints
from webui.activation.batches import BatchPages
from webui.activation.documents import shown_terms, signs_remotely
from webui.activation.parts import ActivationParts, short_code, speak_to_reader
from webui.activation.posted import posted_activation
from webui.activation.registration import RegistrationPages
from webui.shared import assets, errors, headers, language, passkeys, qr
from webui.shared.form_pages import Answer
from webui.shared.forms import sentence
from webui.shared.language import gap, translate
from webui.shared.room import Room

ROOM_FOR_FORM = 64 * 1024
"""Bytes of a request; no page here takes a file."""

WIDTH = 1000
"""Pixels across, of a page's picture."""

LARGE = 2000
"""The same, of one that is opened by itself; a page that is a poster has fewer (``pages.MOST_PIXELS``)."""

_KEPT = {"Cache-Control": "private, max-age=900, immutable"}
"""For pictures: their addresses name the act, which never changes."""

_FROM_THE_TOP = {"Document-Policy": "force-load-at-top"}
"""Whoever opens a page decides by its address where it is scrolled to, and how large its window is: it could show
nothing but the button."""

SCRIPTS = ("page.css", "signing.css", "passkey.js", "settled.js", "mark.svg")
"""All that is served besides the pages."""


def create_app(parts: ActivationParts) -> Flask:
    """The application. It has no sessions and sets no cookie: cookies are shared between the ports of a host, so
    none is authority here."""
    configured = parts.settings
    https = configured.activation.public_url.startswith("https:")
    app = Flask("webui", static_folder=None, template_folder="templates/activation")
    app.config.update(MAX_CONTENT_LENGTH=ROOM_FOR_FORM, MAX_FORM_PARTS=20, PROPAGATE_EXCEPTIONS=False)
    headers.protect(app, https=https, form_targets=(configured.web.origin,), more=_FROM_THE_TOP)
    shared = jinja2.FileSystemLoader(Path(app.root_path, "templates"))  # the passkey's macro
    app.jinja_loader = jinja2.ChoiceLoader([own for own in (app.jinja_loader,) if own is not None] + [shared])
    assets.install(app, only=SCRIPTS)
    language.install(
        app,
        default=configured.interface.language,
        zone=configured.interface.zone,
        secure=https,
        has_switch=False,
    )
    errors.install(app)
    qr.install(app)
    room = Room(configured.activation.threads)
    _Pages(parts, room).install(app)
    BatchPages(parts, room).install(app)
    RegistrationPages(parts).install(app)
    names = {"organisation": configured.organisation.name, "portal": configured.web.origin, "moment_in": moment_in}
    app.context_processor(lambda: names)
    return app


_CODES_ONCE = (
    "You have confirmed this already, and the codes are shown once, right after that. If you have not seen them,"
    " go back to the portal and vouch anew; then only the new codes count."
)


class _Pages:
    """The views, all of one act."""

    def __init__(self, parts: ActivationParts, room: Room) -> None:
        self._parts = parts
        self._origin = parts.settings.activation.origin
        self._fingerprints = TypedFingerprints()
        self._room = room

    def install(self, app: Flask) -> None:
        """Their addresses."""
        app.before_request(self._require_own_form)
        app.add_url_rule("/livez", "livez", lambda: Response("ok\n", mimetype="text/plain"))
        app.add_url_rule("/act/<ticket>", "act", self.act)
        app.add_url_rule("/act/<ticket>/<seen>", "act_in_list", self.act)
        app.add_url_rule("/act/<ticket>", "activate", self.activate, methods=["POST"])
        address = "/act/<ticket>/<seen>/<int:number>.png"
        app.add_url_rule(address, "picture", self.picture, defaults={"width": WIDTH})
        address = "/act/<ticket>/<seen>/large/<int:number>.png"
        app.add_url_rule(address, "large_picture", self.picture, defaults={"width": LARGE})
        app.add_url_rule("/act/<ticket>/<seen>/seal.png", "seal_picture", self.seal_picture)

    def act(self, ticket: str, seen: str | None = None) -> Answer:
        """The act, with the ways to activate it; with *seen* only the act that stood in a list."""
        size = self._size(ticket)
        with self._room.for_page(size):
            return self._shown(ticket, self._loaded(ticket, size, seen))

    def activate(self, ticket: str) -> Answer:
        """Hands the activation to the authority, and the person back to the portal."""
        size = self._size(ticket)
        with self._room.for_page(size):
            return self._activated(ticket, size)

    def _activated(self, ticket: str, size: int) -> Answer:
        asked = self._loaded(ticket, size, request.form.get("seen", ""))
        shown = self._parts.acts.act(asked)
        if shown.is_given and shown.kind == "vouching":
            return self._refused(ticket, asked, StateRefused(_CODES_ONCE))
        if not shown.is_given:
            try:
                activation = posted_activation(asked.subject)
                typed = request.form.getlist("fingerprint")
                self._fingerprints.require(shown, typed, lambda: self._require_own(shown, activation))
                self._parts.authority.approve(asked.intent, activation)
            except RefusalError as refusal:
                return self._refused(ticket, asked, refusal)
        if shown.kind == "vouching":
            return self._vouched(ticket, shown)
        return redirect(self._parts.portal(asked.back), 303)

    def _vouched(self, ticket: str, shown: ShownAct) -> Answer:
        """The codes, once, in answer to the very request that brought the activation: whoever vouches tells them,
        and the portal, which knows the address too, never has them."""
        asked, intent = shown.request, shown.request.intent
        try:
            codes = self._parts.authority.vouch(intent) if isinstance(intent, OfficerIntent) else []
        except RefusalError as refusal:
            return self._refused(ticket, asked, refusal)
        signers = (shown.record or {})["signers"]
        page = render_template(
            "codes.html", told=list(zip(signers, codes, strict=True)), back=self._parts.portal(asked.back)
        )
        return make_response(page)

    def _require_own(self, shown: ShownAct, activation: Activation) -> None:
        """Raises :class:`ActivationRefused` unless *activation* is of this very act, by this very person, an
        officer; nobody hears of it."""
        asked = shown.request
        if shown.person.kind != "officer":
            raise ActivationRefused("Only officers may do this.")
        settings, keys = self._parts.settings, self._parts.authority.credentials(asked.subject)
        identifier = activation.credential_id if isinstance(activation, WebAuthnActivation) else b""
        key = next((each.public_key for each in keys if each.credential_id == identifier), None)
        if not isinstance(activation, WebAuthnActivation) or key is None:
            raise ActivationRefused(
                "Officers activate with an authenticator; a PIN and a code are bound to no act."
            )
        verify_assertion(
            activation,
            key,
            challenge=asked.intent.challenge(),
            rp_id=settings.web.relying_party,
            origins=[self._origin],
        )

    def picture(self, ticket: str, seen: str, number: int, width: int) -> Answer:
        """Page *number* (from 1) of the document that is signed by the act that was *seen*."""
        size = self._size(ticket)
        try:
            with self._room.for_picture(size):
                png = self._parts.acts.picture(self._loaded(ticket, size, seen), number - 1, width=width)
        except DocumentRefused as refusal:
            raise NotFound(refusal.template, **refusal.values) from refusal
        return Response(png, content_type="image/png", headers=_KEPT)

    def seal_picture(self, ticket: str, seen: str) -> Answer:
        """The picture that a seal gets by the act that was *seen*."""
        size = self._size(ticket)
        with self._room.for_picture(size):
            png = self._parts.acts.seal_picture(self._loaded(ticket, size, seen))
        return Response(png, content_type="image/png", headers=_KEPT)

    def _size(self, ticket: str) -> int:
        return self._parts.requests.size(ticket)

    def _loaded(self, ticket: str, size: int, seen: str | None = None) -> ActivationRequest:
        """The request, of at most the *size* that there is room for, which speaks to its reader. With *seen* (the
        challenge in hex) only if it is the act on the page that asks: whoever writes requests could put another
        one in its place, between a page, its pictures and its form."""
        asked = self._parts.requests.load(ActivationRequest, ticket, most=size)
        speak_to_reader(self._parts.settings, asked.language, asked.zone)
        if seen is not None and seen != asked.intent.challenge().hex():
            raise StateRefused("This page is too old; open it again in the portal.")
        return asked

    def _refused(self, ticket: str, asked: ActivationRequest, refusal: RefusalError) -> Answer:
        """The act again, with the reason; 409 for what can no longer be activated at all."""
        problem, status = sentence(refusal), errors.status_of(refusal)
        signs = isinstance(asked.intent, SigningIntent) or signs_remotely(asked.intent)
        if isinstance(refusal, ActivationRefused) and signs:
            problem += gap() + translate()("Nothing is signed.")
        return self._shown(ticket, asked, problem, status)

    def _shown(self, ticket: str, asked: ActivationRequest, problem: str = "", status: int = 200) -> Response:
        shown = self._parts.acts.act(asked)
        known = self._parts.authority.credentials(asked.subject)
        ids = [each.credential_id for each in known if each.credential_id is not None]
        page = render_template(
            f"{shown.kind}.html",
            ticket=ticket,
            act=shown,
            asked=asked,
            intent=asked.intent,
            seen=asked.intent.challenge().hex(),
            code=short_code(asked.intent.challenge()),
            names=self._parts.acts.names(shown),
            options=passkeys.request_options(
                asked.intent.challenge(), ids, self._parts.settings.web.relying_party
            ),
            passkey=bool(ids),
            pin=not shown.passkey_only and any(each.credential_id is None for each in known),
            words=_sentence_of(asked.intent, self._parts.acts.names(shown)),
            terms=shown_terms(shown.record) if shown.kind == "power" and shown.record else {},
            problem=problem,
            texts=shown.texts,
            back=self._parts.portal(asked.back),
        )
        return make_response(page, status)

    def _require_own_form(self) -> None:
        """Refuses a form that another page sent (Fetch Metadata, Sec-Fetch-Site; RFC 6454, Origin)."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        if request.headers.get("Origin") != self._origin:
            raise Forbidden
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Forbidden


def _sentence_of(intent: Intent, names: Mapping[str, str]) -> str:
    """What an officers' intent will do, in the reader's language; empty for any other, and where the name of the
    operation says it."""
    if not isinstance(intent, OfficerIntent):
        return ""
    try:
        kind, subject, details = OfficerDecisionKind(intent.kind), intent.text("subject"), intent.details
        again = kind is OfficerDecisionKind.ENROL_PIN_CUSTODIAN and names.get(subject, subject) != subject
        if again:  # what changes is theirs, whatever name the act gives them now
            details = {**details, "name": names[subject]}
        found = describe_intent(kind, subject, details, names, again=again)
    except (ValueError, KeyError, TypeError, BadRequest):
        return ""  # an unlock, or what no portal of ours makes: its arguments say the rest
    return found.translated(translate())
