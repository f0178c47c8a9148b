"""A witness cosigns what extends what it knows, and nothing else; it forgets nothing, whenever it ends."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.witnesses.cosigning import KEY, SubmissionRefused, Witness
from appliance.witnesses.messages import Submission
from hsm.merkle import EMPTY_ROOT, leaf_hash
from hsm.note import Checkpoint, NoteKey, sign_checkpoint, verify_cosignature, with_signatures
from tests.witnesses.logs import new_log

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
LOG = new_log()


def witness_in(folder: Path, *logs: NoteKey) -> Witness:
    return Witness(folder, "witness.example/w1", logs or (LOG.key,), lambda: NOW)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return witness_in(tmp_path)


def refusal(witness: Witness, body: bytes) -> tuple[HTTPStatus, int | None]:
    with pytest.raises(SubmissionRefused) as refused:
        witness.add_checkpoint(body)
    return refused.value.status, refused.value.size


def cosigned(witness: Witness, body: bytes) -> bytes:
    """The note with the cosignature."""
    return with_signatures(body.partition(b"\n\n")[2], [witness.add_checkpoint(body)])


def test_a_growing_log_is_cosigned_step_by_step(tmp_path: Path) -> None:
    last = 0
    for size in (0, 0, 1, 1, 3, 8, 9, 31, 40):
        witness = witness_in(tmp_path)  # what it knows is on the disk
        note = cosigned(witness, LOG.submission(last, size))
        assert verify_cosignature(note, witness.key) == NOW
        last = size
    assert witness.latest(hashlib.sha256(LOG.origin.encode()).hexdigest()) == note
    assert witness.latest(hashlib.sha256(b"another").hexdigest()) is None


def test_another_size_than_the_last_is_a_conflict_that_names_it(witness: Witness) -> None:
    witness.add_checkpoint(LOG.submission(0, 9))
    for old, new in ((0, 12), (8, 12), (10, 12), (0, 9), (0, 5), (5, 5)):
        assert refusal(witness, LOG.submission(old, new)) == (HTTPStatus.CONFLICT, 9)
    assert refusal(witness, Submission(9, (), LOG.note(5)).encode()) == (HTTPStatus.BAD_REQUEST, None)
    witness.add_checkpoint(LOG.submission(9, 12))


def test_a_log_that_forked_is_refused(witness: Witness) -> None:
    """Restored from an older backup and continued differently; also by whoever has the log's key."""
    witness.add_checkpoint(LOG.submission(0, 12))
    fork = LOG.forked(7)
    assert refusal(witness, fork.submission(12, 20)) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    assert refusal(witness, fork.submission(12, 12)) == (HTTPStatus.CONFLICT, None)
    assert refusal(witness, fork.submission(7, 9)) == (HTTPStatus.CONFLICT, 12)
    proven = Submission(12, LOG.proof(12, 20), fork.note(20)).encode()
    assert refusal(witness, proven) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    witness.add_checkpoint(LOG.submission(12, 20))


def test_proofs_are_exact(witness: Witness) -> None:
    extra = Submission(0, (leaf_hash(b""),), LOG.note(3)).encode()
    assert refusal(witness, extra) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    witness.add_checkpoint(LOG.submission(0, 3))
    proof = LOG.proof(3, 11)
    for wrong in (proof[:-1], (*proof, proof[0]), proof[::-1], ()):
        body = Submission(3, wrong, LOG.note(11)).encode()
        assert refusal(witness, body) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    same = Submission(3, (leaf_hash(b""),), LOG.note(3)).encode()
    assert refusal(witness, same) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    witness.add_checkpoint(LOG.submission(3, 11))


def test_an_empty_log_has_the_empty_root(witness: Witness) -> None:
    note = sign_checkpoint(Checkpoint(LOG.origin, 0, leaf_hash(b"")), LOG.key, LOG.private.sign)
    assert refusal(witness, Submission(0, (), note).encode()) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    witness.add_checkpoint(LOG.submission(0, 0))
    assert refusal(witness, Submission(0, (), note).encode())[0] in (409, 422)


