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
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from appliance.config import Settings
from appliance.egress import EgressFailed
from appliance.errors import PreconditionRefused
from appliance.network_addresses import (
    Resolve,
    inner_of,
    is_loopback,
    is_ordinary,
    is_own_address,
    system_addresses,
)

LONGEST_URL: Final = 500


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
        inner = inner_of(known)
        fit = is_ordinary(known) and not self._is_own(address) and not (inner and self._is_own(str(inner)))
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
