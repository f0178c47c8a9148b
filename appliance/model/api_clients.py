"""Clients of the API: other programs of the enterprise, and what they may do. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.acting_client import ClientReach, acting_client
from appliance.errors import PreconditionRefused


class Scope(StrEnum):
    """What a client may do, by resource and verb (RFC 6749, 3.3). None of them signs: who asks for a signature
    waits for its person."""

    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    LINKS_WRITE = "links:write"
    TEMPLATES_READ = "templates:read"
    EVIDENCE_READ = "evidence:read"
    PEOPLE_READ = "people:read"
    EVENTS_READ = "events:read"
    WEBHOOKS_WRITE = "webhooks:write"
    VERIFICATIONS_WRITE = "verifications:write"
    TIMESTAMPS_WRITE = "timestamps:write"
    DEPOSITS_READ = "deposits:read"
    DEPOSITS_WRITE = "deposits:write"
    CAPTURES_READ = "captures:read"
    CAPTURES_WRITE = "captures:write"
    LOG_READ = "log:read"
    SIGNATURES_REQUEST = "signatures:request"
    SEALS_READ = "seals:read"
    POWERS_READ = "powers:read"
    POWERS_WRITE = "powers:write"
    IDENTITIES_READ = "identities:read"
    DIRECTORY_WRITE = "directory:write"


SCOPE_TITLES: Final[Mapping[Scope, str]] = {
    Scope.CONTRACTS_READ: "Read contracts",
    Scope.CONTRACTS_WRITE: "Draft, send and recall contracts",
    Scope.LINKS_WRITE: "Get the links of outside signers, to deliver them",
    Scope.TEMPLATES_READ: "Read templates",
    Scope.EVIDENCE_READ: "Fetch evidence packages",
    Scope.PEOPLE_READ: "Look up people",
    Scope.EVENTS_READ: "Read events",
    Scope.WEBHOOKS_WRITE: "Look after its webhooks",
    Scope.VERIFICATIONS_WRITE: "Have documents verified",
    Scope.TIMESTAMPS_WRITE: "Have digests timestamped",
    Scope.DEPOSITS_READ: "Read deposits and their certificates",
    Scope.DEPOSITS_WRITE: "Deposit digests of files",
    Scope.CAPTURES_READ: "Read captures of web pages and their evidence packages",
    Scope.CAPTURES_WRITE: "Have web pages captured, once or by schedule",
    Scope.LOG_READ: "Read the log and its proofs",
    Scope.SIGNATURES_REQUEST: "Ask people for signatures on documents of other software",
    Scope.SEALS_READ: "Read requests for seals and the register of their uses",
    Scope.POWERS_READ: "Read powers of attorney",
    Scope.POWERS_WRITE: "Register powers of attorney, which officers confirm",
    Scope.IDENTITIES_READ: "Read how signers' identities were checked",
    Scope.DIRECTORY_WRITE: "Push people and groups of a directory (SCIM)",
}
"""What administrators read of each scope (message ids)."""


class ClientState(StrEnum):
    """A suspended client gets no token, and its tokens are worth nothing; it can be resumed."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class ApiClient:
    """One program. ``name`` is what administrators call it; ``last_used`` is when it last got a token or made a
    request, to the minute, None before its first. ``certificate`` is the SHA-256 (hex) of the one by which it
    proves who it is, where it does so by one, and ``certificate_expires`` until when that counts;
    ``origins`` are those in whose pages its links may be embedded."""

    id: str
    name: str
    scopes: frozenset[Scope]
    organisations: frozenset[str]
    kinds: frozenset[str]
    state: ClientState
    created: datetime
    last_used: datetime | None = None
    certificate: str | None = None
    certificate_expires: datetime | None = None
    origins: frozenset[str] = frozenset()

    def may_embed_in(self, origin: str) -> bool:
        """Whether links that the client gets open, now, in frames of pages of this *origin*."""
        return self.state is ClientState.ACTIVE and Scope.LINKS_WRITE in self.scopes and origin in self.origins

    @property
    def pushes_people(self) -> bool:
        """Whether it says who is in the organisation (SCIM)."""
        return Scope.DIRECTORY_WRITE in self.scopes

    @property
    def reach(self) -> ClientReach:
        captures, deposits = Scope.CAPTURES_READ in self.scopes, Scope.DEPOSITS_READ in self.scopes
        return ClientReach(self.id, self.organisations, self.kinds, captures, deposits)


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What somebody wants a client to be called, and to be able to do; no ``kinds`` means all types, no
    ``origins`` that nothing is embedded."""

    name: str
    scopes: frozenset[Scope]
    organisations: frozenset[str]
    kinds: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """By what a client proves who it is; exactly one of them is given.

    ``secret`` is the SHA-256 of a secret of 256 random bits, ``keys`` a JWK set as JSON (RFC 7517) whose private
    keys sign assertions (RFC 7523), ``certificate`` the SHA-256 of a client certificate (DER), in hex (RFC 8705),
    which counts until ``certificate_expires``.
    """

    secret: bytes | None = None
    keys: str | None = None
    certificate: str | None = None
    certificate_expires: datetime | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for none or several of them."""
        if sum(each is not None for each in (self.secret, self.keys, self.certificate)) != 1:
            raise ValueError("a client has one kind of authentication")


@dataclass(frozen=True, slots=True)
class KeptAuthentication:
    """What is stored of the authentication of a client. ``old_secret`` is taken too until ``old_until``, and
    ``old_certificate`` until ``old_certificate_until``; a certificate without ``certificate_expires`` by its own
    dates alone."""

    secret: bytes | None = None
    old_secret: bytes | None = None
    old_until: datetime | None = None
    keys: str | None = None
    certificate: str | None = None
    certificate_expires: datetime | None = None
    old_certificate: str | None = None
    old_certificate_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantedAccess:
    """What a token proves: its client, the scopes that it was asked for, and the moment from which it is worth
    nothing. With ``certificate`` (SHA-256, hex) it counts over connections that were made by that one alone (RFC
    8705, 3)."""

    client: ApiClient
    scopes: frozenset[Scope]
    expires: datetime
    certificate: str | None = None


def require_person() -> None:
    """For what people do themselves: raises :class:`PreconditionRefused` while an API client acts."""
    if acting_client() is not None:
        raise PreconditionRefused("No API client does this: people do it themselves.")
