"""The package of a contract that is void: what was signed, and the signed declarations by which it was voided.

``voiding/NN.json`` are the declarations that the log has of the proposal that voided the contract, each signed and
dated as the acceptances of the agreement are. A package of a contract that is not void has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from appliance.evidence.errors import PackageRefused
from appliance.evidence.history import PackageEvent
from hsm import canonical

FOLDER: Final = "voiding/"
VOIDED: Final = "contract-voided"


def is_void(events: Sequence[PackageEvent], contract: str) -> bool:
    """Whether the history says that *contract* was voided."""
    return any(event.kind == VOIDED and event.public.get("contract") == contract for event in events)


def require_declared(files: Mapping[str, memoryview], events: Sequence[PackageEvent], contract: str) -> None:
    """Exactly the declarations that the log has are there, by whom it says; none for a contract that is not void.

    Raises :class:`PackageRefused`; KeyError, TypeError or ValueError for other forms.
    """
    own = [event for event in events if event.public.get("contract") == contract]
    proposals = {event.public["voiding"] for event in own if event.kind == VOIDED}
    declared = [each for each in own if each.kind == "void-declared" and each.public["voiding"] in proposals]
    wanted = sorted((each.public["signed"], each.actor) for each in declared)
    records = [bytes(files[path]) for path in files if path.startswith(FOLDER) and path.endswith(".json")]
    found = sorted((hashlib.sha256(each).hexdigest(), canonical.decode(each)["person"]) for each in records)
    if found != wanted or (proposals and not wanted):
        raise PackageRefused("The package does not have the declarations by which the contract was voided.")
