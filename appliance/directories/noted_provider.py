"""The identity provider, and a note for administrators while it does not answer those who sign in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from appliance.directories.identity_provider import AskProvider
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault, ProviderDescription, TokenReply
from appliance.store import directory_health
from appliance.store.database import Database

T = TypeVar("T")

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
