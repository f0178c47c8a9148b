"""Where webhooks may go: to the hosts of an allow-list, and never to this machine or its link.

Receivers are inside the enterprise's network, so private addresses are usual. What is refused is what no receiver
has: loopback, link-local (also the metadata services of clouds), multicast, unspecified, and the appliance's own
addresses; unless the allow-list names that very address. A name is resolved once for each exchange, all of its
addresses are checked, and one that was checked is connected to: a name that changes its mind changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTP_PORT, HTTPS_PORT
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from appliance.config import Settings
from appliance.egress import EgressFailed, is_loopback
from appliance.errors import PreconditionRefused

LONGEST_URL: Final = 500

_Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name, in the order in which they are to be tried. Raises OSError."""

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052, 2.1): the last four octets are the address."""

_HIDING: Final = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""Addresses in which others are hidden: Teredo (RFC 4380), local translators (RFC 8215), and the form that was
given up (RFC 4291, 2.5.5.1). No receiver has one."""


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """One line of the allow-list: a host (lower case) and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, line: str) -> AllowedTarget:
        """``host`` (then port 443) or ``host:port``; an IPv6 address in brackets. Raises ValueError."""
        parts = urlsplit(f"//{line}")
        if not parts.hostname or parts.netloc != line or parts.username is not None or not line.isascii():
            raise ValueError(line)
        if parts.port == 0 or line.endswith(":"):
            raise ValueError(line)
        return cls(parts.hostname, parts.port or HTTPS_PORT)


class WebhookTargets:
    """Thread-safe. *development*: the loopback interface may be asked without TLS, where the list names it.
    *resolve* and *is_own* are the system's unless a test has others."""

    def __init__(
        self,
        allowed: Sequence[str],
        *,
        development: bool,
        resolve: Resolve | None = None,
        is_own: Callable[[str], bool] | None = None,
    ) -> None:
        self._allowed = frozenset(map(AllowedTarget.parse, allowed))
        self._development = development
        self._resolve = resolve or system_addresses
        self._is_own = is_own or is_own_address

    @classmethod
    def of(cls, settings: Settings) -> WebhookTargets:
        """Those of the *settings*, on this system."""
        return cls(settings.webhooks.targets, development=not settings.home.is_managed)

    def require_allowed(self, url: str) -> None:
        """Raises :class:`PreconditionRefused` for an address to which no webhook may go."""
        parts = _parts(url)
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
        if parts.scheme == "http" and not (self._development and is_loopback(parts.hostname or "")):
            raise PreconditionRefused("The address of a webhook begins with https://.")
        if AllowedTarget(parts.hostname or "", port) not in self._allowed:
            raise PreconditionRefused(
                "The setting webhooks.targets does not name {host}:{port}.", host=parts.hostname, port=port
            )

    def connect(self, place: tuple[str, int], seconds: float) -> socket.socket:
        """A connection to *place* (host and port), whose addresses are all fit for it. Raises
        :class:`EgressFailed` with the cause ``forbidden``, OSError."""
        host, port = place
        addresses = list(self._resolve(host, port))
        for address in addresses:
            self._require_fit(host, address, port)
        failure: OSError = OSError(f"{host} has no address")
        for address in addresses:
            try:
                return socket.create_connection((address, port), seconds)
            except OSError as error:
                failure = error
        raise failure

    def _require_fit(self, host: str, address: str, port: int) -> None:
        known = ip_address(address)
        inner = _inner_of(known)
        fit = _is_ordinary(known) and not self._is_own(address) and not (inner and self._is_own(str(inner)))
        if not fit and AllowedTarget(address.lower(), port) not in self._allowed:
            raise EgressFailed(
                "forbidden",
                "{host} is {address}, to which no webhook goes: it is this machine, its link, or no single host.",
                host=host,
                address=address,
            )


def _parts(url: str) -> SplitResult:
    refusal = PreconditionRefused(
        "The address of a webhook is like https://erp.enterprise.example/hook, without user and fragment."
    )
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise refusal from error
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not fits or not plain or len(url) > LONGEST_URL or "@" in parts.netloc or parts.fragment:
        raise refusal
    return parts


def _inner_of(address: _Address) -> IPv4Address | None:
    """The IPv4 address to which one of IPv6 leads: mapped (RFC 4291, 2.5.5.2), 6to4 (RFC 3056), or translated."""
    if isinstance(address, IPv4Address):
        return None
    inner = address.ipv4_mapped or address.sixtofour
    return IPv4Address(address.packed[-4:]) if inner is None and address in _TRANSLATED else inner


def _is_ordinary(address: _Address) -> bool:
    """Whether it is that of one host, and neither this machine's nor its link's."""
    inner = _inner_of(address)
    if inner is not None:
        # Tunnels and translators lead to public addresses alone (RFC 3056, 2; RFC 6052, 3.1).
        tunnelled = isinstance(address, IPv6Address) and address.ipv4_mapped is None
        return _is_ordinary(inner) and not (tunnelled and not inner.is_global)
    if isinstance(address, IPv6Address):
        if any(address in network for network in _HIDING):
            return False
    elif address.packed[0] == 0 or address.packed[0] >= 0xF0:
        return False  # this network (RFC 1122, 3.2.1.3); reserved, broadcast
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def system_addresses(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def is_own_address(address: str) -> bool:
    """Whether an interface of this machine has *address*: nobody else can bind it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
