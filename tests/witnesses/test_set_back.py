"""Whoever has the portal gets a volume that was set back past the gate, by a public checkpoint of the longer log;
not past the authority. Witness, gate and authority are the real ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from pysqlite3 import dbapi2 as sqlite

from appliance.cli.log import BEHIND, log_group
from appliance.cli.program import Context, Terminal
from appliance.config import load
from appliance.home import Home
from appliance.language import Language
from appliance.ledger import LedgerEntry, LogProofs, Sequencer, record
from appliance.store.database import Database
from appliance.store.ledger import StoredCheckpoint
from appliance.witnesses import policy_of
from appliance.witnesses.submitting import Submitting
from hsm.note import read_vkey
from tests.authority import RunningAuthority, end, running_authority, start
from tests.witnesses.log_side import Clock, policy_with
from tests.witnesses.served import served

PARTS = ("state", "authority")
"""What belongs together."""


class Machine:
    """A home with its running *authority*, whose log a witness knows."""

    def __init__(self, authority: RunningAuthority) -> None:
        self.authority, self.home, self.clock = authority, Home(authority.root), Clock()
        for each in (self.home.state, self.home.alarms):
            each.mkdir(parents=True, exist_ok=True)

    def publish(self, count: int) -> StoredCheckpoint:
        """The log grows, and the witness cosigns that."""
        key, settings = read_vkey(self.home.log_key), load(self.home)
        policy = policy_of(settings)
        assert policy is not None
        with closing(Database(self.home.database)) as database:
            with database.transaction() as tx:
                for number in range(count):
                    record(tx, LedgerEntry("contract-drafted", self.clock(), {"number": number}))
            Sequencer(database, self.authority.client("scheduler")).run_once()
            self.clock.pass_time(60)
            Submitting(database, policy, lambda: key, settings, self.clock).run_round()
            return LogProofs(database).checkpoint()

    def stop(self) -> None:
        end(self.authority.process)

    def start(self) -> int:
        """What the units do: the gate, whose status this is, then the authority."""
        context = Context(self.home, Terminal(Language.ENGLISH))
        done = CliRunner().invoke(log_group, ["gate"], obj=context)
        if done.exit_code == 0:
            self.authority.process = start(self.authority.root, warm=True)
        return done.exit_code

    def copy(self, folder: Path, *parts: str) -> None:
        for part in parts:
            shutil.copytree(self.home.root / part, folder / part)

    def put_back(self, folder: Path, *parts: str) -> None:
        for part in parts:
            shutil.rmtree(self.home.root / part)
            shutil.copytree(folder / part, self.home.root / part)

    def claim(self, checkpoint: StoredCheckpoint) -> None:
        """Whoever has the portal's user puts the *checkpoint* into the database."""
        with closing(sqlite.connect(self.home.database, isolation_level=None)) as connection:
            connection.execute(
                "INSERT INTO checkpoints (size, root, note, token, stamp)"
                " SELECT ?, root, ?, token, (SELECT min(number) FROM ledger) FROM checkpoints LIMIT 1",
                (checkpoint.size, checkpoint.note),
            )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with running_authority(workers=1) as authority:
        made = Machine(authority)
        log = read_vkey(made.home.log_key)
        with served(tmp_path, [log]) as witness:
            policy = policy_with(witness.key, witness.url, log)
            (made.home.settings.parent / "witness-policy.txt").write_bytes(policy.text)
            made.home.settings.write_text('[witnesses]\npolicy = "witness-policy.txt"\n', encoding="utf-8")
            yield made


def test_a_genuine_checkpoint_of_the_longer_log_gets_nobody_past_the_authority(
    machine: Machine, tmp_path: Path
) -> None:
    older, newer = tmp_path / "older", tmp_path / "newer"
    signed = machine.publish(3)
    machine.stop()
    assert machine.start() == 0
    machine.stop()
    machine.copy(older, *PARTS)
    assert machine.start() == 0
    known = machine.publish(4)
    machine.stop()
    machine.copy(newer, *PARTS)

    machine.put_back(older, *PARTS)
    assert machine.start() == BEHIND
    for path in machine.home.gate.glob("*.json"):
        path.unlink()
    machine.claim(known)
    sentence = f"has signed {signed.size} entries .*, but the database has a checkpoint of {known.size} with"
    for _ in range(2):
        with pytest.raises(AssertionError, match=sentence):
            machine.start()

    machine.put_back(newer, "state")  # half of what belongs together
    with pytest.raises(AssertionError, match=sentence):
        machine.start()
    machine.put_back(newer, "authority")
    assert machine.start() == 0
    assert machine.publish(1).size > known.size


def test_a_loss_that_is_accepted_starts(machine: Machine, tmp_path: Path) -> None:
    machine.publish(3)
    machine.stop()
    machine.copy(tmp_path / "older", *PARTS)
    assert machine.start() == 0
    machine.publish(4)
    machine.stop()
    assert machine.start() == 0  # the gate saw the longer log
    machine.stop()
    machine.put_back(tmp_path / "older", *PARTS)
    assert machine.start() == BEHIND
    context = Context(machine.home, Terminal(Language.ENGLISH))
    assert CliRunner().invoke(log_group, ["gate", "--accept"], obj=context).exit_code == 0
    assert machine.start() == 0


def test_the_gate_may_run_while_the_log_grows(machine: Machine) -> None:
    context = Context(machine.home, Terminal(Language.ENGLISH))
    for _ in range(3):
        machine.publish(1)
        assert CliRunner().invoke(log_group, ["gate"], obj=context).exit_code == 0
        machine.authority.restart()
