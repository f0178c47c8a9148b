"""Before the authority starts: a volume that was set back is told from one that is not, by a real witness."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from appliance.cli.log import BEHIND, log_group
from appliance.cli.program import Context, Terminal
from appliance.config import load
from appliance.health.witness_checks import witnesses as witnesses_check
from appliance.home import Home
from appliance.language import Language
from appliance.store.copying import moment_of
from appliance.store.database import Database
from appliance.witnesses.gate import GATE_UNIT, ask_witnesses, read_verdict
from hsm.note import NoteKey
from tests.health.asked import asked
from tests.witnesses.log_side import KEY, SIZE, LogSide, answering_with, policy_with
from tests.witnesses.served import ServedWitness


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
    assert read_verdict(volume.home) is None and not (volume.home.alarms / GATE_UNIT).exists()


def test_what_is_lost_for_good_is_accepted_up_to_what_was_known_then(
    volume: Volume, witness: ServedWitness
) -> None:
    known = go_on(volume, witness)
    assert volume.start().exit_code == BEHIND
    done = volume.start("--accept")
    assert (done.exit_code, f"knows {known} entries, this log has 3" in done.stderr) == (0, True)
    assert read_verdict(volume.home) is None
    assert volume.home.log_lost.stat().st_mode & 0o777 == 0o644
    assert volume.start().exit_code == 0, "it is asked for once"
    later = go_on(volume, witness)
    done = volume.start()
    assert (done.exit_code, f"knows {later} entries" in done.stderr) == (BEHIND, True), "this was not accepted"


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
    volume.home.log_behind.unlink()
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


def test_where_nobody_can_be_asked_nothing_is_held_up(volume: Volume) -> None:
    (volume.home.settings.parent / "witness-policy.txt").write_text("nonsense\n")
    done = volume.start()
    assert (done.exit_code, "The witnesses were not asked" in done.stderr) == (0, True)
    volume.home.settings.write_text("")
    assert volume.start().exit_code == 0
    volume.home.database.unlink()
    assert volume.start().exit_code == 0, "before the first ceremony"


def test_a_verdict_that_cannot_be_kept_counts_all_the_same(volume: Volume) -> None:
    """The disk is full, or a service that may write there has put a folder in its place."""
    volume.home.log_behind.mkdir()
    (volume.home.log_behind / "x").touch()
    with volume.side.answering_with(409, b"99\n", SIZE) as (url, _):
        volume.write_policy(KEY, url)
        done = volume.start()
    assert (done.exit_code, "The verdict cannot be kept" in done.stderr) == (BEHIND, True)


def test_a_pipe_in_the_place_of_a_verdict_holds_nobody_up(volume: Volume) -> None:
    os.mkfifo(volume.home.log_behind)
    assert read_verdict(volume.home) is None
    volume.home.log_behind.unlink()
    volume.home.log_behind.write_text('{"name": "w", "witness": "w+1+k", "known": [], "size": 1}')
    assert read_verdict(volume.home) is None
