"""Where a capture may go: to public addresses, and to the hosts that the operator allows by name.

A capture is either of the house, and visits no host but those, or of the internet, and visits none of them: what a
stranger wrote is never in a browser that reaches the house. The address that was ordered decides. Hosts outside of
which the operator lets pages of the house load something are the one exception.

A name is resolved once for each capture, and what it led to then is what is visited: a name that changes its mind
(DNS rebinding) changes nothing. The answers and the resolver are part of the evidence.

Where a proxy of the house is asked, it resolves the names, and nobody can pin what they lead to. What is left is
checked by name: addresses as numbers by the same rules, names that only a network of its own has, and names that
this machine resolves, too, and which lead inside. Hosts that the operator allows by name are visited without it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from errno import EMFILE, ENFILE
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

import dns.exception
import dns.rdatatype
import dns.resolver

from appliance.network_addresses import inner_of, is_ordinary, is_own_address, system_addresses
from appliance.web_capture.model import HouseNetwork, Resolution

_PATIENCE: Final = 5.0
"""Seconds for the resolver's answer."""
_MOST_ANSWERS: Final = 40
_SILENT: Final = 2.0
"""Seconds after which this machine's resolvers count as silent, and are not asked again in this capture."""
_ROOT: Final = "."
_OTHERS: Final = frozenset("\u00df\u03c2\u1e9e")
"""Letters that browsers encode (UTS #46), and Python's codec makes others of (RFC 3490): what would come out is
another host."""
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""What browsers leave of a name, but for signs that some proxies decode (%31)."""
_OF_NETWORKS: Final = (
    *(".localhost", ".local", ".internal", ".home.arpa", ".localdomain", ".lan", ".home", ".corp", ".intranet"),
    *(".private", ".mail", ".invalid", ".onion"),
)
"""Ends of names that lead into networks of their own, and never into the internet (RFC 6761, 6762, 7686, 8375;
ICANN on .internal, and on names that collide)."""
_GIVEN_OUT: Final = IPv6Network("2000::/3")
"""All of IPv6 that servers have (RFC 4291, 2.4; IANA); the rest is reserved, or some network's own."""
Look = Callable[[str], tuple[list[str], tuple[str, ...], str]]
"""Addresses, answers as text and resolver of a name. Raises OSError."""


NO_ROOM: Final = "no-room"
"""While this process can open nothing more: no fault of the site's, and over in a moment."""


