"""The appliance's settings: read once from ``config/appliance.toml``, typed; an unknown name stops the start.

Every setting has a default, so an empty file is a valid one. ``docs/reference.md`` lists them; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.language import Language
from appliance.mark import Mark, read_mark
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.retention import KNOWN
from hsm.errors import ConfigurationRefused
from hsm.log_lines import LogFormat
from hsm.names import LONGEST_ORGANISATION, is_organisation_name
from hsm.settings import checked, number, require, sections, tables_of

MEBIBYTE = 1024 * 1024
PORT_OF_RUN = "VERMILION_PORT"
"""The variable by which ``vermilion up --port`` tells its processes; in development only."""
LONGEST_CONTACT = 100
"""Characters of each line of the contact."""
CONSOLE_PORT_ABOVE, ACTIVATION_PORT_ABOVE = 2, 3
"""Where a run chooses the portal's port, the console is two above it and the activation service three, with the
timestamp process between them."""


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


def _is_gateway_address(url: str) -> bool:
    if not url:
        return True
    return _may_be_asked(url) and (
        urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    )


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The message gateway: a web server of the organisation's own that passes short messages on, by SMS for
    example; without a ``url`` none go out. The secret ``gateway.key`` signs what it gets.

    ``tls`` is a PEM file with the authorities for it, where the system's do not fit. One try takes ``seconds`` at
    most.
    """

    url: str = checked(
        "", _is_gateway_address, "like https://gateway.example/messages; http only on this machine itself"
    )
    tls: str = ""
    seconds: int = number(10, 1, 30)

    @property
    def configured(self) -> bool:
        """Whether text messages are sent at all. Everything that says or implies that one goes out asks this."""
        return bool(self.url)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How long somebody stays signed in: without a sign of life (minutes), and at most (hours)."""

    idle_minutes: int = number(30, 5, 480)
    longest_hours: int = number(12, 1, 24)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Where archives go, for whom they are sealed (age recipients), and how many of each kind are kept."""

    directory: str = checked("backups", bool, "a directory")
    recipients: list[str] = field(default_factory=list)
    daily: int = number(7, 1, 1000)
    weekly: int = number(5, 0, 1000)
    monthly: int = number(12, 0, 1000)


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
            require(_may_be_asked(self.url), f"{name}.url", "like http://tsa.example/tsa, without a user")
            require(bool(self.trust), f"{name}.trust", "a list of at least one PEM file when there is a url")


def _may_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return can_serve(url) and not parts.username and parts.port != 0
    except ValueError:  # not a port number
        return False


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


@dataclass(frozen=True, slots=True)
class KeepingSettings:
    """Long keeping: how many days before the archive timestamp of a completed contract runs out it is renewed, and
    the last day of algorithms (``"sha256 2035-12-31"``), before which what rests on them is renewed, too."""

    lead_days: int = number(90, 7, 730)
    algorithms: list[str] = field(default_factory=list)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a line that names no algorithm."""
        try:
            known = set(self.ends) <= KNOWN
        except ValueError:
            known = False
        domain = f'a list of lines such as "sha256 2035-12-31"; known are {", ".join(sorted(KNOWN))}'
        require(known, f"{name}.algorithms", domain)

    @property
    def lead(self) -> timedelta:
        """The time before the end."""
        return timedelta(days=self.lead_days)

    @property
    def ends(self) -> Mapping[str, datetime]:
        """By algorithm: the moment (UTC) from which it no longer counts."""
        lines = [each.split() for each in self.algorithms]
        return {name: datetime.combine(date.fromisoformat(day), time.max, UTC) for name, day in lines}


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """The health monitor: it asks all health checks every so many ``seconds``."""

    seconds: int = number(15, 1, 20)


def _is_alarm_address(url: str) -> bool:
    return not url or _may_be_asked(url)


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


def _is_directory_address(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("ldap", "ldaps") and bool(parts.hostname) and not parts.username
        return fits and parts.path in ("", "/") and not parts.query and parts.port != 0
    except ValueError:  # not a port number
        return False


class DirectoryKind(StrEnum):
    """Which kind of LDAP server, whose attributes differ."""

    OPENLDAP = "openldap"
    ACTIVE_DIRECTORY = "active-directory"


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """The LDAP directory that people are read from every so many ``minutes``; none without a ``url``.

    ``ldaps://`` is TLS from the start, with ``ldap://`` StartTLS comes first: nothing is asked in the clear.
    ``tls`` is a
    PEM file with the organisation's authorities (its path counts from ``config/``), where the system's do not fit.
    The password of ``bind_dn`` is the secret ``ldap.password``. People are found below ``people`` by
    ``filter``, groups below
    ``groups``; one reading takes ``seconds`` at most.
    """

    url: str = checked("", _is_directory_address, "like ldaps://directory.example or ldap://directory.example")
    kind: DirectoryKind = DirectoryKind.OPENLDAP
    tls: str = ""
    bind_dn: str = ""
    people: str = ""
    filter: str = ""
    groups: str = ""
    minutes: int = number(3, 1, 60)
    seconds: int = number(120, 5, 600)

    @property
    def configured(self) -> bool:
        """Whether people are read from an LDAP directory."""
        return bool(self.url)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a directory without a place to look in, or one read anonymously."""
        if self.url:
            require(
                bool(self.people), f"{name}.people", "like ou=people,dc=enterprise,dc=example when there is a url"
            )
            require(bool(self.bind_dn), f"{name}.bind_dn", "the name of a reading account when there is a url")


