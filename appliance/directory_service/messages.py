"""What client and program say to each other: CBOR frames (:mod:`appliance.confinement.frames`), one request each.

A request is ``{"kind": ..., "arguments": {...}}``, see :class:`RequestKind`. The answer is a row of frames, each a
map with one entry that says what it is, see :class:`FrameKind`. An answer without its last frame is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LARGEST_REQUEST = 16 * 1024
"""Bytes. The longest is an authorization code with its verifier."""
LARGEST_FRAME = 16 * 1024 * 1024
MOST_USERS = 200_000
MOST_GROUPS = 200_000
LONGEST_VALUE = 1000
"""Characters of a name, an address, a department, a distinguished name."""
BATCH = 500
"""Users, or groups, in one frame at most."""


class RequestKind(StrEnum):
    """What is asked for."""

    USERS = "users"
    """Everybody whom the LDAP directory has; no arguments. Answer: GROUPS and USERS frames, then COMPLETE."""
    CHECK = "check"
    """How far a reading gets, step by step; no arguments. Answer: FINDING frames, then COMPLETE."""
    PROVIDER = "provider"
    """The identity provider's description; no arguments. Answer: one PROVIDER frame."""
    EXCHANGE = "exchange"
    """Tokens for ``code``, ``verifier`` and ``redirect_uri``. Answer: one TOKENS frame."""


class FrameKind(StrEnum):
    """What a frame of an answer is: the only key of its map."""

    GROUPS = "groups"
    """A list of groups, each the list of its names; users name them by their place in all such lists together."""
    USERS = "users"
    """A list of maps with the fields of DirectoryUser, ``groups`` being numbers."""
    FINDING = "finding"
    """A map with the fields of Finding, but of a step that failed, whose answer ends with a FAILED frame."""
    COMPLETE = "complete"
    """The end of a whole answer: how many users or findings it has."""
    PROVIDER = "provider"
    """A map with the fields of ProviderDescription."""
    TOKENS = "tokens"
    """A map with the fields of TokenReply."""
    FAILED = "failed"
    """The end of what is no answer: a map of ``fault`` and ``why``."""


class DirectoryFault(StrEnum):
    """Why a directory or an identity provider could not be asked, or not be believed."""

    UNSET = "unset"
    """The settings name none, or they or the secret cannot be read."""
    PROGRAM = "program"
    """``vermilion-directory`` does not run, or lacks what it needs."""
    UNREACHABLE = "unreachable"
    """No such host, nobody listens there, or the connection was cut."""
    LATE = "late"
    TLS = "tls"
    """No TLS is offered, or the certificate is not the one that it has to be."""
    REFUSED = "refused"
    """The other side does not accept our name and secret, or does not let us read."""
    INCOMPLETE = "incomplete"
    """Part of the answer is missing: a limit, a referral, an error in the middle."""
    UNBELIEVABLE = "unbelievable"
    """It is whole, and cannot be true: nobody is there, one key twice, people without keys."""


class RequestFailed(Exception):
    """A handler's way to say that it has no answer; *why* is one short English phrase, without secrets."""

    def __init__(self, fault: DirectoryFault, why: str) -> None:
        super().__init__(why)
        self.fault = fault
        self.why = why


@dataclass(frozen=True, slots=True)
class ProviderDescription:
    """What sign-ins need of the identity provider (OpenID Connect Discovery 1.0, section 3): of the issuer that
    the settings name, its addresses with TLS. ``end_session_endpoint`` is empty where it has none;
    ``names_issuer``: each answer of its authorization endpoint has ``iss`` (RFC 9207). ``keys`` are those of its
    JWK set (RFC 7517) that are public and may sign."""

    issuer: str
    authorization_endpoint: str
    end_session_endpoint: str = ""
    names_issuer: bool = False
    keys: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class TokenReply:
    """What a code was exchanged for, nothing of it checked: who asked has nonce and keys. ``access_token`` is what
    ``at_hash`` is compared with; ``claims`` is what the UserInfo endpoint says (OpenID Connect Core 1.0, 5.3),
    empty where there is none."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Outcome(StrEnum):
    """How one step of a check went."""

    GOOD = "good"
    NOTICE = "notice"
    """It works, and somebody should know of it."""
    BAD = "bad"
    """No reading gets beyond it, or nobody should go by one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of a check. ``code`` is a key of :data:`FINDINGS`; ``values`` go into its sentence."""

    code: str
    outcome: Outcome
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """The English sentence with its places, for the catalogue."""
        return FINDINGS[self.code]

    def __str__(self) -> str:
        return self.template.format(**self.values)


FINDINGS: Mapping[str, str] = {
    "address": "{host} has the addresses {addresses}.",
    "connection": "{host} takes connections at port {port}.",
    "certificate": "The connection is secure: certificate by {issuer}, valid until {until} UTC.",
    "certificate-ends": "The connection is secure, but the certificate by {issuer} ends soon: {until} UTC.",
    "bound": "The directory takes {account} and its password.",
    "people": "People found below {base}: {count}; disabled among them: {disabled}.",
    "keys": "Everybody has an unchanging key ({attribute}).",
    "missing": "Without {attribute}: {count} of these people.",
    "same-login": "Logins that several people have: {count}.",
    "left-out": "Values of {attribute} that are no text or too long, and are left out: {count}.",
    "groups": "Groups found below {base}: {count}.",
    "no-groups": "No group gives a role: the setting ldap.groups is empty.",
    "same-group": "Groups that share their common name with another one: {count}. Settings have to name these by"
    " their distinguished names.",
    "unknown-group": "No group here is called {name}, which the setting {setting} names: it gives nobody a role.",
    "references": "References to other servers, which are not followed: {count}.",
    "failed": "The check ends here. {problem}",
}
"""The sentences of findings, by their codes."""
