"""Everything of one moment, while people sign: the database with the authority's part, and the appliance's files
(settings, policy, public anchors, secrets, the administration's own database).

The log's sequencer waits from before the database's moment until the authority has made its part: so the log holds
all that the authority remembers having signed, and the authority remembers all that was published. What is signed
meanwhile is in neither; an act of which the authority knows and the database does not yet, recovery abandons.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BackupFailed, ConfigurationError
from appliance.home import Home
from appliance.ledger import sequencing_held
from appliance.store.copying import DatabaseSnapshot, moment_of
from hsm.backup import BackupPartStatement
from hsm.client import AuthorityClient

PATIENCE = 600.0
"""Seconds that the authority has for its part."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database's moment, and the authority's part under the name by which it is fetched."""

    database: DatabaseSnapshot
    part: str
    statement: BackupPartStatement


@contextmanager
def snapshot(database: Path, authority: AuthorityClient) -> Iterator[Snapshot]:
    """Takes the moment and lets the authority make its part; the moment lasts until the context is left."""
    with ExitStack() as lasting:
        with sequencing_held(database):
            moment = lasting.enter_context(moment_of(database))
            name = authority.begin_backup()
            statement = _made(authority, name)
        yield Snapshot(moment, name, statement)


def _made(authority: AuthorityClient, name: str) -> BackupPartStatement:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        statement = authority.backup_made(name)
        if statement is not None:
            return statement
        time.sleep(0.05)
    raise BackupFailed("The authority has not made its part of the backup in {seconds} s.", seconds=int(PATIENCE))


def fetch_authority_part(authority: AuthorityClient, snapshot: Snapshot, target: Path) -> None:
    """Writes the authority's sealed part to the new file *target*, piece by piece."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        while piece := authority.backup_piece(snapshot.part, stream.tell()):
            stream.write(piece)


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
