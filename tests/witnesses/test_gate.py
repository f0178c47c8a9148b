"""Before the authority starts: a volume that was set back is told from one that is not, by a real witness."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pysqlite3 import dbapi2 as sqlite

from appliance.cli.log import BEHIND, log_group
from appliance.cli.program import Context, Terminal
from appliance.config import load
from appliance.health.witness_checks import witnesses as witnesses_check
from appliance.home import Home
from appliance.language import Language
from appliance.store.copying import DatabaseSnapshot, moment_of
from appliance.store.database import Database
from appliance.witnesses import gate
from appliance.witnesses.gate import GATE_UNIT, accepted_losses, ask_witnesses, read_refusals
from appliance.witnesses.messages import latest_path
from hsm.note import KeyKind, NoteKey, parse_note, signed_alone, verify_checkpoint
from tests.health.asked import asked
from tests.witnesses.log_side import KEY, SIZE, LogSide, answering_with, cosignature_line, policy_with
from tests.witnesses.served import ServedWitness, served


class Volume:
    """A home with the log of *side*, as it was when it was copied; it names one witness."""

    def __init__(self, side: LogSide, key: NoteKey, url: str) -> None:
        self.side, self.home = side, Home(side.folder / "volume")
        for folder in (self.home.state, self.home.trust, self.home.settings.parent, self.home.alarms):
            folder.mkdir(parents=True)
        self.home.log_key.write_text(f"{side.local.key.vkey()}\n", encoding="ascii")
        self.write_policy(key, url)

    def write_policy(self, key: NoteKey, url: str) -> None:
        policy = policy_with(key, url, self.side.local.key)
        (self.home.settings.parent / "witness-policy.txt").write_bytes(policy.text)
        tls = self.side.folder / "config/witness-tls.pem"
        trust = f'\ntls = "{tls}"' if tls.exists() else ""
        self.home.settings.write_text(f'[witnesses]\npolicy = "witness-policy.txt"{trust}\n', encoding="utf-8")

    def copy(self) -> None:
        """The database as it is now takes the place of what is there."""
        for ending in ("", "-wal", "-shm"):
            self.home.database.with_name(self.home.database.name + ending).unlink(missing_ok=True)
        with moment_of(self.side.folder / "vermilion.db") as moment:
            moment.copy_to(self.home.database)

    def spoil(self, *statements: str) -> None:
        """Whoever has the portal's user changes the database."""
        with closing(sqlite.connect(self.home.database, isolation_level=None)) as connection:
            for each in statements:
                connection.execute(each)

    def start(self, *options: str) -> Result:
        """What the unit runs before the authority."""
        context = Context(self.home, Terminal(Language.ENGLISH))
        return CliRunner().invoke(log_group, ["gate", *options], obj=context)


@pytest.fixture
def volume(side: LogSide, witness: ServedWitness) -> Volume:
    """The log goes on after it was copied, and the witness cosigns the rest."""
    made = Volume(side, witness.key, witness.url)
    submitting = side.submitting(policy_with(witness.key, witness.url))
    side.publish(3)
    submitting.run_round()
    made.copy()
    return made


def go_on(volume: Volume, witness: ServedWitness, count: int = 4) -> int:
    """The log grows by *count* entries, which the witness cosigns; its size then."""
    size = volume.side.publish(count).size
    volume.side.clock.pass_time(60)
    volume.side.submitting(policy_with(witness.key, witness.url)).run_round()
    return size


def forget(volume: Volume) -> None:
    """As if nothing had been refused."""
    for path in volume.home.gate.glob("*.json"):
        path.unlink()


def test_what_the_witness_cosigned_last_starts(volume: Volume, witness: ServedWitness) -> None:
    done = volume.start()
    assert (done.exit_code, done.stdout) == (
        0,
        "Witnesses asked: 1; none knows more of the log than there is here.\n",
    )
    volume.side.publish(2)  # more here than the witness knows, as after every crash
    volume.copy()
    assert volume.start().exit_code == 0


