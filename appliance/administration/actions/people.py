"""Who may ask for what, in the words of the tables of actions."""

from __future__ import annotations

from typing import Final

from appliance.model.administration import AdministratorRole

SYSTEM: Final = frozenset({AdministratorRole.SYSTEM})
SECURITY: Final = frozenset({AdministratorRole.SECURITY})
BOTH: Final = SYSTEM | SECURITY
NOBODY: Final[frozenset[AdministratorRole]] = frozenset()
"""One person is enough."""
