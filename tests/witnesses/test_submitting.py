"""The log's side: what it hands in, what it keeps, and what it makes of each answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.config import Settings, WitnessSettings
from appliance.errors import ConfigurationError, StateRefused
from appliance.home import Home
from appliance.ledger import LogProofs, Sequencer
from appliance.ledger.proofs import LogAnswers
from appliance.ledger.tree import Tiles
from appliance.model.witnesses import WitnessProblem
from appliance.store import ledger
from appliance.store import witnesses as store
from appliance.store.database import Database
from appliance.store.witnesses import WitnessState
from appliance.witnesses import WitnessPolicy, parse_policy
from appliance.witnesses.cosigning import Witness
from appliance.witnesses.messages import parse_submission
from appliance.witnesses.submitting import FUTURE, Submitting
from hsm.note import KeyKind, NoteKey, cosign, parse_note, verify_checkpoint, with_signatures
from tests.ledger.local_authority import LocalAuthority
from tests.witnesses.logs import new_log
from tests.witnesses.served import ServedWitness, served

Grow = Callable[[int], None]
PRIVATE = ed25519.Ed25519PrivateKey.generate()
KEY = NoteKey("w.example", KeyKind.COSIGNATURE, PRIVATE.public_key().public_bytes_raw())


@dataclass(slots=True)
class Clock:
    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publish(grow: Grow, sequencer: Sequencer) -> Grow:
    def grown(count: int) -> None:
        grow(count)
        sequencer.run_once()

    return grown


def policy_with(key: NoteKey, url: str, log: NoteKey | None = None) -> WitnessPolicy:
    lines = [f"log {log.vkey()}\n"] if log else []
    return parse_policy("".join([*lines, f"witness W {key.vkey()} {url}\n", "quorum W\n"]).encode())


def submitting(
    database: Database, local: LocalAuthority, policy: WitnessPolicy, clock: Clock, tmp_path: Path
) -> Submitting:
    settings = replace(Settings(Home(tmp_path)), witnesses=WitnessSettings("witness-policy.txt", seconds=10))
    return Submitting(database, policy, lambda: local.key, settings, clock)


def state_of(database: Database, key: NoteKey) -> WitnessState:
    return database.query(store.states)[key.vkey()]


@pytest.fixture
def witness(local: LocalAuthority, tmp_path: Path) -> Iterator[ServedWitness]:
    with served(tmp_path, [local.key]) as running:
        yield running


def test_checkpoints_get_their_cosignatures(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    policy = policy_with(witness.key, witness.url + "/", local.key)
    side = submitting(database, local, policy, clock, tmp_path)
    side.run_round()  # there is no checkpoint yet
    for count in (3, 10, 1):
        publish(count)
        side.run_round()
        newest = LogProofs(database).checkpoint()
        assert policy.judge(newest.cosigned_note).is_met
        assert newest.cosigned_note.startswith(newest.note)
        assert state_of(database, witness.key).size == newest.size
        clock.pass_time(10)
    answers = LogAnswers(LogProofs(database), Tiles(database))
    assert answers.checkpoint().body == newest.cosigned_note
    publish(1)  # proofs lead to what was witnessed, where that covers the entry
    latest = LogProofs(database).checkpoint()
    assert latest.cosigned_note == latest.note
    assert answers.proof_file("2").body.endswith(newest.cosigned_note)
    assert answers.proof_file(str(latest.size - 1)).body.endswith(latest.note)


def test_at_most_one_in_so_many_seconds(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    side = submitting(database, local, policy_with(witness.key, witness.url), clock, tmp_path)
    publish(1)
    side.run_round()
    first = state_of(database, witness.key)
    publish(1)
    clock.pass_time(9)
    side.run_round()
    assert state_of(database, witness.key) == first
    clock.pass_time(1)
    side.run_round()
    assert state_of(database, witness.key).size == LogProofs(database).checkpoint().size


def test_a_witness_that_knows_more_of_the_log_than_we_remember(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """409 with a size of this log: asked again from there."""
    side = submitting(database, local, policy_with(witness.key, witness.url), clock, tmp_path)
    publish(5)
    side.run_round()
    database.commit(forget, witness.key)
    publish(4)
    side.run_round()
    state = state_of(database, witness.key)
    assert (state.problem, state.size) == (None, LogProofs(database).checkpoint().size)


def test_a_witness_that_was_set_back_is_believed_no_more(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """Its older memory would let it cosign a second history."""
    side = submitting(database, local, policy_with(witness.key, witness.url), clock, tmp_path)
    publish(3)
    side.run_round()
    [memory] = [each for each in (tmp_path / f"memory-{witness.port}").iterdir() if len(each.name) == 64]
    older = memory.read_bytes()
    publish(3)
    clock.pass_time(10)
    side.run_round()
    cosigned = state_of(database, witness.key).size
    memory.write_bytes(older)
    publish(3)
    clock.pass_time(10)
    side.run_round()
    state = state_of(database, witness.key)
    assert (state.problem, state.size) == (WitnessProblem.BAD_ANSWER, cosigned)
    assert "set back" in state.said


def test_a_restored_log_learns_at_the_start_that_it_was_longer(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """What the restored database has was cosigned, so nothing new would be handed in before the next entry."""
    publish(2)
    size = LogProofs(database).checkpoint().size

    def answer(request: bytes) -> bytes:
        return cosignature_line(parse_submission(request).checkpoint, clock.at)

    with answering_with(200, answer) as (url, asked):
        side = submitting(database, local, policy_with(KEY, url), clock, tmp_path)
        for _ in range(3):
            side.run_round()
            clock.pass_time(60)
        assert len(asked) == 1
    with answering_with(409, b"%d\n" % (size + 4), SIZE) as (url, _):
        restored = submitting(database, local, policy_with(KEY, url), clock, tmp_path)
        restored.run_round()
    assert state_of(database, KEY).problem is WitnessProblem.FORKED


def test_nobody_waits_for_the_hour_of_a_clock_that_was_ahead(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    side = submitting(database, local, policy_with(witness.key, witness.url), clock, tmp_path)
    publish(1)
    clock.pass_time(30 * 86400)
    side.run_round()
    publish(1)
    clock.pass_time(-30 * 86400)
    side.run_round()
    assert state_of(database, witness.key).size == LogProofs(database).checkpoint().size


def forget(tx: store.Transaction, key: NoteKey) -> None:
    tx.delete("witness_states", witness=key.vkey())


def test_a_log_restored_from_an_older_backup_is_a_fork(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """The witness cosigned a log with our key that is longer than ours, then ours grows past it: both are forks,
    and stay so when the witness falls silent."""
    side = submitting(database, local, policy_with(witness.key, witness.url), clock, tmp_path)
    publish(2)
    other = replace(new_log(30), private=PRIVATE, origin=local.key.name)
    assert witness.ask(other.submission(0, 3)).status == 403  # by another key it is not even looked at
    mine = Witness(tmp_path / f"memory-{witness.port}", "witness.example/w1", [local.key, other.key], clock)
    mine.add_checkpoint(other.submission(0, 9))
    side.run_round()
    state = state_of(database, witness.key)
    assert (state.problem, state.refusals) == (WitnessProblem.FORKED, 1)
    assert "9" in state.said
    publish(12)
    clock.pass_time(3600)
    side.run_round()
    state = state_of(database, witness.key)
    assert (state.problem, state.refusals) == (WitnessProblem.FORKED, 2)
    assert "422" in state.said
    witness.stop()
    clock.pass_time(3600)
    side.run_round()
    assert state_of(database, witness.key).problem is WitnessProblem.FORKED
    assert database.query(store.last_witnessed) is None


@contextmanager
def answering_with(
    status: int, body: bytes | Callable[[bytes], bytes], kind: str = "text/plain"
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that always says the same; what it was asked."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            said = body if isinstance(body, bytes) else body(asked[-1])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cosignature_line(note: bytes, at: datetime, *, tail: bytes = b"") -> bytes:
    text = parse_note(note).text
    cosigned = cosign(note, KEY, PRIVATE.sign, at=at)
    return cosigned[len((text + "\n").encode()) :].splitlines(keepends=True)[-1] + tail


SIZE = "text/x.tlog.size"


@pytest.mark.parametrize(
    ("answer", "problem", "asked"),
    [
        ((404, "text/plain", b"unknown\n"), WitnessProblem.UNKNOWN_LOG, 1),
        ((403, "text/plain", b""), WitnessProblem.NOT_SIGNED, 1),
        ((422, "text/plain", b"no"), WitnessProblem.FORKED, 1),
        ((400, "text/plain", b"no"), WitnessProblem.REFUSED, 1),
        ((301, "text/plain", b""), WitnessProblem.REFUSED, 1),
        ((500, "text/plain", b""), WitnessProblem.UNREACHABLE, 1),
        ((429, "text/plain", b""), WitnessProblem.UNREACHABLE, 1),
        ((409, "text/plain", b"2\n"), WitnessProblem.BAD_ANSWER, 1),
        ((409, SIZE, b"2"), WitnessProblem.BAD_ANSWER, 1),
        ((409, SIZE, b"02\n"), WitnessProblem.BAD_ANSWER, 1),
        ((409, SIZE, b"0\n"), WitnessProblem.BAD_ANSWER, 1),
        ((409, SIZE, b"1\n"), WitnessProblem.BAD_ANSWER, 2),
        ((409, SIZE, b"999\n"), WitnessProblem.FORKED, 1),
        ((409, SIZE, b"3\n"), WitnessProblem.FORKED, 2),
        ((200, "text/plain", b""), WitnessProblem.BAD_ANSWER, 1),
        ((200, "text/plain", "— w.example AAAA\n".encode()), WitnessProblem.BAD_ANSWER, 1),
        ((200, "text/html", b"<html>"), WitnessProblem.BAD_ANSWER, 1),
        ((200, "text/plain", b"x" * 70_000), WitnessProblem.UNREACHABLE, 1),
    ],
)
def test_what_each_answer_means(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    clock: Clock,
    answer: tuple[int, str, bytes],
    problem: WitnessProblem,
    asked: int,
) -> None:
    publish(3)
    status, kind, body = answer
    with answering_with(status, body, kind) as (url, requests):
        side = submitting(database, local, policy_with(KEY, url), clock, database.path.parent)
        side.run_round()
        state = state_of(database, KEY)
        assert (state.problem, state.since, len(requests)) == (problem, clock.at, asked)
        assert state.refusals == (problem is not WitnessProblem.UNREACHABLE)
        side.run_round()
        clock.pass_time(15)
        side.run_round()  # a refusal is not asked for again and again
        assert len(requests) == asked
    assert database.query(store.last_witnessed) is None


def test_a_cosignature_that_is_not_good_is_not_kept(
    database: Database, local: LocalAuthority, publish: Grow, clock: Clock, tmp_path: Path
) -> None:
    publish(3)
    newest = LogProofs(database).checkpoint()
    other = new_log(5)
    stranger = ed25519.Ed25519PrivateKey.generate()
    foreign = NoteKey("w.example", KeyKind.COSIGNATURE, stranger.public_key().public_bytes_raw())
    by_stranger = cosign(newest.note, foreign, stranger.sign, at=clock.at)[len(newest.note) :]
    then = clock.at + timedelta(hours=2)
    future = cosignature_line(newest.note, then + FUTURE + timedelta(seconds=2))
    for body in (cosignature_line(other.note(3), clock.at), by_stranger, future):
        with answering_with(200, body) as (url, _):
            submitting(database, local, policy_with(KEY, url), clock, tmp_path).run_round()
        assert state_of(database, KEY).problem is WitnessProblem.BAD_ANSWER
        clock.pass_time(3600)
    assert database.query(store.cosigners, newest.size) == frozenset()
    good = by_stranger + cosignature_line(newest.note, clock.at)  # lines of unknown keys are ignored
    with answering_with(200, good) as (url, requests):
        submitting(database, local, policy_with(KEY, url), clock, tmp_path).run_round()
    assert state_of(database, KEY).problem is None
    assert database.query(store.cosigners, newest.size) == {KEY.vkey()}
    assert parse_submission(requests[0]).checkpoint == newest.note
    assert verify_checkpoint(LogProofs(database).checkpoint().cosigned_note, local.key).size == newest.size


def test_a_silent_witness_holds_up_no_other(
    database: Database,
    local: LocalAuthority,
    publish: Grow,
    witness: ServedWitness,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """And the quorum counts who has cosigned, whoever is missing."""
    publish(3)
    silent = "http://127.0.0.1:9"
    lines = [f"witness A {KEY.vkey()} {silent}", f"witness B {witness.key.vkey()} {witness.url}"]
    both = parse_policy("\n".join([*lines, "group G all A B", "quorum G", ""]).encode())
    submitting(database, local, both, clock, tmp_path).run_round()
    assert state_of(database, KEY).problem is WitnessProblem.UNREACHABLE
    assert database.query(store.last_witnessed) is None
    clock.pass_time(3600)
    publish(1)
    one = parse_policy("\n".join([*lines, "group G any A B", "quorum G", ""]).encode())
    submitting(database, local, one, clock, tmp_path).run_round()
    witnessed = database.query(store.last_witnessed)
    assert witnessed is not None
    assert witnessed.size == LogProofs(database).checkpoint().size


def test_a_cosignature_that_comes_by_hand(
    database: Database, local: LocalAuthority, publish: Grow, clock: Clock, tmp_path: Path
) -> None:
    publish(3)
    newest = LogProofs(database).checkpoint()
    side = submitting(database, local, policy_with(KEY, ""), clock, tmp_path)
    side.run_round()  # a witness without an address is not asked
    assert database.query(store.states) == {}
    other = new_log(5)
    for wrong in (newest.note, b"nothing", cosign(other.note(3), KEY, PRIVATE.sign, at=clock.at)):
        with pytest.raises(StateRefused):
            side.take(wrong)
    brought = cosign(newest.note, KEY, PRIVATE.sign, at=clock.at)
    publish(2)
    assert side.take(brought) == ["W"]
    assert side.take(brought) == ["W"]
    stored = database.query(ledger.checkpoint_of_size, newest.size)
    assert stored is not None
    assert stored.cosigned_note == with_signatures(newest.note, parse_note(brought).signatures[1:])
    assert database.query(ledger.unwitnessed_since) is not None


def test_a_policy_of_another_log_is_refused(
    database: Database, local: LocalAuthority, clock: Clock, tmp_path: Path
) -> None:
    policy = policy_with(KEY, "http://127.0.0.1:9", new_log().key)
    with pytest.raises(ConfigurationError):
        submitting(database, local, policy, clock, tmp_path).run_round()