def test_only_known_logs_with_their_own_keys(tmp_path: Path) -> None:
    other, imitation = new_log(origin="log.yi.example"), new_log()
    witness = witness_in(tmp_path)
    assert refusal(witness, other.submission(0, 3)) == (HTTPStatus.NOT_FOUND, None)
    assert refusal(witness, imitation.submission(0, 3)) == (HTTPStatus.FORBIDDEN, None)
    good = LOG.note(3)
    line = good.rpartition(b"\n\n")[2]
    foreign = LOG.note(4).rpartition(b"\n\n")[0] + b"\n\n" + line
    assert refusal(witness, Submission(0, (), foreign).encode()) == (HTTPStatus.FORBIDDEN, None)
    mixed = imitation.note(3) + line  # of unknown keys nothing is asked
    assert imitation.hash_of(0, 3) == LOG.hash_of(0, 3)
    witness.add_checkpoint(Submission(0, (), mixed).encode())
    witness_in(tmp_path / "both", LOG.key, other.key).add_checkpoint(other.submission(0, 3))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + LOG.note(3),
        b"old +0\n\n" + LOG.note(3),
        b"old -1\n\n" + LOG.note(3),
        b"Old 0\n\n" + LOG.note(3),
        b"old 0 \n\n" + LOG.note(3),
        b"old 0\r\n\n" + LOG.note(3),
        b"old 0\nnot base64\n\n" + LOG.note(3),
        b"old 0\nAAAA\n\n" + LOG.note(3),
        b"old 0\n" + 64 * (base64.b64encode(EMPTY_ROOT) + b"\n") + b"\n" + LOG.note(3),
        b"old 0\n\n" + LOG.note(3).partition(b"\n\n")[0],
        b"old 0\n\n" + LOG.note(3)[:-1],
        b"old 0\n\nno checkpoint\n\n" + LOG.note(3).rpartition(b"\n\n")[2],
        b"old 99999999999999999999\n\n" + LOG.note(3),
        bytes(range(256)),
    ],
)
def test_what_is_no_request(witness: Witness, body: bytes) -> None:
    assert refusal(witness, body) == (HTTPStatus.BAD_REQUEST, None)


