"""The log's side: what it hands in, what it keeps, and what it makes of each answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.errors import ConfigurationError, StateRefused
from appliance.ledger import LogProofs
from appliance.ledger.proofs import LogAnswers
from appliance.ledger.tree import Tiles
from appliance.model.witnesses import WitnessProblem
from appliance.store import ledger
from appliance.store import witnesses as store
from appliance.witnesses import parse_policy
from appliance.witnesses.cosigning import Witness
from appliance.witnesses.messages import parse_submission
from appliance.witnesses.quorum import last_witnessed
from appliance.witnesses.submitting import FUTURE
from hsm.note import KeyKind, NoteKey, cosign, parse_note, verify_checkpoint, with_signatures
from tests.witnesses.log_side import KEY, PRIVATE, SIZE, LogSide, cosignature_line, policy_with
from tests.witnesses.logs import new_log
from tests.witnesses.served import ServedWitness


def test_checkpoints_get_their_cosignatures(side: LogSide, witness: ServedWitness) -> None:
    policy = policy_with(witness.key, witness.url + "/", side.local.key)
    submitting = side.submitting(policy)
    submitting.run_round()  # there is no checkpoint yet
    for count in (3, 10, 1):
        side.publish(count)
        submitting.run_round()
        newest = side.newest
        assert policy.judge(newest.cosigned_note).is_met
        assert newest.cosigned_note.startswith(newest.note)
        assert side.state(witness.key).size == newest.size
        side.clock.pass_time(10)

    def witnessed(tx: store.Transaction, above: int) -> int | None:
        found = last_witnessed(tx, policy, above=above)
        return found and found.size

    answers = LogAnswers(LogProofs(side.database, witnessed), Tiles(side.database))
    assert answers.checkpoint().body == newest.cosigned_note
    latest = side.publish(1)  # proofs lead to what was witnessed, where that covers the entry
    assert latest.cosigned_note == latest.note
    assert answers.proof_file("2").body.endswith(newest.cosigned_note)
    assert answers.proof_file(str(latest.size - 1)).body.endswith(latest.note)


def test_at_most_one_in_so_many_seconds(side: LogSide, witness: ServedWitness) -> None:
    submitting = side.submitting(policy_with(witness.key, witness.url))
    side.publish(1)
    submitting.run_round()
    first = side.state(witness.key)
    side.publish(1)
    side.clock.pass_time(9)
    submitting.run_round()
    assert side.state(witness.key) == first
    side.clock.pass_time(1)
    submitting.run_round()
    assert side.state(witness.key).size == side.newest.size


def test_a_witness_that_knows_more_of_the_log_than_we_remember(side: LogSide, witness: ServedWitness) -> None:
    """409 with a size of this log: asked again from there."""
    submitting = side.submitting(policy_with(witness.key, witness.url))
    side.publish(5)
    submitting.run_round()
    side.database.commit(lambda tx: tx.delete("witness_states", witness=witness.key.vkey()))
    side.publish(4)
    submitting.run_round()
    state = side.state(witness.key)
    assert (state.problem, state.size) == (None, side.newest.size)


def test_a_witness_that_was_set_back_is_believed_no_more(side: LogSide, witness: ServedWitness) -> None:
    """Its older memory would let it cosign a second history."""
    submitting = side.submitting(policy_with(witness.key, witness.url))
    side.publish(3)
    submitting.run_round()
    [memory] = [each for each in (side.folder / f"memory-{witness.port}").iterdir() if len(each.name) == 64]
    older = memory.read_bytes()
    side.publish(3)
    side.clock.pass_time(10)
    submitting.run_round()
    cosigned = side.state(witness.key).size
    memory.write_bytes(older)
    side.publish(3)
    side.clock.pass_time(10)
    submitting.run_round()
    state = side.state(witness.key)
    assert (state.problem, state.size) == (WitnessProblem.BAD_ANSWER, cosigned)
    assert "set back" in state.said


def test_a_restored_log_learns_at_the_start_that_it_was_longer(side: LogSide) -> None:
    """What the restored database has was cosigned, so nothing new would be handed in before the next entry."""
    size = side.publish(2).size

    def answer(request: bytes) -> bytes:
        return cosignature_line(parse_submission(request).checkpoint, side.clock.at)

    with side.answering_with(200, answer) as (url, asked):
        submitting = side.submitting(policy_with(KEY, url))
        for _ in range(3):
            submitting.run_round()
            side.clock.pass_time(60)
        assert len(asked) == 1
    with side.answering_with(409, b"%d\n" % (size + 4), SIZE) as (url, _):
        side.submitting(policy_with(KEY, url)).run_round()
    assert side.state(KEY).problem is WitnessProblem.FORKED


def test_nobody_waits_for_the_hour_of_a_clock_that_was_ahead(side: LogSide, witness: ServedWitness) -> None:
    submitting = side.submitting(policy_with(witness.key, witness.url))
    side.publish(1)
    side.clock.pass_time(30 * 86400)
    submitting.run_round()
    side.publish(1)
    side.clock.pass_time(-30 * 86400)
    submitting.run_round()
    assert side.state(witness.key).size == side.newest.size


def test_a_log_restored_from_an_older_backup_is_a_fork(side: LogSide, witness: ServedWitness) -> None:
    """The witness cosigned a log with our key that is longer than ours, then ours grows past it: both are forks,
    also over plain HTTP, and stay so when the witness falls silent."""
    policy = policy_with(witness.key, witness.url)
    submitting = side.submitting(policy)
    side.publish(2)
    stranger = replace(new_log(30), private=PRIVATE, origin=side.local.key.name)
    assert witness.ask(stranger.submission(0, 3)).status == 403  # by another key it is not even looked at
    other = replace(stranger, private=side.local.private)
    mine = Witness(side.folder / f"memory-{witness.port}", "witness.example/w1", [side.local.key], side.clock)
    mine.add_checkpoint(other.submission(0, 9))
    submitting.run_round()
    state = side.state(witness.key)
    assert (state.problem, state.refusals) == (WitnessProblem.FORKED, 1)
    assert "9" in state.said
    side.publish(12)
    side.clock.pass_time(3600)
    submitting.run_round()
    state = side.state(witness.key)
    assert (state.problem, state.refusals) == (WitnessProblem.FORKED, 2)
    assert "422" in state.said
    witness.stop()
    side.clock.pass_time(3600)
    submitting.run_round()
    assert side.state(witness.key).problem is WitnessProblem.FORKED
    assert side.witnessed(policy) is None


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
    side: LogSide, answer: tuple[int, str, bytes], problem: WitnessProblem, asked: int
) -> None:
    """Over TLS, so that it is the witness's own."""
    side.publish(3)
    status, kind, body = answer
    with side.answering_with(status, body, kind) as (url, requests):
        policy = policy_with(KEY, url)
        submitting = side.submitting(policy)
        submitting.run_round()
        state = side.state(KEY)
        assert (state.problem, state.since, len(requests)) == (problem, side.clock.at, asked)
        assert state.refusals == (problem is not WitnessProblem.UNREACHABLE)
        submitting.run_round()
        side.clock.pass_time(15)
        submitting.run_round()  # a refusal is not asked for again and again
        assert len(requests) == asked
    assert side.witnessed(policy) is None


