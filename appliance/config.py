"""The appliance's settings: read once from ``config/appliance.toml``, typed; an unknown name stops the start.

Every setting has a default, so an empty file is a valid one. ``docs/reference.md`` lists them; a test compares.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.language import Language

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OrganisationSettings:
    """Whose appliance it is: the name on its pages."""

    name: str = "示例企业有限公司"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The portal: where it listens, the address that people type, how many processes and threads serve it."""

    bind: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://localhost:8080"
    workers: int = 2
    threads: int = 8

    def check(self) -> None:
        """Raises ConfigurationError for a port, an address or numbers that cannot serve."""
        _require(0 < self.port < 65536, "web.port", "from 1 to 65535")
        _require(self.workers > 0, "web.workers", "at least 1")
        _require(self.threads > 0, "web.threads", "at least 1")
        parts = urlsplit(self.public_url)
        _require(
            parts.scheme in ("http", "https") and bool(parts.hostname),
            "web.public_url",
            "like https://sign.example",
        )

    @property
    def relying_party(self) -> str:
        """The WebAuthn relying party identifier (Level 3, section 4): the host name of the public address."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def origin(self) -> str:
        """The WebAuthn origin: scheme, host and port of the public address."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """What may come in: size of one document in bytes, and for how long verifying it may take, in seconds."""

    largest: int = 100 * MEBIBYTE
    patience: int = 60

    def check(self) -> None:
        """Raises ConfigurationError for limits that admit nothing or everything."""
        _require(MEBIBYTE <= self.largest <= 1024 * MEBIBYTE, "documents.largest", "from 1 MiB to 1 GiB")
        _require(1 <= self.patience <= 600, "documents.patience", "from 1 to 600 seconds")


@dataclass(frozen=True, slots=True)
class InterfaceSettings:
    """What people see first: language (``zh`` or ``en``) and time zone (IANA name)."""

    language: Language = Language.CHINESE
    zone: str = "Asia/Shanghai"

    def check(self) -> None:
        """Raises ConfigurationError for a zone that the system's database does not hold."""
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise _bad("interface.zone", "an IANA time zone such as Asia/Shanghai") from error


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server (SMTP); without a ``host`` mail waits in the outbox. The password of ``user`` is the secret
    ``smtp.password``; ``sender`` is the address in From."""

    host: str = ""
    port: int = 25
    security: Security = Security.STARTTLS
    user: str = ""
    sender: str = "vermilion@localhost"

    def check(self) -> None:
        """Raises ConfigurationError for a port or sender that no server takes, or a password in the clear."""
        _require(0 < self.port < 65536, "mail.port", "from 1 to 65535")
        _require("@" in self.sender, "mail.sender", "an address such as contracts@sign.example")
        protected = self.security is not Security.NONE or not self.user
        _require(protected, "mail.security", '"starttls" or "tls" when there is a user to log in')


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, and the home that they belong to."""

    home: Home
    organisation: OrganisationSettings = field(default_factory=OrganisationSettings)
    web: WebSettings = field(default_factory=WebSettings)
    documents: DocumentSettings = field(default_factory=DocumentSettings)
    interface: InterfaceSettings = field(default_factory=InterfaceSettings)
    mail: MailSettings = field(default_factory=MailSettings)


def load(home: Home) -> Settings:
    """The settings of *home*. Raises ConfigurationError naming the file and the setting that is wrong."""
    path = home.settings
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            "There is no {path}; `vermilion init` makes a first one, or set VERMILION_HOME.", path=path
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError("{path} cannot be read as TOML: {why}.", path=path, why=error) from error
    return parse(tables, home, path)


def parse(tables: Mapping[str, Any], home: Home, path: Path) -> Settings:
    """The settings in parsed TOML; *path* is for the messages. Raises ConfigurationError."""
    hints = get_type_hints(Settings)
    sections = {name: hint for name, hint in hints.items() if name != "home"}
    try:
        _refuse_unknown(tables, sections, "")
        built = {name: _section(hint, name, tables.get(name, {})) for name, hint in sections.items()}
    except ConfigurationError as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error
    return Settings(home=home, **built)


def _section(kind: Any, name: str, table: Any) -> Any:
    if not isinstance(table, dict):
        raise _bad(name, f"a table, [{name}]")
    hints = get_type_hints(kind)
    _refuse_unknown(table, hints, f"{name}.")
    section = kind(**{key: _value(hints[key], f"{name}.{key}", value) for key, value in table.items()})
    if check := getattr(section, "check", None):
        check()
    return section


def _value(hint: Any, name: str, value: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in tuple(hint):
            raise _bad(name, " or ".join(f'"{member.value}"' for member in hint))
        return hint(value)
    if type(value) is not hint:
        raise _bad(name, {str: "a text in quotes", int: "a whole number", bool: "true or false"}[hint])
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(
                "the setting {key} does not exist; known are {known}.",
                key=prefix + key,
                known=", ".join(sorted(prefix + name for name in known)),
            )


def _require(holds: bool, name: str, domain: str) -> None:
    if not holds:
        raise _bad(name, domain)


def _bad(name: str, domain: str) -> ConfigurationError:
    return ConfigurationError("the setting {name} must be {domain}.", name=name, domain=domain)
