"""How a guest comes in: by link and code once, and from then on with the passkey, at any link of the same party.

1. A link names an invitation (:mod:`appliance.accounts.tickets`); all links of one party lead to the same entry.
2. The link that holds takes the code, once. Wrong codes are counted before they are looked at.
3. Whoever registered a passkey signs in with it. A link without passkey or code lets nobody in, however it leaked.
4. One more link goes to the guest's own address alone; a new code comes from the initiator alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.accounts import throttle
from appliance.accounts.passkeys import PasskeyOffer, PasskeyVerifier, claimed_by_answer
from appliance.accounts.sessions import ClientInfo, PortalSessions
from appliance.accounts.tickets import spend_ticket
from appliance.activation_requests import is_receipt_of
from appliance.errors import PreconditionRefused, SignInRefused, StateRefused
from appliance.guests.inviting import DIGITS, TRIES, GuestCodes, invite_again, record_invitation, way_in
from appliance.guests.texting import CodeText, about_code, code_text, require_text_may_go
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import (
    GuestAccess,
    GuestAccessMethod,
    GuestAdmission,
    GuestInvitation,
    GuestPasskey,
    Passkey,
)
from appliance.model.contract import Contract
from appliance.model.notice import Notice, NoticeKind
from appliance.signing_methods import SigningMethod
from appliance.store import contracts, enrolment, guests, outbox
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient

BETWEEN_LINKS = timedelta(minutes=2)
BETWEEN_QUESTIONS = timedelta(minutes=10)
"""How long a guest waits before asking the initiator once more."""

MOST_LINKS = 6
"""Links that a guest is sent in a day because somebody asked at the page."""

MOST_QUESTIONS = 6
"""How often the initiator is written to in a day because of one party: whoever holds any old link can ask."""

_DAY = timedelta(days=1)
_SENT = (NoticeKind.GUEST_INVITED, NoticeKind.GUEST_LINK)


@dataclass(frozen=True, slots=True)
class GuestEntryContext:
    """What entering works with besides the database: how links are read (raises :class:`NotFound` for one that is
    not ours), the codes, the authority that knows passkeys, sessions, and whether mail and text messages can be
    sent at all."""

    read_link: Callable[[str], str]
    codes: GuestCodes
    passkeys: PasskeyVerifier
    authority: AuthorityClient
    sessions: PortalSessions
    mail: bool
    texts: bool


class GuestEntry:
    """Thread-safe."""

    def __init__(self, database: Database, surroundings: GuestEntryContext, now: Callable[[], datetime]) -> None:
        self._database = database
        self._with = surroundings
        self._now = now

    def entry(self, token: str) -> GuestAccess:
        """What the link leads to now.

        Raises :class:`NotFound` for one that is not ours, or went to a wrong address, and :class:`AuthorityError`
        when a guest's passkeys cannot be asked for.
        """
        invitation_id = self._with.read_link(token)
        with self._database.reading() as tx:
            entry = self._entry(tx, invitation_id)
            asked = enrolment.open_request(tx, entry.invitation.person)
        unknown = entry.invitation.opened is None and not _is_vouched(entry)
        if entry.method is GuestAccessMethod.CLOSED or unknown:
            return entry
        authority, person = self._with.authority, entry.invitation.person
        asked_for = {each.fingerprint for each in asked.credentials} if asked else set()
        pending = authority.pending_credentials(person) if asked_for else []
        known = [(each.credential_id, each.public_key) for each in pending if each.fingerprint in asked_for]
        known += [(each.credential_id, each.public_key) for each in authority.credentials(person)]
        passkeys = [GuestPasskey(credential_id, key) for credential_id, key in known if credential_id and key]
        return GuestAccess(entry.invitation, entry.contract, entry.method, tuple(passkeys))

    def arrived(self, entry: GuestAccess, *, texts: bool = True) -> None:
        """The page of a link that takes the code is opened: the first time, the initiator is told, unless the page
        offers to send the code to the guest's telephone; one without *texts* does not."""
        held = entry.invitation
        if entry.method is not GuestAccessMethod.CODE or held.arrived is not None or held.opened is not None:
            return
        with self._database.transaction() as tx:
            if guests.arrive(tx, held, self._now()) and not (texts and self._code_text(tx, entry)):
                self._notify_initiator(tx, entry, NoticeKind.GUEST_ARRIVED)

    def code_text(self, entry: GuestAccess) -> CodeText | None:
        """The text message with the code for which the page of *entry* can be asked, and what became of it; None
        where the code comes from the initiator alone."""
        return self._database.query(self._code_text, entry)

    def code_text_for(self, contract: Contract, held: GuestInvitation) -> CodeText | None:
        """The same of an invitation, for the initiator's pages."""
        return self.code_text(GuestAccess(held, contract, way_in(contract, held, held, self._now())))

    def _code_text(self, tx: Transaction, entry: GuestAccess) -> CodeText | None:
        if not self._with.texts or entry.method is not GuestAccessMethod.CODE:
            return None
        return code_text(tx, entry.contract, entry.invitation, self._now())

    def passkey_offer(self, entry: GuestAccess) -> PasskeyOffer:
        """What the page needs to ask the guest's device for a passkey of *entry*."""
        return self._with.passkeys.offer_sign_in([each.credential_id for each in entry.passkeys])

    def admit(self, token: str, code: str, where: ClientInfo) -> GuestAdmission:
        """Whom link and *code* let in, from *where*.

        A try counts before it is looked at, unless it cannot be a code at all. Raises :class:`NotFound`,
        :class:`StateRefused` for a link that no longer takes a code, or :class:`PreconditionRefused` for a wrong
        code, and once there were five of them.
        """
        entry = self._read(token)
        if entry.method is not GuestAccessMethod.CODE or _is_vouched(entry):
            raise used()
        invitation = entry.invitation
        self.require_code(entry, code)
        with self._database.transaction() as tx:
            entry = self._entry(tx, invitation.id)
            if entry.method is not GuestAccessMethod.CODE or not guests.mark_opened(tx, invitation, self._now()):
                raise used()
            return self._admitted(tx, entry, EventKind.GUEST_ENTERED, where)

    def require_code(self, entry: GuestAccess, code: str) -> None:
        """Counts a try, and raises :class:`PreconditionRefused` unless *code* is that of the invitation."""
        invitation, given = entry.invitation, "".join(code.split()).replace("-", "")
        if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
            raise PreconditionRefused("The code has {digits} digits; look again.", digits=DIGITS)
        with self._database.transaction() as tx:
            if not guests.count_try(tx, invitation, most=TRIES):
                raise PreconditionRefused(
                    "Too many wrong codes. Ask whoever invited you for a new one; this one is dead."
                )
        if not self._with.codes.is_code(invitation, given):
            self._notify_when_used_up(entry)
            raise PreconditionRefused("This is not the code. Look again, or ask whoever invited you.")

    def admit_by_receipt(self, token: str, receipt: str, where: ClientInfo) -> GuestAdmission | None:
        """Whom the link and the *receipt* of the activation service let in: who has just made the passkey there by
        the code of whoever vouched. None where no passkey goes with the receipt. Raises as :meth:`entry`."""
        entry = self._read(token)
        held = entry.invitation
        kept = [each.reference for each in self._with.authority.credentials(held.person)]
        if entry.method is GuestAccessMethod.CLOSED or not any(
            is_receipt_of(receipt, each, held.person, now=self._now()) for each in kept
        ):
            return None
        with self._database.transaction() as tx:
            entry = self._entry(tx, held.id)
            if entry.method is GuestAccessMethod.CLOSED:
                return None
            guests.mark_opened(tx, entry.invitation, self._now())
            return self._admitted(tx, entry, EventKind.GUEST_ENTERED, where)

    def admit_by_passkey(self, token: str, ticket: str, posted: str, where: ClientInfo) -> GuestAdmission:
        """Whom the passkey's answer (*posted*) lets in, from *where*.

        Raises :class:`SignInRefused` for a passkey that is not the guest's, :class:`TooManyAttempts`,
        :class:`StateRefused` for an old page, and as :meth:`entry`.
        """
        entry, (credential_id, _handle) = self.entry(token), claimed_by_answer(posted)
        with self._database.transaction() as tx:
            attempt = throttle.begin_attempt(
                tx, f"passkey {credential_id.hex()}", where.address, now=self._now(), guessable=False
            )
        found = [each for each in entry.passkeys if each.credential_id == credential_id]
        if not found or entry.method is GuestAccessMethod.CLOSED:
            raise _unknown_passkey()
        person = entry.invitation.person
        known = Passkey(credential_id, person, found[0].public_key, 0, "", self._now())
        try:
            answered, _count = self._with.passkeys.verify_assertion(known, ticket, posted)
        except SignInRefused as refusal:
            raise _unknown_passkey() from refusal
        with self._database.transaction() as tx:
            spend_ticket(tx, answered, now=self._now())
            throttle.record_success(tx, attempt, now=self._now())
            entry = self._entry(tx, self._with.read_link(token))
            if entry.method is GuestAccessMethod.CLOSED:
                raise _unknown_passkey()
            return self._admitted(tx, entry, EventKind.GUEST_SIGNED_IN, where)

    def send_another(self, token: str) -> GuestInvitation:
        """One more link goes to the guest's own address, and the code stays as it is.

        Whoever holds an old link can ask; only the guest's mail learns the new one. Raises :class:`NotFound`,
        :class:`StateRefused` when this link is still good, a mail is on its way already, or there were too many,
        and :class:`PreconditionRefused` where no mail can be sent.
        """
        invitation_id, now = self._with.read_link(token), self._now()
        with self._database.transaction() as tx:
            entry = self._entry(tx, invitation_id)
            self._require_link_may_go(tx, entry, now)
            held = entry.invitation
            if held.used is None:
                outbox.enqueue(tx, Notice(held.contract, held.person, NoticeKind.GUEST_LINK, now, held.id))
                return held
            return invite_again(tx, held, now=now, kind=NoticeKind.GUEST_LINK, asked_by=held.person)

    def text_code(self, token: str) -> GuestInvitation:
        """The code goes to the guest's mobile number as a text message; it stays as it is.

        Whoever holds the link can ask; only the guest's telephone learns the code. Raises :class:`NotFound`,
        :class:`PreconditionRefused` where no text message can be sent or the code is used up, and
        :class:`StateRefused` for a link that takes no code, while one is on its way, and after too many.
        """
        invitation_id, now = self._with.read_link(token), self._now()
        with self._database.transaction() as tx:
            entry = self._entry(tx, invitation_id)
            held = entry.invitation
            if not self._with.texts:
                raise PreconditionRefused(
                    "No text message can be sent from here; whoever invited you tells you the code."
                )
            if entry.method is not GuestAccessMethod.CODE or _is_vouched(entry):
                raise used()
            require_text_may_go(tx, entry.contract, held, now)
            record_invitation(tx, held, EventKind.GUEST_CODE_TEXTED, now, held.person)
            notice = Notice(held.contract, held.person, NoticeKind.GUEST_CODE, now, about_code(held))
            outbox.enqueue(tx, notice)
            return held

    def ask_for_code(self, token: str) -> GuestInvitation:
        """The guest asks the initiator for a new link and code, say because the device is lost.

        Raises :class:`NotFound`, and :class:`StateRefused` when the initiator was asked just now, or too
        often today, and when it is too late.
        """
        invitation_id, now = self._with.read_link(token), self._now()
        with self._database.transaction() as tx:
            entry = self._entry(tx, invitation_id)
            held = entry.invitation
            if entry.method is GuestAccessMethod.CLOSED:
                raise _closed()
            self._require_question_may_go(tx, entry, now)
            record_invitation(tx, held, EventKind.GUEST_CODE_ASKED, now, held.person)
            self._notify_initiator(tx, entry, NoticeKind.GUEST_ASKS)
            return held

    def _require_question_may_go(self, tx: Transaction, entry: GuestAccess, now: datetime) -> None:
        """What was asked is counted by party: another invitation must not begin anew."""
        party, initiator, kinds = entry.invitation.party, entry.contract.initiator, (NoticeKind.GUEST_ASKS,)
        if outbox.made_since(tx, initiator, kinds, since=now - BETWEEN_QUESTIONS, about=party):
            raise StateRefused("You asked just now; whoever invited you has your question.")
        if outbox.made_since(tx, initiator, kinds, since=now - _DAY, about=party) >= MOST_QUESTIONS:
            raise StateRefused("You asked several times today. Call whoever invited you, or try again tomorrow.")

    def _require_link_may_go(self, tx: Transaction, entry: GuestAccess, now: datetime) -> None:
        if entry.method is GuestAccessMethod.CLOSED:
            raise _closed()
        if entry.method is GuestAccessMethod.CODE:
            raise StateRefused("This link still works; enter the code.")
        if not self._with.mail:
            raise PreconditionRefused("No mail can be sent from here. Ask whoever invited you for a new link.")
        person = entry.invitation.person
        if outbox.made_since(tx, person, _SENT, since=now - BETWEEN_LINKS):
            raise StateRefused("A link was sent just now; look into your mail, or try again in two minutes.")
        if outbox.made_since(tx, person, _SENT, since=now - _DAY) >= MOST_LINKS:
            raise StateRefused("Several links were sent today. Ask whoever invited you, or try again tomorrow.")

    def _notify_when_used_up(self, entry: GuestAccess) -> None:
        """After the last of the tries the initiator is told."""
        with self._database.transaction() as tx:
            if guests.load_invitation(tx, entry.invitation.id).tries == TRIES:
                self._notify_initiator(tx, entry, NoticeKind.GUEST_LOCKED)

    def _read(self, token: str) -> GuestAccess:
        invitation_id = self._with.read_link(token)
        return self._database.query(self._entry, invitation_id)

    def _entry(self, tx: Transaction, invitation_id: str) -> GuestAccess:
        given = guests.load_invitation(tx, invitation_id)
        if given.revoked is not None:
            raise guests.unknown()
        held = given if given.ended is None else guests.of_party(tx, given.party)
        contract = contracts.load_contract(tx, given.contract)
        party = contract.party(given.party)
        if party is None or party.subject != given.person:
            raise guests.unknown()
        return GuestAccess(held, contract, way_in(contract, given, held, self._now()))

    def _admitted(self, tx: Transaction, entry: GuestAccess, kind: EventKind, where: ClientInfo) -> GuestAdmission:
        """*entry* as it is in this transaction: the guest may have been corrected since the page was opened."""
        held = entry.invitation
        record_invitation(tx, held, kind, self._now(), held.person, where.address)
        opened = self._with.sessions.open_guest_session(
            tx, held.person, guest_of=(held.contract, held.party), where=where, until=held.until(entry.contract)
        )
        return GuestAdmission(entry.contract, held.party, opened)

    def _notify_initiator(self, tx: Transaction, entry: GuestAccess, kind: NoticeKind) -> None:
        contract = entry.contract
        outbox.enqueue(tx, Notice(contract.id, contract.initiator, kind, self._now(), entry.invitation.party))


def _is_vouched(entry: GuestAccess) -> bool:
    """Whether the code of this guest is the authority's, which is typed on the activation service's page alone."""
    party = entry.contract.party(entry.invitation.party)
    return party is not None and party.method is SigningMethod.VOUCHED


def used() -> StateRefused:
    """What is said of a link that takes no code any more."""
    return StateRefused("This link was used already; each works once. Have another one sent to your address.")


def _closed() -> StateRefused:
    return StateRefused("This invitation is over; nobody can come in by it any more.")


def _unknown_passkey() -> SignInRefused:
    return SignInRefused("This passkey was not set up for this invitation; choose another one.")
