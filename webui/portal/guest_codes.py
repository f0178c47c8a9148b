"""Which guests cannot come in before the initiator has told them a code."""

from __future__ import annotations

from appliance.model.contract import ContractState, Party
from webui.portal.access import ContractView
from webui.portal.pages import appliance


def guests_without_code(seen: ContractView) -> list[Party]:
    """The guests on turn who have not come in yet: the initiator has to tell each of them a code."""
    if seen.contract.state is not ContractState.SENT or not seen.initiates:
        return []
    invited = [party for party in seen.contract.on_turn if party.guest]
    return [party for party in invited if appliance.guests.of_party(party.id).opened is None]
