"""What the appliance's part of a backup has besides the database: settings, policy, public anchors, secrets,
and the administration's own database."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.store.copying import moment_of

SECRETS = ("web.key", "links.key", "console.key", "smtp.password")
"""Secrets of the appliance; the PINs are the authority's, the key of backups opens this one."""
_SIBLING = "authority.toml"


def gather_appliance_files(home: Home, into: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Copies all of it into the empty directory *into*; the names of the secrets that this process may read.

    The settings of the authority are in its own part, whoever may read them here.
    """
    config = home.settings.parent
    shutil.copytree(config, into / "config", ignore=lambda at, _: [_SIBLING] if Path(at) == config else [])
    shutil.copytree(home.trust, into / "trust")
    secrets = into / "secrets"
    secrets.mkdir(mode=0o700)
    found = {name: value for name in SECRETS if (value := _secret(home, name, environment))}
    for name, value in found.items():
        (secrets / name).write_bytes(value + b"\n")
    if home.administration.exists():
        copy = Home(into).administration
        copy.parent.mkdir(mode=0o700)
        with moment_of(home.administration) as moment:
            moment.copy_to(copy)
    for path in into.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return tuple(found)


def _secret(home: Home, name: str, environment: Mapping[str, str]) -> bytes | None:
    try:
        return home.secret(name, environment)
    except ConfigurationError:  # not every appliance has every one; the manifest says which are inside
        return None