def test_a_cosignature_that_is_not_good_is_not_kept(side: LogSide) -> None:
    newest = side.publish(3)
    other = new_log(5)
    stranger = ed25519.Ed25519PrivateKey.generate()
    foreign = NoteKey("w.example", KeyKind.COSIGNATURE, stranger.public_key().public_bytes_raw())
    by_stranger = cosign(newest.note, foreign, stranger.sign, at=side.clock.at)[len(newest.note) :]
    then = side.clock.at + timedelta(hours=2)
    future = cosignature_line(newest.note, then + FUTURE + timedelta(seconds=2))
    for body in (cosignature_line(other.note(3), side.clock.at), by_stranger, future):
        with side.answering_with(200, body) as (url, _):
            side.submitting(policy_with(KEY, url)).run_round()
        assert side.state(KEY).problem is WitnessProblem.BAD_ANSWER
        side.clock.pass_time(3600)
    assert side.database.query(store.cosigned_at, newest.size) == {}
    good = by_stranger + cosignature_line(newest.note, side.clock.at)  # lines of unknown keys are ignored
    with side.answering_with(200, good) as (url, requests):
        side.submitting(policy_with(KEY, url)).run_round()
    assert side.state(KEY).problem is None
    assert side.database.query(store.cosigned_at, newest.size) == {KEY.vkey(): side.clock.at}
    assert parse_submission(requests[0]).checkpoint == newest.note
    assert verify_checkpoint(side.newest.cosigned_note, side.local.key).size == newest.size


def test_a_silent_witness_holds_up_no_other(side: LogSide, witness: ServedWitness) -> None:
    """And the quorum counts who has cosigned, whoever is missing."""
    side.publish(3)
    silent = "http://127.0.0.1:9"
    lines = [f"witness A {KEY.vkey()} {silent}", f"witness B {witness.key.vkey()} {witness.url}"]
    both = parse_policy("\n".join([*lines, "group G all A B", "quorum G", ""]).encode())
    side.submitting(both).run_round()
    assert side.state(KEY).problem is WitnessProblem.UNREACHABLE
    assert side.witnessed(both) is None
    side.clock.pass_time(3600)
    newest = side.publish(1)
    one = parse_policy("\n".join([*lines, "group G any A B", "quorum G", ""]).encode())
    side.submitting(one).run_round()
    witnessed = side.witnessed(one)
    assert witnessed is not None
    assert witnessed.size == newest.size


def test_a_cosignature_that_comes_by_hand(side: LogSide) -> None:
    newest = side.publish(3)
    submitting = side.submitting(policy_with(KEY, ""))
    submitting.run_round()  # a witness without an address is not asked
    assert side.database.query(store.states) == {}
    other = new_log(5)
    for wrong in (newest.note, b"nothing", cosign(other.note(3), KEY, PRIVATE.sign, at=side.clock.at)):
        with pytest.raises(StateRefused):
            submitting.take(wrong)
    brought = cosign(newest.note, KEY, PRIVATE.sign, at=side.clock.at)
    side.publish(2)
    assert submitting.take(brought) == ["W"]
    assert submitting.take(brought) == ["W"]
    stored = side.database.query(ledger.checkpoint_of_size, newest.size)
    assert stored is not None
    assert stored.cosigned_note == with_signatures(newest.note, parse_note(brought).signatures[1:])
    assert submitting.status().waiting_since is not None


def test_a_policy_of_another_log_is_refused(side: LogSide) -> None:
    policy = policy_with(KEY, "http://127.0.0.1:9", new_log().key)
    with pytest.raises(ConfigurationError):
        side.submitting(policy).run_round()
