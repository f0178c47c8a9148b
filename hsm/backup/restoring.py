"""Opening the authority's part with the recovery key: a process of its own, which loads PKCS#11 for one token.

``python -m hsm.backup.restoring PART IDENTITY INTO [forget-newer]``, in the home VERMILION_HOME. A refusal is the
status 1, its sentence on standard error, and its code, template and values as JSON on standard output.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from hsm import config, home, process
from hsm.backup.contents import STORE, examine_here, point_softhsm, put_in_place, settings_of
from hsm.config import AuthorityHome, AuthoritySettings
from hsm.encryption import decrypt_directory, identities_in
from hsm.errors import AuthorityError, BackupRefused
from hsm.files import is_locked
from hsm.store.copying import StoreFacts, copy_store, done_since, examine_store


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a part is restored: the home that it will be in, the settings of an authority that is there already,
    and whether that one may forget what it has signed since the backup."""

    root: Path
    settings: AuthoritySettings | None
    forget_newer: bool = False


def unpack(part: Path, identity: Path, into: Path, machine: RestoreTarget) -> None:
    """Puts store, settings, token and PINs of the sealed *part* below *into*, once all of it has been examined.

    1. no authority runs here; 2. the part opens; 3. store and keys are examined, in the HSM of this machine when
    the part brings no token; 4. an authority that was here has not signed more of the log than the backup has,
    nor done anything else since that would come undone.

    Raises :class:`hsm.errors.DecryptionRefused` and :class:`hsm.errors.BackupRefused`; delete what is below *into*
    then.
    """
    _require_stopped(machine.root)
    opened, scratch = into / ".opened", into / ".scratch"
    for directory in (opened, scratch):
        directory.mkdir(mode=0o700)
    decrypt_directory(part, opened, identities_in(identity))
    pin = home.user_pin(machine.settings, os.environ) if machine.settings else None
    facts = examine_here(opened, scratch, machine.settings, pin)
    if not machine.forget_newer:
        _require_not_newer(AuthorityHome(machine.root).store, scratch, facts, opened / STORE)
    named = settings_of(opened).token.softhsm_configuration
    put_in_place(opened, into, named)
    configuration = into / named
    if configuration.exists():
        point_softhsm(configuration, machine.root / "hsm/tokens")
    shutil.rmtree(opened)
    shutil.rmtree(scratch)


def _require_stopped(root: Path) -> None:
    if is_locked(AuthorityHome(root).single):
        raise BackupRefused("An authority runs in {home}; end it before the restore.", home=root)


def _require_not_newer(store: Path, scratch: Path, facts: StoreFacts, brought: Path) -> None:
    """The log may hide what was done since: the portal writes it, the store is the authority's."""
    if not store.exists():
        return
    copy_store(store, scratch / "here.db")
    here = examine_store(scratch / "here.db").checkpoint
    size = facts.checkpoint.size if facts.checkpoint else 0
    if here is not None and here.size > size:
        raise BackupRefused(
            "The authority here has signed a log of size {signed}, the backup has {size}: what came"
            " between would be lost. Restore a newer backup, or say --forget-newer.",
            signed=here.size,
            size=size,
        )
    if done := done_since(brought, scratch / "here.db", length=size):
        raise BackupRefused(
            "Since the backup the authority here has used, ended or withdrawn what would count again: {count}."
            " Restore a newer backup, or say --forget-newer.",
            count=done,
        )


def main(part: str, identity: str, into: str, *options: str) -> int:
    """The exit status."""
    process.keep_memory_private()
    os.umask(0o077)
    root = Path(os.environ["VERMILION_HOME"])
    try:
        settings = config.load(root) if AuthorityHome(root).settings.exists() else None
        if settings is not None:
            os.environ.update(home.module_environment(settings, os.environ))
        unpack(Path(part), Path(identity), Path(into), RestoreTarget(root, settings, "forget-newer" in options))
    except AuthorityError as error:
        sys.stdout.write(json.dumps([error.code, error.template, error.plain_values()]))
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
