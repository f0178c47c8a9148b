"""What a capture is asked for, within what limits, and what it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.errors import ApplianceError
from appliance.language.sizes import MEGABYTE
from hsm import manifests

LONGEST_ADDRESS: Final = 2000
"""Characters of an address."""
MOST_STEPS: Final = manifests.MOST_STEPS
"""Of one recorded session: as many as a package has pictures of."""
LONGEST_TARGET: Final = 500
"""Characters of a selector."""
LONGEST_STEP: Final = 60.0
"""Seconds that one step may ask for."""


class CaptureFailed(ApplianceError, code="capture-failed"):
    """No capture came of it; nothing was kept."""


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """What one capture may take. What comes after is refused, and the capture says that it is not whole."""

    seconds: float = 50.0
    """For loading and scrolling; pictures are taken of what is there by then."""
    bytes: int = 100 * MEGABYTE
    """Of all responses together, as received: a package has them twice, alone and in the WACZ."""
    response: int = 64 * MEGABYTE
    """Of one response."""
    requests: int = 2_000
    connections: int = 64
    """Open at once."""
    height: int = 30_000
    """Pixels of a page's picture; an endless page is cut off there."""
    session: float = 60.0
    """Seconds for all steps of a recorded session together, besides ``seconds``."""
    log_in: float = 600.0
    """Seconds for somebody to log in by hand before."""


class StepKind(StrEnum):
    """What a recorded session does on a page, one after the other."""

    SCROLL = "scroll"
    """To the element that ``target`` selects; to the end of the page where it is empty."""
    CLICK = "click"
    """The element that ``target`` (a CSS selector) selects first."""
    WAIT = "wait"
    """``seconds``, or until ``target`` is there."""
    RECORD = "record"
    """From here on the screen is recorded, to the end of the steps; this one itself takes ``seconds``."""


@dataclass(frozen=True, slots=True)
class CaptureStep:
    """One step of a recorded session."""

    kind: StepKind
    target: str = ""
    seconds: float = 0.0


class StepResult(StrEnum):
    """What became of a step."""

    DONE = "done"
    LEFT = "left"
    """It was done, and led to another page, which is shown from then on."""
    NOT_FOUND = "not-found"
    """Nothing is selected by ``target``, or it did not come in time."""
    REFUSED = "refused"
    """It could not be done, and ``note`` says why: ``selector`` is none that browsers know, ``hidden`` an element
    without a place on the screen, ``covered`` one that lies behind another, ``error`` what the browser refused."""
    LATE = "late"
    """The time for the session was over; it was not tried."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of one step, and what was seen after it (``picture``, PNG of the window; empty where it was not
    tried) at the time ``at``, when the page had this ``address``. ``note`` are stable words, parted by spaces: why
    it was refused, or what the page wanted besides and did not get (``dialog``, ``window``, ``download``)."""

    step: CaptureStep
    result: StepResult
    note: str
    at: datetime
    address: str
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class CaptureOrder:
    """What is asked for: an address as somebody entered it, and what is done there before the picture is taken.
    With ``log_in`` somebody logs in there by hand first."""

    address: str
    steps: tuple[CaptureStep, ...] = ()
    log_in: bool = False


class CaptureStage(StrEnum):
    """How far a capture is."""

    STARTING = "starting"
    LOG_IN = "log-in"
    """Somebody logs in by hand, and nothing is recorded yet."""
    LOADING = "loading"
    SCROLLING = "scrolling"
    STEPS = "steps"
    PICTURE = "picture"
    PACKING = "packing"


@dataclass(frozen=True, slots=True)
class CaptureProgress:
    """How far a capture is, and what has passed so far: requests, and bytes of responses."""

    stage: CaptureStage
    requests: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class ManualLogIn:
    """What is told of a log-in by hand: how many requests passed to which hosts; none of them is in the record."""

    began: datetime
    ended: datetime
    requests: int
    hosts: tuple[str, ...]


