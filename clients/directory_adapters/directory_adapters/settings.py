"""The settings: one TOML file. Secrets are files of their own, which only their owner may read.

Paths count from the folder of the settings file.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from directory_adapters import dingtalk, wecom
from directory_adapters.errors import SettingsError
from directory_adapters.transport import Server

USERID = "{userid}"
MAIL = "{mail}"
LONGEST_SECRET = 4096


@dataclass(frozen=True, slots=True)
class ApplianceSettings:
    """The appliance: its server, and the token of the SCIM client that it has given."""

    server: Server
    token: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a member goes where. ``mail`` is tried from the first on: the name of a field, or a pattern with
    ``{userid}``. ``login`` is a pattern with ``{userid}`` or ``{mail}``. ``whole_path``: the department's with
    those above it. ``departments`` and ``labels`` are pushed as groups."""

    mail: tuple[str, ...]
    login: str
    whole_path: bool
    departments: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brake:
    """How many people may leave in one run: ``most``, and ``percent`` of those who are there. One or two always
    may."""

    most: int = 20
    percent: int = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one adapter."""

    appliance: ApplianceSettings
    book: wecom.WecomSettings | dingtalk.DingtalkSettings
    rules: Rules
    brake: Brake


class _Table:
    """One table of the file, whose settings are taken out one by one; what is left over is unknown."""

    def __init__(self, name: str, values: Mapping[str, Any], folder: Path) -> None:
        self._name, self._values, self._folder = name, dict(values), folder

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.pop(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise SettingsError(
                f"{self._name}.{name} has to be a text{', and is missing' if value is None else ''}"
            )
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self._values.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise SettingsError(f"{self._name}.{name} has to be a number from {least} to {most}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._values.pop(name, default)
        if not isinstance(value, bool):
            raise SettingsError(f"{self._name}.{name} has to be true or false")
        return value

    def texts(self, name: str, default: list[str]) -> tuple[str, ...]:
        value = self._values.pop(name, default)
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise SettingsError(f"{self._name}.{name} has to be a list of texts")
        return tuple(value)

    def choice(self, name: str, default: str, among: list[str]) -> str:
        value = self.text(name, default)
        if value not in among:
            raise SettingsError(f"{self._name}.{name} has to be one of {', '.join(among)}")
        return value

    def secret(self, name: str) -> str:
        return read_secret(self._folder / self.text(name), f"{self._name}.{name}")

    def server(self, address: str | None, per_second: int, key: str = "address") -> Server:
        tls = self._values.get("tls", "")
        return Server(
            self.text(key, address),
            self._folder / tls if isinstance(tls, str) and tls else None,
            self._values.get("proxy", "") if isinstance(self._values.get("proxy", ""), str) else "",
            self._values.get("per_second", per_second),
        )

    def end(self) -> None:
        self.text("tls", "")
        self.text("proxy", "")
        self.number("per_second", 1, 1, 1000)
        if self._values:
            raise SettingsError(
                f"{self._name}.{sorted(self._values)[0]} is no setting; correct its name or take it out"
            )


def load(path: Path, kind: str) -> Settings:
    """The settings in the file at *path* for the adapter *kind* (``wecom``, ``dingtalk``). Raises
    :class:`SettingsError`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error
    try:
        return _parsed(tables, kind, path.parent)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def read_secret(path: Path, name: str) -> str:
    """The secret in the file at *path*, which only its owner may read. Raises :class:`SettingsError`, naming the
    setting *name*."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = file.read(LONGEST_SECRET + 1)
    except OSError as error:
        raise SettingsError(f"{name}: {path}: {error.strerror}") from error
    if mode & 0o077:
        raise SettingsError(f"{name}: others may read {path} (mode {mode:04o}); run chmod 600 on it")
    text = content.decode("ascii", "replace").strip()
    if not text or len(content) > LONGEST_SECRET or not text.isascii() or re.search(r"\s", text):
        raise SettingsError(f"{name}: {path} has to hold one line with the secret, and nothing else")
    return text


def _parsed(tables: Mapping[str, Any], kind: str, folder: Path) -> Settings:
    known = ("appliance", kind, "people", "groups", "removals")
    if unknown := sorted(tables.keys() - set(known)):
        raise SettingsError(f"[{unknown[0]}] is no table of the adapter {kind}; the tables are {', '.join(known)}")
    if not all(isinstance(each, dict) for each in tables.values()):
        raise SettingsError("each table has to have settings of its own")
    table = {name: _Table(name, tables.get(name, {}), folder) for name in known}
    appliance = table["appliance"]
    settings = Settings(
        ApplianceSettings(appliance.server(None, 20), appliance.secret("token")),
        _wecom(table[kind]) if kind == wecom.SOURCE else _dingtalk(table[kind]),
        _rules(
            table["people"], table["groups"], wecom.MAIL_FIELDS if kind == wecom.SOURCE else dingtalk.MAIL_FIELDS
        ),
        Brake(table["removals"].number("most", 20, 1, 100_000), table["removals"].number("percent", 5, 1, 100)),
    )
    for each in table.values():
        each.end()
    return settings


def _wecom(table: _Table) -> wecom.WecomSettings:
    return wecom.WecomSettings(
        corp=table.text("corp"),
        secret=table.secret("secret"),
        server=table.server("https://qyapi.weixin.qq.com", 20),
        root=table.number("root", 1, 1, 2**53),
    )


def _dingtalk(table: _Table) -> dingtalk.DingtalkSettings:
    managers = [each.value for each in dingtalk.ManagersFrom]
    return dingtalk.DingtalkSettings(
        key=table.text("key"),
        secret=table.secret("secret"),
        server=table.server("https://oapi.dingtalk.com", 10),
        tokens=table.server("https://api.dingtalk.com", 10, "tokens"),
        root=table.number("root", 1, 1, 2**53),
        managers=dingtalk.ManagersFrom(table.choice("managers", dingtalk.ManagersFrom.DEPARTMENTS, managers)),
        count=table.flag("count", True),
    )


def _rules(people: _Table, groups: _Table, fields: tuple[str, ...]) -> Rules:
    mail = people.texts("mail", list(fields))
    if not mail:
        raise SettingsError("people.mail has to name where mail addresses come from")
    for each in mail:
        if each not in fields and not (USERID in each and "@" in each and _is_pattern(each, USERID)):
            raise SettingsError(
                f"people.mail: {each} is none of {', '.join(fields)}, nor like {USERID}@enterprise.example"
            )
    login = people.text("login", USERID)
    if not (_is_pattern(login, USERID) or login == MAIL):
        raise SettingsError(f"people.login has to be {MAIL}, or a pattern with {USERID}")
    whole_path = people.choice("department", "name", ["name", "path"]) == "path"
    return Rules(mail, login, whole_path, groups.texts("departments", []), groups.texts("labels", []))


def _is_pattern(text: str, place: str) -> bool:
    return text.count(place) == 1 and not re.search(r"[{}\s]", text.replace(place, ""))
