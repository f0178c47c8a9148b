"""Everything about accounts, put together."""

from __future__ import annotations

from appliance.accounts.absences import Absences
from appliance.accounts.account_setup import AccountSetup
from appliance.accounts.accounts import AccountAdministration
from appliance.accounts.context import AccountsContext
from appliance.accounts.factors import OwnFactors
from appliance.accounts.sign_in import SignIn


class AccountsService:
    """``administration`` is the officers' side, ``own`` the owner's; ``passkeys``, ``codes`` and ``tickets`` make
    what pages need for factors."""

    def __init__(self, context: AccountsContext) -> None:
        self.administration = AccountAdministration(context)
        self.sign_in = SignIn(context)
        self.account_setup = AccountSetup(context)
        self.own = OwnFactors(context)
        self.absences = Absences(context)
        self.passkeys, self.codes, self.tickets = context.passkeys, context.codes, context.tickets
