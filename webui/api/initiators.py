"""The people in whose name a client works."""

from __future__ import annotations

from appliance.model.office import DirectoryEntry
from webui.api import conversions
from webui.api.operations import Call
from webui.api.problems import ProblemError
from webui.shared.served import appliance


def initiator_of(call: Call, named: str) -> DirectoryEntry:
    """The person whom the member, or the parameter, ``initiator`` names by subject or mail address. Raises
    :class:`ProblemError` for somebody who is not of the client's organisations, or cannot start contracts."""
    found = appliance.registry.working_person(call.client.client.organisations, named)
    if found is None:
        raise ProblemError(
            "Nobody of the client's organisations is called {who}.",
            "unknown-person",
            pointer="/initiator",
            who=named,
        )
    if not conversions.can_initiate(found):
        raise ProblemError(
            "{name} cannot start contracts; an officer can give the role.",
            "cannot-initiate",
            pointer="/initiator",
            name=found.name,
        )
    return found
