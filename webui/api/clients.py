"""What the API asks of the register of clients (``appliance/api_clients``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from appliance.model.api_clients import ApiClient, GrantedAccess, Scope
from webui.shared.served import appliance


class KnownClients(Protocol):
    """Thread-safe. Refusals have the code ``client-refused`` or ``token-refused``, and never tell why."""

    def find(self, client_id: str) -> ApiClient:
        """The client with this id. Raises ``client-refused``."""

    def with_secret(self, client_id: str, secret: str) -> ApiClient:
        """The client, whose secret this is. Raises ``client-refused``."""

    def public_keys(self, client_id: str) -> Mapping[str, Any]:
        """The client's keys as a JWK set (RFC 7517, 5). Raises ``client-refused``."""

    def use_assertion(self, client_id: str, jti: str, until: datetime) -> None:
        """Remembers the assertion until it expires. Raises ``client-refused`` for one that was used."""

    def grant(self, client: ApiClient, scopes: Iterable[Scope]) -> tuple[str, GrantedAccess]:
        """A new token, and what it gives."""

    def access_of(self, token: str) -> GrantedAccess:
        """What *token* gives. Raises ``token-refused``."""


def clients() -> KnownClients:
    """The register of the appliance that answers the request."""
    known: KnownClients = getattr(appliance, "api_clients")  # noqa: B009 -- typed here, by what is asked of it
    return known
