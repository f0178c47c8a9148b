"""The organisation's own numbers of contracts: entered, reserved in a draft, or given when it is sent.

Every number is given in the transaction that makes the contract have it, and SQLite runs one such transaction at a
time, in all processes together: nobody gets a number twice, and one that fails leaves no gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.contracts.permissions import Refusal
from appliance.errors import PreconditionRefused
from appliance.language.characters import words
from appliance.ledger.audit_trail import Field
from appliance.model.contract import Contract
from appliance.policy import Policy
from appliance.policy.numbering import LONGEST_NUMBER, NumberEntry, filled, number_key, places_of
from appliance.policy.rules import NumberRules
from appliance.store import contracts, people
from appliance.store.database import Transaction
from hsm.names import name_key

MISSING: Final = "The number of the contract is missing."


def unnumbered(tx: Transaction, contract: Contract, policy: Policy) -> Refusal | None:
    """Why *contract*, a draft, cannot get its number now; None when it can, or has it."""
    rules = policy.rules_for(contract.kind).numbers
    if contract.number:
        return None
    if rules.by_hand is NumberEntry.REQUIRED:
        return Refusal(MISSING)
    if "department" in _places(rules) and not _department(tx, contract):
        name = people.person(tx, contract.initiator).name
        return Refusal(
            "The numbers of contracts of this type name a department, and {name} has none yet;"
            " an officer enters it.",
            {"name": name},
        )
    return None


def give_number(tx: Transaction, contract: Contract, policy: Policy, now: datetime) -> Contract:
    """The draft with its number, from the counter where it has none. Call it when :func:`unnumbered` has nothing
    to say."""
    if contract.number:
        return contract
    rules = policy.rules_for(contract.kind).numbers
    owner = owner_of(tx, contract)
    said = _words(tx, contract, rules, now)
    scope = json.dumps([rules.pattern, *(said[name] for name in sorted(rules.scope))], ensure_ascii=False)
    while True:  # past what was entered by hand, or given by another pattern
        number = filled(rules.pattern, said, contracts.next_count(tx, owner, scope))
        if not contracts.number_taken(tx, owner, number, contract.id):
            break
    numbered = replace(contract, number=number, number_entered=False, department=said["department"])
    contracts.save_number(tx, numbered, owner)
    return numbered


def reserve_number(tx: Transaction, contract: Contract, policy: Policy, now: datetime) -> Contract:
    """The draft with a number, where policy lets drafts have one and it can be given already."""
    rules = policy.rules_for(contract.kind).numbers
    early = not rules.gapless and rules.by_hand is not NumberEntry.REQUIRED and bool(contract.kind)
    if contract.number or not early or unnumbered(tx, contract, policy) is not None:
        return contract
    return give_number(tx, contract, policy, now)


def renumber_draft(
    tx: Transaction, before: Contract, after: Contract, typed: str | None, policy: Policy, now: datetime
) -> Contract:
    """*after*, which the draft *before* becomes, with the number that was *typed* (empty: none; None: as it was).

    A number from the counter goes with the type that it was given for. Raises :class:`PreconditionRefused` for a
    number that policy does not let anybody enter, StateRefused for one that another contract has.
    """
    number, entered = before.number, before.number_entered
    if typed is not None and words(typed) != number:
        number, entered = words(typed), bool(words(typed))
    if entered and (number, after.kind) != (before.number, before.kind):
        _require_enterable(number, policy.rules_for(after.kind).numbers)
    if not entered and number_key(after.kind) != number_key(before.kind):
        number = ""
    numbered = replace(after, number=number, number_entered=entered)
    if (number, entered) != (before.number, before.number_entered):
        contracts.save_number(tx, numbered, owner_of(tx, before))
    return reserve_number(tx, numbered, policy, now)


def owner_of(tx: Transaction, contract: Contract) -> str:
    """Whose numbers *contract* takes: its initiator's organisation, by the key of its name."""
    return name_key(people.person(tx, contract.initiator).organisation)


def number_field(contract: Contract) -> dict[str, Field]:
    """The number as the log keeps it; nothing while there is none."""
    return {"number": contract.number} if contract.number else {}


def _require_enterable(number: str, rules: NumberRules) -> None:
    if rules.by_hand is NumberEntry.NEVER:
        raise PreconditionRefused("Contracts of this type get their number here; leave the number empty.")
    if len(number) > LONGEST_NUMBER:
        raise PreconditionRefused("The number is too long; {most} characters are possible.", most=LONGEST_NUMBER)
    if not number_key(number):
        raise PreconditionRefused("A number needs letters or digits.")


def _places(rules: NumberRules) -> frozenset[str]:
    return places_of(rules.pattern) or frozenset()


def _words(tx: Transaction, contract: Contract, rules: NumberRules, now: datetime) -> Mapping[str, str]:
    zone = ZoneInfo(people.person(tx, contract.initiator).zone)
    year = f"{now.astimezone(zone).year:04}"
    return {"type": rules.code or contract.kind, "department": _department(tx, contract), "year": year}


def _department(tx: Transaction, contract: Contract) -> str:
    """The contract's; that of its initiator now, where there was none when it was drafted."""
    return contract.department or people.department_of(tx, contract.initiator)
