"""What documents were found to be when they were looked at first."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance.errors import DocumentRefused, StateRefused
from appliance.pdf.values import PlainRevision
from webui.shared.room import Checks

_MOST_REMEMBERED = 100
"""Documents of which it is remembered what they were found to be."""


class FirstLooks:
    """Each document is looked at once, whether it may be shown or not. Thread-safe."""

    def __init__(self, under_way: Checks) -> None:
        self._under_way = under_way
        self._found: dict[bytes, PlainRevision | DocumentRefused] = {}
        self._turn = threading.Lock()

    def of(self, name: bytes, look: Callable[[], PlainRevision]) -> PlainRevision:
        """What *look* finds of the document with this *name*. Raises :class:`StateRefused` when it refuses it."""
        found = self._found.get(name)
        if found is None:
            with self._under_way.of(name):
                try:
                    found = look()
                except DocumentRefused as refusal:
                    found = refusal
            self.remember(name, found)
        if isinstance(found, DocumentRefused):
            raise StateRefused(found.template, **found.values)
        return found

    def remember(self, name: bytes, found: PlainRevision | DocumentRefused) -> None:
        """Has the document be what it was *found* to be from now on, unless nobody could finish looking at it."""
        if isinstance(found, DocumentRefused):  # without its traceback, which holds the document
            if found.reason == "unprocessable":
                return
            found = DocumentRefused(found.reason, found.template, **found.values)
        with self._turn:
            self._found.pop(name, None)
            while len(self._found) >= _MOST_REMEMBERED:
                self._found.pop(next(iter(self._found)))
            self._found[name] = found
