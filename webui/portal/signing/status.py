"""Why there is nothing to sign for the visitor now: not an error, but where the contract stands."""

from __future__ import annotations

from datetime import datetime

from flask import make_response, render_template
from werkzeug.wrappers import Response

from appliance.contracts import rules
from appliance.model.contract import Contract, ContractState, Party, PartyState
from webui.portal.contracts.status_line import state_line
from webui.portal.contracts.view import ContractView
from webui.portal.parts import PortalParts
from webui.shared.language import translate

_ENDED = {
    ContractState.RECALLED: "The initiator has recalled this contract; it is no longer to be signed.",
    ContractState.DECLINED: "This contract was declined; it is no longer to be signed.",
    ContractState.EXPIRED: "The deadline has passed; this contract can no longer be signed.",
    ContractState.SIGNED: "Everybody has signed this contract already.",
    ContractState.COMPLETED: "Everybody has signed this contract already.",
    ContractState.VOIDED: "All parties have declared this contract void.",
    ContractState.DISCARDED: "This draft was thrown away.",
}


def status_page(parts: PortalParts, seen: ContractView, party: Party | None, *, status: int = 200) -> Response:
    """The page that says so; *status* is 409 when the visitor had just tried to sign."""
    contract = seen.contract
    page = render_template(
        "signing/standing.html",
        contract=contract,
        party=party,
        title=_title(seen, party),
        line=state_line(contract, seen.who.subject, seen.now),
        turn=rules.whose_turn(contract),
    )
    return make_response(page, status)


def why_ended(contract: Contract, now: datetime) -> str:
    """Why the contract can no longer be signed, in the reader's language; empty while it can."""
    state = ContractState.EXPIRED if rules.is_overdue(contract, now) else contract.state
    return translate()(_ENDED[state]) if state in _ENDED else ""


def _title(seen: ContractView, party: Party | None) -> str:
    say, why = translate(), why_ended(seen.contract, seen.now)
    if why:
        return why
    if party is None:
        return say("You are not asked to sign this contract.")
    if party.state is PartyState.SIGNED:
        return say("You have signed this contract already.")
    return say("It is not your turn yet.")
