"""Who from outside waits for the initiator: guests for a code or to be vouched for, representatives for the link
where no mail goes out."""

from __future__ import annotations

from appliance.model.contract import ContractState, Party
from appliance.signing_methods import SigningMethod
from hsm.errors import AuthorityError
from webui.portal.access import ContractView
from webui.portal.pages import appliance


def guests_without_code(seen: ContractView) -> list[Party]:
    """The guests on turn who have not come in yet, and to whom the initiator has to tell a code: not those whose
    page sends it to their telephone, unless that has failed."""
    if seen.contract.state is not ContractState.SENT or not seen.initiates:
        return []
    invited = [party for party in seen.contract.on_turn if party.guest]
    invited = [party for party in invited if party.method is not SigningMethod.VOUCHED]
    return [party for party in invited if _waits_for_code(seen, party)]


def _waits_for_code(seen: ContractView, party: Party) -> bool:
    held = appliance.guests.of_party(party.id)
    if held.opened is not None:
        return False
    text = appliance.entering.code_text_for(seen.contract, held)
    return text is None or text.failed


def guests_without_link(seen: ContractView) -> list[Party]:
    """The guests on turn who have the code from whoever vouched, and wait for a link that goes in no mail."""
    if seen.contract.state is not ContractState.SENT or not seen.initiates or appliance.mail.works():
        return []
    invited = [party for party in seen.contract.on_turn if party.method is SigningMethod.VOUCHED]
    return [party for party in invited if appliance.guests.of_party(party.id).opened is None]


def guests_to_vouch_for(seen: ContractView) -> tuple[Party, ...]:
    """Those for whom the initiator has still to vouch; none while the authority does not answer."""
    if not seen.initiates:
        return ()
    try:
        return appliance.vouchings.lacking(seen.contract)
    except AuthorityError:
        return ()


def representatives_without_mail(seen: ContractView) -> list[Party]:
    """The representatives of partners on turn, where no mail tells them so: the initiator passes the link on. Who
    has left could not use it."""
    if seen.contract.state is not ContractState.SENT or not seen.initiates or appliance.mail.works():
        return []
    closed = appliance.reminders.closed_accounts.closed_in(seen.contract)
    return [
        party for party in seen.contract.on_turn if party.partner is not None and party.responsible not in closed
    ]
