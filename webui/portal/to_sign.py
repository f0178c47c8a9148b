"""What waits for the visitor's own signature, and what can be confirmed at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.model.accounts import SIGNING_ROLES
from appliance.model.contract import ContractState
from appliance.model.listing import ContractBucket, ContractFilter, ListedContract
from webui.portal import activations
from webui.portal.access import PortalVisitor
from webui.portal.pages import appliance

LOOKED_AT = 50
"""Contracts for the visitor's turn that are looked at, the last changed first."""


@dataclass(frozen=True, slots=True)
class WaitingSignatures:
    """``contracts`` wait for the visitor's own signature, the next deadline first; as many as ``at_once`` can be
    signed by one confirmation, 0 for none."""

    contracts: tuple[ListedContract, ...] = ()
    at_once: int = 0

    @property
    def several(self) -> bool:
        """Whether there is something to sign together."""
        return self.at_once > 1 and len(self.contracts) > 1


def at_once(someone: PortalVisitor) -> int:
    """How many contracts the visitor may select to sign at once; 0 for none."""
    return activations.batch_limit() if someone.roles & SIGNING_ROLES else 0


def own_signatures(rows: Iterable[ListedContract], subject: str) -> list[ListedContract]:
    """Those of *rows* that wait for the signature of *subject* in person, not for a seal or an answer."""
    return [
        row
        for row in rows
        if row.state is ContractState.SENT
        and any(party.on_turn and party.subject == subject for party in row.parties)
    ]


def to_confirm(rows: Iterable[ListedContract], subject: str) -> list[ListedContract]:
    """Those of *rows* that *subject* can confirm together: they sign in person, or ask for a seal."""
    seals = [row for row in rows if any(each.on_turn and each.subject.startswith("seal-") for each in row.parties)]
    asked = [row for row in seals if row.bucket is ContractBucket.TO_SIGN]  # none of whoever only keeps the seal
    return [*own_signatures(rows, subject), *(row for row in asked if row.state is ContractState.SENT)]


def waiting_signatures(someone: PortalVisitor) -> WaitingSignatures:
    """What waits for the visitor; nothing for outside signers, who were invited to one contract."""
    if someone.guest_of is not None:
        return WaitingSignatures()
    wanted = ContractFilter(bucket=ContractBucket.TO_SIGN)
    rows = appliance.listing.list_page(someone.subject, wanted, limit=LOOKED_AT).rows
    in_time = [row for row in own_signatures(rows, someone.subject) if appliance.now() < row.deadline]
    found = sorted(in_time, key=lambda row: row.deadline)
    return WaitingSignatures(tuple(found), at_once(someone) if len(found) > 1 else 0)