class NotVisited(Exception):
    """An address that no capture visits; ``why`` is a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Destinations:
    """Those of one capture; thread-safe. *allowed* are hosts (lower case) whose addresses may be anything but this
    machine's loopback interface, unless *loopback* says that they may be that, too: there, nothing is visited at
    the ports in *closed*, the appliance's own. All but the allowed hosts are asked through the proxy of *house*,
    where there is one: their resolutions have no address."""

    def __init__(
        self,
        allowed: Collection[str],
        clock: Callable[[], datetime],
        *,
        look: Look | None = None,
        loopback: bool = False,
        closed: Collection[int] = (),
        house: HouseNetwork | None = None,
    ) -> None:
        self.house = house or HouseNetwork()

        self._allowed = self._of_house = frozenset(map(_plain, allowed))
        self._within_house = False
        self._only = frozenset(map(_plain, self.house.only))
        self._embedded = frozenset(map(_plain, self.house.embedded))
        self._listed = self._only | self._allowed
        proxy = self.house.proxy
        self._proxy = _plain(proxy.host) if proxy is not None else None
        self._asks = True
        self._clock = clock
        self._look = look or asked_of_dns
        self._loopback = loopback
        self._closed = frozenset(closed)
        self._found: dict[str, Resolution | NotVisited] = {}
        self._turn = threading.Lock()

    def begin_at(self, host: str) -> None:
        """Says that the capture is one of *host*. Where the operator allows that by name, only hosts that are
        allowed are visited, and what the house lets its pages embed; where not, none of them is."""
        self._within_house = _plain(host) in self._of_house
        if not self._within_house:
            self._allowed = frozenset()

    def of(self, host: str) -> Resolution:
        """What *host* leads to in this capture. Raises :class:`NotVisited`."""
        name = _plain(host)
        with self._turn:
            found = self._found.get(name) or self._resolved(name)
            if not isinstance(found, NotVisited) or found.why != NO_ROOM:
                self._found[name] = found
        if isinstance(found, NotVisited):
            raise NotVisited(found.why)
        return found

    def at(self, host: str, port: int) -> Resolution:
        """The same for a connection with *port* there."""
        found = self.of(host)
        if port in self._closed and found.address and _is_loopback(found.address):
            raise NotVisited("forbidden")
        return found

    def _resolved(self, name: str) -> Resolution | NotVisited:
        if why := self._closed_by_name(name):
            return NotVisited(why)
        if self._proxy is not None and name not in self._allowed:
            return self._resolved_by_proxy(name)
        try:
            addresses, answers, resolver = self._look(name)
        except (OSError, UnicodeError, ValueError):
            addresses, answers, resolver = [], (), ""
        if not addresses:
            return NotVisited("unresolved" if _has_room() else NO_ROOM)
        if not all(self._is_fit(name, each) for each in addresses):
            return NotVisited("forbidden")
        return Resolution(name, addresses[0], answers[:_MOST_ANSWERS], resolver, self._clock())

    def _closed_by_name(self, name: str) -> str:
        """Why nothing is visited by that name, wherever it leads; empty where it may be."""
        if self._within_house:
            return "" if name in self._allowed or _is_among(self._embedded, name) else "not-of-house"
        if self._only and not _is_among(self._listed, name):
            return "not-listed"
        return "of-house" if name in self._of_house - self._allowed else ""

    def _resolved_by_proxy(self, name: str) -> Resolution | NotVisited:
        if name == self._proxy or not _is_public_name(name):
            return NotVisited("forbidden")
        known = [name.strip("[]")] if _is_address(name) else self._known_here(name)
        if not all(self._is_fit(name, each) for each in known):
            return NotVisited("forbidden")
        return Resolution(name, "", (), "", self._clock())

    def _known_here(self, name: str) -> list[str]:
        """Addresses that this machine's resolvers know; none where they say nothing."""
        if not self._asks:
            return []
        began = time.monotonic()
        try:
            return self._look(name)[0]
        except (OSError, UnicodeError, ValueError):
            return []
        finally:
            self._asks = time.monotonic() - began < _SILENT or self._is_answered()

    def _is_answered(self) -> bool:
        """Whether this machine's resolvers say anything about the root, which is nobody's: a single name may be
        slow because its owner wants nobody to look at the others."""
        began = time.monotonic()
        with suppress(OSError, UnicodeError, ValueError):
            self._look(_ROOT)
        return time.monotonic() - began < _SILENT

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


def is_for_want_of_room(error: OSError) -> bool:
    """Whether this process, or the machine, had no descriptor left (EMFILE, ENFILE)."""
    return error.errno in (EMFILE, ENFILE)


def _has_room() -> bool:
    """Resolvers do not say why they found nothing."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return not is_for_want_of_room(error)
    return True


def _is_among(listed: Collection[str], name: str) -> bool:
    """Whether *name* is listed, or lies below a name that is: ``*.site.example``."""
    parents = (f"*{name[at:]}" for at, letter in enumerate(name) if letter == ".")
    return name in listed or any(each in listed for each in parents)


def _plain(host: str) -> str:
    """*host* as browsers write it: lower case, without a dot at the end, with xn-- where it has other letters."""
    name = host.lower().rstrip(".")
    if name.isascii() or not _OTHERS.isdisjoint(name):
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_public_name(name: str) -> bool:
    """Whether *name* may be one of the internet's, or is an address: the rules for addresses are others. What ends
    in a number and is no address in its usual form is an address in another one (WHATWG URL, 3.5)."""
    if _is_address(name):
        return True
    labels = name.split(".")
    numeric = labels[-1].isdigit() or labels[-1].startswith("0x")
    return len(labels) > 1 and bool(_NAME.fullmatch(name)) and not numeric and not name.endswith(_OF_NETWORKS)


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
