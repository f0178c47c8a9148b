"""Guests come in by a link from the mail and a code from another channel, to exactly one party of one contract."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.guests.inviting import invite
from appliance.history.chronicle import Chronicle
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.contract import Contract, ContractState
from appliance.model.guest import Admission, Invitation
from appliance.store import contracts, guests, sessions
from appliance.store.database import Database, Transaction

TRIES = 5
"""Wrong codes before another code is needed."""

DIGITS = 8

PATIENCE = timedelta(minutes=2)
"""How long a guest waits before asking for one more link."""

AFTERWARDS = timedelta(days=30)
"""How long after the deadline a guest can still fetch the signed document."""

_OVER = (ContractState.DRAFT, ContractState.RECALLED, ContractState.EXPIRED)


class Guests:
    """Thread-safe. No secret is stored: the link is made from the invitation's id, the code from *key*, the
    guest and how many codes there were.

    *read_link* gives the invitation's id of a link's token, and raises :class:`NotFound` for one that is not ours.
    """

    def __init__(
        self,
        database: Database,
        read_link: Callable[[str], str],
        key: bytes,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._read_link = read_link
        self._key = key
        self._now = now
        self._chronicle = Chronicle()

    def invitation(self, token: str) -> Invitation:
        """The invitation behind a link. Raises :class:`NotFound` for one that is not ours, replaced or over."""
        invitation_id = self._read_link(token)
        with self._database.reading() as tx:
            return self._valid(tx, invitation_id)

    def send_another(self, token: str) -> Invitation:
        """The guest's link was used: another one goes to the guest's own address, and the code stays as it is.

        Whoever holds an old link can ask; only the guest's mail learns the new one. Raises :class:`NotFound`, or
        :class:`StateRefused` when this link is still good, or one was sent just now.
        """
        invitation_id = self._read_link(token)
        now = self._now()
        with self._database.transaction() as tx:
            invitation = self._valid(tx, invitation_id)
            if invitation.used is None:
                raise StateRefused("This link still works; enter the code.")
            if now < invitation.invited + PATIENCE:
                raise StateRefused("A link was sent just now; look into your mail, or try again in two minutes.")
            contract = contracts.load(tx, invitation.contract)
            party = contract.party(invitation.party)
            if party is None:
                raise NotFound(
                    "Contract “{title}” has no party {party}.", title=contract.title, party=invitation.party
                )
            inviter, person = invitation.invited_by, invitation.person
            return invite(tx, contract, party, by=inviter, now=now, before=invitation, asked_by=person)

    def admit(self, token: str, code: str, *, address: str | None = None) -> Admission:
        """Whom link and *code* let in, from which network *address*.

        A try counts before it is looked at, unless it cannot be a code at all. Raises :class:`NotFound`,
        :class:`StateRefused` for a link that was used, or :class:`PreconditionRefused` for a wrong code, and once
        there were five of them.
        """
        invitation = self.invitation(token)
        if invitation.used is not None:
            raise _used()
        given = "".join(code.split()).replace("-", "")
        if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
            raise PreconditionRefused("The code has {digits} digits; look again.", digits=DIGITS)
        with self._database.transaction() as tx:
            if not guests.count_try(tx, invitation, most=TRIES):
                raise PreconditionRefused(
                    "Too many wrong codes. Ask whoever invited you for a new one; this one is dead."
                )
        if not hmac.compare_digest(given.encode(), self._code(invitation).encode()):
            raise PreconditionRefused("This is not the code. Look again, or ask whoever invited you.")
        return self._admitted(invitation, address)

    def code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """The eight digits that the initiator (*by*) tells the guest, by telephone say.

        Raises :class:`PreconditionRefused` for anybody else, and when the code is used up.
        """
        with self._database.reading() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
        if invitation.tries >= TRIES:
            raise PreconditionRefused("This code was entered wrongly too often; make a new one.")
        return self._code(invitation)

    def new_code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """A new code in place of the old one, with five tries."""
        with self._database.transaction() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
            guests.next_round(tx, invitation)
            self._tell(tx, invitation, EventKind.GUEST_CODE_RENEWED, by)
            return self._code(guests.load(tx, invitation.id))

    def invite_again(self, contract_id: str, party_id: str, *, by: str) -> Invitation:
        """A new link goes out by mail, and there is a new code; the old ones are dead.

        Raises :class:`PreconditionRefused` for anybody but the initiator.
        """
        with self._database.transaction() as tx:
            before = self._own(tx, contract_id, party_id, by)
            contract = contracts.load(tx, contract_id)
            party = contract.party(party_id)
            if party is None:
                raise NotFound("Contract “{title}” has no party {party}.", title=contract.title, party=party_id)
            sessions.end_all(tx, party.subject, now=self._now())
            following = replace(before, round=before.round + 1, tries=0)
            return invite(tx, contract, party, by=by, now=self._now(), before=following)

    def of_party(self, party_id: str) -> Invitation:
        """The party's invitation that holds now. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return guests.of_party(tx, party_id)

    def of_person(self, subject: str) -> Invitation:
        """A guest's invitation that holds now: for which contract, and who vouches. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return guests.of_person(tx, subject)

    def until(self, contract: Contract) -> datetime:
        """When a guest of *contract* can no longer come in, not even to fetch the signed document."""
        return contract.deadline.at + AFTERWARDS

    def _valid(self, tx: Transaction, invitation_id: str) -> Invitation:
        invitation = guests.load(tx, invitation_id)
        contract = contracts.load(tx, invitation.contract)
        waits = contract.state is ContractState.SENT
        over = self._now() >= (contract.deadline.at if waits else self.until(contract))
        if invitation.ended is not None or contract.state in _OVER or over:
            raise NotFound(
                "This invitation does not exist or no longer holds; ask whoever invited you for a new one."
            )
        return invitation

    def _own(self, tx: Transaction, contract_id: str, party_id: str, by: str) -> Invitation:
        contract = contracts.load(tx, contract_id)
        if contract.initiator != by:
            raise PreconditionRefused("Only the initiator of “{title}” invites its guests.", title=contract.title)
        invitation = guests.of_party(tx, party_id)
        if invitation.contract != contract_id:
            raise NotFound("Contract “{title}” has no party {party}.", title=contract.title, party=party_id)
        return self._valid(tx, invitation.id)

    def _admitted(self, invitation: Invitation, address: str | None) -> Admission:
        with self._database.transaction() as tx:
            self._valid(tx, invitation.id)
            if not guests.open_(tx, invitation, self._now()):
                raise _used()
            self._tell(tx, invitation, EventKind.GUEST_ENTERED, invitation.person, address)
            until = self.until(contracts.load(tx, invitation.contract))
        return Admission(invitation.person, invitation.contract, invitation.party, until)

    def _tell(
        self, tx: Transaction, invitation: Invitation, kind: EventKind, actor: str, address: str | None = None
    ) -> None:
        public = {"party": invitation.party, "person": invitation.person, "invitation": invitation.id}
        event = HistoryEvent(kind, self._now(), actor, invitation.contract, public, {"address": address})
        self._chronicle.tell(tx, event)

    def _code(self, invitation: Invitation) -> str:
        """The code of this round: nobody makes it without the key, and whoever has the link only cannot."""
        message = f"guest-code\n{invitation.person}\n{invitation.party}\n{invitation.round}".encode()
        number = int.from_bytes(hmac.digest(self._key, message, "sha256")[:8], "big")
        return f"{number % 10**DIGITS:0{DIGITS}d}"


def _used() -> StateRefused:
    return StateRefused("This link was used already; each works once. Have another one sent to your address.")
