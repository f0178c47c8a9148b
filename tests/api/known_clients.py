"""Clients that a test knows, in memory: what the API asks of the register, without administrators who approve."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from appliance.errors import ApplianceError
from appliance.model.api_clients import ApiClient, ClientState, GrantedAccess, Scope

LIFETIME = timedelta(minutes=10)


class ClientRefused(ApplianceError, code="client-refused"):
    """The client is not known, or has not proven itself."""


class TokenRefused(ApplianceError, code="token-refused"):
    """The token is worth nothing."""


@dataclass
class ClientsInMemory:
    """As :class:`webui.api.clients.KnownClients`; forgets everything with the process."""

    now: Callable[[], datetime]
    clients: dict[str, ApiClient] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tokens: dict[str, GrantedAccess] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, client: ApiClient) -> str:
        """Makes *client* known; its secret."""
        self.clients[client.id], self.secrets[client.id] = client, secrets.token_urlsafe(32)
        return self.secrets[client.id]

    def suspend(self, client_id: str) -> None:
        self.clients[client_id] = replace(self.clients[client_id], state=ClientState.SUSPENDED)

    def find(self, client_id: str) -> ApiClient:
        if client_id not in self.clients:
            raise ClientRefused("The client is not known, or has not proven itself.")
        return self.clients[client_id]

    def with_secret(self, client_id: str, secret: str) -> ApiClient:
        found = self.find(client_id)
        if self.secrets[client_id] != secret:
            raise ClientRefused("The client is not known, or has not proven itself.")
        return found

    def public_keys(self, client_id: str) -> Mapping[str, Any]:
        self.find(client_id)
        return self.keys.get(client_id, {"keys": []})

    def use_assertion(self, client_id: str, jti: str, until: datetime) -> None:
        with self.lock:
            if (client_id, jti) in self.used:
                raise ClientRefused("The client is not known, or has not proven itself.")
            self.used.add((client_id, jti))

    def grant(self, client: ApiClient, scopes: Iterable[Scope]) -> tuple[str, GrantedAccess]:
        token = secrets.token_urlsafe(32)
        access = GrantedAccess(client, frozenset(scopes), self.now() + LIFETIME)
        self.tokens[hashlib.sha256(token.encode()).hexdigest()] = access
        return token, access

    def access_of(self, token: str) -> GrantedAccess:
        access = self.tokens.get(hashlib.sha256(token.encode()).hexdigest())
        if access is None or access.expires <= self.now() or self.find(access.client.id).state != "active":
            raise TokenRefused("The token is worth nothing.")
        return access
