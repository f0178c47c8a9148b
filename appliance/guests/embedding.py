"""Links of outside signers that open in a frame of other software's pages (decision 80).

1. An API client gets one for pages of one of its origins; it ends with the invitation beside which it was made.
2. In the frame it takes the code, once, from the tries that the invitation has; the invitation stays unused.
3. The session that begins then is worth nothing outside the frame: it reads the document and fills in fields.
4. What has effect is done on a page of one's own, which is entered by the invitation's link as ever.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.sessions import ClientInfo, PortalSessions
from appliance.acting_client import acting_client
from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import ACTING_CLIENT, Permission
from appliance.errors import NotFound, PreconditionRefused
from appliance.guests.entering import GuestEntry, used
from appliance.guests.inviting import Guests, record_invitation
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import (
    EmbeddedLink,
    GuestAccess,
    GuestAccessMethod,
    GuestInvitation,
    OpenedSession,
    Session,
)
from appliance.model.contract import Contract, Party
from appliance.model.people import Person
from appliance.signing_methods import SigningMethod
from appliance.store import api_clients, contracts, embedded_links, guests, people
from appliance.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class GivenLink:
    """The ``invitation`` whose link the client gets, the link for a frame if it asked for one, and the moment from
    which nobody comes in by them."""

    invitation: GuestInvitation
    embedded: EmbeddedLink | None
    until: datetime


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """What an embedded link leads to now; ``open`` while it takes the code."""

    link: EmbeddedLink
    contract: Contract
    party: Party
    invitation: GuestInvitation
    open: bool


@dataclass(frozen=True, slots=True)
class FrameContext:
    """What embedding works with besides the database: how links are read (raises :class:`NotFound` for one that is
    not ours), the invitations and how guests come in, and sessions."""

    read_link: Callable[[str], str]
    guests: Guests
    entering: GuestEntry
    sessions: PortalSessions


class GivenLinks:
    """Links for API clients, and the frames in which they open. Thread-safe."""

    def __init__(self, database: Database, surroundings: FrameContext, now: Callable[[], datetime]) -> None:
        self._database = database
        self._with = surroundings
        self._now = now

    def give(self, contract_id: str, party_id: str, origin: str | None = None) -> GivenLink:
        """For the API client that acts: the link of a guest of a contract that it made, the one that holds, or a
        new one if it was used, also while mail goes out. With *origin* one for frames of its pages, too.

        Raises :class:`NotFound`; :class:`PreconditionRefused` for a contract of others, for somebody with an
        account, and for what cannot be embedded; :class:`StateRefused` before the guest's turn and when the
        invitation is over.
        """
        with self._database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.READ, ACTING_CLIENT, self._now()))
            invitation = self._with.guests.give_link(tx, contract, party_id, origin)
            link = None if origin is None else self._embedded(tx, contract, invitation, origin)
            return GivenLink(invitation, link, invitation.until(contract))

    def _embedded(
        self, tx: Transaction, contract: Contract, invitation: GuestInvitation, origin: str
    ) -> EmbeddedLink:
        reach, party = acting_client(), contract.require_party(invitation.party)
        if reach is None or not api_clients.load_client(tx, reach.client).may_embed_in(origin):
            raise PreconditionRefused("Links of this API client are not embedded in {origin}.", origin=origin)
        if party.method is SigningMethod.VOUCHED:
            raise PreconditionRefused(
                "{name} enters the code on the confirmation page alone, so the link cannot be embedded.",
                name=party.name,
            )
        known = embedded_links.of_party(tx, party.id)
        if known is not None and known.used is None and _fits(known, invitation, reach.client, origin):
            return known
        place = (contract.id, party.id, reach.client, origin)
        made = EmbeddedLink(secrets.token_hex(16), invitation.id, *place, self._now())
        embedded_links.insert_link(tx, made)
        return made

    def entry(self, token: str) -> FrameEntry:
        """What the link in the *token* leads to now. Raises :class:`NotFound` for one that is not ours or went to
        a wrong address, and while its client may not embed it: the frame of such a link stays empty."""
        link_id = self._with.read_link(token)
        return self._database.query(self._entry, link_id)

    def _entry(self, tx: Transaction, link_id: str) -> FrameEntry:
        link = embedded_links.load_link(tx, link_id)
        invitation = guests.load_invitation(tx, link.invitation)
        contract = contracts.load_contract(tx, link.contract)
        client, party = api_clients.load_client(tx, link.client), contract.require_party(link.party)
        in_reach = client.reach.covers(people.person(tx, contract.initiator).organisation, contract.kind)
        if not client.may_embed_in(link.origin) or not in_reach:
            raise guests.unknown()
        if invitation.revoked is not None or party.subject != invitation.person:
            raise guests.unknown()
        now, unused = self._now(), link.used is None and link.ended is None and invitation.ended is None
        over = now >= invitation.until(contract) or invitation.is_shut_out(contract, now)
        return FrameEntry(link, contract, party, invitation, unused and not over)

    def arrived(self, entry: FrameEntry) -> None:
        """The page in the frame asks for the code: the first time, the initiator is told."""
        self._with.entering.arrived(_access(entry), texts=False)

    def admit(self, token: str, code: str, where: ClientInfo) -> OpenedSession:
        """The session of the frame, for whoever has the link and the *code*, from *where*. Raises as
        :meth:`GuestEntry.admit`."""
        entry = self.entry(token)
        if not entry.open:
            raise used()
        self._with.entering.require_code(_access(entry), code)
        now = self._now()
        with self._database.transaction() as tx:
            entry = self._entry(tx, entry.link.id)
            held = entry.invitation
            if not (entry.open and embedded_links.mark_used(tx, entry.link, now)):
                raise used()
            if not guests.mark_entered(tx, held, now):
                raise used()
            origin = entry.link.origin
            record_invitation(tx, held, EventKind.GUEST_ENTERED, now, held.person, where.address, origin)
            return self._with.sessions.open_guest_session(
                tx,
                held.person,
                guest_of=(held.contract, held.party),
                where=where,
                until=held.until(entry.contract),
                embedded=entry.link.id,
            )

    def visitor(self, entry: FrameEntry, secret: str, *, looks: bool) -> tuple[Person, Session] | None:
        """Who is in the frame by the *secret* of its cookie, if anybody; one that only *looks* by itself, and is
        no person's doing, does not keep the session alive."""
        with self._database.reading() as tx:
            session = self._with.sessions.embedded_session(tx, secret, entry.link.id)
            if session is None or session.guest_of != (entry.contract.id, entry.party.id):
                return None
            person = people.person(tx, session.subject)
        if not looks:
            self._with.sessions.touch_session(session, secret)
        return person, session

    def onward(self, entry: FrameEntry) -> GuestInvitation:
        """By whose link the guest goes on, on a page of one's own."""
        try:
            return self._with.guests.of_party(entry.party.id)
        except NotFound:
            return entry.invitation


def _access(entry: FrameEntry) -> GuestAccess:
    return GuestAccess(entry.invitation, entry.contract, GuestAccessMethod.CODE)


def _fits(known: EmbeddedLink, invitation: GuestInvitation, client: str, origin: str) -> bool:
    return (known.invitation, known.client, known.origin) == (invitation.id, client, origin)
