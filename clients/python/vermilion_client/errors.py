"""What can go wrong with a request, as exceptions."""

from __future__ import annotations

import json
from collections.abc import Mapping


class VermilionError(Exception):
    """Everything that this package raises itself, apart from :class:`TimeoutError` and :class:`ValueError`."""


class UnansweredError(VermilionError):
    """No answer came, also not to repetitions. Whether the request was carried out is not known."""


class ProblemError(VermilionError):
    """The appliance has refused a request (RFC 9457).

    ``code`` is stable: decide by it. ``detail`` is a sentence for people. ``pointer`` names the field of the
    content that it is about (RFC 6901), ``reason`` why a document was refused; both are empty where there is
    nothing to name. ``request_id`` is in the appliance's log, too.
    """

    def __init__(self, status: int, members: Mapping[str, object], *, headers: Mapping[str, str] | None = None):
        self.status = status
        self.code = str(members.get("code", ""))
        self.title = str(members.get("title", ""))
        self.detail = str(members.get("detail", ""))
        self.pointer = str(members.get("pointer", ""))
        self.reason = str(members.get("reason", ""))
        self.request_id = str(members.get("instance", ""))
        self.headers = dict(headers or {})
        where = f" ({self.pointer})" if self.pointer else ""
        super().__init__(f"{status} {self.code}: {self.detail}{where}")


class TokenRefusedError(ProblemError):
    """There is no access token for this client: wrong id or secret, a scope that it lacks, or it is suspended."""


def members_of(content: bytes) -> Mapping[str, object]:
    """The members of a problem; none of what is no JSON, such as the page of a proxy."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
