"""Where a capture may go: to public addresses, and to the hosts that the operator allows by name.

A name is resolved once for each capture, and what it led to then is what is visited: a name that changes its mind
(DNS rebinding) changes nothing. The answers and the resolver are part of the evidence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

import dns.exception
import dns.rdatatype
import dns.resolver

from appliance.network_addresses import inner_of, is_ordinary, is_own_address, system_addresses
from appliance.web_capture.model import Resolution

_PATIENCE: Final = 5.0
"""Seconds for the resolver's answer."""
_MOST_ANSWERS: Final = 40
_GIVEN_OUT: Final = IPv6Network("2000::/3")
"""All of IPv6 that servers have (RFC 4291, 2.4; IANA); the rest is reserved, or some network's own."""
Look = Callable[[str], tuple[list[str], tuple[str, ...], str]]
"""Addresses, answers as text and resolver of a name. Raises OSError."""


class NotVisited(Exception):
    """An address that no capture visits; ``why`` is a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Destinations:
    """Those of one capture; thread-safe. *allowed* are hosts (lower case) whose addresses may be anything but this
    machine's loopback interface, unless *loopback* says that they may be that, too: there, nothing is visited at
    the ports in *closed*, the appliance's own."""

    def __init__(
        self,
        allowed: Collection[str],
        clock: Callable[[], datetime],
        *,
        look: Look | None = None,
        loopback: bool = False,
        closed: Collection[int] = (),
    ) -> None:
        self._allowed = frozenset(each.lower().rstrip(".") for each in allowed)
        self._clock = clock
        self._look = look or asked_of_dns
        self._loopback = loopback
        self._closed = frozenset(closed)
        self._found: dict[str, Resolution | NotVisited] = {}
        self._turn = threading.Lock()

    def begin_at(self, host: str) -> None:
        """Says that the capture is one of *host*: where the operator does not allow that by name, no other host
        is allowed either, so that a page of strangers reaches nothing of the house."""
        if host.lower().rstrip(".") not in self._allowed:
            self._allowed = frozenset()

    def of(self, host: str) -> Resolution:
        """What *host* leads to in this capture. Raises :class:`NotVisited`."""
        name = host.lower().rstrip(".")
        with self._turn:
            if name not in self._found:
                self._found[name] = self._resolved(name)
            found = self._found[name]
        if isinstance(found, NotVisited):
            raise NotVisited(found.why)
        return found

    def at(self, host: str, port: int) -> Resolution:
        """The same for a connection with *port* there."""
        found = self.of(host)
        if port in self._closed and _is_loopback(found.address):
            raise NotVisited("forbidden")
        return found

    def _resolved(self, name: str) -> Resolution | NotVisited:
        try:
            addresses, answers, resolver = self._look(name)
        except (OSError, UnicodeError, ValueError):
            return NotVisited("unresolved")
        if not addresses:
            return NotVisited("unresolved")
        if not all(self._is_fit(name, each) for each in addresses):
            return NotVisited("forbidden")
        return Resolution(name, addresses[0], answers[:_MOST_ANSWERS], resolver, self._clock())

    def _is_fit(self, name: str, address: str) -> bool:
        known = ip_address(address)
        inner = inner_of(known)
        if isinstance(known, IPv6Address) and known.scope_id is not None:
            return False
        if _is_loopback(address):
            return self._loopback and name in self._allowed
        if not is_ordinary(known) or is_own_address(address) or (inner and is_own_address(str(inner))):
            return False
        if name in self._allowed or inner is not None:
            return name in self._allowed or (known.is_global and inner is not None and inner.is_global)
        return known.is_global and (known.version == 4 or known in _GIVEN_OUT)


def _is_loopback(address: str) -> bool:
    known = ip_address(address)
    inner = inner_of(known)
    return known.is_loopback or (inner is not None and inner.is_loopback)


def asked_of_dns(name: str) -> tuple[list[str], tuple[str, ...], str]:
    """What the resolvers of this machine say of *name*; where they know nothing, its own table of hosts."""
    try:
        return [str(ip_address(name.strip("[]")))], (), ""
    except ValueError:
        pass
    found, answers, asked = [], [], ""
    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            answer = dns.resolver.Resolver().resolve(name, kind, lifetime=_PATIENCE)
        except dns.exception.DNSException:
            continue
        found += [str(each.address) for each in answer]
        answers += [line for each in answer.response.answer for line in each.to_text().splitlines()]
        asked = str(answer.nameserver)
    if not found:
        found = list(system_addresses(name, 80))
    return found, tuple(answers), asked