def test_a_volume_that_was_set_back_is_refused_until_what_is_newer_is_there(
    volume: Volume, witness: ServedWitness
) -> None:
    known = go_on(volume, witness)
    (volume.home.alarms / GATE_UNIT).write_text("2026-11-25T08:00:00Z exit-code\n")
    for _ in range(2):  # it does not become right by asking again
        done = volume.start()
        assert done.exit_code == BEHIND
        assert f"knows {known} entries of this log, the database here has 3" in done.stderr
        assert "log-behind-witness" in done.stderr and len(done.stderr.splitlines()) == 1
    settings = load(volume.home)
    database = Database(volume.home.database)
    found = witnesses_check(asked(datetime.now(UTC), database, configured=lambda: settings))
    database.close()
    assert (found.well, found.page) == (False, "log-behind-witness")
    assert f"knows {known} entries" in str(found)
    volume.copy()
    assert volume.start().exit_code == 0
    assert read_refusals(volume.home) == {} and not (volume.home.alarms / GATE_UNIT).exists()


def test_what_is_lost_for_good_is_accepted_up_to_what_was_known_then(
    volume: Volume, witness: ServedWitness
) -> None:
    known = go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    done = volume.start("--accept")
    assert (done.exit_code, f"knows {known} entries, this log has 3" in done.stderr) == (0, True)
    assert read_refusals(volume.home) == {}
    assert volume.home.log_lost.stat().st_mode & 0o777 == 0o644
    assert volume.start().exit_code == 0, "it is asked for once"
    later = go_on(volume, witness)
    done = volume.start()
    assert (done.exit_code, f"knows {later} entries" in done.stderr) == (BEHIND, True), "this was not accepted"


