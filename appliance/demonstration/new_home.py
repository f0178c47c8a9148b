"""What a new home contains: its settings (whose it is, where people reach it) and the file of its key ceremony."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from appliance.config import ACTIVATION_PORT_ABOVE, CONSOLE_PORT_ABOVE, WebSettings, can_serve, is_zone
from appliance.demonstration import participants
from appliance.errors import ConfigurationError
from appliance.language import Language
from hsm.errors import CertificateRefused
from hsm.names import LONGEST_ORGANISATION, require_visible

_APPLIANCE = """\
# The appliance's settings; docs/reference.md lists them all.
[organisation]
name = {organisation}

[web]
port = {port}
public_url = {url}

[console]
port = {console}
public_url = "http://localhost:{console}"
"""

_ACTIVATION = """
[activation]
port = {port}
public_url = {url}
"""

_INTERFACE = """
[interface]
language = {language}
zone = {zone}

# Without a mail server nothing is sent, and pages show the links to pass on. To send mail, fill this in and start
# again; the password of a user is the file secrets/smtp.password, mode 0600.
# [mail]
# host = "smtp.example.com"
# port = 587
# security = "starttls"
# user = "contracts@example.com"
# sender = "contracts@example.com"
"""

_CAPTURE = """
# Web pages are captured as evidence: public ones, and those that this machine serves itself.
[capture]
enabled = true
allowed_hosts = ["localhost", "127.0.0.1"]
live_view = true
"""

_AUTHORITY = """\
# The authority's settings; docs/reference.md lists them all.

[time]
# Of this home the operator says that the machine's clock is right. On an appliance: "kernel", which proves it.
source = "declared"

[certificates]
base_url = {lists}
organisations = {organisations}
{log}
[activation]
# A PIN and a code are the weaker way to confirm: nothing ties them to the document. Passkeys are always taken.
pin_totp = false
rp_id = {host}
origins = [{origin}]
console_rp_id = "localhost"
console_origins = ["http://localhost:{console}"]
"""


_POLICY = """\
# The enterprise's policy: what a contract needs before it can be signed. docs/reference.md lists every entry.
# What stands in a table below counts before the preset:
#
#   [seals]
#   custodians = 1
preset = {preset}
"""

_ACTIVATION_PORT = 8445
"""Of the activation service's public address, where something in front of a home serves it by its own name."""


@dataclass(frozen=True, slots=True)
class NewHome:
    """A home of ``organisation``, in whose pages people begin in ``language`` and ``zone``; ``url`` is what they
    type, empty for this machine alone. ``partner``: the other company of the demonstration, where it is one of the
    house's, too. ``preset`` is the policy to begin with (:data:`appliance.policy.PRESETS`), empty for the
    defaults, all written out."""

    organisation: str
    url: str = ""
    language: Language = Language.CHINESE
    zone: str = participants.ZONE
    partner: str = ""
    preset: str = ""

    @property
    def is_demonstration(self) -> bool:
        """Whether the demonstration's people are to be in it."""
        return self.organisation == participants.ALPHA

    def check(self) -> None:
        """Raises :class:`ConfigurationError` for a name that no certificate can have, and for an address at which
        browsers have no passkeys (Web Authentication Level 3, section 5: a secure context)."""
        try:
            require_visible(self.organisation, LONGEST_ORGANISATION)
        except CertificateRefused as error:
            raise ConfigurationError(
                "ORG cannot be the name of an organisation: {why} Nothing was set up.", why=error
            ) from error
        if self.url:
            _require_address(self.url)

    def address(self, port: int) -> str:
        return self.url.rstrip("/") or f"http://localhost:{port}"

    def activation_address(self, port: int) -> str:
        """The activation service's: of the portal's host, on a port of its own, for an origin of its own."""
        parts = urlsplit(self.address(port))
        own = (parts.port or port) + ACTIVATION_PORT_ABOVE if not self.url else _ACTIVATION_PORT
        return f"{parts.scheme}://{parts.hostname}:{own}"

    def appliance_settings(self, port: int) -> str:
        """``appliance.toml`` for the portal at *port*."""
        served = _APPLIANCE.format(
            organisation=_quoted(self.organisation),
            port=port,
            console=port + CONSOLE_PORT_ABOVE,
            url=_quoted(self.address(port)),
        )
        shown = _CAPTURE if self.is_demonstration else _INTERFACE
        shown = shown.format(language=_quoted(self.language), zone=_quoted(self.zone))
        return served + self.activation_settings(port) + shown

    def activation_settings(self, port: int) -> str:
        """The part of it about the activation service, which homes of earlier releases have not."""
        url = _quoted(self.activation_address(port))
        return _ACTIVATION.format(port=port + ACTIVATION_PORT_ABOVE, url=url)

    def authority_settings(self, port: int) -> str:
        """``authority.toml`` that fits it."""
        settings = WebSettings(public_url=self.address(port))
        organisations = [self.organisation, *filter(None, [self.partner])]
        return _AUTHORITY.format(
            # In the clear, as is usual for revocation lists: they are signed.
            lists=_quoted(settings.origin.replace("https://", "http://", 1)),
            organisations=_quoted(organisations),
            log="" if self.is_demonstration else f"\n[log]\norigin = {_quoted(settings.relying_party + '/log')}\n",
            host=_quoted(settings.relying_party),
            origin=_quoted(self.activation_address(port)),
            console=port + CONSOLE_PORT_ABOVE,
        )

    def policy(self) -> str:
        """``policy.toml``: the defaults, or the preset by its name."""
        if self.preset:
            return _POLICY.format(preset=_quoted(self.preset))
        return resources.files("appliance.policy").joinpath("default.toml").read_text(encoding="utf-8")

    def ceremony(self) -> str:
        """The file of the key ceremony."""
        if self.is_demonstration:
            return resources.files("hsm.ceremonies").joinpath("development.toml").read_text(encoding="utf-8")
        text = resources.files("appliance.demonstration").joinpath("enterprise.toml").read_text(encoding="utf-8")
        for name in ("Root CA", "Issuing CA", "Event CA", "Timestamps", "Log", "Evidence"):
            text = text.replace(f'"{{organisation}} {name}"', _quoted(f"{self.organisation} {name}"))
        return text.replace("{organisation}", _quoted(self.organisation))


DEMONSTRATION = NewHome(participants.ALPHA, partner=participants.BETA)
"""The home of the demonstration for looking around: both companies are the house's, so that all have accounts."""

TWO_HOUSES = NewHome(participants.ALPHA)
"""The home of the demonstration that concludes a contract: the other company is another house."""


def zone_of_machine(link: Path = Path("/etc/localtime")) -> str:
    """The machine's own time zone (IANA name), which *link* leads to; China's where that says nothing."""
    name = str(link.resolve()).partition("/zoneinfo/")[2]
    return name if is_zone(name) else participants.ZONE


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    try:
        served = can_serve(url) and (parts.scheme == "https" or parts.hostname == "localhost") and parts.port != 0
    except ValueError:  # not a port number
        served = False
    if not served or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ConfigurationError(
            "URL must be like https://sign.example.com: browsers offer passkeys at https addresses and at"
            " localhost alone. Nothing was set up."
        )


def _quoted(value: str | list[str]) -> str:
    """*value* as TOML writes it; JSON's strings are its basic strings (TOML 1.0, String)."""
    return json.dumps(value, ensure_ascii=False)
