"""Correcting a guest who was typed wrongly, after the contract has been sent and before the guest has signed.

1. Whatever was sent so far is over: links end, the code is another one, open sessions end.
2. A new address of mail also revokes the links for good: nothing that went to the wrong one shows anything more.
3. Where somebody has set up what to sign with under the wrong address, or an officer has certified the wrong name,
   the invitation starts anew with another person of the register. The open request is closed; officers are asked
   to end a certificate. Mails that still wait for the first one are withdrawn. Fields, order and everything else
   of the contract stay.
4. For whom the initiator has vouched, it always starts anew, also where nothing is typed differently (a lost
   passkey): code, key and certificate end at once, and the initiator vouches once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from appliance.contact_details import email_address, telephone_number
from appliance.contracts import rules
from appliance.contracts.access import Command, admit, record_change, require_changeable
from appliance.contracts.draft_rules import guest_person
from appliance.contracts.permissions import Permission
from appliance.contracts.rules import to_those_who_know
from appliance.enrolment_requests import withdraw_enrolment_request
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.guests.inviting import invite, invite_again
from appliance.ledger.audit_trail import AuditEvent, EventKind
from appliance.model.accounts import GuestInvitation
from appliance.model.contract import Contract, ContractState, GuestDetails, Party, PartyState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import contracts, enrolment, guests, intents, members, outbox, people, sessions, vouchings
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey

REASON = "The initiator corrected who this is."
"""Why an officer's act about the guest ends."""


_Differing = Sequence[str]
"""What is typed differently from what was known: ``name``, ``email``, ``phone``, those of them that are."""


