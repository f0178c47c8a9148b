"""A contract as its visitor may see it: readers get it, everybody else learns not even that it exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.access import Command
from appliance.contracts.permissions import ContractActor, Permission, Refusal, permissions_of
from appliance.errors import NotFound
from appliance.ledger.disclosure import Audience
from appliance.model.accounts import AccountRole
from appliance.model.contract import UNSENT, Contract, Party
from webui.portal.access import PortalVisitor, visitor
from webui.portal.parts import PortalParts


@dataclass(frozen=True, slots=True)
class ContractView:
    """What a visitor sees: the contract, who looks, and for each act None or why not.

    ``audience`` is the organisation whose internal data the visitor may see; ``drafting``: it is the one that
    drafted the contract, so that content check, reviews and notes of the contract are its own.
    """

    contract: Contract
    who: ContractActor
    acts: dict[Permission, Refusal | None]
    now: datetime
    audience: Audience
    drafting: bool

    def may(self, act: Permission) -> bool:
        """Whether the visitor may do *act* now."""
        return self.acts[act] is None

    def require(self, act: Permission) -> None:
        """Raises the refusal (:class:`StateRefused`, :class:`PreconditionRefused`) unless *act* is allowed."""
        refusal = self.acts[act]
        if refusal is not None:
            raise refusal.error()

    def require_drafting(self) -> None:
        """Raises the :class:`NotFound` of a contract that is not there unless internal data of who drafted the
        contract is the visitor's own."""
        if not self.drafting:
            raise NotFound("There is no contract {contract}.", contract=self.contract.id)

    def own_party(self) -> Party | None:
        """The party that the visitor acts for: one that has not answered, if there is one."""
        own = [party for party in self.contract.parties if party.responsible == self.who.subject]
        return next((party for party in own if party.signed_at is None), own[0] if own else None)


def view_contract(parts: PortalParts, contract_id: str) -> ContractView:
    """The contract for whoever is signed in. Raises :class:`SignedOut`, or :class:`NotFound` for no reader."""
    someone = visitor()
    who, now = who_is(parts, someone), parts.appliance.now()
    contract = parts.appliance.contracts.admit(Command(contract_id, Permission.READ, who, now)).contract
    acts = permissions_of(contract, who, now)
    seen = ContractView(
        contract, who, acts, now, someone.audience, parts.appliance.disclosing.drafting(contract, someone.audience)
    )
    if contract.state in UNSENT:
        seen.require_drafting()
    return seen


def who_is(parts: PortalParts, someone: PortalVisitor) -> ContractActor:
    """The visitor as the state machine knows people."""
    seals: frozenset[str] = frozenset()
    if AccountRole.CUSTODIAN in someone.roles:
        every = parts.appliance.registry.seals()
        seals = frozenset(seal.subject for seal in every if someone.subject in seal.custodians)
    return ContractActor(someone.subject, AccountRole.AUDITOR in someone.roles, seals, someone.guest_of)
