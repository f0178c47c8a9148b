"""Forms that come back with what is wrong: for portal and console.

A page with a form is one view that renders it (:func:`render`), and one view for each way to post it
(:func:`form`). Whatever the second refuses, the first shows again, with the sentence and with what was typed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import ApplianceError, NotFound, StateRefused
from hsm.errors import RefusalError
from webui.shared.errors import status_of
from webui.shared.forms import sentence

Answer = ResponseReturnValue
"""What a view returns."""

Place = str | Mapping[str, str] | Callable[[RefusalError], str]
"""Where in its form a refusal is shown; see :func:`form`."""

L = TypeVar("L")


class FormProblems(Exception):
    """What is wrong with a posted form: a sentence for each field, at ``""`` for the form as a whole; and the
    status of the page that shows it."""

    def __init__(self, problems: Mapping[str, str], status: int = 422) -> None:
        super().__init__(problems)
        self.problems, self.status = problems, status


def render(page: str, /, *, status: int | None = None, **shown: Any) -> Response:
    """The template *page* with what is *shown*; with ``problems`` (``problem``: that of the whole form) when the
    form of this request was refused, and with what was ``typed`` into it."""
    found = form_problems()
    given = {"problems": found.problems, "problem": found.problems.get("", ""), "typed": request.form}
    return make_response(render_template(page, **(given | shown)), found.status if status is None else status)


def form_problems() -> FormProblems:
    """The problems of the form of this request; none, with status 200, when it was not refused."""
    return g.get("form_problems") or FormProblems({}, 200)


def form(
    page: Callable[..., Answer],
    load: Callable[..., L],
    place: Place = "",
    *,
    refusals: tuple[type[RefusalError], ...] = (RefusalError,),
    status: Callable[[RefusalError], int] | None = None,
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Makes a view of a posted form. *load* lets the visitor in, or raises; the view is called with what it
    returns and with the values in the address. What the view refuses is shown again by *page*, with *status*
    (:func:`status_in_form` by default) and at *place*: a field's name, a function that gives it, or a table from
    words of the refusal's template to field names. *load* and *page* are called with those values in the address
    that they name.

    Only *refusals* are shown in this way; :class:`NotFound` only if it is among them itself.
    """
    load_it, show_again = _with_named(load), _with_named(page)

    def decorate(view: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(view)
        def answer(**values: Any) -> Answer:
            loaded = load_it(values)
            try:
                return view(loaded, **values)
            except FormProblems as found:
                g.form_problems = found
            except refusals as refusal:
                if isinstance(refusal, NotFound) and NotFound not in refusals:
                    raise
                problems = {_place_of(refusal, place): sentence(refusal)}
                g.form_problems = FormProblems(problems, (status or status_in_form)(refusal))
            return show_again(values)

        return answer

    return decorate


def status_in_form(refusal: RefusalError) -> int:
    """The status of a page that shows *refusal* in its form."""
    status = status_of(refusal)
    return 422 if status == 400 else status


def status_in_workflow(refusal: RefusalError) -> int:
    """The same for a form about something with a state of its own: 422 for what was typed, 409 for what has
    changed in the meantime."""
    typed = isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused)
    return 422 if typed else status_of(refusal)


def unprocessable(_refusal: RefusalError) -> int:
    """The same for a form in which only what was typed can be refused."""
    return 422


def see_other(endpoint: str, **values: Any) -> BaseResponse:
    return redirect(url_for(endpoint, **values), 303)


def _place_of(refusal: RefusalError, place: Place) -> str:
    if isinstance(place, Mapping):
        return next((field for word, field in place.items() if word in refusal.template), "")
    return place(refusal) if callable(place) else place


def _with_named(function: Callable[..., L]) -> Callable[[dict[str, Any]], L]:
    names = inspect.signature(function).parameters.keys()
    return lambda values: function(**{name: value for name, value in values.items() if name in names})
