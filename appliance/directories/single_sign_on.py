"""People sign in through the organisation's identity provider (OpenID Connect Core 1.0, code flow with PKCE).

A sign-in begins with a ticket in a cookie of the browser; ``state``, ``nonce`` and the verifier of PKCE are
derived from it under a key of ours, so that an answer is one to this browser's own question, and one alone. What
the provider answers is judged here (:mod:`appliance.directories.id_tokens`); who it is, is decided by identities
that never pass to anybody else. A session that is opened so does what its owner may do, except to change the local
login factors: who controls the provider for an hour keeps nothing.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, NoReturn

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.accounts.sessions import ClientInfo, session_id_of
from appliance.accounts.tickets import Ticket, Tickets, spend_ticket
from appliance.config import Settings
from appliance.directories.id_tokens import (
    ExpectedIdToken,
    LogoutRequest,
    TokenUnbelievable,
    identity_claims,
    identity_of,
    logout_request,
    session_of,
    with_user_info,
)
from appliance.directories.identity_provider import AskProvider, IdentityProvider
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from appliance.errors import ApplianceError, StateRefused, TokenRefused
from appliance.ledger.audit_trail import DIRECTORY, EventKind
from appliance.model.accounts import AccountState, OpenedSession, Strength
from appliance.model.directories import (
    DirectoryProblem,
    DirectorySource,
    DirectoryUser,
    KnownUser,
    ProviderIdentity,
)
from appliance.store import accounts, attempts, directories
from appliance.store import sessions as stored_sessions
from appliance.store import single_sign_on as store
from appliance.store.database import Transaction

log = logging.getLogger(__name__)

LASTS: Final = timedelta(minutes=10)
"""How long somebody has for signing in at the provider."""

LONGEST_PATH: Final = 1500
"""Octets of the page that is gone on with; the cookie has room for no more."""

LONGEST_ANSWER: Final = 4096
"""Characters of one parameter of the provider's answer."""

FollowUser = Callable[[DirectorySource, DirectoryUser], KnownUser]
"""Does for one user what the directory says: :meth:`appliance.directories.following.DirectoryAccounts.follow`."""

_PURPOSE = "single-sign-on"
_LONGEST_CLAIM = 320
_MOST_GROUPS = 5000
_ACCEPTED = frozenset({DirectorySource.LDAP, DirectorySource.SCIM})


