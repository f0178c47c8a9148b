"""What the initiator does for a guest: tells the code, makes a new one, sends a new link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.guests.inviting import TRIES, GuestCodes, invite_again, way_in
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind
from appliance.model.guest import GuestAccessMethod, GuestInvitation
from appliance.model.notice import NoticeKind
from appliance.store import contracts, guests, sessions
from appliance.store.database import Database, Transaction


class Guests:
    """Thread-safe. No secret is stored: links are made from the invitation's id, codes by *codes*."""

    def __init__(
        self, database: Database, codes: GuestCodes, mail_works: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._codes = codes
        self._mail_works = mail_works
        self._now = now
        self._audit = AuditTrail()

    def code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """The eight digits that the initiator (*by*) tells the guest, by telephone say.

        Raises :class:`PreconditionRefused` for anybody else, and when the code is used up;
        :class:`StateRefused` when the invitation is over.
        """
        with self._database.reading() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
        if invitation.tries >= TRIES:
            raise PreconditionRefused("This code was entered wrongly too often; make a new one.")
        return self._codes.of(invitation)

    def new_code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """A new code in place of the old one, with five tries."""
        with self._database.transaction() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
            guests.next_round(tx, invitation)
            self._tell(tx, invitation, EventKind.GUEST_CODE_RENEWED, by)
            return self._codes.of(guests.load_invitation(tx, invitation.id))

    def invite_again(self, contract_id: str, party_id: str, *, by: str) -> GuestInvitation:
        """A new link goes out by mail, and there is a new code; the old ones are dead, open sessions end.

        Raises as :meth:`code`.
        """
        with self._database.transaction() as tx:
            before = self._own(tx, contract_id, party_id, by)
            sessions.end_all(tx, before.person, now=self._now())
            following = replace(before, round=before.round + 1, tries=0)
            return invite_again(tx, following, now=self._now(), kind=NoticeKind.GUEST_INVITED, asked_by=by)

    def show_link(self, contract_id: str, party_id: str, *, by: str) -> GuestInvitation:
        """The invitation whose link the initiator hands over where no mail goes out; a new one if it was used.

        That somebody besides the guest knew link and code is in the history. Raises as :meth:`code`, and
        :class:`PreconditionRefused` while mail goes out: then only the guest's own mailbox learns the link.
        """
        if self._mail_works():
            raise PreconditionRefused("The link goes to the guest by mail; it is not shown here.")
        with self._database.transaction() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
            if invitation.used is not None:
                invitation = invite_again(tx, invitation, now=self._now(), kind=None, asked_by=by)
            self._tell(tx, invitation, EventKind.GUEST_LINK_SHOWN, by)
            return invitation

    def of_party(self, party_id: str) -> GuestInvitation:
        """The party's invitation that holds now. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return guests.of_party(tx, party_id)

    def of_person(self, subject: str) -> GuestInvitation:
        """A guest's invitation that holds now: for which contract, and who vouches. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return guests.of_person(tx, subject)

    def spent_of_person(self, subject: str) -> GuestInvitation:
        """A guest's newest invitation whose link takes no code any more; who was signed in may be led to it. The
        link that takes one goes to the guest's mailbox alone. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return guests.spent_of_person(tx, subject)

    def _own(self, tx: Transaction, contract_id: str, party_id: str, by: str) -> GuestInvitation:
        contract = contracts.load_contract(tx, contract_id)
        if contract.initiator != by:
            raise PreconditionRefused("Only the initiator of “{title}” invites its guests.", title=contract.title)
        invitation = guests.of_party(tx, party_id)
        if invitation.contract != contract_id:
            raise NotFound("Contract “{title}” has no party {party}.", title=contract.title, party=party_id)
        if way_in(contract, invitation, invitation, self._now()) is GuestAccessMethod.CLOSED:
            raise StateRefused("This invitation is over; nobody can come in by it any more.")
        return invitation

    def _tell(self, tx: Transaction, invitation: GuestInvitation, kind: EventKind, actor: str) -> None:
        public = {"party": invitation.party, "person": invitation.person, "invitation": invitation.id}
        event = AuditEvent(kind, self._now(), actor, invitation.contract, public)
        self._audit.append(tx, event)
