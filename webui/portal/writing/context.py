"""What the pages of this area share: who may come in, which version a form has seen, how refusals are shown."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from werkzeug.exceptions import BadRequest

from appliance.errors import ApplianceError, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.writing import Text
from webui.portal.access import PortalVisitor, require
from webui.portal.parts import PortalParts
from webui.shared.forms import SingleSubmission
from webui.shared.language import current_language, translate

LONGEST_NUMBER = 9


class WritingContext:
    """The workflows of writing, asked for whoever is signed in."""

    def __init__(self, parts: PortalParts) -> None:
        self.parts = parts
        self.texts = parts.appliance.writing.texts
        self.templates = parts.appliance.writing.templates
        self.issuing = parts.appliance.writing.issuing
        self.previews = parts.appliance.writing.previews
        self.once = SingleSubmission(parts.appliance.submissions)

    def visitor(self) -> PortalVisitor:
        """Who may write contracts and templates."""
        return require(AccountRole.INITIATOR)

    def text(self, text_id: str) -> Text:
        """The text, for a visitor who may see it."""
        return self.texts.load_text(text_id, self.visitor().subject)


def writing_page(name: str, status: int = 200, **shown: Any) -> Response:
    """One of this area's templates, rendered."""
    return make_response(render_template(f"writing/{name}.html", **shown), status)


def redirect_to(address: str) -> Response:
    """303 to *address*."""
    return redirect(address, 303)  # type: ignore[return-value]  # werkzeug's base class is what it is typed with


def seen_version() -> int:
    """The version that the page showed. Raises :class:`BadRequest` for a form without one."""
    return _number(request.form.get("seen", ""))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise BadRequest
    return int(text)


def number_of(name: str) -> int:
    """The whole number in a form's field. Raises :class:`BadRequest`."""
    return _number(request.form.get(name, ""))


def field_value(name: str) -> str:
    """What stands in a field, as it was sent."""
    return request.form.get(name, "")


def chosen_language() -> Language:
    """The language that a form chose; that of the page for none."""
    asked = field_value("language")
    return Language(asked) if asked in tuple(Language) else current_language()


def sentence(refusal: ApplianceError) -> str:
    """The refusal in the reader's language."""
    return translate()(refusal.template, **refusal.values)


def status_for(refusal: ApplianceError) -> int:
    """409 for what was overtaken, 422 for what cannot be taken."""
    return 409 if isinstance(refusal, StateRefused) else 422
