"""``restore``: an archive becomes the home, or nothing at all changes. What is staged takes its place by renames
under a journal, which an interrupted run takes up again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.errors import ApplianceError, RestoreRefused
from appliance.home import Home, make_directory
from appliance.ledger.timestamp_spool import spool_files
from appliance.operations.backup import archives as places
from appliance.operations.backup.archives import (
    BackupArchive,
    BackupFailpoint,
    BackupFailpointHook,
    BackupManifest,
    lack_of_room,
    no_failpoint,
    read_list,
)
from appliance.operations.backup.checking import signed_manifest
from appliance.operations.releases.tree import name_release
from appliance.operations.restore.opening import (
    VerifiedArchive,
    open_appliance_files,
    open_database,
    put_document,
    verify_opened,
)
from appliance.sharing import write_whole
from appliance.store import latest
from appliance.supervision import answers, inherited
from appliance.witnesses.gate import forget_checkpoint
from hsm.config import AuthorityHome
from hsm.encryption import identities_in
from hsm.errors import Malformed, error_class
from hsm.files import is_locked, sync_directory, write_private
from hsm.note import NoteKey, read_vkey

SPOOL = "timestamps"
ENTRIES = ("config", "trust", "secrets", "hsm", "authority", "administration", "state", SPOOL)
"""What a backup brings, by the names in a home; of the spool an empty one, where that of the home is another
log's."""


@dataclass(frozen=True, slots=True)
class Swap:
    """The directories *staged* and *aside*, by their names in the home, and the archive that is restored."""

    archive: str
    staged: str
    aside: str


def swap(home: Home, planned: Swap, reach: BackupFailpointHook) -> None:
    """Puts what is staged in its place, what was there aside; on disk on return."""
    write_private(home.interrupted_restore, json.dumps([planned.archive, planned.staged, planned.aside]).encode())
    sync_directory(home.root)
    reach(BackupFailpoint.JOURNAL_WRITTEN)
    complete(home, planned, reach)


def interrupted(home: Home) -> Swap | None:
    """What a run that was killed had begun; None when there was none."""
    try:
        return Swap(*json.loads(home.interrupted_restore.read_bytes()))
    except FileNotFoundError:
        return None


def complete(home: Home, planned: Swap, reach: BackupFailpointHook) -> None:
    """Each entry is either staged, or in its place: doing it again does what is left."""
    staged, aside = home.root / planned.staged, home.root / planned.aside
    forget_checkpoint(home)  # of a log that may have been longer; what witnesses refused, they are asked again
    for name in ENTRIES:
        fresh, place = staged / name, home.root / name
        if not fresh.exists():
            continue
        if place.exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            if (aside / name).exists():
                raise RestoreRefused("{path} is in the way; move it away and run this again.", path=aside / name)
            place.rename(aside / name)
            sync_directory(aside)
            reach(BackupFailpoint.ASIDE)
        fresh.rename(place)
    if home.upgrade_copies.exists():  # whoever goes back by these would undo the restore
        aside.mkdir(mode=0o700, exist_ok=True)
        home.upgrade_copies.rename(aside / home.upgrade_copies.name)
        sync_directory(aside)
    home.interrupted_rollback.unlink(missing_ok=True)  # what it was putting back is aside now
    sync_directory(home.root)
    reach(BackupFailpoint.IN_PLACE)
    shutil.rmtree(staged, ignore_errors=True)
    home.interrupted_restore.unlink()
    sync_directory(home.root)


def like_before(home: Home, staged: Path) -> None:
    """What is staged gets the modes of what it replaces and, when root restores, its users (appliance/sharing.py).

    Settings that a link leads to are somebody else's to keep: the backup's go beside them.
    """
    if home.is_managed and (staged / "config").exists():
        beside = home.root / "config-of-backup"
        shutil.rmtree(beside, ignore_errors=True)
        (staged / "config").rename(beside)
    for name in ENTRIES:
        fresh, place = staged / name, home.root / name
        if not fresh.exists() or not place.exists():
            continue
        before = place.stat()
        for path in (fresh, *fresh.rglob("*")):
            if os.geteuid() == 0:
                os.chown(path, before.st_uid, before.st_gid)
            path.chmod(before.st_mode & (0o7777 if path.is_dir() else 0o666))


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """What is to be restored: the *archive*, with the secret key in the file *identity*.

    *aside*: a home that is in use is put aside; *forget_newer*: although its authority has signed more since;
    *key*: the log's key that the archive has to be signed with; a home that does not know it demands one.
    """

    archive: BackupArchive
    identity: Path
    aside: bool = False
    forget_newer: bool = False
    key: NoteKey | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """``key``: the log's key, which the archive is signed with; ``aside``: where the old home is; ``spool``:
    where its spool is, if that was put aside, too."""

    manifest: BackupManifest
    verified: VerifiedArchive
    key: NoteKey
    aside: Path | None
    spool: Path | None = None


