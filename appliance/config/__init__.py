"""The appliance's settings: read once from ``config/appliance.toml``, typed; an unknown name stops the start.

Every setting has a default, so an empty file is a valid one. ``docs/reference.md`` lists them; a test compares.
"""

from appliance.config.captures import CaptureSettings
from appliance.config.connections import (
    AlarmSettings,
    GatewaySettings,
    LogSettings,
    MailSettings,
    OutsideSettings,
    Security,
    WebhookSettings,
    WitnessSettings,
)
from appliance.config.directories import (
    DirectoryKind,
    DirectorySettings,
    LdapSettings,
    OpenIdSettings,
    WorkGoesTo,
)
from appliance.config.pages import (
    ConsoleSettings,
    ContactSettings,
    OrganisationSettings,
    SessionSettings,
    WebSettings,
    can_serve,
    is_zone,
)
from appliance.config.settings import (
    ACTIVATION_PORT_ABOVE,
    CONSOLE_PORT_ABOVE,
    PORT_OF_RUN,
    TSA_PORT_ABOVE,
    BackupSettings,
    HealthSettings,
    KeepingSettings,
    Settings,
    load,
    parse,
)

__all__ = [
    "ACTIVATION_PORT_ABOVE",
    "CONSOLE_PORT_ABOVE",
    "PORT_OF_RUN",
    "TSA_PORT_ABOVE",
    "AlarmSettings",
    "BackupSettings",
    "CaptureSettings",
    "ConsoleSettings",
    "ContactSettings",
    "DirectoryKind",
    "DirectorySettings",
    "GatewaySettings",
    "HealthSettings",
    "KeepingSettings",
    "LdapSettings",
    "LogSettings",
    "MailSettings",
    "OpenIdSettings",
    "OrganisationSettings",
    "OutsideSettings",
    "Security",
    "SessionSettings",
    "Settings",
    "WebSettings",
    "WebhookSettings",
    "WitnessSettings",
    "WorkGoesTo",
    "can_serve",
    "is_zone",
    "load",
    "parse",
]
