"""Restores: all or nothing, refused with one sentence, taken up again after a kill, and serving afterwards."""

from __future__ import annotations

import hashlib
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pysqlite3 import dbapi2 as sqlite

from appliance.clock import utc_now
from appliance.config import load
from appliance.demonstration.participants import ZHANG
from appliance.errors import ApplianceError, BackupFailed, ConfigurationError, RestoreRefused, StorageError
from appliance.home import Home
from appliance.ledger import LogCheck, Sequencer
from appliance.ledger.timestamp_spool import TimestampSpool, spool_files
from appliance.model.administration import AdministratorRole
from appliance.operations.backup import BackupArchive, BackupFailpoint, archives
from appliance.operations.restore import RestoreOrder, opening, restore_archive, restoring
from appliance.store import latest
from appliance.store.copying import moment_of
from appliance.timestamping.clearance import Clearance, IssuingState, write_clearance
from appliance.wiring import open_appliance
from appliance.witnesses.asking import LogCheckpoint
from appliance.witnesses.gate import keep_checkpoint
from hsm import schema
from hsm.client import AuthorityClient
from hsm.config import AuthorityHome
from hsm.encryption import encrypt_file, new_identity, recipient_of
from hsm.errors import AuthorityError, RefusalError
from hsm.files import write_private
from hsm.home import LastingAuthorityLock
from hsm.note import NoteKey, read_vkey
from hsm.store import AuthorityStore
from hsm.timestamp import IssuedToken
from tests.operations.site import (
    PLANTED,
    PLANTED_SECRETS,
    RECOVERY,
    Site,
    add_administrator,
    administrators_of,
    contents,
    files_of,
    moved,
    perform,
)
from tests.ports import free_port
from tests.sweeps import first_of
from tests.world import authority

BEFORE = f"[web]\nport = {free_port()}  # what was here before, where nothing serves\n"


@pytest.fixture(scope="module")
def order(site: Site, archive: BackupArchive) -> RestoreOrder:
    return RestoreOrder(archive, site.recovery, key=read_vkey(site.home.log_key))


@pytest.fixture
def restored(pristine: Path, tmp_path: Path) -> Home:
    return moved(pristine, tmp_path / "used")


@pytest.fixture
def copied(archive: BackupArchive, tmp_path: Path) -> Iterator[BackupArchive]:
    shutil.copytree(archive.path.parent, tmp_path / "backups")
    yield BackupArchive(tmp_path / "backups" / archive.name)


def test_a_restored_home_signs_on(site: Site, archive: BackupArchive, restored: Home) -> None:
    for secret in PLANTED_SECRETS:
        assert (restored.secrets / secret).read_text().strip() == PLANTED
    assert administrators_of(restored) == ["wei"]
    assert (restored.secrets / "user.pin").read_bytes() == (site.home.secrets / "user.pin").read_bytes()
    shutil.copytree(site.home.people, restored.people)
    with moment_of(restored.database) as moment:
        published = moment.newest_checkpoint()
    assert published is not None
    restored.gate.mkdir()  # where the gate leaves it: the database is of the earlier moment
    keep_checkpoint(restored, LogCheckpoint.verified(published, read_vkey(restored.log_key)))
    with (
        authority(restored),
        open_appliance(load(restored)) as appliance,
        AuthorityClient(restored.authority_socket("scheduler")) as scheduler,
    ):
        before = LogCheck(appliance.database, appliance.authority).check()
        assert before.size >= archive.manifest().authority.log_size > 0
        appliance.timestamps.issue_token(hashlib.sha256(b"after the restore").digest())
        Sequencer(appliance.database, scheduler).run_once()
        assert LogCheck(appliance.database, appliance.authority).check().size > before.size


