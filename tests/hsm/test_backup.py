"""The authority's part of a backup, with a real authority, token and child processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm import canonical
from hsm.backup import BackupPartStatement, require_signed
from hsm.config import TokenBackup
from hsm.encryption import new_identity, recipient_of
from hsm.errors import BackupRefused, EncryptionRefused, Malformed, NotPermitted
from hsm.note import NoteKey, NoteRefused, parse_vkey
from tests.authority import RunningAuthority, end, running_authority
from tests.sweeps import one_in

RECOVERY = new_identity()
PLANTED = "PLANTED-SECRET-OF-THE-AUTHORITY"


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningAuthority]:
    settings = f'\n[backup]\nrecipients = ["{recipient_of(RECOVERY)}"]\n# {PLANTED}\n'
    with running_authority(settings=settings) as running:
        running.enrol_person("person-kept")
        act = running.officer_act("add_remote_key", subject="person-kept", use="document")
        running.officer_does(running.client("web").add_remote_key, act)
        yield running


@pytest.fixture(scope="module")
def made(shared: RunningAuthority) -> tuple[str, BackupPartStatement]:
    return make(shared)


def make(shared: RunningAuthority) -> tuple[str, BackupPartStatement]:
    client = shared.client("backup")
    name, deadline = client.begin_backup(), time.monotonic() + 60
    while (statement := client.backup_made(name)) is None:
        assert time.monotonic() < deadline, "the part is not made"
        time.sleep(0.05)
    return name, statement


def fetch(shared: RunningAuthority, name: str, to: Path) -> Path:
    client, sealed = shared.client("backup"), b""
    while piece := client.backup_piece(name, len(sealed)):
        sealed += piece
    to.write_bytes(sealed)
    return to


def restore(
    part: Path, into: Path, identity: str, *, here: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    key = part.with_name("recovery.key")
    key.unlink(missing_ok=True)
    key.touch(mode=0o600)
    key.write_text(f"# recovery key\n{identity}\n")
    into.mkdir()
    return subprocess.run(
        [sys.executable, "-m", "hsm.backup.restoring", part, key, into],
        env={**os.environ, "VERMILION_HOME": str(here or into.with_name("new")), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_statement_names_the_keys_and_the_log(
    shared: RunningAuthority, made: tuple[str, BackupPartStatement]
) -> None:
    statement = made[1]
    wanted = {"issuing", "events", "tsa", "log", "evidence", "wrapping"}
    assert {key.subject for key in statement.services} == wanted, "the keys that sign for proof are no person's"
    assert statement.others >= 2 and statement.token is TokenBackup.WITH_PINS
    assert statement.origin == shared.client("backup").status().origin


def test_what_leaves_is_sealed(
    shared: RunningAuthority, made: tuple[str, BackupPartStatement], tmp_path: Path
) -> None:
    name, statement = made
    sealed = fetch(shared, name, tmp_path / "part.age").read_bytes()
    assert (len(sealed), hashlib.sha256(sealed).hexdigest()) == (statement.size, statement.sha256)
    pin = (shared.root / "secrets/user.pin").read_bytes().strip()
    for secret in (PLANTED.encode(), pin, b"person-kept", b"SQLite format 3"):
        assert secret not in sealed and secret not in shared.log.encode()
    assert [path.name for path in (shared.root / "authority/backup").glob(".*")] == [], "something clear was left"


def test_a_restored_part_serves(
    shared: RunningAuthority, made: tuple[str, BackupPartStatement], tmp_path: Path
) -> None:
    part = fetch(shared, made[0], tmp_path / "part.age")
    done = restore(part, tmp_path / "home", RECOVERY)
    assert done.returncode == 0, done.stderr
    for path in ("authority/authority.db", "config/authority.toml", "hsm/softhsm2.conf", "secrets/user.pin"):
        assert (tmp_path / "home" / path).exists()
    assert (
        f"directories.tokendir = {tmp_path / 'new/hsm/tokens'}"
        in (tmp_path / "home/hsm/softhsm2.conf").read_text()
    )


def test_another_key_opens_nothing(
    shared: RunningAuthority, made: tuple[str, BackupPartStatement], tmp_path: Path
) -> None:
    part = fetch(shared, made[0], tmp_path / "part.age")
    done = restore(part, tmp_path / "home", new_identity())
    assert done.returncode == 1 and "was not sealed for this key" in done.stderr


@pytest.mark.parametrize("where", one_in(3, (0, 100, 0.3, 0.7, -1)))
def test_a_changed_byte_is_found(
    shared: RunningAuthority, made: tuple[str, BackupPartStatement], tmp_path: Path, where: float
) -> None:
    part = fetch(shared, made[0], tmp_path / "part.age")
    sealed = bytearray(part.read_bytes())
    sealed[int(where * len(sealed)) if isinstance(where, float) else where] ^= 1
    part.write_bytes(sealed)
    done = restore(part, tmp_path / "home", RECOVERY)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def test_a_part_without_its_token_wants_the_keys_here(shared: RunningAuthority, tmp_path: Path) -> None:
    settings = shared.root / "config/authority.toml"
    kept = settings.read_text()
    settings.write_text(kept.replace("[backup]\n", '[backup]\ntoken = "own"\n'))
    try:
        name, statement = make(shared)
        part = fetch(shared, name, tmp_path / "part.age")
        assert statement.token is TokenBackup.OWN
        running = restore(part, tmp_path / "running", RECOVERY, here=shared.root)
        assert running.returncode == 1 and "An authority runs in" in running.stderr
        end(shared.process)
        done = restore(part, tmp_path / "first", RECOVERY, here=shared.root)
        assert done.returncode == 0, done.stderr
        wrong = tmp_path / "wrong"
        wrong.mkdir()
        (wrong / "user.pin").touch(mode=0o600)
        (wrong / "user.pin").write_text("000000")
        done = restore(part, tmp_path / "third", RECOVERY, here=shared.root, CREDENTIALS_DIRECTORY=str(wrong))
        assert done.returncode == 1 and "HSM refused the PIN" in done.stderr
        assert "release-latch" not in done.stderr, "the authority here has latched nothing"
        with running_authority(another=True) as other:
            end(other.process)
            done = restore(part, tmp_path / "second", RECOVERY, here=other.root)
        assert done.returncode == 1 and "does not hold the keys of this backup" in done.stderr
    finally:
        settings.write_text(kept)
        shared.restart()


def test_the_note_is_over_a_manifest_with_this_part(shared: RunningAuthority) -> None:
    name, statement = make(shared)
    client, key = shared.client("backup"), parse_vkey((shared.root / "trust/log.vkey").read_text())
    manifest = canonical.encode({"authority": statement.fields(), "archive": "20261125T120000Z"})
    note = client.sign_backup(name, manifest)
    require_signed(manifest, note, key)
    with pytest.raises(Malformed):
        require_signed(manifest.replace(b"2026", b"2027"), note, key)
    with pytest.raises(NoteRefused):
        require_signed(manifest, note, NoteKey("other", key.kind, key.public))
    for other in ({**statement.fields(), "sha256": "00"}, {**statement.fields(), "log_size": 10**6}):
        with pytest.raises(BackupRefused):
            client.sign_backup(name, canonical.encode({"authority": other}))
    with pytest.raises(Malformed):
        client.sign_backup(name, b"{}")


@pytest.mark.parametrize("role", ["web", "tsa", "scheduler", "operator"])
def test_other_roles_may_not_ask(shared: RunningAuthority, role: str) -> None:
    with pytest.raises(NotPermitted):
        shared.client(role).begin_backup()


def test_the_role_backup_may_do_nothing_else(shared: RunningAuthority) -> None:
    for ask in (
        shared.client("backup").lock,
        shared.client("backup").issue_crl,
        lambda: shared.client("backup").seal("x"),
    ):
        with pytest.raises(NotPermitted):
            ask()


def test_without_a_recovery_key_nothing_is_made(authority: RunningAuthority) -> None:
    with pytest.raises(BackupRefused, match="has no recovery key"):
        make(authority)
    assert EncryptionRefused.code != BackupRefused.code
    shutil.rmtree(authority.root / "authority/backup")


@pytest.mark.long
def test_a_part_without_its_pin_asks_for_it(shared: RunningAuthority, tmp_path: Path) -> None:
    settings, pin = shared.root / "config/authority.toml", shared.root / "secrets/user.pin"
    kept = settings.read_text()
    settings.write_text(kept.replace("[backup]\n", '[backup]\ntoken = "alone"\n'))
    try:
        name, statement = make(shared)
    finally:
        settings.write_text(kept)
    part = fetch(shared, name, tmp_path / "part.age")
    assert statement.token is TokenBackup.ALONE
    done = restore(part, tmp_path / "nobody", RECOVERY)
    assert done.returncode == 1 and "brings no PIN along" in done.stderr
    for given, sentence in ((b"000000", "Only a copy of that was tried"), (pin.read_bytes(), "")):
        here = tmp_path / f"here-{given.decode().strip()}"
        (here / "config").mkdir(parents=True)
        (here / "secrets").mkdir()
        (here / "config/authority.toml").touch()
        (here / "secrets/user.pin").touch(mode=0o600)
        (here / "secrets/user.pin").write_bytes(given)
        done = restore(part, here / "into", RECOVERY, here=here)
        assert (done.returncode == 0) is (sentence == "") and sentence in done.stderr
        assert "release-latch" not in done.stderr
