"""What the links of accounts lead to: a first or a new password, then a second factor, and one is in.

The password waits beside the link until the second factor is there; both take effect together, and the link ends.
A recovery ends all former login factors and sessions. Credentials for signing are not touched here.

Who is to sign makes one passkey on the activation service's page, for signing in as well. The authority has
verified it, and says by its reference which link led to it. The account opens with it whether or not its owner
comes back; only the browser that made it has the receipt for which a session is opened.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts import passwords, throttle
from appliance.accounts.codes import ProvenCode
from appliance.accounts.context import AccountsPart
from appliance.accounts.passkeys import NewPasskey
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import challenge_of, spend_ticket
from appliance.activation_requests import LASTS, is_receipt_of, was_led_by
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import (
    AT_SET_UP,
    Account,
    AccountLink,
    AccountState,
    LinkPurpose,
    OpenedSession,
    Passkey,
    Strength,
)
from appliance.model.people import Person
from appliance.store import accounts, attempts, people
from appliance.store.database import Transaction
from hsm.operation_types import KnownCredential, PendingCredential


@dataclass(frozen=True, slots=True)
class LinkArrival:
    """Somebody with a link that works; ``has_password``: the first of the two steps is done."""

    link: AccountLink
    account: Account
    person: Person
    has_password: bool


class AccountSetup(AccountsPart):
    """Sets accounts up, and again after a recovery. Thread-safe."""

    def open_link(self, purpose: LinkPurpose, token: str) -> LinkArrival:
        """Who stands behind a link. Raises :class:`NotFound`, and :class:`StateRefused` for one that is over."""
        link_id = self._links.read_token(purpose, token)
        with self._database.reading() as tx:
            link = self._open_link(tx, link_id)
            account = accounts.account(tx, link.subject)
            chosen = accounts.link_password(tx, link_id) is not None
            return LinkArrival(link, account, people.person(tx, link.subject), chosen)

    def choose_password(self, arrival: LinkArrival, password: str) -> None:
        """The first step. Raises :class:`PreconditionRefused` for a password that is not good enough."""
        passwords.require_good_password(password, login=arrival.account.login, name=arrival.person.name)
        hashed = passwords.hash_password(password)
        with self._database.transaction() as tx:
            self._open_link(tx, arrival.link.id)
            accounts.save_link_password(tx, arrival.link.id, hashed)

    def open_registered(self, subject: str) -> None:
        """Opens the account of *subject*, if they have made the passkey to which their link leads."""
        with self._database.reading() as tx:
            link = accounts.open_link(tx, subject, LinkPurpose.WELCOME)
            chosen = link is not None and accounts.link_password(tx, link.id) is not None
        if link is None or not chosen:
            return
        made = next((each for each in self._registered(subject) if was_led_by(each.reference, link.id)), None)
        if made is not None:
            with self._database.transaction() as tx:
                self._take_effect(tx, self._open_link(tx, link.id), self._passkey(subject, made))

    def enter_registered(self, token: str, receipt: str, where: ClientInfo) -> OpenedSession | None:
        """The session of somebody who has just made the passkey to which the link with this *token* leads, and
        has the *receipt* for it; once, and while it is the passkey that opens the account. Else None: they sign
        in. Raises :class:`NotFound` for no link of ours, :class:`StateRefused` for one that is over.
        """
        link_id, now = self._links.read_token(LinkPurpose.WELCOME, token), self._now()
        with self._database.reading() as tx:
            link = accounts.find_link(tx, link_id)
        made = None if link is None else self._received(link, receipt)
        if link is None or made is None:
            return None
        with self._database.transaction() as tx:
            if accounts.link_password(tx, link_id) is not None:
                self._take_effect(tx, self._open_link(tx, link_id), self._passkey(link.subject, made))
            known = accounts.find_passkey(tx, made.credential_id or b"")
            active = accounts.account(tx, link.subject).state is AccountState.ACTIVE
            if known is None or known.subject != link.subject or not active:
                return None
            attempts.forget_spent(tx, now)
            if not attempts.spend(tx, challenge_of(receipt), expires=now + 2 * LASTS):
                return None
            return self._enter(tx, link.subject, Strength.PASSKEY, where)

    def _registered(self, subject: str) -> list[PendingCredential | KnownCredential]:
        """The passkeys of *subject* that were registered: those that wait for officers, and those that do not."""
        found: list[PendingCredential | KnownCredential] = [*self._authority.pending_credentials(subject)]
        found += self._authority.credentials(subject)
        return [each for each in found if each.credential_id is not None and each.public_key is not None]

    def _received(self, link: AccountLink, receipt: str) -> PendingCredential | KnownCredential | None:
        now, found = self._now(), self._registered(link.subject)
        return next((each for each in found if is_receipt_of(receipt, each.reference, link.id, now=now)), None)

    def _passkey(self, subject: str, made: PendingCredential | KnownCredential) -> Passkey:
        return Passkey(made.credential_id or b"", subject, made.public_key or b"", 0, AT_SET_UP, self._now())

    def finish_with_code(self, arrival: LinkArrival, sealed: str, code: str, where: ClientInfo) -> OpenedSession:
        """The second step, by login code: the account works from now on, and its owner is signed in."""
        proven = self._codes.prove_secret(arrival.account.subject, sealed, code, now=self._now())
        with self._database.transaction() as tx:
            self._take_effect(tx, self._open_link(tx, arrival.link.id), proven)
            return self._enter(tx, arrival.account.subject, Strength.PASSWORD_AND_CODE, where)

    def finish_with_passkey(
        self, arrival: LinkArrival, made: NewPasskey, label: str, where: ClientInfo
    ) -> OpenedSession:
        """The second step, by passkey."""
        subject = arrival.account.subject
        new = Passkey(made.credential_id, subject, made.public_key, made.sign_count, label, self._now())
        with self._database.transaction() as tx:
            self._take_effect(tx, self._open_link(tx, arrival.link.id), new)
            spend_ticket(tx, made.ticket, now=self._now())
            return self._enter(tx, subject, Strength.PASSKEY, where)

    def _take_effect(self, tx: Transaction, link: AccountLink, factor: ProvenCode | Passkey) -> None:
        """The password that waits beside *link* and the *factor* are what its account opens with from now on."""
        hashed = accounts.link_password(tx, link.id)
        if hashed is None:
            raise StateRefused("Choose a password first.")
        accounts.end_link(tx, link.id, now=self._now())
        self._replace_factors(tx, link.subject, hashed, factor)
        self._sessions.end_all_sessions(tx, link.subject, by=link.subject)
        self._activate(tx, link, by_passkey=isinstance(factor, Passkey))

    def _enter(self, tx: Transaction, subject: str, strength: Strength, where: ClientInfo) -> OpenedSession:
        login = accounts.account(tx, subject).login
        throttle.record_known_network(tx, login, where.address, now=self._now())
        return self._sessions.open_session(tx, subject, strength, where)

    def _replace_factors(self, tx: Transaction, subject: str, hashed: str, factor: ProvenCode | Passkey) -> None:
        accounts.set_password(tx, subject, hashed)
        accounts.remove_passkeys(tx, subject)
        if isinstance(factor, ProvenCode):
            accounts.set_code_secret(tx, subject, factor.wrapped, step=factor.step)
        else:
            accounts.set_code_secret(tx, subject, None)
            accounts.insert_passkey(tx, factor)

    def _activate(self, tx: Transaction, link: AccountLink, *, by_passkey: bool) -> None:
        welcome = link.purpose is LinkPurpose.WELCOME
        if welcome:
            accounts.set_state(tx, link.subject, AccountState.ACTIVE)
        kind = EventKind.ACCOUNT_ACTIVATED if welcome else EventKind.ACCOUNT_RECOVERED
        public = {"subject": link.subject, "factor": "passkey" if by_passkey else "code"}
        self._append_event(tx, kind, link.subject, public)

    def _open_link(self, tx: Transaction, link_id: str) -> AccountLink:
        link = accounts.find_link(tx, link_id)
        owner = accounts.find_account(tx, link.subject) if link is not None else None
        if owner is not None and owner.state is AccountState.LEFT:
            raise StateRefused("The account of this link is closed; if you need it, ask whoever invited you.")
        if link is None or link.ended is not None:
            raise _used()
        if link.expires <= self._now():
            raise StateRefused("This link has expired; ask an officer for another one.")
        account = accounts.account(tx, link.subject)
        wanted = AccountState.INVITED if link.purpose is LinkPurpose.WELCOME else AccountState.ACTIVE
        if account.state is not wanted:
            raise _used()
        return link


def _used() -> StateRefused:
    return StateRefused(
        "This link was used already, or a newer one was sent. If you have set up your account with it, sign in; "
        "else ask whoever gave it to you for another link."
    )
