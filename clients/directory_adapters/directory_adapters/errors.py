"""Why an adapter stops. Each is one sentence for the administrator: what, where, what to do. None has a secret."""

from __future__ import annotations

from collections.abc import Mapping


class AdapterError(Exception):
    """Any of the errors below."""


class SettingsError(AdapterError):
    """A setting, or a file that one names, is wrong."""


class UnansweredError(AdapterError):
    """No answer came, or none that can be read."""


class AddressBookError(AdapterError):
    """The address book was refused, or cannot be believed: nothing was pushed."""


class RemovalsError(AdapterError):
    """More people would leave than may at once: nothing was pushed."""


class RefusedError(AdapterError):
    """An answer of 4xx or 5xx. ``headers`` by their names in lower case, ``content`` as it came."""

    def __init__(self, what: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
        super().__init__(f"{what}: HTTP {status}")
        self.status, self.headers, self.content = status, headers, content
