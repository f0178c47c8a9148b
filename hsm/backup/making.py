"""Making the authority's part: a process of its own, ``python -m hsm.backup.making``, by the authority's user.

It is started by a worker that was asked for a backup, which goes on signing meanwhile. What it has done stands in
``authority/backup/``: ``NAME.json`` once the part ``NAME.age`` is complete, else ``NAME.failed`` with a refusal.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from hsm import config, files, home, process
from hsm.backup import BackupPartStatement, ServiceKey
from hsm.backup.contents import examine, gather, token_of
from hsm.config import AuthoritySettings
from hsm.encryption import decrypt_directory, encrypt_directory, new_identity, recipient_of
from hsm.errors import AuthorityError, BackupRefused, EncryptionRefused
from hsm.files import file_lock
from hsm.store.copying import StoreFacts
from hsm.store.registry import KeyRecord


def make(settings: AuthoritySettings, name: str, environment: Mapping[str, str]) -> BackupPartStatement:
    """Makes the part *name*, opens what was sealed and examines it, and only then gives it its name.

    1. store, settings, token and PINs are copied, the store as of one moment;
    2. they are sealed for the recovery keys, and for a key that exists in this process alone;
    3. with that key the sealed part is opened again: the store is checked, and where SoftHSM's token and a PIN
       are there, every key is found, and those of the services sign;
    4. the older part goes, the new one and its statement take its place.

    Raises :class:`BackupRefused` and other refusals; then there is no part of this name.
    """
    if not settings.backup.recipients:
        raise EncryptionRefused(
            "The authority has no recovery key: `vermilion backup key FILE` makes one, whose public half belongs"
            " in backup.recipients of config/authority.toml."
        )
    place = settings.home.backup
    _clear(place)
    _require_room(settings)
    clear, sealed, opened, scratch = (place / f".{each}" for each in ("clear", "sealed", "opened", "scratch"))
    for directory in (clear, opened, scratch):
        directory.mkdir(mode=0o700)
    gather(settings, clear)
    once = new_identity()
    encrypt_directory(clear, sealed, [*settings.backup.recipients, recipient_of(once)])
    shutil.rmtree(clear)
    decrypt_directory(sealed, opened, [once])
    facts = examine(opened, scratch, home.user_pin(settings, environment))
    shutil.rmtree(opened)
    shutil.rmtree(scratch)
    statement = _statement(settings, facts, sealed)
    sealed.rename(place / f"{name}.age")
    files.write_durably(place / f"{name}.json", json.dumps(statement.fields()).encode(), mode=0o600)
    return statement


def _statement(settings: AuthoritySettings, facts: StoreFacts, sealed: Path) -> BackupPartStatement:
    services = [key for key in facts.needed if key.subject not in facts.people]
    with sealed.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return BackupPartStatement(
        sha256=digest,
        size=sealed.stat().st_size,
        schema=facts.schema,
        release=metadata.version("vermilion"),
        origin=settings.log.origin,
        log_size=facts.checkpoint.size if facts.checkpoint else 0,
        log_root=facts.checkpoint.root.hex() if facts.checkpoint else "",
        token=token_of(settings),
        label=settings.token.label,
        services=tuple(ServiceKey(key.subject, key.label, _fingerprint(key)) for key in services),
        others=len(facts.needed) - len(services),
    )


def _fingerprint(key: KeyRecord) -> str:
    return hashlib.sha256(key.public_key).hexdigest() if key.public_key else ""


def _clear(place: Path) -> None:
    """Away with the part before, and with what a process that was killed has left in the clear."""
    for left in place.iterdir():
        if left.name == "lock":
            continue
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def _require_room(settings: AuthoritySettings) -> None:
    used = settings.home.store.stat().st_size
    used += sum(path.stat().st_size for path in (settings.home.root / "hsm").rglob("*") if path.is_file())
    free = shutil.disk_usage(settings.home.backup).free
    if free < 4 * used:
        raise BackupRefused(
            "The authority's part of the backup needs {needed} MB for a moment, {free} MB are free.",
            needed=4 * used // 1_000_000 + 1,
            free=free // 1_000_000,
        )


def main() -> int:
    """Exit status 0 when the part is made; else 1, and the refusal is in ``NAME.failed``."""
    process.keep_memory_private()
    os.umask(0o077)
    settings = config.load(Path(os.environ["VERMILION_HOME"]))
    os.environ.update(home.module_environment(settings, os.environ))
    name, place = sys.argv[1], settings.home.backup
    try:
        with file_lock(place / "lock", wait=False):
            make(settings, name, os.environ)
    except (AuthorityError, OSError) as error:
        refusal = error if isinstance(error, AuthorityError) else _no_room(error)
        files.write_durably(
            place / f"{name}.failed", json.dumps([refusal.template, refusal.plain_values()]).encode(), mode=0o600
        )
        return 1
    return 0


def _no_room(error: OSError) -> BackupRefused:
    return BackupRefused(
        "The authority could not make its part of the backup: {why}.", why=error.strerror or error
    )


if __name__ == "__main__":
    sys.exit(main())
