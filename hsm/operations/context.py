"""The context of one worker: the store, the token, the signers, the time, the authoriser."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hsm import canonical, cms
from hsm.activation.authoriser import AuthorisedIntent, IntentAuthoriser
from hsm.activation.credentials import PinVerifier
from hsm.certificates import CertificateRules, Issuer
from hsm.config import AuthoritySettings, TimeSettings, TimeSourceKind
from hsm.errors import CertificateRefused, UnknownKey
from hsm.generation import TokenKeyWrapping
from hsm.intents import OfficerIntent
from hsm.keys import HsmSigner, Signers
from hsm.note import NoteKey
from hsm.operation_types import SignedStatement
from hsm.remote import RemoteUse
from hsm.store import AuthorityStore
from hsm.time_source import Clock, DeclaredClock, KernelClock, SharedTimes, TimeSource
from hsm.token import Login, TokenConnection
from hsm.worker_messages import PinChange

WRAPPING = "wrapping"
"""The subject of the AES key that wraps document keys and TOTP secrets."""


@dataclass(frozen=True, slots=True)
class AuthorityContext:
    """Everything that the handlers of one worker share; made after the fork, used by one thread."""

    settings: AuthoritySettings
    store: AuthorityStore
    token: TokenConnection
    signers: Signers
    time: TimeSource
    authoriser: IntentAuthoriser
    wrapping: TokenKeyWrapping

    def close(self) -> None:
        self.token.drop()
        self.time.close()
        self.store.close()

    def now(self) -> datetime:
        """The authority's own time. Raises :class:`hsm.errors.TimeNotAvailable`."""
        return self.time.now()

    def log_signer(self) -> tuple[NoteKey, HsmSigner]:
        """The log's key under its origin, and who signs with it. Raises :class:`CertificateRefused`."""
        signer = self.signers.signer("log")
        key = signer.certificate.public_key()
        if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
            raise CertificateRefused("The log's key must be Ed25519 or ECDSA.")
        return NoteKey.from_public_key(self.settings.log.origin, key), signer

    def rules(self) -> CertificateRules:
        """The rules for certificates, with the organisations that settings and ceremony name."""
        configured = self.settings.certificates
        return CertificateRules(
            organisations=self.store.people.organisations() | frozenset(configured.organisations),
            base_url=configured.base_url,
            event_policy=configured.event_policy,
            event_days=configured.event_days,
            remote_policies={
                RemoteUse.DOCUMENT: configured.remote_document_policy,
                RemoteUse.HASH: configured.remote_hash_policy,
            },
        )

    def issuer(self) -> Issuer:
        """The CA that issues now. Raises :class:`UnknownKey` before the ceremony."""
        return self.issuer_named(self.store.registry.issuing())

    def issuer_named(self, name: str) -> Issuer:
        """The issuing CA *name*, also one that has a successor: it goes on answering for what it issued."""
        return Issuer(self.certificate(name), self.signers.private_key(name), name)

    def certificate(self, subject: str) -> x509.Certificate:
        """The current certificate of *subject*. Raises :class:`UnknownKey`."""
        return self.store.registry.certificate(subject).certificate


class Handlers:
    """A group of handlers, each named as its operation's method in :mod:`hsm.client`, which says what it does."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context
        self._store = context.store

    @contextmanager
    def _authorised(
        self, intent: OfficerIntent, check: Callable[[], object] = lambda: None
    ) -> Iterator[AuthorisedIntent]:
        """Uses up *intent*, durably; what is done inside is a transaction of its own after that.

        *check* raises for what may not be done: first, so that a refusal uses up nothing, and again in that
        transaction, because other workers may have written since.
        """
        check()
        authorised = self._context.authoriser.authorise(intent)
        with self._store.transaction():
            check()
            yield authorised

    def _stated(self, signer: HsmSigner, value: Mapping[str, Any]) -> SignedStatement:
        """*value* as the authority states it, signed by the evidence service's *signer*."""
        statement = canonical.encode(value)
        digest = hashlib.sha256(statement).digest()
        return SignedStatement(statement, cms.MessageMaker(signer, cms.DATA).make_message(digest))

    def _usable(self, subject: str) -> HsmSigner:
        """Who signs as *subject*: with a certificate that is valid and not revoked, and a key that answers."""
        signer = self._context.signers.signer(subject)
        self._context.signers.require_unrevoked(signer)
        certificate, now = signer.certificate, self._context.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateRefused("The certificate of {subject} is not valid now; rotate it.", subject=subject)
        self._context.token.use(lambda: self._context.token.handle(signer.label))
        return signer


Warn = Callable[[PinChange], None]


def open_context(
    settings: AuthoritySettings, pin: PinChange, *, warn: Warn = lambda _refused: None
) -> AuthorityContext:
    """A worker's context with *pin*. Touches the token only when first used.

    *warn* tells the other workers that *pin* is refused (see :class:`hsm.token.Login`).
    """
    home = settings.home
    store = AuthorityStore(home.store)
    login = Login(settings.token.label, store.latch, home.login_turns, pin, warn=warn)
    login.drop_refused_pin()
    token = TokenConnection(settings.token.module, settings.token.label, login)
    time = TimeSource(
        clock_of(settings.time), SharedTimes(home.clock), store.time, tolerance=settings.time.accuracy
    )
    wrapping = TokenKeyWrapping(token, lambda: _wrapping_label(store))
    authoriser = IntentAuthoriser(store, settings.activation, PinVerifier(store.people, wrapping), time.now)
    return AuthorityContext(settings, store, token, Signers(token, store.registry), time, authoriser, wrapping)


def _wrapping_label(store: AuthorityStore) -> str:
    keys = store.registry.keys_of(WRAPPING)
    if not keys:
        raise UnknownKey("There is no wrapping key yet: hold the ceremony first.")
    return keys[-1].label


def clock_of(settings: TimeSettings) -> Clock:
    """The clock that the settings name."""
    return KernelClock(settings.accuracy) if settings.source is TimeSourceKind.KERNEL else DeclaredClock()
