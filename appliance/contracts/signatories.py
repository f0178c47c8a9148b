"""Who can become a party of a draft: a known person, somebody from outside, or a company seal with who asks for
it; who takes the role of a template; and who can get a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from appliance.contact_details import telephone_number
from appliance.contracts import draft_rules, sending
from appliance.contracts.access import record_change
from appliance.contracts.draft_rules import Signatory
from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind
from appliance.model.contract import GUEST_PREFIX, Contract, GuestDetails, PartyKind
from appliance.model.people import Person
from appliance.model.template_parties import RoleKind, TemplateRole
from appliance.policy import Policy
from appliance.signing_methods import SigningMethod
from appliance.store import contracts, partners, people
from appliance.store.database import Transaction
from hsm.errors import Sentence

MOST_COPIES: Final = 50
"""People who get a copy of one contract."""


@dataclass(frozen=True, slots=True)
class GuestRules:
    """What outside signers are judged by: the organisation that runs this, the authority's names of it, policy,
    and whether anybody can vouch here."""

    own: str
    certified: Sequence[str]
    policy: Policy
    vouching: bool

    def method(self, contract: Contract, guest: GuestDetails, name: str) -> SigningMethod:
        """How *guest* signs. Raises :class:`PreconditionRefused` for a method that cannot be."""
        rules = self.policy.rules_for(contract.kind).outside_signers
        offered = draft_rules.offered_methods(rules, self.vouching)
        method = guest.method or next(iter(offered), rules.allowed[0])
        refusal = draft_rules.method_refusal(rules, name, method, vouching=self.vouching)
        if refusal is not None:
            raise PreconditionRefused(refusal.template, **refusal.values)
        return method


def person_signatory(tx: Transaction, subject: str) -> Signatory:
    """Somebody with an account. Raises :class:`PreconditionRefused` for whoever cannot sign other contracts."""
    person = people.person(tx, subject)
    if person.guest and person.partner is None:
        raise PreconditionRefused("{name} was invited to another contract only.", name=person.name)
    if not people.is_active(tx, subject):
        raise PreconditionRefused(
            "The account of {name} is closed or suspended; name somebody else.", name=person.name
        )
    method = SigningMethod.VERIFIED if person.partner else None
    return Signatory(PartyKind.PERSON, subject, person.name, person.organisation, method=method)


def guest_signatory(tx: Transaction, contract: Contract, guest: GuestDetails, rules: GuestRules) -> Signatory:
    """Somebody from outside, for *contract* alone, who is registered by it. Raises
    :class:`PreconditionRefused`."""
    person = draft_rules.guest_person(guest, people.person(tx, contract.initiator))
    refusal = sending.own_organisation_refusal(tx, rules.own, person.organisation, rules.certified)
    if refusal is not None:
        raise refusal.error()
    method = rules.method(contract, guest, person.name)
    people.insert_person(tx, person, None)
    phone = telephone_number(guest.phone) if guest.phone.strip() else None
    who = person.subject, person.name, person.organisation
    return Signatory(PartyKind.PERSON, *who, None, phone, method)


def seal_signatory(tx: Transaction, contract: Contract, seal: str, requester: str) -> Signatory:
    """A company seal for whose use *requester* asks. Raises :class:`PreconditionRefused`."""
    known = people.seal(tx, seal)
    if people.person(tx, requester).guest and not known.outside:
        raise PreconditionRefused("An outside signer cannot ask for a seal.")
    asks = next((each for each in contract.parties if each.subject == requester), None)
    if asks is not None and asks.method is SigningMethod.VOUCHED:
        raise PreconditionRefused(
            "{name} signs on your word alone and cannot ask for a seal; officers have to verify them.",
            name=asks.name,
        )
    # officers have vouched for the seal of another company as they do for its people
    method = SigningMethod.VERIFIED if known.outside else None
    return Signatory(PartyKind.SEAL, seal, known.label, known.organisation, requester, method=method)


def role_signatory(
    tx: Transaction,
    draft: Contract,
    role: TemplateRole,
    guest: GuestDetails | None,
    rules: GuestRules | None,
) -> Signatory:
    """Who takes *role* in *draft*; *guest* an open one. Raises :class:`PreconditionRefused` for whoever no longer
    can."""
    if (refusal := closed_role(tx, role)) is not None:
        raise PreconditionRefused(refusal.template, **refusal.values)
    match role.kind:
        case RoleKind.SEAL:
            return seal_signatory(tx, draft, role.subject, role.requester or draft.initiator)
        case RoleKind.OPEN if guest is not None and rules is not None:
            return guest_signatory(tx, draft, guest, rules)
        case _:
            return person_signatory(tx, role.subject or draft.initiator)


def closed_role(tx: Transaction, role: TemplateRole) -> Sentence | None:
    """Why nobody takes *role*: the account of its person, or of whoever asks for its seal, is closed."""
    subject = role.requester if role.kind is RoleKind.SEAL else role.subject
    if not subject or people.is_active(tx, subject):
        return None
    return Sentence(
        "{name}, who acts as “{role}” in this template, has no open account any more. Change the parties of the"
        " template; or make the draft without “{role}”, and choose somebody there.",
        {"name": people.person(tx, subject).name, "role": role.name},
    )


def copy_refusal(tx: Transaction, contract: Contract, person: Person) -> Sentence | None:
    """Why *person* cannot get a copy of *contract*. Copies stay with the organisations that have a part in it."""
    known = {people.person(tx, contract.initiator).organisation, *contract.organisations}
    if person.guest or not people.is_active(tx, person.subject):
        return Sentence("{name} has no open account here; a copy needs one.", {"name": person.name})
    if person.organisation not in known:
        return Sentence(
            "{name} is of {organisation}, which has no part in this contract.",
            {"name": person.name, "organisation": person.organisation or "—"},
        )
    if person.subject in (*contract.everybody, *contract.copied):
        return Sentence("{name} reads this contract already.", {"name": person.name})
    if len(contract.copied) >= MOST_COPIES:
        return Sentence("At most {most} people get a copy.", {"most": MOST_COPIES})
    return None


def give_copy(tx: Transaction, contract: Contract, subject: str, at: datetime) -> Contract:
    """The *contract*, of which *subject* gets a copy. Raises :class:`PreconditionRefused`."""
    refusal = copy_refusal(tx, contract, people.person(tx, subject))
    if refusal is not None:
        raise PreconditionRefused(refusal.template, **refusal.values)
    contracts.insert_copy(tx, contract.id, subject, at=at)
    event = AuditEvent(EventKind.COPY_ADDED, at, contract.initiator, contract.id, {"recipient": subject})
    return record_change(tx, contract, event)


def give_kept_copies(tx: Transaction, draft: Contract, kept: Sequence[str], at: datetime) -> Contract:
    """The *draft*, of which those of the *kept* people get a copy who still can."""
    for subject in kept:
        if copy_refusal(tx, draft, people.person(tx, subject)) is None:
            draft = give_copy(tx, draft, subject, at)
    return draft


def guest_anew(tx: Transaction, subject: str, guests: dict[str, str]) -> str:
    """Whoever takes the place of *subject* in another contract: for a guest a new one, else the same. Who
    represents a partner signs all of its contracts."""
    if not subject.startswith(GUEST_PREFIX) or partners.partner_of(tx, subject) is not None:
        return subject
    if subject not in guests:
        guests[subject] = draft_rules.new_guest_subject()
        people.insert_person(tx, replace(people.person(tx, subject), subject=guests[subject]), None)
    return guests[subject]
