"""Archives: made under load, sealed, never by half, found when damaged, thinned out."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import main
from appliance.clock import utc_now
from appliance.config import BackupSettings
from appliance.errors import BackupFailed
from appliance.home import Home, make_directory
from appliance.ledger.timestamp_spool import TimestampSpool
from appliance.model.contract import PartyState
from appliance.operations.backup import (
    BackupArchive,
    BackupContext,
    BackupFailpoint,
    check_archive,
    create_archive,
    creating,
)
from appliance.operations.backup.archives import read_list
from appliance.operations.backup.checking import archives_to_keep, prune_archives
from appliance.operations.restore.opening import open_database
from appliance.operations.results import BackupOutcome
from appliance.store import contracts, ledger
from appliance.store.database import Database
from appliance.wiring import Appliance
from hsm.encryption import new_identity
from hsm.errors import AuthorityError, DecryptionRefused, RefusalError
from hsm.note import NoteKey, parse_vkey
from hsm.timestamp import order_for
from tests.operations.site import PLANTED, PLANTED_SECRETS, RECOVERY, Site, files_of, moved, perform, sign
from tests.sweeps import first_of
from tests.world import sample_document, send, sequenced

TOKEN = re.compile(rb'"token":"([0-9a-f]{64})"')


@pytest.fixture
def key(site: Site) -> NoteKey:
    return parse_vkey((site.home.trust / "log.vkey").read_text())


@pytest.fixture
def copied(archive: BackupArchive, tmp_path: Path) -> BackupArchive:
    """The archive and its documents in a place of its own, to be damaged."""
    shutil.copytree(archive.path.parent, tmp_path / "backups")
    return BackupArchive(tmp_path / "backups" / archive.name)


@pytest.fixture
def backups(site: Site) -> Iterator[BackupContext]:
    with site.backups() as opened:
        yield opened


def soon(backups: BackupContext) -> datetime:
    """A moment whose archive does not exist yet."""
    newest = backups.archives.newest()
    after = datetime.strptime(newest.name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if newest else utc_now()
    return max(utc_now(), after + timedelta(seconds=1))


def test_an_archive_says_what_it_holds(site: Site, archive: BackupArchive, key: NoteKey, tmp_path: Path) -> None:
    manifest = check_archive(archive, key, [RECOVERY], tmp_path)
    assert len(read_list(archive, [RECOVERY], tmp_path)) == manifest.documents > 0
    assert {service.subject for service in manifest.authority.services} >= {"tsa", "log", "issuing", "wrapping"}
    assert manifest.secrets == ("web.key", "links.key", "console.key", *PLANTED_SECRETS)
    assert not list(site.home.state.glob("backup")), "a copy in the clear was left"


def test_nothing_secret_is_in_the_clear(site: Site, archive: BackupArchive) -> None:
    secrets = [path.read_bytes().strip() for path in site.home.secrets.iterdir()] + [PLANTED.encode()]
    secrets += [b"SQLite format 3", b"%PDF", "设备采购合同".encode(), b"person-"]
    digests = [path.name.encode() for path in site.home.blobs.glob("??/*")]
    readable = [path for path in archive.path.parent.rglob("*") if path.is_file()]
    readable += [*site.home.logs.glob("*"), site.home.root / "log-authority.txt"]
    for path in readable:
        content = path.read_bytes() + str(path).encode()
        assert not [secret for secret in [*secrets, *digests] if secret in content], path


def test_documents_are_sealed_once(site: Site, archive: BackupArchive, backups: BackupContext) -> None:
    before = set((archive.path.parent / "objects").glob("??/*"))
    second = create_archive(backups, now=soon(backups))
    assert set((archive.path.parent / "objects").glob("??/*")) == before
    lost = sorted(before)[0]
    kept_bytes = lost.read_bytes()
    lost.unlink()
    third = create_archive(backups, now=soon(backups))
    assert len(set((archive.path.parent / "objects").glob("??/*"))) == len(before), "what was lost is sealed again"
    lost.write_bytes(kept_bytes)
    for made in (second, third):
        shutil.rmtree(made.path)


def test_what_was_acknowledged_before_is_inside(
    site: Site, appliance: Appliance, backups: BackupContext, tmp_path: Path
) -> None:
    """Threads date things without pause, one of them as the timestamp service does, and the log is sequenced,
    while archives are made. No scheduler feeds the log."""
    acknowledged: list[str] = []
    over = threading.Event()
    spool = TimestampSpool(site.home.timestamp_spool)

    def as_the_service(digest: bytes) -> bytes:
        [token] = appliance.authority.timestamp([order_for(digest)])
        spool.append([token])
        return token.token

    def load(issue: Callable[[bytes], bytes]) -> None:
        count = 0
        while not over.is_set():
            count += 1
            token = issue(hashlib.sha256(f"{threading.get_ident()} {count}".encode()).digest())
            acknowledged.append(hashlib.sha256(token).hexdigest())

    ways = (appliance.timestamps.issue_token, as_the_service)
    threads = [threading.Thread(target=load, args=(issue,)) for issue in ways]
    with sequenced(appliance, site.world):
        for thread in threads:
            thread.start()
        try:
            for number in range(2):
                while len(acknowledged) < 20 * (number + 1):
                    assert all(thread.is_alive() for thread in threads)
                    over.wait(0.01)
                certain = len(acknowledged)
                made = create_archive(backups, now=soon(backups))  # compares log and authority
                home = Home(tmp_path / str(number))
                open_database(made, home, [RECOVERY])
                shutil.rmtree(made.path)
                assert tokens_in(home.database).issuperset(acknowledged[:certain])
        finally:
            over.set()
            for thread in threads:
                thread.join()
            spool.close()


def test_a_damaged_spool_holds_up_no_backup(site: Site, backups: BackupContext) -> None:
    damaged = site.home.timestamp_spool / f"{1:012d}-{1:016x}"
    make_directory(damaged.parent)
    damaged.write_bytes(b"x\nx\n")
    try:
        shutil.rmtree(create_archive(backups, now=soon(backups)).path)
    finally:
        damaged.unlink()


def test_people_sign_meanwhile(site: Site, appliance: Appliance, backups: BackupContext, tmp_path: Path) -> None:
    """What was acknowledged before is inside; whoever signs during the backup is not disturbed."""
    contract = send(appliance, sample_document(1))
    first, second, _ = contract.parties
    with sequenced(appliance, site.world), ThreadPoolExecutor(1) as people:
        sign(appliance, contract, first.id)
        meanwhile = people.submit(sign, appliance, contract, second.id)
        made = create_archive(backups, now=soon(backups))
        meanwhile.result()
    home = Home(tmp_path / "home")
    open_database(made, home, [RECOVERY])
    with closing(Database(home.database)) as database:
        inside = database.query(contracts.load_contract, contract.id)
    listed = read_list(made, [RECOVERY], tmp_path)
    shutil.rmtree(made.path)
    assert inside.party(first.id).state is PartyState.SIGNED
    assert {revision.digest for revision in inside.revisions} <= set(listed)


def tokens_in(path: Path) -> set[str]:
    """SHA-256 of every token that the log of the database has an entry of."""
    database = Database(path)
    with database.reading() as tx:
        leaves = ledger.leaves(tx, 0, ledger.length(tx))
    database.close()
    return {found[1].decode() for leaf in leaves if (found := TOKEN.search(leaf))}


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_damage_is_found(copied: BackupArchive, key: NoteKey, tmp_path: Path, share: float) -> None:
    for path in files_of(copied):
        original = path.read_bytes()
        damaged = bytearray(original)
        damaged[int(share * len(original))] ^= 0x20
        for bad in (bytes(damaged), original[: int(share * len(original))]):
            path.write_bytes(bad)
            with pytest.raises(RefusalError):
                check_archive(copied, key, [RECOVERY], tmp_path)
        path.unlink()
        with pytest.raises(RefusalError):
            check_archive(copied, key, [RECOVERY], tmp_path)
        path.write_bytes(original)
    check_archive(copied, key, [RECOVERY], tmp_path)


def test_the_archive_of_another_house_is_refused(copied: BackupArchive, key: NoteKey, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="was not made by this authority"):
        check_archive(copied, NoteKey("other", key.kind, key.public), [RECOVERY], tmp_path)
    with pytest.raises(DecryptionRefused):
        check_archive(copied, key, [new_identity()], tmp_path)
    renamed = copied.path.rename(copied.path.with_name("20260101T000000Z"))
    with pytest.raises(BackupFailed, match="another backup under a wrong name"):
        check_archive(BackupArchive(renamed), key, [RECOVERY], tmp_path)


@pytest.mark.crash
@pytest.mark.parametrize("point", first_of(("DOCUMENTS_SEALED", "MOMENT_TAKEN", "ARCHIVE_WRITTEN")))
def test_killed_at(
    site: Site, archive: BackupArchive, backups: BackupContext, key: NoteKey, tmp_path: Path, point: str
) -> None:
    before = [each.name for each in backups.archives.all()]
    assert perform("create", site.home.root, BackupFailpoint[point].name).returncode == -signal.SIGKILL
    assert [each.name for each in backups.archives.all()] == before, "an archive is there that was never finished"
    with backups.archives.exclusive():
        assert not list(backups.archives.root.glob(".*.part")), "what was left is not removed"
    if point == "ARCHIVE_WRITTEN":
        made = create_archive(backups, now=soon(backups))
        check_archive(made, key, [RECOVERY], tmp_path)
        assert not backups.scratch.exists(), "a copy in the clear was left"
        shutil.rmtree(made.path)


def test_two_at_once_are_refused(archive: BackupArchive, backups: BackupContext) -> None:
    with backups.archives.exclusive(), pytest.raises(BackupFailed, match="Another backup is under way"):
        create_archive(backups, now=soon(backups))


def test_without_room_nothing_is_begun(archive: BackupArchive, backups: BackupContext, small_disk: Path) -> None:
    small = replace(
        backups.settings, backup=replace(backups.settings.backup, directory=str(small_disk / "backups"))
    )
    with pytest.raises(BackupFailed, match="make room, or prune backups"):
        create_archive(replace(backups, settings=small), now=utc_now())
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_disk_that_fills_leaves_no_archive(
    archive: BackupArchive, backups: BackupContext, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "_require_room", lambda backups: None)
    small = replace(
        backups.settings, backup=replace(backups.settings.backup, directory=str(small_disk / "backups"))
    )
    (small_disk / "ballast").write_bytes(bytes(2_500_000))
    with pytest.raises((BackupFailed, AuthorityError), match=r"No space left|written"):
        create_archive(replace(backups, settings=small), now=utc_now())
    assert BackupContext(small, backups.environment, backups.authority).archives.all() == []
    assert not list((small_disk / "backups").glob(".*.part")) and not backups.scratch.exists()


def test_without_a_recovery_key_nothing_is_made(backups: BackupContext) -> None:
    bare = replace(backups.settings, backup=BackupSettings())
    with pytest.raises(BackupFailed, match="There is no recovery key"):
        create_archive(replace(backups, settings=bare), now=utc_now())


def named(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def test_what_is_kept() -> None:
    today = datetime(2026, 11, 25, 3, tzinfo=UTC)
    nightly = [named(today - timedelta(days=days)) for days in range(400)]
    keep = archives_to_keep(nightly, BackupSettings(daily=7, weekly=5, monthly=12))
    assert set(nightly[:7]) <= keep
    assert len({name[:6] for name in keep}) == 12, "a year by months"
    assert len(keep) <= 7 + 5 + 12
    assert archives_to_keep(nightly[:1], BackupSettings(daily=1, weekly=0, monthly=0)) == set(nightly[:1])
    assert archives_to_keep([], BackupSettings()) == set()


def test_pruning_removes_what_no_archive_needs(site: Site, archive: BackupArchive, backups: BackupContext) -> None:
    made = create_archive(backups, now=soon(backups))
    stray = backups.archives.root / "objects/00" / ("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a backup that was killed")
    everything = replace(backups.settings, backup=replace(backups.settings.backup, daily=1, weekly=0, monthly=0))
    spare = backups.archives.root.with_name("spare")
    shutil.copytree(archive.path, spare)
    gone, documents = prune_archives(replace(backups, settings=everything))
    assert archive.name in gone and documents is not None and documents >= 1
    assert [each.name for each in backups.archives.all()] == [made.name] and not stray.exists()
    spare.rename(archive.path)
    shutil.rmtree(made.path)
    with archive.part("documents.age").open("ab") as stream:
        length = stream.tell()
        stream.write(b"damage")
    objects = set((backups.archives.root / "objects").glob("??/*"))
    assert (
        prune_archives(backups) == ([], None) and set((backups.archives.root / "objects").glob("??/*")) == objects
    )
    os.truncate(archive.part("documents.age"), length)


def test_a_backup_without_an_authority_is_kept_as_one_that_failed(pristine: Path, tmp_path: Path) -> None:
    home = moved(pristine, tmp_path / "home")
    home.authority_settings.write_text("[nonsense]\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["--home", str(home.root), "backup", "create"])
    last = BackupOutcome.load(home.last_backup)
    assert (done.exit_code, last is None or last.passed) == (1, False), done.output
