"""Forms that make something: a second submit of the same form leads to what the first made.

In the template ``<input type="hidden" name="once" value="{{ once() }}">``, which the macro
``token(single=true)`` writes. In the view::

    return once.redirected(visitor().subject, lambda: url_for("contracts.page", contract=make().id))
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from flask import Flask, Response, redirect, request

from appliance.submissions import Submissions

FIELD = "once"
_VALUE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class SingleSubmission:
    """Runs what makes something at most once for each form."""

    def __init__(self, submissions: Submissions) -> None:
        self._submissions = submissions

    def redirected(self, subject: str, make: Callable[[], str]) -> Response:
        """303 to the address (a path) that *make* returns, or that it returned the first time.

        What *make* raises is raised, and the form may be sent again. Raises as
        :meth:`~appliance.submissions.Submissions.claim`.
        """
        return redirect(self.address(subject, make), 303)  # type: ignore[return-value]  # as in language.switch

    def address(self, subject: str, make: Callable[[], str]) -> str:
        """The same without the redirect."""
        posted = request.form.get(FIELD, "")
        value = posted if _VALUE.fullmatch(posted) else ""
        before = self._submissions.claim(subject, value)
        if before is not None:
            return before
        try:
            made = make()
        except BaseException:
            self._submissions.release(subject, value)
            raise
        self._submissions.finish(subject, value, made)
        return made


def install(app: Flask) -> None:
    """Gives the templates of *app* ``once()``: a new one, or the posted one when a form is shown again."""

    def once() -> str:
        posted = request.form.get(FIELD, "") if request.method == "POST" else ""
        return posted if _VALUE.fullmatch(posted) else secrets.token_urlsafe(18)

    app.jinja_env.globals.update(once=once)  # a global: macros see it too
