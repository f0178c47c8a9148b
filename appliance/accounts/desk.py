"""Everything about accounts, put together."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts.accounts import Accounts
from appliance.accounts.codes import LoginCodes
from appliance.accounts.factors import OwnFactors
from appliance.accounts.passkeys import Passkeys
from appliance.accounts.room import AccountsRoom
from appliance.accounts.signing_in import SigningIn
from appliance.accounts.tickets import Tickets
from appliance.accounts.welcoming import Welcoming


@dataclass(frozen=True, slots=True)
class AccountsDesk:
    """``administration`` is the officers' side, ``own`` the owner's; ``passkeys``, ``codes`` and ``tickets`` make
    what pages need for factors."""

    administration: Accounts
    signing_in: SigningIn
    welcoming: Welcoming
    own: OwnFactors
    passkeys: Passkeys
    codes: LoginCodes
    tickets: Tickets


def open_accounts(room: AccountsRoom) -> AccountsDesk:
    """The desk over the collaborators in *room*."""
    return AccountsDesk(
        administration=Accounts(room),
        signing_in=SigningIn(room),
        welcoming=Welcoming(room),
        own=OwnFactors(room),
        passkeys=room.passkeys,
        codes=room.codes,
        tickets=room.tickets,
    )
