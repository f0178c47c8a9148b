"""All settings together, those of backups, long keeping and health among them, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from appliance.config.captures import CaptureSettings
from appliance.config.connections import (
    AlarmSettings,
    GatewaySettings,
    LogSettings,
    MailSettings,
    OutsideSettings,
    WebhookSettings,
    WitnessSettings,
)
from appliance.config.directories import DirectorySettings, LdapSettings, OpenIdSettings
from appliance.config.pages import (
    ActivationServiceSettings,
    ApiSettings,
    ConsoleSettings,
    ContactSettings,
    DocumentSettings,
    InterfaceSettings,
    OrganisationSettings,
    SessionSettings,
    WebSettings,
)
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.mark import Mark, read_mark
from appliance.model.retention import KNOWN
from hsm.errors import ConfigurationRefused
from hsm.settings import checked, number, require, sections, tables_of

PORT_OF_RUN = "VERMILION_PORT"
"""The variable by which ``vermilion up --port`` tells its processes; in development only."""


TSA_PORT_ABOVE, CONSOLE_PORT_ABOVE, ACTIVATION_PORT_ABOVE = 1, 2, 3
"""In development the timestamp service listens one port above the portal, which forwards requests for ``/tsa`` to
it, as nginx does on an appliance. Where a run chooses the portal's port, the console and the activation service
are above that."""


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Where archives go, for whom they are sealed (age recipients), and how many of each kind are kept."""

    directory: str = checked("backups", bool, "a directory")
    recipients: list[str] = field(default_factory=list)
    daily: int = number(7, 1, 1000)
    weekly: int = number(5, 0, 1000)
    monthly: int = number(12, 0, 1000)


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
    """The health monitor: it asks all health checks every so many ``seconds``. Where two machines serve together,
    one has to have taken over in a drill within ``failover_drill_days``; 0 asks for none."""

    seconds: int = number(15, 1, 20)
    failover_drill_days: int = number(90, 0, 1000)


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
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    logs: LogSettings = field(default_factory=LogSettings)

    def mark(self) -> Mark | None:
        """The organisation's mark, if it has one; its path counts from ``config/``. Raises ConfigurationError."""
        name = self.organisation.mark
        return read_mark(self.home.settings.parent / name) if name else None

    @property
    def backups(self) -> Path:
        """The directory of archives; a relative one counts from the home."""
        return self.home.root / self.backup.directory

    @property
    def own_ports(self) -> frozenset[int]:
        """Ports of this machine at which the appliance itself answers, behind its web server, too (which leads
        from plain HTTP to the portal, and has revocation lists there), and those that the operator closes."""
        served = (self.web, self.console, self.activation)
        ports = {each.port for each in served} | {self.web.port + TSA_PORT_ABOVE}
        in_front = {80} if self.web.public_url.startswith("https:") else set()
        closed = {*in_front, *self.capture.closed_ports}
        return frozenset(ports | closed | {each.public_port for each in served})

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
