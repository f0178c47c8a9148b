"""What the console is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.administration import Administration
from appliance.config import Settings
from appliance.health import Observations
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """``form_key``: 32 secret bytes; ``authority`` is asked as the console; ``now`` is in UTC."""

    settings: Settings
    administration: Administration
    observations: Observations
    authority: AuthorityClient
    form_key: bytes
    now: Callable[[], datetime]
