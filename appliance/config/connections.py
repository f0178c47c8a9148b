"""Servers that the appliance asks or tells something: mail, timestamps, witnesses, alarms, events, logs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from appliance.config.pages import can_serve
from hsm.log_lines import LogFormat
from hsm.settings import checked, number, require


def may_be_asked(url: str) -> bool:
    """Whether a server at *url* can be asked: one without a user in its address."""
    try:
        parts = urlsplit(url)
        return can_serve(url) and not parts.username and parts.port != 0
    except ValueError:  # not a port number
        return False


def is_secure_address(url: str) -> bool:
    """Whether secrets may go to *url*: by https, or on this machine itself; an empty one is nobody's."""
    if not url:
        return True
    return may_be_asked(url) and (
        urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    )


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server (SMTP); without a ``host`` mail waits in the outbox. The password of ``user`` is the secret
    ``smtp.password``; ``sender`` is the address in From. ``reply_to_initiator``: who is told of a
    contract can answer to whoever sent it (Reply-To)."""

    host: str = ""
    port: int = number(25, 1, 65535)
    security: Security = Security.STARTTLS
    user: str = ""
    sender: str = checked(
        "vermilion@localhost", lambda text: "@" in text, "an address such as contracts@sign.example"
    )
    reply_to_initiator: bool = True

    @property
    def configured(self) -> bool:
        """Whether mail is sent at all. Everything that says or implies that a mail goes out asks this."""
        return bool(self.host)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a password in the clear."""
        protected = self.security is not Security.NONE or not self.user
        require(protected, f"{name}.security", '"starttls" or "tls" when there is a user to log in')


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The message gateway: a web server of the organisation's own that passes short messages on, by SMS for
    example; without a ``url`` none go out. The secret ``gateway.key`` signs what it gets.

    ``tls`` is a PEM file with the authorities for it, where the system's do not fit. One try takes ``seconds`` at
    most.
    """

    url: str = checked(
        "", is_secure_address, "like https://gateway.example/messages; http only on this machine itself"
    )
    tls: str = ""
    seconds: int = number(10, 1, 30)

    @property
    def configured(self) -> bool:
        """Whether text messages are sent at all. Everything that says or implies that one goes out asks this."""
        return bool(self.url)


@dataclass(frozen=True, slots=True)
class OutsideSettings:
    """A timestamp authority outside, which dates signatures beside our own; none without a ``url``.

    ``trust`` are PEM files with the certificates that its tokens lead to, and revocation lists if there are any
    (paths count from ``config/``); ``tls`` is one for its web server, where the system's authorities do not fit. A
    signature waits for it for ``seconds`` at most.
    """

    url: str = ""
    trust: list[str] = field(default_factory=list)
    tls: str = ""
    seconds: int = number(3, 1, 10)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for an address that cannot be asked, or tokens that nobody could judge."""
        if self.url:
            require(may_be_asked(self.url), f"{name}.url", "like http://tsa.example/tsa, without a user")
            require(bool(self.trust), f"{name}.trust", "a list of at least one PEM file when there is a url")


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Outside witnesses of the log: ``policy`` is a file in the format of C2SP ``tlog-policy`` (its path counts
    from ``config/``); none without it. Each witness gets the newest checkpoint, at most one in ``seconds``.

    ``tls`` is a PEM file with the authorities of their web servers, where the system's do not fit. ``plain_http``:
    they may be asked over plain HTTP, too, where anybody in the network can answer for them. An export of
    evidence waits for a quorum for ``export_seconds`` at most. ``demanded``: the verification centre here believes
    an evidence package only when its checkpoint meets the quorum of this policy.
    """

    policy: str = ""
    tls: str = ""
    plain_http: bool = False
    seconds: int = number(10, 1, 3600)
    export_seconds: int = number(25, 0, 300)
    demanded: bool = False

    @property
    def configured(self) -> bool:
        """Whether the log has outside witnesses."""
        return bool(self.policy)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a demand that nothing could meet."""
        require(self.configured or not self.demanded, f"{name}.demanded", "false when there is no policy")


def _is_alarm_address(url: str) -> bool:
    return not url or may_be_asked(url)


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Who is told when something is wrong: addresses for mail, a webhook, and a dead-man's switch that hears from
    us every ``heartbeat_seconds`` as long as the health monitor runs; nobody by default.

    ``tls`` is a PEM file with the authorities for the two web servers, where the system's do not fit. What lasts
    is told again every ``repeat_hours``.
    """

    mail: list[str] = checked([], lambda every: all("@" in each for each in every), "a list of mail addresses")
    webhook: str = checked("", _is_alarm_address, "like https://alarms.example/hook")
    heartbeat: str = checked("", _is_alarm_address, "like https://alarms.example/hook")
    tls: str = ""
    heartbeat_seconds: int = number(60, 5, 3600)
    repeat_hours: int = number(24, 1, 168)


def _are_targets(lines: list[str]) -> bool:
    found = [re.fullmatch(r"(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?", line) for line in lines]
    return all(match and int(match[1] or 443) <= 65535 for match in found)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where events may be sent: hosts (``host``, then port 443, or ``host:port``), exactly; nowhere by default.
    ``tls`` is a PEM file with the authorities of those servers, where the system's do not fit."""

    targets: list[str] = checked(
        [], _are_targets, "a list of hosts in small letters, such as erp.enterprise.example:8443"
    )
    tls: str = ""


def _may_collect(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return not parts.netloc and parts.path.startswith("/")
        return not url or (
            parts.scheme in ("udp", "tcp") and bool(parts.hostname) and bool(parts.port) and not parts.path
        )
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What processes say: the ``format`` on standard error, and a collector that hears it too (RFC 5424), such as
    ``udp://logs.example:514``, ``tcp://logs.example:601`` or ``unix:///dev/log``."""

    format: LogFormat = LogFormat.TEXT
    syslog: str = checked(
        "", _may_collect, "like udp://logs.example:514, tcp://logs.example:601 or unix:///dev/log"
    )
