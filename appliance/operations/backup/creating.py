"""``create``: one archive, of one moment, while the system runs; complete and checked before it has a name.

Of one moment are the database, the authority's part, and the appliance's files (settings, policy, public
anchors, secrets, the administration's own database). The log's sequencer waits from before the database's
moment until the authority has made its part: so the log holds all that the authority remembers having signed,
and the authority remembers all that was published. What the timestamp service has issued by then is taken into
the log before, so its spool needs no part of its own. What is signed meanwhile is in neither; an act of which the
authority knows and the database does not yet, recovery abandons.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from appliance.config import Settings
from appliance.documents.blobs import BlobStore
from appliance.errors import BackupFailed, ConfigurationError, SpoolDamaged
from appliance.home import Home, make_directory
from appliance.ledger import LogCheck, sequencing_held
from appliance.ledger.check import require_remembered
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.operations.backup import archives as places
from appliance.operations.backup.archives import (
    BackupArchive,
    BackupArchives,
    BackupFailpoint,
    BackupFailpointHook,
    BackupManifest,
    SealedDocument,
    digests_in,
    lack_of_room,
    no_failpoint,
    part_of_file,
    read_list,
    seal_documents,
    write_list,
)
from appliance.store import retention
from appliance.store.copying import DatabaseSnapshot, moment_of, require_whole
from appliance.store.database import Database
from hsm.backup import BackupPartStatement
from hsm.client import AuthorityClient
from hsm.encryption import encrypt_directory, encrypt_file, identities_of, new_identity, recipient_of
from hsm.errors import DecryptionRefused, EncryptionRefused
from hsm.files import new_file, sync_directory, write_private
from hsm.note import read_vkey
from hsm.operation_types import SignedCheckpoint

KEY = "backup.key"
"""The secret that reads this machine's own archives, for what is kept already and for drills."""


@dataclass(frozen=True, slots=True)
class BackupContext:
    """Where backups are made: settings and environment of the process, and the authority (role ``backup``)."""

    settings: Settings
    environment: Mapping[str, str]
    authority: AuthorityClient

    @classmethod
    def without_authority(cls, settings: Settings, environment: Mapping[str, str]) -> BackupContext:
        """For what needs no authority: it is only asked when something is made."""
        return cls(settings, environment, AuthorityClient(settings.home.authority_socket("backup")))

    @property
    def home(self) -> Home:
        return self.settings.home

    @property
    def archives(self) -> BackupArchives:
        return BackupArchives(self.settings.backups)

    @property
    def scratch(self) -> Path:
        """Where copies lie in the clear for a moment: inside the home, as private as the originals."""
        return self.home.state / "backup"

    def identity(self) -> str:
        """This machine's own key, the first in its secret, which may have comments as age-keygen writes them.

        Raises ConfigurationError when it is missing, EncryptionRefused when it is no key.
        """
        found = identities_of(self.home.secret(KEY, self.environment).decode("utf-8", errors="replace"))
        if not found:
            raise EncryptionRefused("The secret {name} holds no key; `age-keygen` makes one.", name=KEY)
        return found[0]


def ensure_key(context: BackupContext) -> None:
    """This machine's own key, made where it is missing and secrets are files of ours (in development)."""
    path = context.home.secrets / KEY
    if "CREDENTIALS_DIRECTORY" not in context.environment and context.home.secrets.is_dir() and not path.exists():
        write_private(path, f"{new_identity()}\n".encode())


def create_archive(
    context: BackupContext, *, now: datetime, reach: BackupFailpointHook = no_failpoint
) -> BackupArchive:
    """Makes the archive of the moment *now* (aware), and gives it its name once all of it is on disk and checked.

    1. room on the disks; 2. database and authority of one moment; 3. the copy of the database is checked: whole,
    its log is what the authority remembers, every document that it needs is among the sealed; 4. new documents
    are sealed; 5. parts, manifest, and the authority's note over it; 6. everything on disk, then the name.

    Raises :class:`ApplianceError` or :class:`AuthorityError`; then there is no archive of this name.
    """
    if not context.settings.backup.recipients:
        raise BackupFailed(
            "There is no recovery key: `vermilion backup key FILE` makes one, whose public half belongs in"
            " backup.recipients of config/appliance.toml and config/authority.toml."
        )
    name = now.strftime("%Y%m%dT%H%M%SZ")
    with context.archives.exclusive():
        final = BackupArchive(context.archives.root / name)
        if final.path.exists():
            raise BackupFailed("There is a backup {name} already; wait a second.", name=name)
        part = BackupArchive(context.archives.root / f".{name}.part")
        try:
            _require_room(context)
            part.path.mkdir(mode=0o700)
            _fill(context, part, name, now, reach)
            reach(BackupFailpoint.ARCHIVE_WRITTEN)
            os.sync()
            part.path.rename(final.path)
            sync_directory(context.archives.root)
        except OSError as error:
            raise BackupFailed("The backup could not be written: {why}.", why=error.strerror or error) from error
        finally:
            shutil.rmtree(part.path, ignore_errors=True)
            shutil.rmtree(context.scratch, ignore_errors=True)
    reach(BackupFailpoint.ARCHIVE_NAMED)
    return final