def test_timestamps_of_another_appliance_do_not_come_into_the_log(order: RestoreOrder, tmp_path: Path) -> None:
    """The machine was another organisation's; what waits in its spool would get entries in a log of others."""
    home, other = Home(tmp_path / "home"), Ed25519PrivateKey.generate().public_key()
    home.log_key.parent.mkdir(parents=True)
    home.log_key.write_text(NoteKey.from_public_key("other.example/log", other).vkey() + "\n", "ascii")
    files = issue(home)

    first = restore_archive(home, order, now=utc_now())
    assert first is not None and first.spool == (first.aside or home.root) / "timestamps"
    assert spool_files(first.spool) == [first.spool / each.name for each in files]
    assert spool_files(home.timestamp_spool) == []
    own = issue(home)
    again = restore_archive(home, replace(order, aside=True), now=utc_now() + timedelta(seconds=2))
    assert again is not None and again.spool is None
    assert spool_files(home.timestamp_spool) == own, "they are this log's, and get new entries"


def issue(home: Home) -> list[Path]:
    """A timestamp waits in the spool of *home*: its files."""
    with closing(TimestampSpool(home.timestamp_spool)) as spool:
        spool.append([IssuedToken(1, utc_now(), b"token")])
    return spool_files(home.timestamp_spool)


def test_a_home_in_use_is_refused(restored: Home, order: RestoreOrder) -> None:
    before = contents(restored.root)
    with pytest.raises(RestoreRefused, match="is in use"):
        restore_archive(restored, order, now=utc_now())
    assert contents(restored.root) == before


def test_a_newer_log_is_not_forgotten(site: Site, restored: Home, order: RestoreOrder) -> None:
    """The restored home went on signing: what came since would be lost."""
    date_since(restored)
    before = contents(restored.root)
    with pytest.raises(AuthorityError, match="what came between would be lost"):
        restore_archive(restored, replace(order, aside=True), now=utc_now())
    assert contents(restored.root) == before
    add_administrator(restored, "lan", AdministratorRole.SECURITY)
    LastingAuthorityLock(AuthorityHome(restored.root).lasting_lock).set_mark()
    write_clearance(restored.clearance, Clearance(IssuingState.OPEN))
    restored.upgrade_copies.mkdir()  # whoever went back by these would undo the restore
    restored.gate.mkdir()
    for name in ("checkpoint", "witness.json"):
        (restored.gate / name).touch()
    done = restore_archive(restored, replace(order, aside=True, forget_newer=True), now=utc_now())
    assert not restored.clearance.exists(), "nobody has looked at the log that came back"
    assert [each.name for each in restored.gate.iterdir()] == ["witness.json"], (
        "a refusal, of which it is asked again"
    )
    assert administrators_of(restored) == ["lan", "wei"], "those who ordered it, and their journal, stay"
    assert LastingAuthorityLock(AuthorityHome(restored.root).lasting_lock).is_locked, "nobody has unlocked"
    assert done is not None and done.aside is not None and (done.aside / "state/vermilion.db").exists()
    assert not restored.upgrade_copies.exists() and (done.aside / restored.upgrade_copies.name).is_dir()


def test_what_was_ended_since_does_not_count_again(restored: Home, order: RestoreOrder) -> None:
    """Although the log has not grown: the portal writes it."""
    with closing(AuthorityStore(AuthorityHome(restored.root).store)) as store:
        assert store.people.revoke_credentials(ZHANG.subject, revoked=int(time.time())) == 1
    before = contents(restored.root)
    with pytest.raises(AuthorityError, match="what would count again: 1"):
        restore_archive(restored, replace(order, aside=True), now=utc_now())
    assert contents(restored.root) == before
    assert restore_archive(restored, replace(order, aside=True, forget_newer=True), now=utc_now()) is not None


def date_since(restored: Home) -> None:
    with (
        authority(restored),
        open_appliance(load(restored)) as appliance,
        AuthorityClient(restored.authority_socket("scheduler")) as scheduler,
    ):
        appliance.timestamps.issue_token(hashlib.sha256(b"since").digest())
        assert Sequencer(appliance.database, scheduler).run_once() is not None


def test_what_runs_is_refused(site: Site, order: RestoreOrder) -> None:
    with pytest.raises(AuthorityError, match="An authority runs in"):
        restore_archive(site.home, replace(order, aside=True, forget_newer=True), now=utc_now())
    assert not list(site.home.root.glob(".restore-*"))