@pytest.mark.parametrize("trial", range(8))
def test_of_requests_at_once_one_is_cosigned(tmp_path: Path, trial: int) -> None:
    """All extend the same size, by different histories; each by a witness of its own over one memory."""
    witness_in(tmp_path).add_checkpoint(LOG.submission(0, 8))
    bodies = [log.submission(8, 11) for log in (LOG, LOG.forked(8), LOG.forked(9), LOG.forked(10))]
    witnesses = [witness_in(tmp_path) for _ in bodies]
    barrier, cosigned = threading.Barrier(len(bodies)), list[bytes]()

    def hand_in(witness: Witness, body: bytes) -> None:
        barrier.wait()
        try:
            witness.add_checkpoint(body)
            cosigned.append(body)
        except SubmissionRefused as refused:
            assert (refused.status, refused.size) == (HTTPStatus.CONFLICT, 11)

    threads = [threading.Thread(target=hand_in, args=each) for each in zip(witnesses, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cosigned) == 1


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from appliance.witnesses import cosigning
from hsm.note import parse_vkey

wrote = getattr(cosigning, sys.argv[4])
def kill(*given, **named):
    if sys.argv[5] == "after":
        wrote(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

logs = [parse_vkey(sys.argv[2])]
witness = cosigning.Witness(Path(sys.argv[1]), "witness.example/w1", logs, lambda: datetime.now(UTC))
setattr(cosigning, sys.argv[4], kill)
witness.add_checkpoint(Path(sys.argv[3]).read_bytes())
"""


@pytest.mark.parametrize(
    ("call", "when"), [("write_whole", "before"), ("write_whole", "after"), ("sync_directory", "after")]
)
def test_a_witness_that_is_killed_is_bound_by_what_it_may_have_said(tmp_path: Path, call: str, when: str) -> None:
    """Between the cosignature and the disk, and between the disk and the answer."""
    memory, body = tmp_path / "memory", tmp_path / "body"
    witness_in(memory).add_checkpoint(LOG.submission(0, 5))
    body.write_bytes(LOG.submission(5, 9))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(memory), LOG.key.vkey(), str(body), call, when], check=False
    )
    assert done.returncode == -signal.SIGKILL
    again, fork = witness_in(memory), LOG.forked(7)
    if (call, when) == ("write_whole", "before"):
        again.add_checkpoint(LOG.submission(5, 9))
        return
    assert refusal(again, fork.submission(5, 9)) == (HTTPStatus.CONFLICT, 9)
    assert refusal(again, fork.submission(9, 9)) == (HTTPStatus.CONFLICT, None)
    again.add_checkpoint(LOG.submission(9, 9))


def test_nothing_is_cosigned_that_cannot_be_remembered(
    witness: Witness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("appliance.witnesses.cosigning.write_whole", full)
    with pytest.raises(OSError, match="no space"):
        witness.add_checkpoint(LOG.submission(0, 5))


def test_a_damaged_memory_stops_the_witness(witness: Witness, tmp_path: Path) -> None:
    witness.add_checkpoint(LOG.submission(0, 5))
    [place] = [each for each in tmp_path.iterdir() if len(each.name) == 64]
    place.write_bytes(place.read_bytes()[:30])
    with pytest.raises(OSError, match="damaged"):
        witness.add_checkpoint(LOG.submission(5, 9))
    with pytest.raises(OSError, match="damaged"):
        witness.add_checkpoint(LOG.submission(0, 9))


def test_a_memory_that_reads_well_but_was_changed_stops_the_witness_too(witness: Witness, tmp_path: Path) -> None:
    """It would answer that the log forked."""
    witness.add_checkpoint(LOG.submission(0, 5))
    [place] = [each for each in tmp_path.iterdir() if len(each.name) == 64]
    place.write_bytes(place.read_bytes().replace(b"\n5\n", b"\n4\n"))
    with pytest.raises(OSError, match="damaged"):
        witness.add_checkpoint(LOG.submission(4, 9))


def test_several_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    keys: list[NoteKey] = []
    for trial in range(10):
        together, place = threading.Barrier(4), tmp_path / str(trial)
        place.mkdir()

        def begin(folder: Path = place, together: threading.Barrier = together) -> None:
            together.wait()
            keys.append(witness_in(folder).key)

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(set(keys)) == 10


def test_the_proof_of_a_fork_is_kept_without_what_strangers_add(witness: Witness) -> None:
    """Anybody can send what the log once signed, with lines of their own, and as often as they like."""
    witness.add_checkpoint(LOG.submission(0, 5))
    fork = LOG.forked(3).note(5)
    body = Submission(5, (), fork + "— stranger AAAAAAAA\n".encode() * 90).encode()
    with pytest.raises(SubmissionRefused) as refused:
        witness.add_checkpoint(body)
    assert refused.value.signed == fork


def test_the_key_is_its_own_and_stays(tmp_path: Path) -> None:
    key = witness_in(tmp_path).key
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert witness_in(tmp_path).key == key
    os.chmod(tmp_path / KEY, 0o640)  # noqa: PTH101
    with pytest.raises(ConfigurationError):
        witness_in(tmp_path)


def test_other_cosignatures_are_no_matter(witness: Witness, tmp_path: Path) -> None:
    other = witness_in(tmp_path / "other")
    body = LOG.submission(0, 5)
    note = with_signatures(LOG.note(5), [other.add_checkpoint(body)])
    witness.add_checkpoint(Submission(0, (), note).encode())
    kept = witness.latest(hashlib.sha256(LOG.origin.encode()).hexdigest())
    assert kept is not None
    assert kept.count(b"\xe2\x80\x94 ") == 2
