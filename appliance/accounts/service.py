"""Everything about accounts, put together."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts.account_setup import AccountSetup
from appliance.accounts.accounts import AccountAdministration
from appliance.accounts.codes import LoginCodes
from appliance.accounts.context import AccountsContext
from appliance.accounts.factors import OwnFactors
from appliance.accounts.passkeys import PasskeyVerifier
from appliance.accounts.sign_in import SignIn
from appliance.accounts.tickets import Tickets


@dataclass(frozen=True, slots=True)
class AccountsService:
    """``administration`` is the officers' side, ``own`` the owner's; ``passkeys``, ``codes`` and ``tickets`` make
    what pages need for factors."""

    administration: AccountAdministration
    sign_in: SignIn
    account_setup: AccountSetup
    own: OwnFactors
    passkeys: PasskeyVerifier
    codes: LoginCodes
    tickets: Tickets


def open_accounts(context: AccountsContext) -> AccountsService:
    """The service over the collaborators in *context*."""
    return AccountsService(
        administration=AccountAdministration(context),
        sign_in=SignIn(context),
        account_setup=AccountSetup(context),
        own=OwnFactors(context),
        passkeys=context.passkeys,
        codes=context.codes,
        tickets=context.tickets,
    )