@pytest.mark.parametrize("share", [0.01, 0.6])
def test_damage_changes_nothing(copied: BackupArchive, order: RestoreOrder, tmp_path: Path, share: float) -> None:
    home = Home(tmp_path / "home")
    for path in files_of(copied):
        original = path.read_bytes()
        damaged = bytearray(original)
        damaged[int(share * len(original))] ^= 0x20
        path.write_bytes(bytes(damaged))
        with pytest.raises(RefusalError) as refusal:
            restore_archive(home, replace(order, archive=copied), now=utc_now())
        assert "\n" not in str(refusal.value)
        assert contents(home.root) == {}, path
        path.write_bytes(original)


def test_another_recovery_key_is_refused(order: RestoreOrder, tmp_path: Path) -> None:
    write_private(tmp_path / "other.key", f"{new_identity()}\n".encode())
    home = Home(tmp_path / "home")
    with pytest.raises(AuthorityError, match="was not sealed for this key"):
        restore_archive(home, replace(order, identity=tmp_path / "other.key"), now=utc_now())
    assert contents(home.root) == {}


def test_a_bare_machine_demands_the_logs_key(order: RestoreOrder, tmp_path: Path) -> None:
    """Else a backup that somebody made up, with a log and a key of its own, would pass as the house's."""
    home = Home(tmp_path / "home")
    with pytest.raises(RestoreRefused, match=r"give the key by --log-key.*transcript"):
        restore_archive(home, replace(order, key=None), now=utc_now())
    assert contents(home.root) == {}


def test_a_backup_of_an_invented_log_does_not_pass(order: RestoreOrder, tmp_path: Path) -> None:
    """It is whole and consistent in itself, but not signed with the key that was given, or that the home has."""
    real = NoteKey.from_public_key("vermilion.example/log", Ed25519PrivateKey.generate().public_key())
    home = Home(tmp_path / "home")
    with pytest.raises(BackupFailed, match="not signed with the log's key"):
        restore_archive(home, replace(order, key=real), now=utc_now())
    assert contents(home.root) == {}
    home.trust.mkdir()
    home.log_key.write_text(f"{real.vkey()}\n", encoding="ascii")
    with pytest.raises(BackupFailed, match="not signed with the log's key"):
        restore_archive(home, replace(order, key=None, aside=True), now=utc_now())


def test_a_newer_schema_is_refused(order: RestoreOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "latest", lambda: order.archive.manifest().schema - 1)
    with pytest.raises(RestoreRefused, match="or a newer one"):
        restore_archive(Home(tmp_path / "home"), order, now=utc_now())


