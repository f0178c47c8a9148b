"""One request as its handler sees it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.config import Settings
from appliance.directory_service.messages import DirectoryFault, RequestFailed, RequestKind
from appliance.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Request:
    """The ``arguments`` are texts; ``deadline`` is one of ``time.monotonic``, for all of it."""

    settings: Settings
    arguments: Mapping[str, str]
    deadline: float
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def seconds(self) -> float:
        """What is left of the time. Raises RequestFailed when nothing is."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise RequestFailed(DirectoryFault.LATE, "the time is up")
        return left

    def secret(self, name: str) -> str:
        """The secret *name*. Raises RequestFailed when there is none that can be used."""
        try:
            return self.settings.home.secret(name, self.environment).decode()
        except ConfigurationError as error:
            raise RequestFailed(DirectoryFault.UNSET, str(error)) from error
        except UnicodeDecodeError as error:
            raise RequestFailed(DirectoryFault.UNSET, f"the secret {name} is not UTF-8") from error


def seconds_for(kind: RequestKind, settings: Settings) -> float:
    """How long the program may take for a request of *kind*."""
    asks_directory = kind in (RequestKind.USERS, RequestKind.CHECK)
    return float(settings.ldap.seconds if asks_directory else settings.openid.seconds)
