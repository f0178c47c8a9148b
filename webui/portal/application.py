"""The portal as one Flask application."""

from __future__ import annotations

from functools import partial
from importlib import metadata

from flask import Flask

from appliance.api_clients import ApiUsage
from appliance.errors import TokenRefused
from appliance.model.api_clients import GrantedAccess
from appliance.wiring import Appliance
from webui import api
from webui.csc.endpoints import CscService, csc_pages
from webui.portal import (
    absences,
    access,
    accounts,
    amending,
    audit,
    captures,
    contracts,
    departures,
    discussion,
    document_codes,
    drafting,
    embedding,
    guards,
    guide,
    health,
    home,
    identity,
    live_views,
    mark,
    office,
    ownership,
    partners,
    powers,
    reminders,
    remote_signing,
    reviews,
    signatures,
    signing,
    trust,
    verify,
    voiding,
    writing,
)
from webui.portal.contracts import files, ledger
from webui.portal.office import setup
from webui.portal.pages import Portal
from webui.scim.endpoints import ScimService, scim_pages
from webui.shared import api_requests, assets, errors, forms, headers, language, qr
from webui.shared import clock as clock_line
from webui.shared.passkeys import builtin_browser
from webui.shared.programs import CSC_TOKEN
from webui.shared.rate_limits import RateLimits, SharedCounts
from webui.shared.room import verification_room

ROOM_FOR_FORM = 64 * 1024
"""Bytes that a form may hold besides its files."""

ROOM_FOR_FIELDS = 512 * 1024
"""Bytes of memory for a form's fields while they are read; files go to disk."""

AREAS = (
    home.pages,
    trust.pages,
    trust.log_pages,
    verify.pages,
    document_codes.pages,
    guide.pages,
    contracts.pages,
    ledger.pages,
    voiding.pages,
    amending.pages,
    discussion.pages,
    files.pictures,
    reviews.pages,
    signatures.pages,
    ownership.pages,
    captures.pages,
    live_views.pages,
    reminders.pages,
    remote_signing.pages,
    accounts.pages,
    office.pages,
    absences.pages,
    partners.pages,
    departures.pages,
    audit.pages,
    setup.pages,
    identity.pages,
    powers.pages,
    drafting.pages,
    signing.pages,
    embedding.pages,
    writing.pages,
)


def create_app(
    appliance: Appliance, *, form_key: bytes, counts: SharedCounts | None = None, usage: ApiUsage | None = None
) -> Flask:
    """The application of *appliance*; *form_key*: 32 secret bytes. Rate limits are counted in *counts*, the use of
    the API in *usage*. ``POST /tsa`` is the timestamp service's (:mod:`webui.tsa`)."""
    settings = appliance.settings
    https = settings.web.public_url.startswith("https:")
    app = Portal("webui", static_folder=None, template_folder="templates")
    app.config.update(
        MAX_CONTENT_LENGTH=2 * settings.documents.largest + ROOM_FOR_FORM,
        MAX_FORM_MEMORY_SIZE=ROOM_FOR_FIELDS,
        MAX_FORM_PARTS=500,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.appliance = appliance
    headers.protect(app, https=https, form_targets=(settings.activation.origin,))
    guards.limit_uploads(app)
    assets.install(app)
    language.install(app, default=settings.interface.language, zone=settings.interface.zone, secure=https)
    forms.install(app, key=form_key, secure=https, exempt=trust.MACHINES | accounts.single_sign_on.MACHINES)
    forms.install_single_submission(app)
    qr.install(app)
    app.jinja_env.globals.update(
        mail_configured=appliance.mail.configured,
        texts_configured=appliance.texts.configured,
        builtin_browser=builtin_browser,
        identity_provider=appliance.settings.openid,
    )
    errors.install(app)
    access.install(app, appliance, secure=https)
    guards.hold_in_maintenance(app, appliance)
    view = clock_line.ClockView(appliance.authority)
    clock_line.install(app, view)
    clock = health.clock_blueprint(view, address=settings.web.public_url)
    for area in (*AREAS, mark.blueprint(settings), health.blueprint(appliance), clock):
        app.register_blueprint(area)
    limits = RateLimits(settings.api.requests_per_minute, counts=counts)
    api.install(app, limits, usage or ApiUsage())
    app.register_blueprint(csc_pages(_csc_service(appliance, limits)))
    # clients of the CSC API find the token endpoint below a base address (8.4.4)
    app.add_url_rule(CSC_TOKEN, "csc_token", app.view_functions["api.token"], methods=["POST"])
    app.register_blueprint(scim_pages(_scim_service(appliance, limits)))
    version = metadata.version("vermilion")  # read once: it parses a file
    names = {"organisation": settings.organisation.name, "version": version, "contact": settings.contact}
    app.context_processor(lambda: {**names, "confirmed_on": settings.activation.origin})
    return app


def _csc_service(appliance: Appliance, limits: RateLimits) -> CscService:
    """Remote signing for the clients of the API, which get their tokens there; *limits* counts them together."""

    access_of = partial(_access_of, appliance)
    portal = appliance.settings.web.public_url.rstrip("/")
    oauth, name = f"{portal}/csc", appliance.settings.organisation.name
    room = verification_room(appliance.settings.web.threads)
    return CscService(appliance.remote_requests, access_of, name, portal, oauth, appliance.now, limits, room)


def _scim_service(appliance: Appliance, limits: RateLimits) -> ScimService:
    """What identity providers push people and groups to, who are of the directory's organisation."""
    settings = appliance.settings
    return ScimService(
        appliance.provisioning,
        partial(_access_of, appliance),
        appliance.api_clients.access_with_secret,
        settings.directory.organisation or settings.organisation.name,
        settings.web.public_url.rstrip("/"),
        limits,
    )


def _access_of(appliance: Appliance, token: str) -> GrantedAccess | None:
    """What an access token proves; None for one that is not known or no longer counts."""
    try:
        return appliance.api_clients.access_of(token, api_requests.certificate())
    except TokenRefused:
        return None