class TlsTrust(StrEnum):
    """What this machine thinks of the certificate that a server showed."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    """Expired, for another name, or by nobody who is believed: captured all the same, and told."""
    HOUSE = "house"
    """By an authority of the house that the operator named: one of its own servers, or a proxy of the organisation
    that opens TLS and shows certificates of its own for other servers."""
    NONE = "none"
    """No TLS."""


@dataclass(frozen=True, slots=True)
class ForwardProxy:
    """A proxy of the house, through which captures go. ``credentials``: user and password as in RFC 7617 ("user:
    password" in UTF-8), None where it asks for none."""

    host: str
    port: int
    credentials: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HouseNetwork:
    """What lies between this machine and the internet: a ``proxy`` of the house, its own ``authorities`` (path of
    a PEM file, empty for none), and the hosts that alone are visited, all where none is named: ``site.example`` is
    that host, ``*.site.example`` all below it."""

    only: tuple[str, ...] = ()
    proxy: ForwardProxy | None = None
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name led to. ``answers`` are the records as the resolver gave them (RFC 1035 text form), ``resolver``
    its address, empty where no server was asked; ``address`` the one that was visited. All three are empty where a
    proxy of the house was asked for the host by its name."""

    host: str
    address: str
    answers: tuple[str, ...]
    resolver: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """Of one host: ``chain`` in DER as the server sent it, leaf first; ``why`` OpenSSL's reason against it."""

    host: str
    version: str
    cipher: str
    trust: TlsTrust
    why: str
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that went nowhere, and why (a stable word)."""

    address: str
    why: str


_TRUST: Final = (TlsTrust.NONE, TlsTrust.TRUSTED, TlsTrust.HOUSE, TlsTrust.UNTRUSTED)
"""From what is good to what is not; NONE is no connection's."""
_MOST_CHAINS: Final = 6 * MEGABYTE
"""Bytes of certificates that are told, of all hosts: servers can send a hundred thousand of each."""
_MOST_ANSWERS: Final = 3 * MEGABYTE
"""Characters of DNS answers, of all names."""


@dataclass
class Traffic:
    """What passed through the proxy."""

    requests: int = 0
    received: int = 0
    """Bytes of responses."""
    proxy: str = ""
    """Host and port of the house's proxy, through which all of it passed; empty without one."""
    resolutions: dict[str, Resolution] = field(default_factory=dict)
    connected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By host, address and port of what was really connected to: ``192.0.2.1:443``, ``[2001:db8::1]:443``."""
    tls: dict[str, TlsFacts] = field(default_factory=dict)
    refused: list[RefusedRequest] = field(default_factory=list)
    cut: list[RefusedRequest] = field(default_factory=list)
    """Responses that ended before their end: by a limit, or by the server."""
    refused_in_all: int = 0
    cut_in_all: int = 0
    """How many there were, the ones included that were too many to be told."""
    _chains: int = field(default=0, init=False, repr=False, compare=False)
    _answers: int = field(default=0, init=False, repr=False, compare=False)

    def note_tls(self, facts: TlsFacts) -> None:
        """Notes the TLS of a connection. Of several connections with one host the least trusted one is told: the
        page may have come over that one, and whoever was between would let the others pass."""
        known = self.tls.get(facts.host)
        if known is None or _TRUST.index(facts.trust) > _TRUST.index(known.trust):
            self._chains += sum(map(len, facts.chain))
            self.tls[facts.host] = facts if self._chains <= _MOST_CHAINS else replace(facts, chain=())

    def note_resolution(self, found: Resolution) -> None:
        """Notes what a name led to, once."""
        if found.host not in self.resolutions:
            self._answers += sum(map(len, found.answers))
            kept = found if self._answers <= _MOST_ANSWERS else replace(found, answers=())
            self.resolutions[found.host] = kept

    def note_connection(self, host: str, address: str, port: int) -> None:
        """Notes that a connection for *host* was opened to *address* and *port*."""
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        known = self.connected.get(host, ())
        if place not in known:
            self.connected[host] = (*known, place)