def restore_archive(
    home: Home, order: RestoreOrder, *, now: datetime, reach: BackupFailpointHook = no_failpoint
) -> Restored | None:
    """Restores into *home*; None when a run that was interrupted is only completed.

    1. nothing runs, nothing is in the way, there is room; 2. manifest, note, schema and parts; 3. everything is
    opened beside the home, the authority's part by a process of its own, with the keys examined; 4. all of it is
    verified; 5. it takes its place, under a journal.

    Raises :class:`ApplianceError` or :class:`hsm.errors.AuthorityError`; until step 5 nothing has changed.
    """
    begun = interrupted(home)
    if begun is not None:
        complete(home, begun, reach)
        _name_release(home)
        return None
    if not home.root.exists():  # one that provisioning made keeps its mode: the services pass through it
        make_directory(home.root)
    for left in home.root.glob(".restore-*"):
        shutil.rmtree(left)
    manifest = _admitted(home, order)
    staged = Home(home.root / f".restore-{order.archive.name}")
    staged.root.mkdir(mode=0o700)
    try:
        verified, key = _stage(home, order, manifest, staged, reach)
    except BaseException as error:
        shutil.rmtree(staged.root, ignore_errors=True)
        if isinstance(error, OSError):
            raise RestoreRefused("The backup could not be opened: {why}.", why=error.strerror or error) from error
        raise
    if not home.is_managed:
        for directory in (home.run, home.logs):
            directory.mkdir(mode=0o700, exist_ok=True)
    home.clearance.unlink(missing_ok=True)  # no timestamps before somebody has looked at the log that comes now
    aside = home.root / f"before-{now:%Y%m%dT%H%M%SZ}"
    swap(home, Swap(order.archive.name, staged.root.name, aside.name), reach)
    _name_release(home)
    spool = aside / SPOOL
    return Restored(manifest, verified, key, aside if aside.exists() else None, spool if spool.exists() else None)


def _name_release(home: Home) -> None:
    """What was restored has this release's schema, whichever made the backup."""
    if home.is_managed:
        name_release(home, metadata.version("vermilion"))


def _stage(
    home: Home, order: RestoreOrder, manifest: BackupManifest, staged: Home, reach: BackupFailpointHook
) -> tuple[VerifiedArchive, NoteKey]:
    archive, identities = order.archive, identities_in(order.identity)
    key = _known_key(home, order)
    open_appliance_files(archive, staged, identities)
    _require_brings(key, staged)
    open_database(archive, staged, identities)
    for document in read_list(archive, identities, staged.root).values():
        put_document(archive, document, staged, identities)
    _open_authority(home, order, staged)
    reach(BackupFailpoint.STAGED)
    with Confinement(make_directory(staged.cache)) as confinement:
        verified = verify_opened(archive, manifest, staged, identities, confinement)
    _keep_other_secrets(home, staged)
    _keep_administration(home, staged)
    _keep_lock(home, staged)
    _keep_own_spool(home, staged, key)
    like_before(home, staged.root)
    os.sync()
    reach(BackupFailpoint.VERIFIED)
    return verified, key


