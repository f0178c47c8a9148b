"""The portal as one Flask application, made from its parts."""

from __future__ import annotations

from importlib import metadata

from flask import Flask

from webui.portal import (
    access,
    accounts,
    audit,
    contracts,
    departures,
    drafting,
    health,
    home,
    identity,
    maintenance,
    mark,
    office,
    ownership,
    pictures,
    powers,
    reminders,
    reviews,
    signatures,
    signing,
    trust,
    uploads,
    verify,
    voiding,
    writing,
)
from webui.portal.office import setup
from webui.portal.parts import PortalParts
from webui.shared import assets, errors, forms, headers, language, qr
from webui.shared import clock as clock_line

ROOM_FOR_FORM = 64 * 1024
"""Bytes that a form may hold besides its files."""

ROOM_FOR_FIELDS = 512 * 1024
"""Bytes of memory for a form's fields while they are read; files go to disk."""


def create_app(parts: PortalParts) -> Flask:
    """The application. ``POST /tsa`` is the timestamp service's (:mod:`webui.tsa`)."""
    settings = parts.appliance.settings
    https = settings.web.public_url.startswith("https:")
    app = Flask("webui", static_folder=None, template_folder="templates")
    app.config.update(
        MAX_CONTENT_LENGTH=2 * settings.documents.largest + ROOM_FOR_FORM,
        MAX_FORM_MEMORY_SIZE=ROOM_FOR_FIELDS,
        MAX_FORM_PARTS=500,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    headers.protect(app, https=https)
    uploads.install(app)
    assets.install(app)
    language.install(app, default=settings.interface.language, zone=settings.interface.zone, secure=https)
    forms.install(app, key=parts.form_key, secure=https, exempt=trust.MACHINES)
    forms.install_single_submission(app)
    qr.install(app)
    app.jinja_env.globals.update(mail_configured=parts.appliance.mail.configured)
    errors.install(app)
    access.install(app, parts.appliance, secure=https)
    maintenance.install(app, parts)
    view = clock_line.ClockView(parts.appliance.authority)
    clock_line.install(app, view)
    app.register_blueprint(trust.log_blueprint(parts))
    app.register_blueprint(health.clock_blueprint(view, address=settings.web.public_url))
    for pages in (
        home,
        verify,
        trust,
        health,
        mark,
        contracts,
        voiding,
        drafting,
        pictures,
        reviews,
        signatures,
        signing,
        ownership,
        reminders,
        accounts,
        office,
        departures,
        audit,
        setup,
        identity,
        powers,
        writing,
    ):
        app.register_blueprint(pages.blueprint(parts))
    version = metadata.version("vermilion")  # read once: it parses a file
    app.context_processor(lambda: {"organisation": settings.organisation.name, "version": version})
    return app