def _is_secure_address(url: str) -> bool:
    if not url:
        return True
    local = urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1") if can_serve(url) else False
    return _may_be_asked(url) and (urlsplit(url).scheme == "https" or local)


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """The identity provider (OpenID Connect Core 1.0) that people sign in through; none without an ``issuer``.

    The secret of ``client`` is ``openid.secret``. ``name`` is what the button says. ``match`` is the claim by
    which somebody is found on their first sign-in among the directory's users, and ``attribute`` what it is
    compared with. ``acr``: the ID token has to name one of these (Core 1.0, 5.5.1.1). ``provision``: who is
    unknown gets an account, from the claims alone, where no other directory says who is there. ``trust_email``:
    mail addresses count without ``email_verified`` (Core 1.0, 5.1), where nobody can choose theirs at this
    provider. ``tls`` is a PEM file with the authorities of its server.
    """

    issuer: str = checked(
        "", _is_secure_address, "like https://id.enterprise.example; http only on this machine itself"
    )
    client: str = ""
    name: str = ""
    scopes: list[str] = field(default_factory=lambda: ["openid", "profile", "email"])
    match: str = "preferred_username"
    attribute: str = checked("login", ("key", "login", "email").__contains__, '"key", "login" or "email"')
    acr: list[str] = field(default_factory=list)
    groups_claim: str = "groups"
    provision: bool = False
    trust_email: bool = False
    tls: str = ""
    seconds: int = number(10, 1, 30)

    @property
    def configured(self) -> bool:
        """Whether people sign in through an identity provider."""
        return bool(self.issuer)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused for a provider that nobody could sign in through."""
        if self.issuer:
            require(bool(self.client), f"{name}.client", "the client's id at the issuer when there is one")
            require("openid" in self.scopes, f"{name}.scopes", 'a list with "openid"')


class WorkGoesTo(StrEnum):
    """Who takes over what waits for somebody who has left."""

    MANAGER = "manager"
    """The manager, where the directory names one who can; officers decide about the rest."""
    OFFICERS = "officers"


def _are_peoples_roles(names: list[str]) -> bool:
    return all(name in PEOPLES_ROLES for name in names)


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """What the organisation's directories may change here.

    Their people are of ``organisation`` (empty: the one whose appliance it is). ``everybody`` are the roles of
    each of them whom no group makes an auditor or operator; the other lists name the groups that give a role.
    No group makes an officer. When more than ``most_removed`` people, or ``most_removed_percent`` of a
    directory's, would be gone within a day, two administrators decide. ``work_goes_to``: who takes over what
    waits for somebody who has left.
    """

    organisation: str = checked(
        "",
        lambda text: not text or is_organisation_name(text),
        f"1 to {LONGEST_ORGANISATION} visible characters without outer spaces",
    )
    everybody: list[str] = checked(
        ["signer"], _are_peoples_roles, 'a list of "initiator", "signer", "custodian" and "reviewer"'
    )
    initiator: list[str] = field(default_factory=list)
    signer: list[str] = field(default_factory=list)
    custodian: list[str] = field(default_factory=list)
    reviewer: list[str] = field(default_factory=list)
    auditor: list[str] = field(default_factory=list)
    operator: list[str] = field(default_factory=list)
    most_removed: int = number(20, 1, 100_000)
    most_removed_percent: int = number(5, 1, 100)
    work_goes_to: WorkGoesTo = WorkGoesTo.MANAGER

    def groups_of(self, role: AccountRole) -> list[str]:
        """The names of the groups that give *role*, one of :data:`MAPPABLE`."""
        found: list[str] = getattr(self, role.value)
        return found


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


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, and the home that they belong to."""

    home: Home
    organisation: OrganisationSettings = field(default_factory=OrganisationSettings)
    contact: ContactSettings = field(default_factory=ContactSettings)
    web: WebSettings = field(default_factory=WebSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    activation: ActivationServiceSettings = field(default_factory=ActivationServiceSettings)
    documents: DocumentSettings = field(default_factory=DocumentSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    interface: InterfaceSettings = field(default_factory=InterfaceSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)
    outside: OutsideSettings = field(default_factory=OutsideSettings)
    witnesses: WitnessSettings = field(default_factory=WitnessSettings)
    keeping: KeepingSettings = field(default_factory=KeepingSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    ldap: LdapSettings = field(default_factory=LdapSettings)
    openid: OpenIdSettings = field(default_factory=OpenIdSettings)
    logs: LogSettings = field(default_factory=LogSettings)

    def mark(self) -> Mark | None:
        """The organisation's mark, if it has one; its path counts from ``config/``. Raises ConfigurationError."""
        name = self.organisation.mark
        return read_mark(self.home.settings.parent / name) if name else None

    @property
    def backups(self) -> Path:
        """The directory of archives; a relative one counts from the home."""
        return self.home.root / self.backup.directory

    def mail_password(self, environment: Mapping[str, str]) -> str | None:
        """The password of the mail server's user, where there is one. Raises ConfigurationError."""
        return self.home.secret("smtp.password", environment).decode() if self.mail.user else None

    def gateway_key(self, environment: Mapping[str, str]) -> bytes:
        """What signs messages to the gateway. Raises ConfigurationError."""
        return self.home.secret("gateway.key", environment)

    def beside(self, name: str) -> Path:
        """A file that a setting names: its path counts from ``config/``."""
        return self.home.settings.parent / name

    def at_port(self, port: int) -> Settings:
        """The same, with the three web services and their addresses on this machine from *port* on."""
        web = replace(self.web, port=port, public_url=f"http://localhost:{port}")
        above = port + CONSOLE_PORT_ABOVE
        console = replace(self.console, port=above, public_url=f"http://localhost:{above}")
        above = port + ACTIVATION_PORT_ABOVE
        activation = replace(self.activation, port=above, public_url=f"http://localhost:{above}")
        return replace(self, web=web, console=console, activation=activation)

    def of_run(self, environment: Mapping[str, str]) -> Settings:
        """The settings of a process that ``vermilion up --port`` started: its environment names the port."""
        port = environment.get(PORT_OF_RUN)
        return self if port is None else self.at_port(int(port))

    def as_served(self) -> Settings:
        """The settings for a command beside a running ``vermilion up``, which may serve at another port."""
        try:
            port = self.web.port if self.home.is_managed else int(self.home.served_port.read_text("ascii"))
        except (OSError, ValueError):
            return self
        return self if port == self.web.port else self.at_port(port)


def load(home: Home) -> Settings:
    """The settings of *home*. Raises ConfigurationError naming the file and the setting that is wrong."""
    if home.interrupted_restore.exists():
        raise ConfigurationError(
            "A restore into {home} was interrupted; run the same `vermilion restore` again.", home=home.root
        )
    try:
        tables = tables_of(home.settings, maker="vermilion init")
    except ConfigurationRefused as error:
        raise ConfigurationError(error.template, **error.values) from error
    settings = parse(tables, home, home.settings)
    settings.mark()  # a wrong one stops the start, not a page
    return settings


def parse(tables: Mapping[str, Any], home: Home, path: Path) -> Settings:
    """The settings in parsed TOML; *path* is for the messages. Raises ConfigurationError."""
    try:
        settings = Settings(home=home, **sections(Settings, tables))
        apart = settings.activation.origin != settings.web.origin
        require(apart, "activation.public_url", "of another origin than web.public_url")
        alone = not (settings.openid.provision and settings.ldap.configured)
        require(alone, "openid.provision", "false where ldap.url names a directory, which says who is there")
        return settings
    except ConfigurationRefused as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error