def _admitted(home: Home, order: RestoreOrder) -> BackupManifest:
    """The manifest, when nothing stands against restoring it here."""
    archive, taken = order.archive, home.database.exists() or (home.root / "authority/authority.db").exists()
    if taken and not order.aside:
        raise RestoreRefused(
            "{home} is in use; say --aside to put what is there aside, or name another home.", home=home.root
        )
    _require_stopped(home)
    manifest = signed_manifest(archive, _known_key(home, order))
    if manifest.schema > latest():
        raise RestoreRefused(
            "The backup has schema {found}, this release knows {known}; install release {release} or a newer one.",
            found=manifest.schema,
            known=latest(),
            release=manifest.release,
        )
    archive.require_parts(manifest)
    needed = (
        manifest.content + sum(part.size for part in manifest.parts) + 2 * manifest.part(places.AUTHORITY).size
    )
    if lack := lack_of_room(home.root, needed):
        raise RestoreRefused(
            "The restore needs about {needed} MB in {path}, {free} MB are free; make room.",
            **lack,
        )
    return manifest


def _known_key(home: Home, order: RestoreOrder) -> NoteKey:
    """The log's key that does not come from the archive: who knows a recovery key's public half can make a whole
    backup, with an invented log and its key in it, that is consistent in itself."""
    if order.key is not None:
        return order.key
    if not home.log_key.exists():
        raise RestoreRefused(
            "This machine does not know the log's key, so a forged backup would look genuine; give the key by"
            " --log-key. It is the line “log key” at the end of the key ceremony's transcript, and the file"
            " log/log.vkey in every evidence package."
        )
    return read_vkey(home.log_key)


def _require_brings(key: NoteKey, staged: Home) -> None:
    """Raises :class:`RestoreRefused` when the backup brings another key than that of the log, with which it is
    signed. Where it brings none that can be read, it gets this one."""
    try:
        brought = read_vkey(staged.log_key)
    except (FileNotFoundError, Malformed):
        make_directory(staged.trust)
        write_whole(staged.log_key, f"{key.vkey()}\n".encode())
        return
    if brought != key:
        raise RestoreRefused(
            "The backup brings another log's key ({key}) than it is signed with.", key=brought.name
        )


def _require_stopped(home: Home) -> None:
    if is_locked(home.scheduler_lock):
        raise RestoreRefused("The scheduler runs in {home}; end everything before the restore.", home=home.root)
    try:
        port = load(home).web.port
    except ApplianceError:  # a new home, or one that is restored because nothing in it is right
        return
    if answers(port):
        raise RestoreRefused("Something serves on port {port}; end everything before the restore.", port=port)


def _open_authority(home: Home, order: RestoreOrder, staged: Home) -> None:
    """By a process of the authority's: it alone loads PKCS#11. Its refusal is raised as it was there."""
    part, options = order.archive.part(places.AUTHORITY), ["forget-newer"] if order.forget_newer else []
    done = subprocess.run(
        [sys.executable, "-m", "hsm.backup.restoring", part, order.identity, staged.root, *options],
        env={**inherited(os.environ, "CREDENTIALS_DIRECTORY"), "VERMILION_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    try:
        code, template, values = json.loads(done.stdout)
    except ValueError as error:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise RestoreRefused("The authority's part of the backup could not be opened: {why}.", why=why) from error
    raise error_class(code)(template, **values)


def _keep_administration(home: Home, staged: Home) -> None:
    """Where administrators are, they stay, with the journal of who asked for this restore; a bare machine gets
    those of the backup."""
    if home.administration.exists():
        shutil.rmtree(staged.administration.parent, ignore_errors=True)


def _keep_lock(home: Home, staged: Home) -> None:
    """An authority that somebody locked is locked afterwards, too: who wants the data back has not said that it
    may sign again."""
    lock = AuthorityHome(home.root).lasting_lock
    if lock.exists():
        shutil.copy2(lock, AuthorityHome(staged.root).lasting_lock)


def _keep_own_spool(home: Home, staged: Home, key: NoteKey) -> None:
    """The spool stays where its timestamps are those of the log that comes. Those of another appliance, or of
    nobody knows which, are put aside: this log would claim tokens that its authority has never issued."""
    try:
        own = read_vkey(home.log_key) == key
    except (FileNotFoundError, Malformed):
        own = False
    if not own and spool_files(home.timestamp_spool):
        make_directory(staged.timestamp_spool)


def _keep_other_secrets(home: Home, staged: Home) -> None:
    """Secrets of this machine that no backup brings, such as the key of its own backups, stay."""
    make_directory(staged.secrets)
    for path in home.secrets.glob("*") if home.secrets.is_dir() else ():
        if path.is_file() and not (staged.secrets / path.name).exists():
            shutil.copy2(path, staged.secrets / path.name)
