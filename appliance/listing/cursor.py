"""Where a page ended, as the text that the next one begins with."""

from __future__ import annotations

import re

from appliance.errors import PreconditionRefused
from appliance.model.listing import ListCursor

_FORM = re.compile(r"([0-9T:Z-]{0,20})~([0-9]{1,18})", re.ASCII)


def read_cursor(text: str) -> ListCursor:
    """The place that *text* names. Raises :class:`PreconditionRefused` for text that names none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise PreconditionRefused("This page of the list does not exist; begin with the first.")
    return ListCursor(found[1], int(found[2]))
