"""What people reach with a browser: whose appliance it is, its three web services, what they take and show."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from appliance.language import Language
from hsm.names import LONGEST_ORGANISATION, is_organisation_name
from hsm.settings import checked, number

MEBIBYTE = 1024 * 1024


LONGEST_CONTACT = 100
"""Characters of each line of the contact."""


def can_serve(url: str) -> bool:
    """Whether browsers can be sent to *url*."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the brackets hold no IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_zone(name: str) -> bool:
    """Whether the system's database has the time zone *name* (IANA)."""
    try:
        return bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False


@dataclass(frozen=True, slots=True)
class OrganisationSettings:
    """Whose appliance it is: the name on its pages, and the mark beside it (an SVG or PNG file, or empty)."""

    name: str = checked(
        "示例企业有限公司",
        is_organisation_name,
        f"1 to {LONGEST_ORGANISATION} visible characters without outer spaces",
    )
    mark: str = ""


def _is_line(text: str) -> bool:
    return len(text) <= LONGEST_CONTACT and text.isprintable() and text == text.strip()


@dataclass(frozen=True, slots=True)
class ContactSettings:
    """Whom people ask when they do not know how to go on, in the user guide and on pages that refuse something;
    what is empty is not shown."""

    name: str = checked("", _is_line, f"one line of at most {LONGEST_CONTACT} characters")
    phone: str = checked("", _is_line, f"one line of at most {LONGEST_CONTACT} characters")
    mail: str = checked(
        "", lambda text: not text or (_is_line(text) and "@" in text), "an address such as help@enterprise.example"
    )


class _Served:
    """Something that people reach with a browser, at its ``public_url``."""

    __slots__ = ()
    port: int
    public_url: str

    @property
    def relying_party(self) -> str:
        """The WebAuthn relying party identifier (Level 3, section 4): the host name of the public address."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def public_port(self) -> int:
        """The port of the public address."""
        parts = urlsplit(self.public_url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def origin(self) -> str:
        """The WebAuthn origin: scheme, host and port of the public address, as browsers write it (RFC 6454, 6.2).
        No page of another origin can ask for these passkeys, also where it shares the host."""
        parts = urlsplit(self.public_url)
        usual = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}"


@dataclass(frozen=True, slots=True)
class WebSettings(_Served):
    """The portal: where it listens, the address that people type, how many processes and threads serve it."""

    bind: str = "127.0.0.1"
    port: int = number(8080, 1, 65535)
    public_url: str = checked("http://localhost:8080", can_serve, "like https://sign.example")
    workers: int = checked(2, lambda count: count > 0, "at least 1")
    threads: int = checked(8, lambda count: count > 0, "at least 1")


@dataclass(frozen=True, slots=True)
class ConsoleSettings(_Served):
    """The operator's console: its port on the loopback interface in development, the address that administrators
    type, and its threads."""

    port: int = number(8082, 1, 65535)
    public_url: str = checked("http://localhost:8082", can_serve, "like https://sign.example:8443")
    threads: int = number(4, 1, 64)


@dataclass(frozen=True, slots=True)
class ActivationServiceSettings(_Served):
    """The activation service, where people confirm what a key signs: its port on the loopback interface in
    development, the address that browsers are sent to (an origin of its own, with the portal's host or one below
    it), and its threads."""

    port: int = number(8083, 1, 65535)
    public_url: str = checked("http://localhost:8083", can_serve, "like https://sign.example:8445")
    threads: int = number(40, 1, 64)


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """What may come in: size of one document in bytes, and for how long verifying it may take, in seconds."""

    largest: int = checked(
        100 * MEBIBYTE, range(MEBIBYTE, 1024 * MEBIBYTE + 1).__contains__, "from 1 MiB to 1 GiB"
    )
    patience: int = number(60, 1, 600, "seconds")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The API: how many requests a client may make in a minute."""

    requests_per_minute: int = number(600, 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class InterfaceSettings:
    """What people see first: language (``zh`` or ``en``) and time zone (IANA name)."""

    language: Language = Language.CHINESE
    zone: str = checked("Asia/Shanghai", is_zone, "an IANA time zone such as Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How long somebody stays signed in: without a sign of life (minutes), and at most (hours)."""

    idle_minutes: int = number(30, 5, 480)
    longest_hours: int = number(12, 1, 24)
