"""What waits for the visitor's own signature, and what can be confirmed at once; and who from outside waits for
the visitor: guests for a code or to be vouched for, representatives for the link where no mail goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.model.accounts import SIGNING_ROLES
from appliance.model.contract import ContractState, Party
from appliance.model.listing import ContractBucket, ContractFilter, ListedContract
from appliance.signing_methods import SigningMethod
from hsm.errors import AuthorityError
from webui.portal import activations
from webui.portal.access import ContractView, PortalVisitor
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
