"""Where anybody on the way can answer for a witness: plain HTTP. No alarm without a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.config import Settings, WitnessSettings
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.model.witnesses import WitnessProblem
from appliance.store import witnesses as store
from appliance.witnesses import policy_of
from hsm.note import KeyKind, NoteKey, cosign
from tests.witnesses.log_side import KEY, PRIVATE, SIZE, LogSide, answering_with, policy_with
from tests.witnesses.logs import SignedLog, new_log

Answer = tuple[int, bytes, str]
FORKS: list[Answer] = [(422, b"no", "text/plain"), (409, b"no", "text/plain"), (409, b"999\n", SIZE)]
"""What a witness answers that has seen another log: it grows from there, or has another root, or is longer."""


def other_log(side: LogSide, size: int = 12) -> SignedLog:
    """Another log under our key."""
    return replace(new_log(size), private=side.local.private, origin=side.local.key.name)


def by_nobody(_side: LogSide) -> bytes:
    return b""


def by_the_log_alone(side: LogSide) -> bytes:
    return other_log(side).note(9)


def by_a_stranger(side: LogSide) -> bytes:
    """By another key under the witness's name."""
    stranger = ed25519.Ed25519PrivateKey.generate()
    key = NoteKey(KEY.name, KeyKind.COSIGNATURE, stranger.public_key().public_bytes_raw())
    return cosign(other_log(side).note(9), key, stranger.sign, at=side.clock.at)


def of_another_log(side: LogSide) -> bytes:
    """What the witness did cosign for somebody else."""
    return cosign(new_log(12, "log.yi.example").note(9), KEY, PRIVATE.sign, at=side.clock.at)


def of_a_log_of_our_name(side: LogSide) -> bytes:
    """By another key of the log."""
    return cosign(new_log(12).note(9), KEY, PRIVATE.sign, at=side.clock.at)


def repeated(side: LogSide) -> bytes:
    """What the witness cosigned of this log, earlier."""
    size = side.newest.size
    note = side.newest.note
    side.publish(4)
    assert side.newest.size > size
    return cosign(note, KEY, PRIVATE.sign, at=side.clock.at)


def newest(side: LogSide) -> bytes:
    """What it cosigned of this log last."""
    return cosign(side.newest.note, KEY, PRIVATE.sign, at=side.clock.at)


def empty(side: LogSide) -> bytes:
    """Of before the first entry, which every log continues."""
    return cosign(other_log(side).note(0), KEY, PRIVATE.sign, at=side.clock.at)


def changed(side: LogSide) -> bytes:
    """Ours, with another root under the good signatures."""
    return newest(side).replace(b"\n", b"\nA", 3)


@pytest.mark.parametrize("answer", FORKS)
@pytest.mark.parametrize(
    "shown",
    [
        by_nobody,
        by_the_log_alone,
        by_a_stranger,
        of_another_log,
        of_a_log_of_our_name,
        repeated,
        newest,
        empty,
        changed,
    ],
)
def test_a_fork_that_nothing_signed_shows_is_no_alarm(
    side: LogSide, answer: Answer, shown: Callable[[LogSide], bytes]
) -> None:
    side.publish(3)
    note = shown(side)
    status, body, kind = answer
    if body == b"no" and status == 409:  # about the root: asked with the size that is known
        _cosigned_once(side)
    with answering_with(status, body, kind, shown=note) as (url, _):
        side.submitting(policy_with(KEY, url)).run_round()
    state = side.state(KEY)
    assert state.problem is WitnessProblem.BAD_ANSWER
    assert "plain HTTP" in state.said


@pytest.mark.parametrize("answer", FORKS)
@pytest.mark.parametrize("size", [2, 9])
def test_a_fork_that_log_and_witness_have_signed_is_one(side: LogSide, answer: Answer, size: int) -> None:
    """Longer than this log, or as long, or shorter, with another root."""
    side.publish(3)
    _cosigned_once(side)
    status, body, kind = answer
    note = cosign(other_log(side).note(size), KEY, PRIVATE.sign, at=side.clock.at)
    with answering_with(status, body, kind, shown=note) as (url, _):
        side.submitting(policy_with(KEY, url)).run_round()
    assert side.state(KEY).problem is WitnessProblem.FORKED


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_cosignature_of_before_does_not_take_a_fork_back(side: LogSide, *, by_hand: bool) -> None:
    """The log was restored from a backup, and its newest checkpoint is one that the witness cosigned long ago:
    who repeats that cosignature must not silence the alarm. A new one does."""
    side.publish(3)
    earlier = cosign(side.newest.note, KEY, PRIVATE.sign, at=side.clock.at)
    side.clock.pass_time(3600)
    fork = cosign(other_log(side).note(9), KEY, PRIVATE.sign, at=side.clock.at)
    with answering_with(409, b"9\n", SIZE, shown=fork) as (url, _):
        side.submitting(policy_with(KEY, url)).run_round()
    assert side.state(KEY).problem is WitnessProblem.FORKED
    for note, problem in ((earlier, WitnessProblem.FORKED), (None, None)):
        side.clock.pass_time(7200)
        given = note or cosign(side.newest.note, KEY, PRIVATE.sign, at=side.clock.at)
        if by_hand:
            side.submitting(policy_with(KEY, "")).take(given)
        else:
            line = given.splitlines(keepends=True)[-1]
            with answering_with(200, line) as (url, asked):
                side.submitting(policy_with(KEY, url)).run_round()
            assert asked
        assert side.state(KEY).problem is problem


def _cosigned_once(side: LogSide) -> None:
    made = cosign(side.newest.note, KEY, PRIVATE.sign, at=side.clock.at)
    side.submitting(policy_with(KEY, "")).take(made)


@pytest.mark.parametrize(
    ("url", "plain_http", "taken"),
    [
        ("https://w.example", False, True),
        ("http://w.example", False, False),
        ("http://192.0.2.95:8091", False, False),
        ("http://127.0.0.1.w.example", False, False),
        ("http://localhost.w.example", False, False),
        ("http://127.0.0.1@w.example", False, False),
        ("http://w.example", True, True),
        ("http://127.0.0.1:8091", False, True),
        ("http://[::1]:8091", False, True),
        ("http://localhost:8091", False, True),
        ("", False, True),
    ],
)
def test_plain_http_leads_out_of_this_machine_only_where_it_is_allowed(
    tmp_path: Path, url: str, plain_http: bool, taken: bool
) -> None:
    settings = Settings(Home(tmp_path), witnesses=WitnessSettings("policy.txt", plain_http=plain_http))
    path = settings.beside("policy.txt")
    path.parent.mkdir()
    path.write_text(f"witness W {KEY.vkey()} {url}\nquorum W\n", encoding="ascii")
    if taken:
        assert policy_of(settings) is not None
        return
    with pytest.raises(ConfigurationError, match="plain HTTP"):
        policy_of(settings)


def test_a_redirection_to_plain_http_is_not_followed(side: LogSide) -> None:
    side.publish(3)
    with answering_with(422, b"no") as (plain, asked), side.answering_with(302, plain.encode()) as (url, _):
        side.submitting(policy_with(KEY, url)).run_round()
    assert (side.state(KEY).problem, asked) == (WitnessProblem.REFUSED, [])
    assert side.database.query(store.cosigned_at, side.newest.size) == {}