class SignOnRefused(ApplianceError, code="sign-on-refused"):
    """Nobody comes in by this answer of the identity provider; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class BegunSignOn:
    """A sign-in that has begun: the ``ticket`` for a cookie of the browser, and the ``address`` to lead it to."""

    ticket: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class SignOnAnswer:
    """The parameters of the provider's answer (RFC 6749, 4.1.2, and RFC 9207); empty for one that is not there."""

    state: str
    code: str = field(default="", repr=False)
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Somebody who is in, and the ``path`` of ours that was wanted."""

    opened: OpenedSession
    path: str


class SingleSignOn(AccountsPart):
    """Signing in and out through the identity provider. Thread-safe."""

    def __init__(
        self, context: AccountsContext, settings: Settings, service: AskProvider, follow: FollowUser
    ) -> None:
        super().__init__(context)
        self._settings = settings.openid
        self._public_url = settings.web.public_url.rstrip("/")
        self._follow = follow
        self._provider = IdentityProvider(service, context.now)
        self._key = context.links.derive_key(_PURPOSE)
        self._tickets = Tickets(context.links.derive_key(f"{_PURPOSE} tickets"))

    @property
    def offered(self) -> bool:
        """Whether there is an identity provider."""
        return self._settings.configured

    @property
    def name(self) -> str:
        """What people call the provider; empty where the settings do not say."""
        return self._settings.name

    @property
    def redirect_uri(self) -> str:
        """Where the provider answers."""
        return f"{self._public_url}/login/provider/done"

    def begin(self, path: str) -> BegunSignOn:
        """Begins a sign-in after which the *path* of ours is gone on with.

        Raises :class:`DirectoryUnavailable`."""
        wanted = path if len(path.encode()) <= LONGEST_PATH else "/"
        ticket = self._tickets.issue_ticket(_PURPOSE, wanted, now=self._now(), lasting=LASTS)
        description = self._provider.description_of_now()
        address = prepare_grant_uri(
            description.authorization_endpoint,
            self._settings.client,
            "code",
            self.redirect_uri,
            self._settings.scopes,
            self._derived("state", ticket),
            nonce=self._derived("nonce", ticket),
            code_challenge=create_s256_code_challenge(self._derived("verifier", ticket)),
            code_challenge_method="S256",
            acr_values=" ".join(self._settings.acr) or None,
        )
        return BegunSignOn(ticket, address)

    def path_of(self, ticket: str) -> str:
        """The page that was wanted by a sign-in that has begun; the first one for anything else."""
        try:
            return self._tickets.read_ticket(_PURPOSE, ticket, now=self._now()).content
        except StateRefused:
            return "/"

    def complete(self, ticket: str, answer: SignOnAnswer, where: ClientInfo) -> SignedOn:
        """Lets in whom the provider's *answer* names, in the browser that has the *ticket*.

        Raises :class:`SignOnRefused`, and :class:`DirectoryUnavailable` when the provider cannot be asked.
        """
        begun = self._begun(ticket, answer)
        claims = self._claims(ticket, answer.code)
        identity = identity_of(claims)
        self._follow_claims(identity, claims)
        sign_out = self._provider.description().end_session_endpoint
        with self._database.transaction() as tx:
            subject = self._subject(tx, identity, claims)
            if isinstance(subject, KnownUser):
                self._refuse_other_identity(tx, subject)
            else:
                opened = self._let_in(tx, subject, identity, where)
                store.keep_session(
                    tx, session_id_of(opened.secret), identity, session_of(claims), sign_out=sign_out
                )
                return SignedOn(opened, begun.content)
        raise SignOnRefused(
            "The account here of this name belongs to somebody else at the identity provider. Ask an officer of"
            " your organisation to find out who is who."
        )

    def sign_out_address(self, secret: str) -> str | None:
        """Where a browser ends the provider's session (RP-Initiated Logout 1.0, 2) beside the session of the
        cookie's *secret*; None for a session of another way in, or a provider that offers nothing. The provider
        said it when the session began and is not asked again: nobody waits for it to sign out here."""
        if not self.offered:
            return None
        known = self._database.query(store.sign_out_of, self._settings.issuer, session_id_of(secret))
        if not known:
            return None
        back = f"{self._public_url}/"
        address: str = add_params_to_uri(
            known, [("client_id", self._settings.client), ("post_logout_redirect_uri", back)]
        )
        return address

    def end_by_provider(self, token: str) -> int:
        """Ends the sessions that a logout *token* of the provider names (Back-Channel Logout 1.0); how many.

        Raises :class:`TokenRefused` for a token that is not to be believed or was used before, and
        :class:`DirectoryUnavailable`.
        """
        now = self._now()
        try:
            asked = self._provider.with_keys(
                lambda keys: logout_request(
                    token, keys, issuer=self._settings.issuer, client=self._settings.client, now=now
                )
            )
        except TokenUnbelievable as error:
            log.warning("a logout token of the identity provider was refused: %s", error)
            raise TokenRefused("The logout token cannot be believed.") from error
        with self._database.transaction() as tx:
            attempts.forget_spent(tx, now)
            digest = sha256(f"logout\n{asked.issuer}\n{asked.jti}".encode()).digest()
            if not attempts.spend(tx, digest, expires=now + LASTS):
                raise TokenRefused("The logout token was used before.")
            return self._end_sessions(tx, asked)

    def _begun(self, ticket: str, answer: SignOnAnswer) -> Ticket:
        """The sign-in that *answer* is one to. It is over with this: no answer counts twice."""
        try:
            begun = self._tickets.read_ticket(_PURPOSE, ticket, now=self._now())
            if not hmac.compare_digest(self._derived("state", ticket).encode(), answer.state.encode()):
                raise _not_begun()
            self._database.commit(spend_ticket, begun, now=self._now())
        except StateRefused as error:
            raise _not_begun() from error
        # RFC 9207, 2.4: an answer of another provider is none, and its code goes to nobody
        named = answer.issuer or (self._settings.issuer if not self._provider.description().names_issuer else "")
        if named != self._settings.issuer:
            self._refuse("the answer is another issuer's")
        if len(answer.code) > LONGEST_ANSWER or not (answer.code.isascii() and answer.code.isprintable()):
            self._refuse("the code is none")  # RFC 6749, A.11
        if answer.error == "access_denied":
            raise SignOnRefused("The identity provider did not let you in. Ask whoever looks after it for access.")
        if answer.error or not answer.code:
            log.warning("the identity provider answered a sign-in with an error")
            raise SignOnRefused(
                "The identity provider could not sign you in; try again, or tell whoever looks after it."
            )
        return begun

    def _claims(self, ticket: str, code: str) -> dict[str, Any]:
        """What the provider says of whom *code* is about, judged."""
        verifier = self._derived("verifier", ticket)
        try:
            reply = self._provider.exchange(code=code, verifier=verifier, redirect_uri=self.redirect_uri)
        except DirectoryUnavailable as failure:
            if failure.cause is DirectoryFault.REFUSED and failure.values.get("why") == "invalid_grant":
                raise _not_begun() from failure
            raise
        expected = ExpectedIdToken(
            self._settings.issuer, self._settings.client, self._derived("nonce", ticket), self._settings.acr
        )
        try:
            claims = self._provider.with_keys(
                lambda keys: identity_claims(reply.id_token, reply.access_token, keys, expected, now=self._now())
            )
            return with_user_info(claims, reply.claims)
        except TokenUnbelievable as error:
            if str(error) == "acr":
                raise SignOnRefused(
                    "You signed in at the identity provider in a way that is not strong enough for this appliance."
                    " Sign in again there with the stronger way that your organisation asks for."
                ) from error
            self._refuse(str(error))

    def _refuse(self, why: str) -> NoReturn:
        """Refuses what cannot be believed; the operator learns why, the visitor need not."""
        log.warning("an answer of the identity provider was refused: %s", why)
        raise SignOnRefused(
            "What the identity provider sent cannot be believed, so nobody was signed in. Try again; if it stays"
            " so, tell the operator of this appliance."
        )

    def _follow_claims(self, identity: ProviderIdentity, claims: Mapping[str, Any]) -> None:
        """Where nothing else than the claims says who is there: their user is made, or changed, by them."""
        if not self._settings.provision:
            return
        with self._database.reading() as tx:
            subject = store.subject_of(tx, identity)
            found = None if subject is not None else self._matching(tx, claims)
            known = None if subject is None else directories.user_of(tx, subject)
            if subject is None and directories.has_users(tx, DirectorySource.SCIM):
                return
        if found is not None or (known is not None and known.source is not DirectorySource.OPENID):
            return
        if subject is not None and known is None:
            return
        followed = self._follow(DirectorySource.OPENID, self._user(identity, claims))
        if followed.subject is not None:
            return
        if followed.problem == DirectoryProblem.NO_ADDRESS:
            log.warning("an ID token without a mail address that counts (email_verified) makes no account")
            raise SignOnRefused(
                "The identity provider tells no verified mail address of yours, and without one you get no account"
                " here. Ask whoever looks after it."
            )
        raise _unknown_here()

    def _proves_email(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider answers for the mail address in *claims*."""
        verified = claims.get("email_verified")
        return verified is True or (verified is None and self._settings.trust_email)

    def _user(self, identity: ProviderIdentity, claims: Mapping[str, Any]) -> DirectoryUser:
        login = _text(claims, self._settings.match) or _text(claims, "preferred_username") or identity.sub
        found = claims.get(self._settings.groups_claim)
        groups = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        names = frozenset(each for each in groups[:_MOST_GROUPS] if isinstance(each, str) and each)
        return DirectoryUser(
            key=key_of(identity),
            login=login,
            name=_text(claims, "name"),
            email=_text(claims, "email") if self._proves_email(claims) else "",
            department=_text(claims, "department"),
            groups=names,
        )

    def _subject(self, tx: Transaction, identity: ProviderIdentity, claims: Mapping[str, Any]) -> str | KnownUser:
        """Who *identity* is here; or the directory user whom the *claims* name, and who is somebody else."""
        subject = store.subject_of(tx, identity)
        if subject is not None:
            return subject
        user = self._matching(tx, claims) or self._made_of(tx, identity)
        if user is None or user.subject is None:
            raise _unknown_here()
        self._require_account(tx, user.subject)
        if store.has_identity(tx, identity.issuer, user.subject):
            return user
        store.link_identity(tx, identity, user.subject, now=self._now())
        public = {"subject": user.subject}
        self._append_event(
            tx, EventKind.SIGN_ON_LINKED, DIRECTORY, public, issuer=identity.issuer, identity=identity.sub
        )
        return user.subject

    def _matching(self, tx: Transaction, claims: Mapping[str, Any]) -> KnownUser | None:
        """The one user of the directory whom the *claims* name."""
        value, attribute = _text(claims, self._settings.match), self._settings.attribute
        if not value or value != claims[self._settings.match]:  # with blanks around it, it is somebody else's
            return None
        if attribute == "email" and not self._proves_email(claims):
            return None
        if attribute == "login":
            found = [user for source in sorted(_ACCEPTED) for user in directories.with_login(tx, source, value)]
        else:
            found = (directories.with_key if attribute == "key" else directories.with_email)(tx, value)
        there = [each for each in found if each.source in _ACCEPTED and each.removed is None and each.user.enabled]
        if len(there) > 1:
            self._refuse("the claims name two users of the directory")
        return there[0] if there else None

    def _made_of(self, tx: Transaction, identity: ProviderIdentity) -> KnownUser | None:
        """The user who was made of the claims of *identity*."""
        found = directories.stored_user(tx, DirectorySource.OPENID, key_of(identity))
        return None if found is None else found.known

    def _refuse_other_identity(self, tx: Transaction, user: KnownUser) -> None:
        """Remembers for officers and administrators that two people have the same name at the provider."""
        log.warning("an identity of the provider was refused that names somebody else's account")
        directories.save_user(tx, replace(user, problem=DirectoryProblem.OTHER_IDENTITY), at=self._now())

    def _let_in(
        self, tx: Transaction, subject: str, identity: ProviderIdentity, where: ClientInfo
    ) -> OpenedSession:
        self._require_account(tx, subject)
        store.touch_identity(tx, identity, now=self._now())
        strength = Strength.SINGLE_SIGN_ON
        public = {"subject": subject, "strength": strength.value}
        self._append_event(tx, EventKind.SIGNED_IN, subject, public, address=where.address)
        return self._sessions.open_session(tx, subject, strength, where)

    def _require_account(self, tx: Transaction, subject: str) -> None:
        """Raises :class:`SignOnRefused` for an account that is not in use, or that has another way in."""
        account = accounts.account(tx, subject)
        if account.state is not AccountState.ACTIVE:
            raise SignOnRefused(
                "Your account here is not in use, so you cannot sign in. Ask an officer of your organisation."
            )
        if not account.single_sign_on:
            raise SignOnRefused(
                "Your account here is a local one, which the identity provider does not open: sign in with its"
                " password or passkey."
            )

    def _end_sessions(self, tx: Transaction, asked: LogoutRequest) -> int:
        by_sub = by_sid = None
        if asked.sub:
            by_sub = store.sessions_by_sub(tx, ProviderIdentity(asked.issuer, asked.sub))
        if asked.sid:
            by_sid = store.sessions_by_sid(tx, asked.issuer, asked.sid)
        found = by_sub if by_sid is None else by_sid
        ending = [each for each in found or [] if by_sub is None or each in by_sub]
        for session, subject in ending:
            stored_sessions.end(tx, session, subject=subject, now=self._now())
        for subject in sorted({subject for _, subject in ending}):
            count = sum(each == subject for _, each in ending)
            self._append_event(
                tx, EventKind.SIGNED_OUT_BY_PROVIDER, DIRECTORY, {"subject": subject, "count": count}
            )
        return len(ending)

    def _derived(self, use: str, ticket: str) -> str:
        """43 characters that only this appliance can make of a *ticket* (RFC 7636, 4.1), for one *use*."""
        made = hmac.digest(self._key, f"{use}\n{ticket}".encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def key_of(identity: ProviderIdentity) -> str:
    """The key of the directory user who is known by *identity* alone."""
    return f"{identity.issuer} {identity.sub}"


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    fits = isinstance(found, str) and len(found) <= _LONGEST_CLAIM and found.isprintable()
    return found.strip() if fits and isinstance(found, str) else ""


def _not_begun() -> SignOnRefused:
    return SignOnRefused(
        "This sign-in was not begun in this browser, was used already, or took too long; sign in once more."
    )


def _unknown_here() -> SignOnRefused:
    return SignOnRefused(
        "You are known to the identity provider, but your organisation's directory does not have you here yet. Ask"
        " whoever looks after accounts in your organisation to add you, and try again some minutes later."
    )
