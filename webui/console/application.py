"""The console as one Flask application, made from its parts."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import jinja2
from flask import Flask

from webui.console import (
    access,
    administrators,
    api_clients,
    cluster,
    directory,
    history,
    keys,
    login,
    operations,
    requests,
    runbook,
    settings,
    state,
    witnesses,
)
from webui.console.access import ConsoleParts
from webui.shared import assets, clock, errors, forms, headers, language, qr

ROOM_FOR_FORM = 64 * 1024
"""Bytes of a request; no page of the console takes a file."""

BLUEPRINTS = (
    state.blueprint,
    state.queues,
    state.probes,
    keys.blueprint,
    keys.unlocking,
    operations.blueprint,
    history.blueprint,
    administrators.blueprint,
    api_clients.blueprint,
    directory.blueprint,
    witnesses.blueprint,
    cluster.blueprint,
    runbook.blueprint,
    login.blueprint,
    settings.blueprint,
    settings.passkeys,
)


def create_app(parts: ConsoleParts) -> Flask:
    configured = parts.settings
    https = configured.console.public_url.startswith("https:")
    app = Flask("webui", static_folder=None, template_folder="templates/console")
    app.config.update(MAX_CONTENT_LENGTH=ROOM_FOR_FORM, MAX_FORM_PARTS=100, PROPAGATE_EXCEPTIONS=False)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    # Macros are the portal's; a template of the same name in templates/console goes before the portal's.
    shared = jinja2.FileSystemLoader(Path(app.root_path, "templates"))
    app.jinja_loader = jinja2.ChoiceLoader([own for own in (app.jinja_loader,) if own is not None] + [shared])
    headers.protect(app, https=https)
    assets.install(app)
    language.install(app, default=configured.interface.language, zone=configured.interface.zone, secure=https)
    forms.install(app, key=parts.form_key, secure=https)
    qr.install(app)
    app.jinja_env.globals.update(has_runbook=runbook.has_page, has_cluster=configured.home.cluster_settings.exists)
    app.jinja_env.filters["coded"] = requests.coded
    errors.install(app)
    access.install(app, parts, secure=https)
    clock.install(app, clock.ClockView(parts.authority))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    version = metadata.version("vermilion")  # read once: it parses a file
    app.context_processor(
        lambda: {
            "organisation": configured.organisation.name,
            "version": version,
            "waiting": operations.waiting(),
            "maintenance": state.maintenance_sentence(parts.observations.survey(parts.now())),
        }
    )
    return app