def sealed_database(path: Path, number: int) -> BackupArchive:
    """An archive of which only the database is looked at, with the schema *number*."""
    connection = sqlite.connect(path / "old.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    for step, script in sorted(schema._steps("appliance.store")):
        if step <= number:
            schema._apply(connection, script, step)
    connection.execute(f"PRAGMA user_version = {number}")
    connection.close()
    archive = BackupArchive(path / "20261125T120000Z")
    archive.path.mkdir()
    encrypt_file(path / "old.db", archive.part("database.age"), [recipient_of(RECOVERY)])
    return archive


def test_an_older_schema_is_brought_up(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    opening.open_database(sealed_database(tmp_path, latest() - 2), home, [RECOVERY])
    connection = sqlite.connect(home.database)
    assert connection.execute("PRAGMA user_version").fetchone() == (latest(),)
    connection.close()


def test_a_database_of_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="install the release that made it"):
        opening.open_database(sealed_database(tmp_path, latest() + 1), Home(tmp_path / "home"), [RECOVERY])


def test_too_little_disk_is_refused(order: RestoreOrder, small_disk: Path) -> None:
    with pytest.raises(RestoreRefused, match="make room"):
        restore_archive(Home(small_disk / "home"), order, now=utc_now())
    assert contents(small_disk) == {}


@pytest.mark.long
def test_a_full_disk_changes_nothing(
    order: RestoreOrder, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "SLACK", -(10**12))
    with pytest.raises(RefusalError):
        restore_archive(Home(small_disk / "home"), order, now=utc_now())
    assert contents(small_disk) == {}


@pytest.mark.crash
@pytest.mark.parametrize("point", first_of([BackupFailpoint.STAGED, BackupFailpoint.ASIDE]))
def test_killed_at(order: RestoreOrder, tmp_path: Path, point: BackupFailpoint) -> None:
    home = Home(tmp_path / "home")
    (home.root / "config").mkdir(parents=True)
    (home.root / "config/appliance.toml").write_text(BEFORE)
    assert order.key is not None
    arguments = ("restore", home.root, order.archive.path, order.identity, order.key.vkey(), point.name)
    assert perform(*arguments).returncode == -signal.SIGKILL
    if point is BackupFailpoint.STAGED:
        with pytest.raises(ApplianceError, match="is no backup"):
            restore_archive(home, replace(order, archive=BackupArchive(tmp_path)), now=utc_now())
        assert [path.name for path in home.root.iterdir()] == ["config"], "what was left is not removed"
        return
    with pytest.raises(ConfigurationError, match="was interrupted"):
        load(home)
    assert restore_archive(home, order, now=utc_now()) is None
    assert load(home).home.database.exists() and not list(home.root.glob(".restor*"))
    [aside] = home.root.glob("before-*")
    assert (aside / "config/appliance.toml").read_text() == BEFORE


@pytest.mark.crash
@pytest.mark.parametrize(
    "point", [BackupFailpoint.JOURNAL_WRITTEN, BackupFailpoint.ASIDE, BackupFailpoint.IN_PLACE]
)
def test_a_swap_that_was_killed_is_completed(order: RestoreOrder, tmp_path: Path, point: BackupFailpoint) -> None:
    home = Home(tmp_path / "home")
    for name in ("config", "state"):
        for place, said in ((home.root / name, "old"), (home.root / ".restore-x" / name, "new")):
            place.mkdir(parents=True)
            (place / "file").write_text(said)
    assert perform("swap", home.root, ".restore-x", point.name).returncode == -signal.SIGKILL
    assert restore_archive(home, order, now=utc_now()) is None
    for name in ("config", "state"):
        assert (home.root / name / "file").read_text() == "new"
        assert (home.root / "before" / name / "file").read_text() == "old"
    assert not home.interrupted_restore.exists() and not (home.root / ".restore-x").exists()


def test_settings_that_a_link_leads_to_stay(order: RestoreOrder, tmp_path: Path) -> None:
    """As on an appliance, where provisioning keeps them; modes are those of what is replaced."""
    home, settings = Home(tmp_path / "home"), tmp_path / "etc"
    settings.mkdir()
    (settings / "appliance.toml").write_text(BEFORE)
    for name, mode in (("state", 0o2770), ("trust", 0o755), ("authority", 0o700)):
        (home.root / name).mkdir(parents=True)
        (home.root / name).chmod(mode)
    home.root.chmod(0o755)
    (home.root / "config").symlink_to(settings)
    assert restore_archive(home, order, now=utc_now()) is not None
    assert (home.root / "config").is_symlink() and home.settings.read_text() == BEFORE
    assert home.root.stat().st_mode & 0o777 == 0o755, "the services pass through it"
    assert PLANTED in (home.root / "config-of-backup/appliance.toml").read_text()
    modes = {
        path: (home.root / path).stat().st_mode & 0o7777 for path in ("state", "state/blobs", "state/vermilion.db")
    }
    assert modes == {"state": 0o2770, "state/blobs": 0o2770, "state/vermilion.db": 0o660}
    assert (home.trust / "ca.pem").stat().st_mode & 0o7777 == 0o644
    assert not home.logs.exists()
    assert home.release.read_text() == f"{metadata.version('vermilion')}\n", (
        "which has brought the schema up to date"
    )
