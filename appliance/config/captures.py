"""Captures of web pages: whether they are made, where they may go, and what each may take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from appliance.network_addresses import is_loopback
from hsm.settings import checked, number

_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_LONGEST_NAME: Final = 253
"""Characters (RFC 1035, 2.3.4, without the lengths)."""


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        # Names that end in a number would be read as IPv4 (WHATWG URL, 3.5).
        return bool(_NAME.fullmatch(text)) and len(text) <= _LONGEST_NAME and not text[-1].isdigit()
    return "%" not in text


def _are_hosts(texts: Sequence[str]) -> bool:
    return all(map(_is_host, texts))


def _are_patterns(texts: Sequence[str]) -> bool:
    return all(_is_host(each.removeprefix("*.")) for each in texts)


def _is_proxy(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
        plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
        return parts.scheme == "http" and _is_host(parts.hostname or "") and bool(parts.port) and plain
    except ValueError:  # not a port number
        return False


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Captures of web pages as evidence; none are made unless ``enabled``.

    ``allowed_hosts`` are hosts of the house (names or addresses) that may be captured although no public address
    belongs to them; ``only_hosts``, where it is not empty, are the only public hosts, ``*.`` standing for all
    names below one. ``proxy`` is the house's forward proxy, whose user and password are the secret
    ``capture.proxy``. ``tls`` is a PEM file (its path counts from ``config/``) with authorities that are believed
    beside the system's. One capture takes ``seconds`` for loading, ``megabytes`` and ``requests``, and its
    picture ``height`` pixels at most. One person orders ``per_day`` captures in 24 hours; each is kept for
    ``keep_days``, 0 meaning for good. ``megabytes`` is bounded by what a package may have: it has them twice.
    With ``live_view`` people may log in by hand before a capture, for ``live_seconds`` at most.
    """

    enabled: bool = False
    allowed_hosts: list[str] = checked(
        [], _are_hosts, "a list of names or addresses in small letters, such as wiki.enterprise.example"
    )
    only_hosts: list[str] = checked(
        [], _are_patterns, "a list of names in small letters, such as www.example.com or *.example.com"
    )
    proxy: str = checked("", _is_proxy, "like http://proxy.enterprise.example:3128, without a user")
    tls: str = ""
    live_view: bool = False
    live_seconds: int = number(600, 60, 1_800)
    seconds: int = number(50, 5, 300)
    megabytes: int = number(100, 1, 110)
    requests: int = number(2_000, 1, 10_000)
    height: int = number(30_000, 1_000, 30_000, "pixels")
    per_day: int = number(50, 0, 10_000)
    keep_days: int = number(0, 0, 36_500)

    @property
    def allows_this_machine(self) -> bool:
        """Whether a name or an address of the loopback interface is among those that are allowed."""
        return any(map(is_loopback, self.allowed_hosts))
