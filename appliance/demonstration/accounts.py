"""Accounts for the demonstration's people, so that programs can make contracts in their names. Nobody signs in
with one: their passwords are random and kept nowhere."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from appliance.accounts.passwords import hash_password
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG, DemonstrationAuthenticators
from appliance.model.accounts import AccountRole, AccountState
from appliance.store import accounts
from appliance.store.database import Transaction

if TYPE_CHECKING:
    from appliance.wiring import Appliance

SIGNERS = frozenset({AccountRole.INITIATOR, AccountRole.SIGNER})
ROLES = {
    ZHANG.subject: SIGNERS | {AccountRole.INVESTIGATOR},
    LI.subject: SIGNERS,
    CUSTODIAN.subject: frozenset({AccountRole.CUSTODIAN}),
}


def give_accounts(appliance: Appliance, authenticators: DemonstrationAuthenticators) -> None:
    """Whoever of them is enrolled and has no account gets one; quick when nobody lacks one."""
    for subject, roles in ROLES.items():
        if not authenticators.has(subject):
            continue
        with appliance.database.transaction() as tx:
            if accounts.find_account(tx, subject) is None:
                _give(tx, appliance, subject, roles)


def _give(tx: Transaction, appliance: Appliance, subject: str, roles: frozenset[AccountRole]) -> None:
    accounts.insert_account(tx, subject, subject, handle=secrets.token_bytes(16), now=appliance.now())
    accounts.set_password(tx, subject, hash_password(secrets.token_urlsafe(32)))
    accounts.set_state(tx, subject, AccountState.ACTIVE)
    accounts.set_roles(tx, subject, roles)
