"""Agreements that change a completed contract: drafted from its page with its parties, linked both ways."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from appliance.contracts import draft_rules
from appliance.contracts.access import Command, admit
from appliance.contracts.amendment_rules import refusal_once_over
from appliance.contracts.dependencies import ContractRecords
from appliance.contracts.draft_rules import DraftTerms
from appliance.contracts.drafting import insert_draft, join_like
from appliance.contracts.permissions import ContractActor, Permission
from appliance.documents.intake import Intake
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import UNSENT, Amendment, AmendmentKind, Contract
from appliance.policy import Policy
from appliance.store import amendments
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class LinkedContract:
    """An amendment, seen from one of its two contracts: the ``other`` one, None for who may not read that."""

    amendment: Amendment
    other: Contract | None


@dataclass(frozen=True, slots=True)
class AmendmentLinks:
    """What a contract changes, and what changes it, as far as its reader may know."""

    changes: LinkedContract | None
    changed_by: tuple[LinkedContract, ...]

    @property
    def standing(self) -> Amendment | None:
        """What the contract has become by agreements in force: the one that ended it first, else the last
        supplement."""
        counting = [each.amendment for each in self.changed_by if each.amendment.in_force]
        over = [each for each in counting if each.kind.ends]
        if over:
            return min(over, key=lambda each: each.effective)
        return counting[-1] if counting else None


@dataclass(frozen=True, slots=True)
class AmendmentTerms:
    """What an agreement does to the earlier contract, from the day ``effective`` on; its last page has room for
    the signatures at its foot, or their fields are still to be placed."""

    kind: AmendmentKind
    effective: date
    room_for_signatures: bool = False


YEARS: Final = 10
"""The farthest that the day from which an agreement holds can be from now."""


def is_near(effective: date, now: datetime) -> bool:
    """Whether an agreement can hold from this day on."""
    return abs(effective.year - now.year) <= YEARS


class Amending:
    """Thread-safe. ``by`` is who acts, ``seen`` the version of the earlier contract that was shown."""

    def __init__(self, records: ContractRecords, policy: Policy, intake: Intake) -> None:
        self._records = records
        self._policy = policy
        self._intake = intake

    def require_amendable(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The contract, if *by* may draft an agreement that changes it. Raises as :func:`admit`, and
        :class:`StateRefused` for one that was replaced or terminated already."""
        return self._records.database.query(self._admitted, contract_id, by, seen)

    def _admitted(self, tx: Transaction, contract_id: str, by: str, seen: int | None) -> Contract:
        contract = admit(tx, Command(contract_id, Permission.AMEND, by, self._records.now(), seen))
        for refusal in refusal_once_over(tx, contract):
            raise StateRefused(refusal.template, **refusal.values)
        return contract

    def draft(
        self,
        contract_id: str,
        change: AmendmentTerms,
        document: bytes,
        terms: DraftTerms,
        *,
        seen: int | None = None,
        as_contract: str | None = None,
    ) -> Contract:
        """A draft of *terms*, with the id *as_contract* where the caller has chosen one, whose *document* changes
        the contract, with the same parties: people and seals.

        Raises :class:`PreconditionRefused` for a day that is :data:`YEARS` away, and as :meth:`require_amendable`
        and :meth:`Drafting.draft`.
        """
        by = terms.initiator
        self.require_amendable(contract_id, by=by, seen=seen)
        now, foot = self._records.now(), change.room_for_signatures
        if not is_near(change.effective, now):
            raise PreconditionRefused("Choose a day within {years} years.", years=YEARS)
        terms = draft_rules.tidy_terms(terms, now)
        accepted = self._intake.accept(document)
        with self._records.database.transaction() as tx:
            earlier = self._admitted(tx, contract_id, by, seen)
            links = {change.kind.value: earlier.id, "effective": change.effective.isoformat()}
            draft = insert_draft(tx, accepted, terms, self._policy, now, links, as_contract)
            amendments.insert_amendment(tx, Amendment(draft.id, earlier.id, change.kind, change.effective))
            initiator_first = sorted(earlier.parties, key=lambda party: party.subject != by)
            guests: dict[str, str] = {}
            for party in initiator_first:
                draft = join_like(tx, draft, party, now, guests=guests, unplaced=True, foot_of_last_page=foot)
            return draft

    def links(self, contract: Contract, reader: ContractActor) -> AmendmentLinks:
        """For *reader*, who may read *contract*: nothing tells of another contract that they may not read, but
        that it changed this one, when it has."""
        with self._records.database.reading() as tx:
            own = amendments.amendment_by(tx, contract.id)
            changes = None if own is None else LinkedContract(own, self._readable(tx, own.earlier, reader))
            linked = [
                LinkedContract(each, self._readable(tx, each.contract, reader))
                for each in amendments.amendments_of(tx, contract.id)
            ]
        known = tuple(each for each in linked if each.other is not None or each.amendment.in_force)
        return AmendmentLinks(changes if changes is not None and changes.other is not None else None, known)

    def _readable(self, tx: Transaction, contract_id: str, reader: ContractActor) -> Contract | None:
        with suppress(NotFound, StateRefused):
            found = admit(tx, Command(contract_id, Permission.READ, reader, self._records.now()))
            return found if found.state not in UNSENT or found.initiator == reader.subject else None
        return None
