"""Which language a page is in: the reader's choice, else the setting. Dates carry their zone."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, current_app, g, redirect, request
from werkzeug.exceptions import NotFound

from appliance.language import Language, Translator, instants, translator

COOKIE = "language"
A_YEAR = 365 * 24 * 3600

blueprint = Blueprint("language", __name__)


def install(app: Flask, *, default: Language, zone: str, secure: bool) -> None:
    """Gives every page of *app* its language: ``_`` and ``moment`` in templates, ``/language/…`` to switch."""
    app.config.update(LANGUAGE_DEFAULT=default, LANGUAGE_ZONE=zone, LANGUAGE_COOKIE_SECURE=secure)
    app.register_blueprint(blueprint)

    @app.before_request
    def choose() -> None:
        chosen = request.cookies.get(COOKIE)
        g.language = Language(chosen) if chosen in tuple(Language) else default

    # Globals, because macros that a template imports do not see its context.
    app.jinja_env.globals.update(_=say, moment=moment, minute=minute, bare_time=bare_time, zone=zone_named)
    app.context_processor(lambda: {"language": current_language(), "other": _other()})


def current_language() -> Language:
    """The language of the answer that is being made."""
    return g.get("language", current_app.config["LANGUAGE_DEFAULT"])  # type: ignore[no-any-return]  # g is untyped


def translate() -> Translator:
    """The translator into the language of the answer that is being made; instants are in the reader's zone."""
    return translator(current_language(), zone_of_reader())


def say(message: str, /, **values: object) -> str:
    """*message* in the language of the answer that is being made."""
    return translate()(message, **values)


def moment(at: datetime) -> str:
    """*at* as people read it here, to the second and with its offset: ``2026-11-25 16:00:00 UTC+08:00``."""
    return instants.second(at, zone_of_reader())


def minute(at: datetime) -> str:
    """The same to the minute, for lists and deadlines: ``2026-11-25 16:00 UTC+08:00``."""
    return instants.minute(at, zone_of_reader())


def bare_time(at: datetime, seconds: bool = False) -> str:
    """The same without the offset, where :func:`zone_named` stands beside many of them: ``2026-11-25 16:00``."""
    return instants.bare(at, zone_of_reader(), seconds=seconds)


def zone_named() -> dict[str, str]:
    """The reader's ``zone``, such as Asia/Shanghai, and its ``offset`` now, such as UTC+08:00."""
    zone = zone_of_reader()
    return {"zone": zone, "offset": instants.offset(datetime.now(UTC), zone)}


def zone_of_reader() -> str:
    """The IANA zone by whose clocks the answer that is being made shows instants: the reader's or the house's."""
    return str(g.get("zone") or current_app.config["LANGUAGE_ZONE"])


@blueprint.get("/language/<chosen>")
def switch(chosen: str) -> Response:
    """Remembers the reader's choice and goes back to the page named in ``back``, a path of this site."""
    if chosen not in tuple(Language):
        raise NotFound
    response = redirect(local_path(request.args.get("back", "/")))
    secure = current_app.config["LANGUAGE_COOKIE_SECURE"]
    response.set_cookie(COOKIE, chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=secure)
    return response  # type: ignore[return-value]  # werkzeug's base class is what redirect is typed with


def _other() -> Language:
    return Language.ENGLISH if current_language() is Language.CHINESE else Language.CHINESE


def local_path(back: str) -> str:
    """*back* when it stays on this site: one slash first (two name another host), no backslash."""
    stays = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if stays else "/"
