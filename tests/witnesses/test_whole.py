"""From the scheduler to the verifier: a contract is signed, witnesses in other processes cosign the log, its
package says so; also over files, where a witness has no network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.config import load
from appliance.evidence import log_files
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.jobs.table import jobs_of
from appliance.store import witnesses as store
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.note import parse_vkey, read_vkey
from tests.command import called
from tests.ports import free_port
from tests.witnesses.served import ServedWitness, served, status_of, write_settings
from tests.world import OURS, World, confirm, sample_document, send, sequenced, shared_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("witnesses")


@pytest.fixture(scope="module")
def plain() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def witness(plain: World, folder: Path) -> Iterator[ServedWitness]:
    with served(folder, [read_vkey(plain.home.log_key)]) as running:
        yield running


@pytest.fixture(scope="module")
def by_hand(plain: World, folder: Path) -> Path:
    """The settings of a witness that has no network."""
    return write_settings(folder, [read_vkey(plain.home.log_key)], free_port(), "safe.example/w1")


@pytest.fixture(scope="module")
def world(plain: World, witness: ServedWitness, by_hand: Path) -> World:
    """With both in its policy, of whom either is enough."""
    safe = parse_vkey(status_of(by_hand)[0])
    lines = [
        f"log {read_vkey(plain.home.log_key).vkey()}",
        f"witness house {witness.key.vkey()} {witness.url}",
        f"witness safe {safe.vkey()}",
        "group either any house safe",
        "quorum either",
    ]
    config = plain.home.settings.parent
    (config / "witness-policy.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    with plain.home.settings.open("a", encoding="utf-8") as settings:
        settings.write('\n[witnesses]\npolicy = "witness-policy.txt"\nseconds = 1\nexport_seconds = 60\n')
    return World(plain.home, load(plain.home))


def completed(appliance: Appliance) -> str:
    contract = send(appliance, sample_document())
    for party in contract.parties:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
    appliance.finalisation.finalise(contract.id)
    return contract.id


@contextmanager
def handing_in(appliance: Appliance) -> Iterator[None]:
    """The scheduler's job runs, as often as there."""
    [job] = [each for each in jobs_of(appliance, None) if each.name == "witnesses"]
    over = threading.Event()

    def run() -> None:
        while not over.wait(job.seconds / 4):
            job.work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_package_waits_for_its_witnesses_and_says_who_they_are(
    world: World, witness: ServedWitness, tmp_path: Path
) -> None:
    with world.opened() as appliance, sequenced(appliance, world):
        contract = completed(appliance)
        with handing_in(appliance):
            package = Exporting(appliance).export(contract, OURS).package
        files = read_zip(package).files
        policy = (world.home.settings.parent / "witness-policy.txt").read_bytes()
        assert files[log_files.WITNESS_POLICY] == policy
        assert f"— {witness.key.name} ".encode() in bytes(files[log_files.CHECKPOINT])
        report = appliance.verifier.verify(package)
        assert report.indication is Indication.PASSED
        assert "1 of 2 (witness.example/w1); its quorum is met." in " ".join(map(str, report.remarks))
    place = tmp_path / "package.zip"
    place.write_bytes(package)
    demanded = world.home.settings.parent / "witness-policy.txt"
    good = called(world.home.root, "verify", place, "--witnesses", demanded)
    assert good.exit_code == 0, good.output
    stricter = tmp_path / "policy.txt"
    stricter.write_text(policy.decode().replace("either any", "either all"), encoding="utf-8")
    result = called(world.home.root, "verify", place, "--witnesses", stricter)
    assert (result.exit_code, "quorum is not met" in result.output) == (3, True)
    stricter.write_text("quorum many\n", encoding="utf-8")
    assert called(world.home.root, "verify", place, "--witnesses", stricter).exit_code == 3


def test_nobody_waits_for_witnesses_that_do_not_answer(world: World, witness: ServedWitness) -> None:
    """Signing goes on; the package says that there is no quorum, and a later one has it."""
    with world.opened() as appliance, sequenced(appliance, world):
        witness.stop()
        contract = completed(appliance)
        submitting = appliance.submitting
        assert submitting is not None
        while not any(each.problem for each in submitting.status().witnesses):
            submitting.run_round()
            time.sleep(0.1)
        package = Exporting(appliance).export(contract, OURS).package
        report = appliance.verifier.verify(package)
        assert report.indication is Indication.PASSED
        assert "0 of 2 (–); its quorum is not met" in " ".join(map(str, report.remarks))
        witness.start()
        appliance.database.commit(forget_pause)
        with handing_in(appliance):
            while any(each.problem for each in submitting.status().witnesses):
                time.sleep(0.05)
            again = Exporting(appliance).export(contract, OURS).package
        assert "its quorum is met" in " ".join(map(str, appliance.verifier.verify(again).remarks))


def forget_pause(tx: store.Transaction) -> None:
    tx.execute("UPDATE witness_states SET retry_at = NULL, asked = '2026-01-01T00:00:00.000000Z'")


def test_over_files_where_there_is_no_network(world: World, by_hand: Path, tmp_path: Path) -> None:
    with world.opened() as appliance, sequenced(appliance, world):
        while appliance.proofs.latest() is None:
            time.sleep(0.05)
    size = 0
    for _ in range(2):
        submission, cosigned = tmp_path / "submission", tmp_path / "cosigned"
        printed = called(world.home.root, "log", "submission", "--from", str(size))
        submission.write_bytes(printed.stdout_bytes)
        result = called(world.home.root, "witness", "cosign", submission, "--settings", by_hand)
        assert result.exit_code == 0, result.output
        cosigned.write_bytes(result.stdout_bytes)
        taken = called(world.home.root, "log", "cosignatures", cosigned)
        assert (taken.exit_code, taken.output) == (0, "Cosigned by: safe.\n")
        size = int(status_of(by_hand)[1].rpartition(" ")[2])
        assert size > 0
    stale = called(world.home.root, "log", "submission")
    submission.write_bytes(stale.stdout_bytes)
    refused = called(world.home.root, "witness", "cosign", submission, "--settings", by_hand)
    assert (refused.exit_code, f"--from {size}" in refused.output) == (1, True)
    head, _, note = printed.stdout_bytes.partition(b"\n\n")
    (tmp_path / "proof").write_bytes(head + b"\n")
    (tmp_path / "note").write_bytes(note)
    apart = called(
        world.home.root,
        "witness",
        "cosign",
        tmp_path / "note",
        "--proof",
        tmp_path / "proof",
        "--settings",
        by_hand,
    )
    assert apart.exit_code == 0
