"""``/contracts/ID/vouch``: the initiator vouches for outside signers, on the activation service's page, which
shows the codes; and the way back from there.
"""

from __future__ import annotations

from flask import request, url_for

from appliance.contracts.permissions import Permission
from appliance.errors import NotFound
from webui.portal.access import view_contract
from webui.portal.activations import means_of, to_activation
from webui.portal.pages import appliance
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, render, see_other

_LONGEST = 60


@pages.get("/contracts/<contract_id>/vouch")
def vouch(contract_id: str) -> Answer:
    """To the activation service; with ``party`` for that one alone, whose code is replaced."""
    seen = view_contract(contract_id)
    by, party = seen.who.subject, request.args.get("party", "")[:_LONGEST] or None
    if not seen.initiates:
        raise NotFound("There is nobody here for whom you could vouch.")
    if party is None and not appliance.vouchings.lacking(seen.contract):
        return _onward(contract_id)
    if not means_of(by).passkeys:
        return render("signing/no_means.html")
    intent = appliance.vouchings.open(contract_id, by=by, party_id=party)
    return to_activation(by, intent, url_for("signing.vouched", contract_id=contract_id))


@pages.get("/contracts/<contract_id>/vouched")
def vouched(contract_id: str) -> Answer:
    """Back from there: to the own signature, or to the contract."""
    view_contract(contract_id)
    appliance.vouchings.collect(contract_id)
    return _onward(contract_id)


def _onward(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    signs = seen.may(Permission.SIGN) and seen.own_party() in seen.contract.on_turn
    return see_other("signing.sign" if signs else "contracts.page", contract_id=contract_id)