def _fill(
    context: BackupContext, part: BackupArchive, name: str, now: datetime, reach: BackupFailpointHook
) -> None:
    shutil.rmtree(context.scratch, ignore_errors=True)
    make_directory(context.scratch)
    recipients = [*context.settings.backup.recipients, recipient_of(context.identity())]
    copy = context.scratch / "copy.db"
    feed_timestamps(context.home, context.authority)
    with snapshot(context.home.database, context.authority) as taken:
        reach(BackupFailpoint.MOMENT_TAKEN)
        fetch_authority_part(context.authority, taken, part.part(places.AUTHORITY))
        taken.database.copy_to(copy)
    reach(BackupFailpoint.DATABASE_COPIED)
    schema = require_whole(copy)
    encrypt_file(copy, part.part(places.DATABASE), recipients)
    documents = _documents(context, part, recipients)
    reach(BackupFailpoint.DOCUMENTS_SEALED)
    _require_fits(context, copy, taken.statement, documents)
    write_list(documents, context.scratch / "documents")
    encrypt_file(context.scratch / "documents", part.part(places.DOCUMENTS), recipients)
    files = make_directory(context.scratch / "appliance")
    secrets = gather_appliance_files(context.home, files, context.environment)
    encrypt_directory(files, part.part(places.APPLIANCE), recipients)
    manifest = BackupManifest(
        archive=name,
        created=now,
        release=metadata.version("vermilion"),
        schema=schema,
        documents=len(documents),
        content=sum(each.size for each in documents),
        parts=tuple(found for each in places.PARTS if (found := part_of_file(part.part(each)))),
        recipients=tuple(recipients),
        secrets=secrets,
        authority=taken.statement,
    )
    _sign(context, part, manifest, taken)


_MOST_ROUNDS = 10
"""Of the feeder before a backup's moment: millions of timestamps. What is still left, the next backup has."""


def feed_timestamps(home: Home, authority: AuthorityClient) -> None:
    """What the timestamp service has issued by now is in the log on return, and so in the backup, whether a
    scheduler runs or not. A damaged file of its spool holds no backup up: the health check `queue` reports it.

    Raises :class:`LedgerDamaged` when the log is not the one that the authority remembers.
    """
    with closing(Database(home.database)) as database, suppress(SpoolDamaged):
        require_remembered(database, authority)
        feeder = TimestampFeeder(database, home.timestamp_spool)
        for _ in range(_MOST_ROUNDS):
            if feeder.run_once() == 0:
                break


def _sign(context: BackupContext, part: BackupArchive, manifest: BackupManifest, taken: Snapshot) -> None:
    authority, encoded = manifest.part(places.AUTHORITY), manifest.encode()
    if (authority.sha256, authority.size) != (taken.statement.sha256, taken.statement.size):
        raise BackupFailed("The authority's part of the backup did not arrive whole; try again.")
    write_private(part.path / places.NOTE, context.authority.sign_backup(taken.part, encoded))
    write_private(part.path / places.MANIFEST, encoded)


def _documents(context: BackupContext, part: BackupArchive, recipients: list[str]) -> list[SealedDocument]:
    return seal_documents(
        BlobStore(context.home.blobs),
        digests_in(context.home.blobs),
        part,
        _known(context, recipients),
        recipients,
    )


def _known(context: BackupContext, recipients: list[str]) -> dict[str, SealedDocument]:
    """The documents that the newest archive has, sealed for the same keys; none when it cannot be read."""
    newest = context.archives.newest()
    try:
        if newest is None or set(newest.manifest().recipients) != set(recipients):
            return {}
        return read_list(newest, [context.identity()], context.scratch)
    except (DecryptionRefused, BackupFailed):
        return {}


def _require_fits(
    context: BackupContext, copy: Path, statement: BackupPartStatement, documents: list[SealedDocument]
) -> None:
    """The copy's log is what the authority remembers, and no document that it needs is missing."""
    sealed = {each.digest for each in documents}
    with closing(Database(copy)) as database:
        key = read_vkey(context.home.log_key)
        LogCheck(database, None, key=key).check_against(remembered_checkpoint(statement))
        with database.reading() as tx:
            missing = [digest for digest in retention.needed(tx) if digest not in sealed]
    still = [digest for digest in missing if not _was_disposed_of(context, digest)]
    if still:
        raise BackupFailed(
            "Documents that contracts need are not in {path} ({count}, {digest} among them); restore them from an"
            " older backup.",
            count=len(still),
            path=context.home.blobs,
            digest=still[0],
        )


def _was_disposed_of(context: BackupContext, digest: str) -> bool:
    with closing(Database(context.home.database)) as database, database.reading() as tx:
        return not retention.is_needed(tx, digest)


def remembered_checkpoint(statement: BackupPartStatement) -> SignedCheckpoint | None:
    """What the authority remembered of the log when it made its part."""
    root = bytes.fromhex(statement.log_root)
    return SignedCheckpoint(statement.log_size, root) if root else None


def _kept_already(context: BackupContext) -> int:
    """The bytes of documents in the newest archive; 0 where that one is damaged."""
    newest = context.archives.newest()
    try:
        return newest.manifest().content if newest else 0
    except BackupFailed:
        return 0


def _require_room(context: BackupContext) -> None:
    """Twice the database where it is copied, and database and new documents where the archive goes."""
    size = context.home.database.stat().st_size
    wal = context.home.database.with_name(context.home.database.name + "-wal")
    size += wal.stat().st_size if wal.exists() else 0
    content = sum(path.stat().st_size for path in context.home.blobs.rglob("*") if path.is_file())
    fresh = max(content - _kept_already(context), 0)
    for place, needed in ((context.home.state, 2 * size), (context.archives.root, size + fresh)):
        if lack := lack_of_room(place, needed):
            raise BackupFailed(
                "A backup needs about {needed} MB in {path}, {free} MB are free; make room, or prune backups.",
                **lack,
            )


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
    with new_file(target) as stream:
        while piece := authority.backup_piece(snapshot.part, stream.tell()):
            stream.write(piece)


SECRETS = (
    *("web.key", "links.key", "console.key", "smtp.password"),
    *("gateway.key", "ldap.password", "openid.secret", "capture.proxy"),
)
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