class GuestCorrection:
    """Thread-safe."""

    def __init__(
        self,
        database: Database,
        authority: AuthorityClient,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._authority = authority
        self._now = now

    def starts_anew(self, subject: str) -> bool:
        """Whether a guest has set something up, so that another address means another enrolment."""
        with self._database.reading() as tx:
            return _has_set_up(tx, subject) or vouchings.of_person(tx, subject) is not None

    def correct(
        self, contract_id: str, party_id: str, given: GuestDetails, *, by: str, seen: int | None = None
    ) -> Contract:
        """*given* (name, mail, telephone; the organisation stays) takes the place of what was typed before.

        Raises :class:`NotFound`, :class:`StateRefused` when the guest has answered or the contract was changed,
        and :class:`PreconditionRefused` for anybody but the initiator, malformed values, or no difference.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract, party = _open_party(tx, Command(contract_id, Permission.READ, by, now, seen, party_id))
            before = people.person(tx, party.subject)
            typed = guest_person(replace(given, organisation=before.organisation), before)
            email = email_address(given.email)
            phone = telephone_number(given.phone) if given.phone.strip() else None
            known = {"name": before.name, "email": before.email, "phone": party.phone}
            given_now = {"name": typed.name, "email": email, "phone": phone}
            differs = [each for each, value in given_now.items() if value != known[each]]
            vouched = vouchings.of_person(tx, before.subject) is not None
            if not differs and not vouched:
                raise PreconditionRefused("Nothing is different from before.")
            anew = vouched or _must_start_anew(tx, before.subject, differs)
            if vouched:
                self._end_vouching(tx, before.subject)
            after = replace(before, subject=typed.subject if anew else before.subject)
            after = replace(after, name=typed.name, email=email)
            held = _invitation(tx, party_id)
            self._end_what_was(tx, before, party, differs, anew=anew, by=by)
            if anew:
                people.insert_person(tx, after, None)
            else:
                people.correct(tx, after)
            corrected = replace(party, subject=after.subject, name=after.name, phone=phone)
            contracts.correct_party(tx, contract, corrected)
            what = " ".join(differs)
            public = {"party": party_id, "person": after.subject, "before": before.subject, "what": what}
            event = AuditEvent(EventKind.GUEST_CORRECTED, now, by, contract_id, public, given_now)
            result = record_change(tx, contract, event)
            if held is not None:
                self._invite(tx, result, corrected, held, differs, by)
            self._notify(tx, result, corrected, before if anew else None, name="name" in differs)
            return result

    def _end_what_was(
        self, tx: Transaction, before: Person, party: Party, differs: _Differing, *, anew: bool, by: str
    ) -> None:
        now = self._now()
        sessions.end_all(tx, before.subject, now=now)
        intents.abandon_of_party(tx, party.id, "the guest was corrected")
        if "email" in differs or anew:
            guests.revoke(tx, party.id, now)
            for each in self._authority.pending_credentials(before.subject):  # set up by who knows whom
                self._authority.drop_pending(before.subject, each.fingerprint)
        if anew:
            withdraw_enrolment_request(tx, before.subject, reason=REASON, by=by, at=now)
            outbox.withdraw(tx, before.subject, now)

    def _end_vouching(self, tx: Transaction, subject: str) -> None:
        """Code, key and certificate end, whatever becomes of the correction: stopping is always right."""
        with suppress(UnknownKey):
            self._authority.end_vouching(subject, unsigned=True)
        vouchings.end(tx, subject, self._now())

    def _invite(
        self,
        tx: Transaction,
        contract: Contract,
        party: Party,
        held: GuestInvitation,
        differs: _Differing,
        by: str,
    ) -> None:
        now = self._now()
        if held.person != party.subject:
            invite(tx, contract, party, now)
            return
        opened = None if "email" in differs else held.opened
        following = replace(held, round=held.round + 1, tries=0, opened=opened)
        invite_again(tx, following, now=now, kind=NoticeKind.GUEST_INVITED, asked_by=by)

    def _notify(
        self, tx: Transaction, contract: Contract, party: Party, replaced: Person | None, *, name: bool
    ) -> None:
        """Officers, of a certificate to end; the others who know of the contract, of another *name* in it."""
        now = self._now()
        vouched = replaced is not None and vouchings.of_person(tx, replaced.subject) is not None
        if replaced is not None and not vouched and people.is_enrolled(tx, replaced.subject):
            for officer in members.officers(tx):
                outbox.enqueue(tx, Notice(None, officer, NoticeKind.CERTIFICATE_TO_END, now, replaced.subject))
        for notice in to_those_who_know(contract, NoticeKind.PARTY_CORRECTED, now) if name else ():
            if notice.recipient not in (contract.initiator, party.subject):
                outbox.enqueue(tx, replace(notice, about=party.id))


def _open_party(tx: Transaction, command: Command) -> tuple[Contract, Party]:
    contract = admit(tx, command)
    require_changeable(tx, contract)
    party = contract.require_party(str(command.party))
    if contract.initiator != command.by or not party.guest:
        raise PreconditionRefused("Only the initiator of “{title}” invites its guests.", title=contract.title)
    rules.require_state(contract, ContractState.SENT)
    if party.state is not PartyState.WAITING:
        raise StateRefused("{name} has answered already; nothing can be corrected any more.", name=party.name)
    if intents.is_under_way(tx, party.id):
        raise StateRefused("A signature on this contract is being made just now; look at it again in a moment.")
    return contract, party


def _must_start_anew(tx: Transaction, subject: str, differs: _Differing) -> bool:
    """Another address ends what was set up under the wrong one; another name what is certified, or just being."""
    if "email" in differs:
        return _has_set_up(tx, subject)
    waiting = enrolment.open_request(tx, subject)
    return "name" in differs and (people.is_enrolled(tx, subject) or waiting is not None)


def _has_set_up(tx: Transaction, subject: str) -> bool:
    return people.is_enrolled(tx, subject) or enrolment.open_request(tx, subject) is not None


def _invitation(tx: Transaction, party_id: str) -> GuestInvitation | None:
    """The invitation that holds; None before it is the guest's turn."""
    try:
        return guests.of_party(tx, party_id)
    except NotFound:
        return None
