"""``capture.json``: what the machine knows of a capture, as values and as bytes.

It is canonical JSON (:mod:`hsm.canonical`) and has one byte form. Instants are in UTC with whole milliseconds
(ISO 8601, ``+00:00``), spans of time in milliseconds, since canonical JSON has no floats.

What strangers wrote (titles, addresses, DNS answers, names in certificates) is cut to a length, and has no control
characters; lists that a page could make endless are cut to a number, beside which the whole number is told.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from appliance.confinement import frames
from appliance.evidence.captures.layout import is_captured
from appliance.evidence.manifest import ListedFile
from appliance.evidence.model import PackageRefused
from appliance.time_sources import TimeAuthentication
from appliance.web_capture.model import LONGEST_ADDRESS, StepKind, TlsTrust
from hsm import canonical
from hsm.errors import Malformed
from hsm.operation_types import ClockState

FORMAT: Final = "vermilion-capture/1"
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of ``capture.json``."""
LONGEST: Final = LONGEST_ADDRESS
"""Characters of a text; one that was longer ends in an ellipsis, which no address has as such."""
MOST: Final = 200
"""Items of a list: hosts, refused requests, responses that were cut, parts of the command line."""
MOST_COUNTED: Final = 10**15
"""Every number is below, so that each verifier can read it: a shell has patterns for digits alone."""
MOST_RECORDED: Final = 2_000
"""Pictures of a recorded session."""
MOST_CHAIN: Final = 256 * 1024
"""Octets of all certificates (DER) together. They are kept since a fingerprint alone tells nobody who issued what;
with the certificate itself an expert finds it in the logs of Certificate Transparency (RFC 6962)."""
MOST_CERTIFICATES: Final = 2_000
"""Of all servers together, more than :data:`MOST_CHAIN` has room for; a shell starts programs for each."""
PROMPT: Final = timedelta(hours=1)
"""The longest that a capture takes, and that its recording waits for a timestamp: the times in the facts are the
word of the machine, which no timestamp holds to more than having been before it."""
NOT_PROMPT: Final = (
    "The timestamp of {path} is not of the hour after the capture ended, or the capture took longer than an hour."
)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9a-f]{24}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of line, and what turns the direction of the text around it (UAX #9)."""
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the browser showed: the last address, title and height (pixels); whether loading came to its end;
    stable words for what is not whole (``time``, ``height``); Chromium's word where the page could not be opened.
    """

    address: str
    title: str
    loaded: bool
    height: int
    cut: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class RefusedFacts:
    """A request that went nowhere or a response that was cut, and why (a stable word)."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class TrafficFacts:
    """What passed: requests, bytes of responses, hosts; the first requests that were ``refused`` and responses
    that were ``cut``, and how many there were in all."""

    requests: int
    received: int
    hosts: int
    refused: tuple[RefusedFacts, ...]
    refused_in_all: int
    cut: tuple[RefusedFacts, ...]
    cut_in_all: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a name led to: the address of ``answers`` that was chosen, the DNS records as text (RFC 1035), the
    resolver (empty where none was asked), and ``connected``: address and port of each connection to it, as they
    were really made (a forward proxy's, where there is one)."""

    host: str
    address: str
    answers: tuple[str, ...]
    resolver: str
    at: datetime
    connected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeafFacts:
    """A server's certificate: subject and issuer (RFC 4514), serial number in hex, and its term."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ConnectionSecurity:
    """TLS with one host: version, cipher suite, what this machine thinks of the certificate and OpenSSL's reason
    against it; ``certificates`` are SHA-256 of the chain as sent, the server's first. ``leaf`` is None where that
    cannot be read; ``chain`` the same certificates (DER in base64), empty where :data:`MOST_CHAIN` is used up."""

    host: str
    version: str
    cipher: str
    trust: TlsTrust
    why: str
    certificates: tuple[str, ...]
    leaf: LeafFacts | None
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrowserFacts:
    """The browser: as it calls itself, Debian's package and its version, SHA-256 of the program, command line."""

    product: str
    package: str
    sha256: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """The operating system (``/etc/os-release``), its kernel, and the machine's architecture."""

    name: str
    version: str
    kernel: str
    machine: str


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What the timestamp authority said of its clock: who vouches for it (``kernel``: NTP by the kernel's word;
    ``declared``: an operator), its state, measured offset and greatest error in microseconds, where known. Of the
    time sources: how many there are and agree, and how they are authenticated, where chrony told."""

    source: str
    state: ClockState
    offset: int | None = None
    error: int | None = None
    configured: int | None = None
    agreeing: int | None = None
    authentication: TimeAuthentication | None = None


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """Through what the capture went: the house's proxy (``host:port``, empty for none), hosts that the operator
    allows by name although their addresses are not public, and hosts that alone may be captured (empty: all)."""

    proxy: str = ""
    allowed: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """The limits of the capture (:class:`appliance.web_capture.model.CaptureLimits`)."""

    milliseconds: int
    bytes: int
    response: int
    requests: int
    connections: int
    height: int
    session_milliseconds: int


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of a recorded session: what was ordered, what came of it and when (stable words), at which address,
    and the picture that was taken after it (a path in the package, empty for none)."""

    kind: StepKind
    target: str
    milliseconds: int
    result: str
    note: str
    at: datetime
    address: str
    picture: str


@dataclass(frozen=True, slots=True)
class LogInFacts:
    """A log-in by hand before the recording began, by whoever had the page captured: how many requests passed
    meanwhile, none of which is in the recording, and the first of the hosts that they went to, beside the number
    of all."""

    began: datetime
    ended: datetime
    exchanges: int
    hosts: tuple[str, ...]
    hosts_in_all: int


@dataclass(frozen=True, slots=True)
class CapturedBy:
    """Who had the page captured, and for what purpose, in their own words."""

    name: str
    organisation: str
    purpose: str


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """All of it. ``capture`` is its number (24 hex digits), ``address`` the one asked for, ``operator`` the
    organisation that runs the machine, ``software`` this program and its release, ``zone`` (IANA) the one in which
    people are shown times, ``files`` what the capture gave (see :mod:`appliance.evidence.captures.layout`),
    ``recorded`` when each picture of a recorded session was taken. ``log_in`` is there only where somebody logged
    in by hand."""

    address: str
    began: datetime
    browser: BrowserFacts
    by: CapturedBy
    capture: str
    clock: ClockFacts | None
    ended: datetime
    files: tuple[ListedFile, ...]
    hosts: tuple[HostFacts, ...]
    limits: LimitFacts
    network: NetworkFacts
    operator: str
    page: PageFacts
    recorded: tuple[datetime, ...]
    software: str
    steps: tuple[StepFacts, ...]
    system: SystemFacts
    tls: tuple[ConnectionSecurity, ...]
    traffic: TrafficFacts
    zone: str
    log_in: LogInFacts | None = None
    format: str = FORMAT


def encode(facts: CaptureFacts) -> bytes:
    """The canonical bytes of ``capture.json``."""
    plain = frames.encode(facts)
    if facts.log_in is None:
        del plain["log_in"]
    return canonical.encode(plain)


def decode(data: bytes | memoryview) -> CaptureFacts:
    """The facts in ``capture.json``. Raises :class:`PackageRefused` for what :func:`encode` cannot give, or
    what goes beyond the bounds of this module."""
    try:
        if len(data) > LARGEST:
            raise ValueError("too large")
        facts = frames.decode(CaptureFacts, canonical.decode(bytes(data)))
        well_formed = encode(facts) == bytes(data) and _is_well_formed(facts)
    except (Malformed, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise _not_in_form() from error
    if not well_formed:
        raise _not_in_form()
    return facts


def _not_in_form() -> PackageRefused:
    return PackageRefused("The facts of the capture are not in their one form ({format}).", format=FORMAT)


def _is_well_formed(facts: CaptureFacts) -> bool:
    digests = (facts.browser.sha256, *(each.sha256 for each in facts.files))
    return (
        facts.format == FORMAT
        and _NUMBER.fullmatch(facts.capture) is not None
        and 0 < len(facts.address) <= LONGEST_ADDRESS
        and facts.began <= facts.ended
        and is_captured(each.path for each in facts.files)
        and all(map(_DIGEST.fullmatch, digests))
        and all(map(_is_chain, facts.tls))
        and sum(len(each) for host in facts.tls for each in host.chain) <= 2 * MOST_CHAIN
        and sum(len(host.chain) for host in facts.tls) <= MOST_CERTIFICATES
        and (facts.log_in is None or _is_before(facts.log_in, facts.began))
        and all(map(_is_bounded, _values(facts)))
    )


def _is_before(log_in: LogInFacts, began: datetime) -> bool:
    """Whether it is in order, and had ended when the recording *began*."""
    return log_in.began <= log_in.ended <= began and len(log_in.hosts) <= log_in.hosts_in_all


def _is_chain(tls: ConnectionSecurity) -> bool:
    """Whether the certificates are those of the fingerprints."""
    found = tuple(hashlib.sha256(base64.b64decode(each, validate=True)).hexdigest() for each in tls.chain)
    return all(map(_DIGEST.fullmatch, tls.certificates)) and (not found or found == tls.certificates)


def _is_bounded(value: object) -> bool:
    if isinstance(value, str):
        return _FORBIDDEN.search(value) is None
    if isinstance(value, datetime):
        return value.utcoffset() == timedelta(0) and value.microsecond % 1000 == 0
    return not isinstance(value, int) or abs(value) < MOST_COUNTED


def _values(item: Any, name: str = "") -> Iterator[object]:
    """All values in *item*. Raises ValueError for a text or a list that is too long, and a number below zero; an
    offset may be, and certificates are bounded all together."""
    if is_dataclass(item):
        for field in fields(item):
            yield from _values(getattr(item, field.name), field.name)
    elif isinstance(item, tuple):
        if len(item) > (MOST_RECORDED if name == "recorded" else MOST):
            raise ValueError(name)
        for each in item:
            yield from _values(each, name)
    else:
        too_long = isinstance(item, str) and len(item) > LONGEST and name != "chain"
        if too_long or (isinstance(item, int) and item < 0 and name != "offset"):
            raise ValueError(name)
        yield item


def is_prompt(facts: CaptureFacts, stamped: datetime) -> bool:
    """Whether a capture with these *facts* can have been *stamped* then: within :data:`PROMPT`, in whole
    seconds, as timestamps have them."""
    began, ended, at = (each.replace(microsecond=0) for each in (facts.began, facts.ended, stamped))
    return ended <= at <= ended + PROMPT and ended <= began + PROMPT


def fit(text: str) -> str:
    """*text* without control characters and no longer than :data:`LONGEST`, as :func:`decode` takes it."""
    shown = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def moment(at: datetime) -> datetime:
    """*at* in UTC, cut to whole milliseconds."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def milliseconds(seconds: float) -> int:
    """*seconds* in milliseconds."""
    return timedelta(seconds=seconds) // _MILLISECOND
