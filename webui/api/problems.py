"""What the API itself refuses, before any workflow is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Response

from webui.shared import programs
from webui.shared.language import translate


class ProblemError(Exception):
    """A refusal that becomes a problem: a sentence with its values, the HTTP ``status``, a stable ``code`` of
    :data:`webui.shared.programs.TITLES`, the ``pointer`` to a field of the body, ``headers`` of the answer."""

    def __init__(self, template: str, code: str, *, pointer: str = "", **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template, self.code, self.pointer, self.values = template, code, pointer, values
        self.status = STATUS[code]
        self.more: Mapping[str, object] = {}
        self.headers: Mapping[str, str] = {}

    def with_members(self, **more: object) -> ProblemError:
        """The same with *more* members; their sentences are in the caller's language already."""
        self.more = more
        return self

    def answered_with(self, **headers: str) -> ProblemError:
        """The same with *headers*; an underscore in a name stands for a hyphen."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


STATUS: Final[Mapping[str, int]] = {
    "bad-request": 400,
    "cannot-capture": 422,
    "cannot-deposit": 422,
    "cannot-initiate": 422,
    "content-too-large": 413,
    "fields-refused": 422,
    "idempotency-key-invalid": 400,
    "idempotency-key-missing": 400,
    "invalid-body": 422,
    "invalid-parameter": 422,
    "list-refused": 422,
    "not-json": 400,
    "out-of-reach": 403,
    "scope-missing": 403,
    "token-missing": 401,
    "token-refused": 401,
    "too-many-requests": 429,
    "unknown-person": 422,
    "unsupported-media-type": 415,
    "version-changed": 412,
    "version-invalid": 400,
    "version-missing": 428,
}
"""Of the codes that the API gives itself; those of workflows are in :mod:`webui.shared.errors`."""


def respond(problem: ProblemError) -> Response:
    """The answer."""
    more = {**({"pointer": problem.pointer} if problem.pointer else {}), **problem.more}
    sentence = translate()(problem.template, **problem.values)
    response = programs.answer(problem.status, problem.code, sentence, more)
    response.headers.extend(problem.headers)
    return response
