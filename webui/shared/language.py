"""The language of a page, the zone in which it shows instants, and the switch between the languages.

In this order: what the reader chose (stored in the account when signed in, else in a cookie), what the browser
asks for (``Accept-Language``, RFC 9110, 12.5.4), the setting ``interface.language``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter

from flask import Blueprint, Flask, Response, current_app, g, redirect, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import NotFound
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as BaseResponse

from appliance.language import Language, Translator, instants, translator

COOKIE = "language"
A_YEAR = 365 * 24 * 3600
NAMES = ((Language.CHINESE, "中文"), (Language.ENGLISH, "English"))
"""What forms offer: each by its own name."""

SaveChoice = Callable[[Language], bool]
"""Keeps the choice of whoever is signed in; False while nobody is."""

PROGRAMS = ("/api/", "/csc/", "/scim/")
"""Below them programs ask: in English unless they say otherwise, whatever a cookie says."""

blueprint = Blueprint("language", __name__)


def is_program() -> bool:
    """Whether this is a request of a program (:mod:`webui.shared.programs`)."""
    return request.path.startswith(PROGRAMS)


def install(app: Flask, *, default: Language, zone: str, secure: bool, has_switch: bool = True) -> None:
    """Gives every page of *app* its language: ``_`` and ``moment`` in templates, ``/language/…`` to switch."""
    app.config.update(LANGUAGE_DEFAULT=default, LANGUAGE_ZONE=zone, LANGUAGE_COOKIE_SECURE=secure)
    app.config["LANGUAGE_KEEPER"] = lambda _: False
    if has_switch:
        app.register_blueprint(blueprint)

    @app.before_request
    def choose() -> None:
        if is_program():
            g.language = asked_for(request.headers.get("Accept-Language", "")) or Language.ENGLISH
            return
        g.language = chosen_before() or asked_for(request.headers.get("Accept-Language", "")) or default

    @app.after_request
    def declare(response: Response) -> Response:
        if is_program():
            response.vary.add("Accept-Language")
        elif response.mimetype in ("text/html", "application/json"):
            response.vary.update(("Accept-Language", "Cookie"))
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Language", current_language().tag)
        return response

    # Globals, because macros that a template imports do not see its context.
    app.jinja_env.globals.update(_=say, moment=moment, minute=minute, bare_time=bare_time, zone=zone_named)
    app.jinja_env.globals.update(last_day=last_day, gap=gap)
    app.context_processor(
        lambda: {"language": current_language(), "other": _other(), "language_tag": current_language().tag}
    )


def save_choice(app: Flask, save: SaveChoice) -> None:
    """Sets *save*, which stores the choice of a signed-in reader, for the switch of *app*."""
    app.config["SAVE_LANGUAGE_CHOICE"] = save


def chosen_before() -> Language | None:
    """What was chosen in this browser while nobody was signed in."""
    chosen = request.cookies.get(COOKIE)
    return Language(chosen) if chosen in tuple(Language) else None


def speak_to(language: Language, zone: str) -> None:
    """Has the answer speak to somebody who is known by a link alone: in their *language*, unless another one was
    chosen in this browser, and by the clocks of their *zone*."""
    g.language, g.zone = chosen_before() or language, zone


def forget_choice(response: BaseResponse) -> None:
    """Removes the cookie, when the choice is stored in the account."""
    response.delete_cookie(COOKIE)


def asked_for(header: str) -> Language | None:
    """The language of ours that ``Accept-Language`` wants most; None when it wants none of them, or any.

    Ranges count by their primary tag, whatever script or region they name (``zh-Hans``, ``zh-TW``, ``en-GB``); of
    the same weight the one that is named first. ``*`` leaves the choice to us, after what is named.
    """
    ranges = [
        (each.partition("-")[0].lower(), weight) for each, weight in parse_accept_header(header, LanguageAccept)
    ]
    known = [each for each in ranges if each[1] > 0 and each[0] in ("*", *Language)]
    best, _ = max(known, key=itemgetter(1), default=("*", 0))
    return None if best == "*" else Language(best)


def current_language() -> Language:
    """The language of the answer that is being made."""
    return g.get("language", current_app.config["LANGUAGE_DEFAULT"])  # type: ignore[no-any-return]  # g is untyped


def translate() -> Translator:
    """The translator into the language of the answer that is being made; instants are in the reader's zone."""
    return translator(current_language(), zone_of_reader())


def say(message: str, /, **values: object) -> str:
    """*message* in the language of the answer that is being made."""
    return translate()(message, **values)


def gap() -> str:
    """What stands between two sentences: nothing in Chinese."""
    return "" if current_language() is Language.CHINESE else " "


def moment(at: datetime) -> str:
    """*at* as people read it here, to the second and with its offset: ``2026-11-25 16:00:00 UTC+08:00``."""
    return instants.second(at, zone_of_reader())


def minute(at: datetime) -> str:
    """The same to the minute, for lists and deadlines: ``2026-11-25 16:00 UTC+08:00``."""
    return instants.minute(at, zone_of_reader())


def last_day(end: datetime) -> str | None:
    """The last day of a term that is over at *end*: ``2026-12-31 UTC+08:00``; None where it ends within a day."""
    return instants.last_day(end, zone_of_reader())


def bare_time(at: datetime, seconds: bool = False) -> str:
    """The same without the offset, where :func:`zone_named` stands beside many of them: ``2026-11-25 16:00``."""
    return instants.bare(at, zone_of_reader(), seconds=seconds)


def zone_named() -> dict[str, str]:
    """The reader's ``zone``, such as Asia/Shanghai, and its ``offset`` now, such as UTC+08:00."""
    zone = zone_of_reader()
    return {"zone": zone, "offset": instants.offset(datetime.now(UTC), zone)}


def zone_of_reader() -> str:
    """The IANA zone in which the answer that is being made shows instants: the reader's or the settings'."""
    return str(g.get("zone") or current_app.config["LANGUAGE_ZONE"])


@blueprint.post("/language/<chosen>")
def switch(chosen: str) -> Response:
    """Stores the reader's choice and goes back to the page named in ``back``, a path of this site."""
    if chosen not in tuple(Language):
        raise NotFound
    response: Response = redirect(local_path(request.form.get("back", "/")), 303)  # type: ignore[assignment]  # werkzeug's base class is what redirect is typed with
    if current_app.config["SAVE_LANGUAGE_CHOICE"](Language(chosen)):
        forget_choice(response)
    else:
        secure = current_app.config["LANGUAGE_COOKIE_SECURE"]
        response.set_cookie(COOKIE, chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=secure)
    return response


def _other() -> Language:
    return Language.ENGLISH if current_language() is Language.CHINESE else Language.CHINESE


def local_path(back: str) -> str:
    """*back* when it stays on this site: one slash first (two name another host), no backslash."""
    stays = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if stays else "/"
