"""The identity provider as it last described itself, and its keys: asked for again when that is old, or when a
token names a key that is new. Whatever the provider does, it is asked by one thread at a time, and seldom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from joserfc.jwk import KeySet

from appliance.directories.id_tokens import UnknownKey, key_set
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault, ProviderDescription, TokenReply
from appliance.store import directory_health
from appliance.store.database import Database

T = TypeVar("T")

GOOD_FOR: Final = timedelta(minutes=10)
"""How long a description is used: a key that the provider has taken back is ours no longer than that."""

FRESH: Final = timedelta(seconds=10)
"""How old a description is by which somebody is led to the provider: else their browser would find out alone that
it is down."""

APART: Final = timedelta(seconds=30)
"""How long a token with an unknown key waits for the next look at the keys: anybody can send such tokens."""

REMEMBERED: Final = timedelta(seconds=5)
"""How long a failure is the answer for all, without asking again."""


class AskProvider(Protocol):
    """The client of the program that has the network, see :mod:`appliance.directory_service.client`."""

    def provider(self) -> ProviderDescription:
        """The provider as it describes itself now. Raises :class:`DirectoryUnavailable`."""

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        """What the provider gives for *code*. Raises :class:`DirectoryUnavailable`."""


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A description with its keys, and since when it is known."""

    description: ProviderDescription
    keys: KeySet
    since: datetime


class IdentityProvider:
    """Thread-safe."""

    def __init__(self, service: AskProvider, now: Callable[[], datetime]) -> None:
        self._service = service
        self._now = now
        self._turn = threading.Lock()
        self._known: KnownProvider | None = None
        self._failed: tuple[datetime, DirectoryUnavailable] | None = None

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        """What the provider gives for *code*. Raises :class:`DirectoryUnavailable`."""
        return self._service.exchange(code=code, verifier=verifier, redirect_uri=redirect_uri)

    def description(self) -> ProviderDescription:
        """Raises :class:`DirectoryUnavailable`."""
        return self._current(GOOD_FOR).description

    def description_of_now(self) -> ProviderDescription:
        """The same from a provider that answered a moment ago. Raises :class:`DirectoryUnavailable`."""
        return self._current(FRESH).description

    def with_keys(self, judge: Callable[[KeySet], T]) -> T:
        """What *judge* makes of the provider's keys; a second time with newer ones, where it raises
        :class:`UnknownKey` and the keys were not looked at just now. Raises :class:`DirectoryUnavailable`."""
        known = self._current(GOOD_FOR)
        try:
            return judge(known.keys)
        except UnknownKey:
            newer = self._current(APART)
            if newer is known:
                raise
            return judge(newer.keys)

    def _current(self, good_for: timedelta) -> KnownProvider:
        known = self._known
        if known is not None and self._now() < known.since + good_for:
            return known
        with self._turn:  # who comes meanwhile waits for what this one learns
            known = self._known
            if known is not None and self._now() < known.since + good_for:
                return known
            self._require_no_failure()
            try:
                said = self._service.provider()
            except DirectoryUnavailable as failure:
                self._failed = self._now(), failure
                raise
            self._known = KnownProvider(said, key_set(said.keys), self._now())
            return self._known

    def _require_no_failure(self) -> None:
        if self._failed is not None and self._now() < self._failed[0] + REMEMBERED:
            known = self._failed[1]
            raise DirectoryUnavailable(known.cause, known.template, **known.values)


REFUSED_CODE = "invalid_grant"
"""How a provider refuses a code that is not, or no longer, one of its own (RFC 6749, 5.2): by that it answers, and
any visitor can send one."""


class NotedProvider:
    """Asks as *service* does. A failure is noted with its moment and sentence, for the health check and the
    console; the next answer removes the note. Thread-safe."""

    def __init__(self, service: AskProvider, database: Database, issuer: str, now: Callable[[], datetime]) -> None:
        self._service, self._database, self._issuer, self._now = service, database, issuer, now

    def provider(self) -> ProviderDescription:
        """The provider as it describes itself now. Raises :class:`DirectoryUnavailable`."""
        return self._noting(self._service.provider)

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        """What the provider gives for *code*. Raises :class:`DirectoryUnavailable`."""
        return self._noting(
            lambda: self._service.exchange(code=code, verifier=verifier, redirect_uri=redirect_uri)
        )

    def _noting(self, ask: Callable[[], T]) -> T:
        try:
            answer = ask()
        except DirectoryUnavailable as failure:
            if failure.cause is DirectoryFault.REFUSED and failure.values.get("why") == REFUSED_CODE:
                self._answered()
            else:
                self._database.commit(directory_health.provider_failed, self._issuer, str(failure), at=self._now())
            raise
        self._answered()
        return answer

    def _answered(self) -> None:
        if self._database.query(directory_health.provider_state, self._issuer).at is not None:
            self._database.commit(directory_health.provider_answered, self._issuer)
