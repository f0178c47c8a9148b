"""Addresses of the network: which belong to no single host, or to this machine, and what a name leads to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

NetworkAddress = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name, in the order in which they are to be tried. Raises OSError."""

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052, 2.1): the last four octets are the address."""

_HIDING: Final = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""Addresses in which others are hidden: Teredo (RFC 4380), local translators (RFC 8215), and the form that was
given up (RFC 4291, 2.5.5.1). No server has one."""

_CLOUD: Final = frozenset(
    map(
        ip_address,
        (
            "168.63.129.16",  # Azure's host: a public address that is none
            "100.100.100.200",  # Alibaba Cloud
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
"""Where clouds tell a machine of theirs its secrets, besides 169.254.169.254 and others of its link."""


def inner_of(address: NetworkAddress) -> IPv4Address | None:
    """The IPv4 address to which one of IPv6 leads: mapped (RFC 4291, 2.5.5.2), 6to4 (RFC 3056), or translated."""
    if isinstance(address, IPv4Address):
        return None
    inner = address.ipv4_mapped or address.sixtofour
    return IPv4Address(address.packed[-4:]) if inner is None and address in _TRANSLATED else inner


def is_ordinary(address: NetworkAddress) -> bool:
    """Whether it is that of one host, and neither this machine's nor its link's, nor of the cloud beneath it."""
    if address in _CLOUD:
        return False
    inner = inner_of(address)
    if inner is not None:
        # Tunnels and translators lead to public addresses alone (RFC 3056, 2; RFC 6052, 3.1).
        tunnelled = isinstance(address, IPv6Address) and address.ipv4_mapped is None
        return is_ordinary(inner) and not (tunnelled and not inner.is_global)
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
    """Whether an interface of this machine has *address*. A node of a cluster can bind any
    (net.ipv4.ip_nonlocal_bind), so the kernel is asked by which it would send; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            if family == socket.AF_INET6:
                probe.connect((address, 9))
                # Its own addresses are reached from themselves (RFC 6724, 5, rule 1).
                return ip_address(probe.getsockname()[0]) == ip_address(address)
            # EADDRNOTAVAIL where no interface has it (ip(7)).
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    except OSError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether *host*, as addresses (URLs) have it, is this machine itself, whatever its resolver says."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False
