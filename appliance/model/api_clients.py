"""Clients of the API: other programs of the enterprise, and what they may do. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.acting_client import ClientReach


class Scope(StrEnum):
    """What a client may do, by resource and verb (RFC 6749, 3.3). None of them signs."""

    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    TEMPLATES_READ = "templates:read"
    EVIDENCE_READ = "evidence:read"
    PEOPLE_READ = "people:read"
    EVENTS_READ = "events:read"
    VERIFICATIONS_WRITE = "verifications:write"
    TIMESTAMPS_WRITE = "timestamps:write"
    LOG_READ = "log:read"


class ClientState(StrEnum):
    """A suspended client gets no token, and its tokens are worth nothing; it can be resumed."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class ApiClient:
    """One program. ``name`` is what administrators call it; ``last_used`` is when it last got a token or made a
    request, to the minute, None before its first."""

    id: str
    name: str
    scopes: frozenset[Scope]
    organisations: frozenset[str]
    kinds: frozenset[str]
    state: ClientState
    created: datetime
    last_used: datetime | None = None

    @property
    def reach(self) -> ClientReach:
        return ClientReach(self.id, self.organisations, self.kinds)


@dataclass(frozen=True, slots=True)
class GrantedAccess:
    """What a token proves: its client, the scopes that it was asked for, and the moment from which it is worth
    nothing."""

    client: ApiClient
    scopes: frozenset[Scope]
    expires: datetime