def test_a_log_that_grows_while_the_witness_is_asked_is_not_refused(
    volume: Volume, witness: ServedWitness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root asks by hand, where the appliance serves."""

    @contextmanager
    def growing(path: Path) -> Iterator[DatabaseSnapshot]:
        with moment_of(path) as moment:
            yield moment
        volume.copy()

    go_on(volume, witness)
    monkeypatch.setattr(gate, "moment_of", growing)
    done = volume.start()
    assert (done.exit_code, read_refusals(volume.home)) == (0, {}), done.stderr


def test_a_witness_that_is_silent_or_at_fault_is_a_remark(volume: Volume, witness: ServedWitness) -> None:
    go_on(volume, witness)
    witness.stop()
    done = volume.start()
    assert (done.exit_code, "did not confirm this log" in done.stderr) == (0, True)
    for status, body in ((500, b""), (404, b""), (409, b"x"), (200, b"nothing")):
        with volume.side.answering_with(status, body) as (url, asked_):
            volume.write_policy(KEY, url)
            done = volume.start()
        assert (done.exit_code, "did not confirm this log" in done.stderr, len(asked_)) == (0, True, 1)


def test_one_that_never_answers_holds_nothing_up(volume: Volume) -> None:
    def slowly(_request: bytes) -> bytes:
        time.sleep(2)
        return b""

    with volume.side.answering_with(200, slowly) as (url, _):
        volume.write_policy(KEY, url)
        report = ask_witnesses(load(volume.home), volume.side.clock, patience=0.2)
    assert (report.later, report.remarks) == ((), {"W": ""})


def test_over_plain_http_a_word_alone_refuses_nothing(volume: Volume) -> None:
    """Anybody in the network can say it; over TLS it is the witness's own."""
    with volume.side.answering_with(409, b"99\n", SIZE) as (url, _):
        volume.write_policy(KEY, url)
        assert volume.start().exit_code == BEHIND
    forget(volume)
    with answering_with(409, b"99\n", SIZE) as (url, _):
        volume.write_policy(KEY, url)
        done = volume.start()
    assert (done.exit_code, "nothing signed shows that" in done.stderr) == (0, True)


def test_another_history_of_the_same_length_is_for_the_alarm_that_there_is(volume: Volume) -> None:
    """An installation that goes on beside such a witness, as the runbook says, still starts."""
    for status, body, kind in ((422, b"no\n", "text/plain"), (409, b"3\n", SIZE)):
        with volume.side.answering_with(status, body, kind) as (url, _):
            volume.write_policy(KEY, url)
            assert volume.start().exit_code == 0


def test_settings_that_root_has_broken_hold_nothing_up_but_a_refusal_does(
    volume: Volume, witness: ServedWitness
) -> None:
    policy = volume.home.settings.parent / "witness-policy.txt"
    before = policy.read_text()
    policy.write_text("nonsense\n")
    done = volume.start()
    assert (done.exit_code, "The witnesses were not asked" in done.stderr) == (0, True)
    policy.write_text(before)
    known = go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    policy.write_text("nonsense\n")
    done = volume.start()
    assert (done.exit_code, f"knows {known} entries" in done.stderr) == (BEHIND, True)
    assert volume.start("--accept").exit_code == 0


@pytest.mark.parametrize("without", ["the witness", "any policy"])
def test_what_root_takes_out_of_the_policy_refuses_no_more(
    volume: Volume, witness: ServedWitness, without: str
) -> None:
    go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    if without == "any policy":
        volume.home.settings.write_text("")
    else:
        volume.write_policy(KEY, "")
    done = volume.start()
    assert (done.exit_code, read_refusals(volume.home)) == (0, {})
    assert done.stdout.startswith("Witnesses asked: 0;")


def test_a_refusal_stands_until_the_witness_takes_it_back(volume: Volume, witness: ServedWitness) -> None:
    known = go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    witness.stop()
    done = volume.start()
    assert (done.exit_code, f"knows {known} entries" in done.stderr) == (BEHIND, True)
    volume.copy()
    assert volume.start().exit_code == BEHIND, "nobody has confirmed that this is the log which it knows"
    witness.start()
    assert (volume.start().exit_code, read_refusals(volume.home)) == (0, {})
    witness.stop()
    assert volume.start().exit_code == 0


def test_each_witness_takes_back_its_own_refusal_alone(volume: Volume) -> None:
    other = NoteKey("v.example", KeyKind.COSIGNATURE, bytes(32))
    says = {"w": b"7\n", "v": b"9\n"}
    with ExitStack() as served:
        urls = {
            name: served.enter_context(volume.side.answering_with(409, lambda _, name=name: says[name], SIZE))[0]
            for name in says
        }
        volume.write_policy(KEY, urls["w"])
        policy = volume.home.settings.parent / "witness-policy.txt"
        policy.write_text(policy.read_text().replace("quorum", f"witness V {other.vkey()} {urls['v']}\nquorum"))
        assert len(volume.start().stderr.splitlines()) == 2
        settings = load(volume.home)
        with closing(Database(volume.home.database)) as database:
            found = witnesses_check(asked(datetime.now(UTC), database, configured=lambda: settings))
        assert "v.example knows 9 entries" in str(found) and "witnesses that know more: 2" in str(found)
        says["v"] = b"2\n"
        assert volume.start().exit_code == BEHIND
        assert list(read_refusals(volume.home)) == [KEY.vkey()]
        says |= {"w": b"x", "v": b"x"}
        assert volume.start().exit_code == BEHIND
        says["w"] = b"2\n"
        assert volume.start().exit_code == 0


def test_what_the_witness_said_before_takes_nothing_back_over_plain_http(
    volume: Volume, witness: ServedWitness
) -> None:
    """Whoever answers in its place repeats what it has signed."""
    shown = witness.ask(b"", latest_path(volume.side.local.key.name), "GET").body
    cosigned = parse_note(shown).by(witness.key).line().encode()
    go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    for status, body, kind in ((200, cosigned, "text/plain"), (409, b"2\n", SIZE)):
        with answering_with(status, body, kind, shown=shown) as (url, asked_):
            volume.write_policy(witness.key, url)
            assert (volume.start().exit_code, len(asked_)) == (BEHIND, 1)


_LATER = "INSERT INTO checkpoints SELECT 99, root, {note}, token, 0 FROM checkpoints LIMIT 1"
_NOTE = "replace(CAST(note AS TEXT), char(10) || '3' || char(10), char(10) || '99' || char(10))"
_SPOILT: dict[str, Callable[[Volume], object]] = {
    "missing": lambda volume: volume.home.database.unlink(),
    "empty": lambda volume: volume.home.database.write_bytes(b""),
    "malformed": lambda volume: volume.home.database.write_bytes(b"SQLite format 3\0" + b"x" * 9000),
    "without tables": lambda volume: volume.spoil("DROP TABLE checkpoints"),
    "emptied": lambda volume: volume.spoil("DROP TRIGGER checkpoints_stay", "DELETE FROM checkpoints"),
    "forged": lambda volume: volume.spoil(_LATER.format(note=f"CAST({_NOTE} AS BLOB)")),
    "huge": lambda volume: volume.spoil(_LATER.format(note="zeroblob(5000000)")),
    "of text": lambda volume: volume.spoil(
        "DROP TABLE checkpoints", "CREATE VIEW checkpoints AS SELECT 1 AS size, CAST(x'ff' AS TEXT) AS note"
    ),
    "a folder": lambda volume: (volume.home.database.unlink(), volume.home.database.mkdir()),
}


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("how", _SPOILT)
def test_no_database_is_believed_without_the_logs_signature(
    volume: Volume, witness: ServedWitness, how: str, seen: bool
) -> None:
    """Also where the gate has seen a checkpoint here before: that says nothing of what is here now."""
    if seen:
        assert volume.start().exit_code == 0
    _SPOILT[how](volume)
    done = volume.start()
    assert (done.exit_code, "knows 3 entries of this log, the database here has 0" in done.stderr) == (
        BEHIND,
        True,
    )
    assert "The database has no checkpoint that counts" in done.stderr
    if volume.home.database.is_dir():
        volume.home.database.rmdir()
    volume.copy()
    assert (volume.start().exit_code, read_refusals(volume.home)) == (0, {})


def test_a_database_that_somebody_locks_counts_as_empty(volume: Volume) -> None:
    with closing(sqlite.connect(volume.home.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        done = volume.start()
    assert (done.exit_code, "locked" in done.stderr) == (BEHIND, True)


def test_what_the_database_says_of_a_witness_counts_for_nothing(volume: Volume, witness: ServedWitness) -> None:
    go_on(volume, witness)
    volume.spoil("UPDATE witness_states SET size = 99")
    assert volume.start().exit_code == BEHIND


def test_signatures_of_others_on_a_checkpoint_do_not_keep_a_witness_from_answering(
    volume: Volume, witness: ServedWitness
) -> None:
    """It reads no more than 128 KiB."""
    known = go_on(volume, witness)
    line = cosignature_line(volume.side.newest.note, volume.side.clock()).decode()
    name, _, signature = line.removeprefix("\N{EM DASH} ").partition(" ")
    lines = "".join(f"\N{EM DASH} {name}{'x' * 3000}{number} {signature}" for number in range(60)).encode()
    volume.spoil(
        "DROP TRIGGER checkpoints_are_kept",
        f"UPDATE checkpoints SET note = CAST(note || CAST(x'{lines.hex()}' AS TEXT) AS BLOB)",  # noqa: S608
    )
    done = volume.start()
    assert (done.exit_code, f"knows {known} entries of this log, the database here has 3" in done.stderr) == (
        BEHIND,
        True,
    )


def test_a_new_appliance_starts(volume: Volume, witness: ServedWitness) -> None:
    """Its key is in the witness's settings; nothing was signed."""
    volume.home.database.unlink()
    with served(volume.side.folder, [volume.side.local.key], "new.example/w") as new:
        volume.write_policy(new.key, new.url)
        assert volume.start().exit_code == 0
        Database(volume.home.database).close()
        assert volume.start().exit_code == 0
    volume.home.log_key.unlink()
    assert volume.start().exit_code == 0, "before `vermilion init`"


def test_without_the_database_what_the_gate_saw_here_counts(volume: Volume, witness: ServedWitness) -> None:
    done = volume.start("--without-database")
    assert (done.exit_code, "knows 3 entries of this log, the database here has 0" in done.stderr) == (
        BEHIND,
        True,
    )
    assert volume.start().exit_code == 0
    volume.home.database.unlink()
    volume.home.database.mkdir()  # it is not even looked at
    assert volume.start("--without-database").exit_code == 0
    known = go_on(volume, witness)
    done = volume.start("--without-database")
    assert (done.exit_code, f"knows {known} entries of this log, the database here has 3" in done.stderr) == (
        BEHIND,
        True,
    )


def test_what_is_accepted_is_what_was_shown(volume: Volume, witness: ServedWitness) -> None:
    shown = go_on(volume, witness)
    done = volume.start("--accept")
    assert (done.exit_code, "Nothing was refused" in done.stderr) == (BEHIND, True)
    assert accepted_losses(volume.home) == {}
    later = go_on(volume, witness)
    done = volume.start("--accept")
    assert (done.exit_code, f"knows {later} entries of this log" in done.stderr) == (BEHIND, True)
    assert accepted_losses(volume.home) == {witness.key.vkey(): shown}
    witness.stop()
    assert volume.start().exit_code == BEHIND
    done = volume.start("--accept")
    assert (done.exit_code, f"Accepted as lost: the witness {witness.key.name} knows {later}" in done.stderr) == (
        0,
        True,
    )


def test_more_than_a_log_can_have_is_not_accepted(volume: Volume) -> None:
    with volume.side.answering_with(409, b"9999999999999999999\n", SIZE) as (url, _):
        volume.write_policy(KEY, url)
        assert volume.start().exit_code == BEHIND
        done = volume.start("--accept")
    assert (done.exit_code, "more than a log can have" in done.stderr) == (BEHIND, True)
    assert accepted_losses(volume.home) == {}


def test_a_verdict_that_cannot_be_kept_counts_all_the_same(volume: Volume) -> None:
    """The disk is full, say."""
    volume.home.gate.touch()
    with volume.side.answering_with(409, b"99\n", SIZE) as (url, _):
        volume.write_policy(KEY, url)
        done = volume.start()
    assert (done.exit_code, "The verdict cannot be kept" in done.stderr) == (BEHIND, True)


def no_room(*_given: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_checkpoint_that_the_authority_reads_is_written_over_on_a_full_disk(
    volume: Volume, witness: ServedWitness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the portal can fill. The file is all that there is then."""
    kept = volume.home.gate / "checkpoint"
    assert volume.start().exit_code == 0
    assert kept.stat().st_mode & 0o777 == 0o644, "the authority shares no group with anybody"
    longer = parse_note(kept.read_bytes())
    kept.write_bytes(replace(longer, signatures=longer.signatures * 3).encode())
    kept.chmod(0o640)  # of a release before
    go_on(volume, witness)
    volume.copy()
    monkeypatch.setattr(gate, "write_whole", no_room)
    assert volume.start().exit_code == 0
    assert verify_checkpoint(kept.read_bytes(), volume.side.local.key).size == volume.side.newest.size
    assert kept.stat().st_mode & 0o777 == 0o644
    assert kept.read_bytes() == signed_alone(volume.side.newest.note, volume.side.local.key)


def test_where_the_checkpoint_cannot_be_kept_the_gate_does_not_pass(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit asks again then, and not the database in the end."""
    monkeypatch.setattr(gate, "write_whole", no_room)
    done = volume.start()
    assert (done.exit_code, "compares its memory, cannot be kept" in done.stderr) == (1, True)
    done = volume.start("--without-database")
    assert (done.exit_code, "the database here has 0" in done.stderr) == (BEHIND, True)


def test_what_is_no_refusal_holds_nobody_up(volume: Volume) -> None:
    volume.home.gate.mkdir()
    os.mkfifo(volume.home.gate / "a.json")
    (volume.home.gate / "b.json").write_text('{"name": "w", "witness": "w+1+k", "known": [], "size": 1}')
    assert read_refusals(volume.home) == {}
    assert volume.start().exit_code == 0
