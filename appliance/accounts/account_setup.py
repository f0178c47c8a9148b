"""What the links of accounts lead to: a first or a new password, then a second factor, and one is in.

The password waits beside the link until the second factor is there; both take effect together, and the link ends.
A recovery ends all former login factors and sessions. Credentials for signing are not touched here.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts import passwords, throttle
from appliance.accounts.codes import ProvenCode
from appliance.accounts.context import AccountsPart
from appliance.accounts.passkeys import NewPasskey
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import spend_ticket
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import (
    Account,
    AccountLink,
    AccountState,
    LinkPurpose,
    OpenedSession,
    Passkey,
    Strength,
)
from appliance.model.people import Person
from appliance.store import accounts, people
from appliance.store.database import Transaction


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

    def finish_with_code(self, arrival: LinkArrival, sealed: str, code: str, where: ClientInfo) -> OpenedSession:
        """The second step, by login code: the account works from now on, and its owner is signed in."""
        proven = self._codes.prove_secret(arrival.account.subject, sealed, code, now=self._now())
        return self._finish(arrival, proven, where)

    def finish_with_passkey(
        self, arrival: LinkArrival, made: NewPasskey, label: str, where: ClientInfo
    ) -> OpenedSession:
        """The second step, by passkey."""
        subject = arrival.account.subject
        new = Passkey(made.credential_id, subject, made.public_key, made.sign_count, label, self._now())
        return self._finish(arrival, (made, new), where)

    def _finish(
        self, arrival: LinkArrival, factor: ProvenCode | tuple[NewPasskey, Passkey], where: ClientInfo
    ) -> OpenedSession:
        subject, now = arrival.account.subject, self._now()
        with self._database.transaction() as tx:
            link = self._open_link(tx, arrival.link.id)
            hashed = accounts.link_password(tx, link.id)
            if hashed is None:
                raise StateRefused("Choose a password first.")
            accounts.end_link(tx, link.id, now=now)
            self._replace_factors(tx, subject, hashed, factor)
            self._sessions.end_all_sessions(tx, subject, by=subject)
            self._activate(tx, link, by_passkey=isinstance(factor, tuple))
            strength = Strength.PASSKEY if isinstance(factor, tuple) else Strength.PASSWORD_AND_CODE
            throttle.record_known_network(tx, arrival.account.login, where.address, now=now)
            return self._sessions.open_session(tx, subject, strength, where)

    def _replace_factors(
        self, tx: Transaction, subject: str, hashed: str, factor: ProvenCode | tuple[NewPasskey, Passkey]
    ) -> None:
        accounts.set_password(tx, subject, hashed)
        accounts.remove_passkeys(tx, subject)
        if isinstance(factor, ProvenCode):
            accounts.set_code_secret(tx, subject, factor.wrapped, step=factor.step)
        else:
            made, passkey = factor
            accounts.set_code_secret(tx, subject, None)
            spend_ticket(tx, made.ticket, now=self._now())
            accounts.insert_passkey(tx, passkey)

    def _activate(self, tx: Transaction, link: AccountLink, *, by_passkey: bool) -> None:
        welcome = link.purpose is LinkPurpose.WELCOME
        if welcome:
            accounts.set_state(tx, link.subject, AccountState.ACTIVE)
        kind = EventKind.ACCOUNT_ACTIVATED if welcome else EventKind.ACCOUNT_RECOVERED
        public = {"subject": link.subject, "factor": "passkey" if by_passkey else "code"}
        self._append_event(tx, kind, link.subject, public)

    def _open_link(self, tx: Transaction, link_id: str) -> AccountLink:
        link = accounts.find_link(tx, link_id)
        if link is None or link.ended is not None:
            raise StateRefused("This link was used already, or a newer one was sent; ask an officer for another.")
        if link.expires <= self._now():
            raise StateRefused("This link has expired; ask an officer for another one.")
        account = accounts.account(tx, link.subject)
        wanted = AccountState.INVITED if link.purpose is LinkPurpose.WELCOME else AccountState.ACTIVE
        if account.state is not wanted:
            raise StateRefused("This link was used already, or a newer one was sent; ask an officer for another.")
        return link
