"""The scheduler as a process: it sequences, mails, seals off by itself, alone, until it is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, StorageError
from appliance.jobs.table import Job, ReportingJob
from appliance.model.contract import ContractState
from appliance.wiring import Appliance
from tests.appliance.notices.smtp import Post, post_office
from tests.locks import holders_of
from tests.world import World, confirm, contract_now, sample_document, send, shared_world

PATIENCE = 120.0


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with post_office() as running:
        yield running


@pytest.fixture(scope="module")
def world(post: Post) -> Iterator[World]:
    with shared_world() as running:
        settings = running.home.settings
        mail = f'\n[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\n'
        settings.write_text(settings.read_text(encoding="utf-8") + mail, encoding="utf-8")
        yield running


@contextmanager
def scheduler(world: World) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.jobs"],
        env={**os.environ, "VERMILION_HOME": str(world.home.root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)


def is_placed(appliance: Appliance, entry: int) -> bool:
    with suppress(NotFound):  # before the first checkpoint
        return appliance.proofs.checkpoint().size > entry
    return False


def signed_by_all(appliance: Appliance) -> str:
    contract = send(appliance, sample_document(1))
    for party in contract.parties:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
    return contract.id


def test_what_is_due_is_done_and_told(world: World, post: Post) -> None:
    with world.opened() as appliance, scheduler(world) as process:
        contract = signed_by_all(appliance)
        wait_until(lambda: contract_now(appliance, contract).state is ContractState.COMPLETED)
        last = appliance.contracts.entries(contract)[-1]
        wait_until(lambda: is_placed(appliance, last))
        wait_until(lambda: any("封存" in message["Subject"] for message in post.messages))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    recipients = {message["To"].addresses[0].addr_spec for message in post.messages}
    assert recipients == {ZHANG.email, LI.email}
    identifiers = [message["Message-ID"] for message in post.messages]
    assert len(identifiers) == len(set(identifiers))


def test_there_is_one_scheduler(world: World) -> None:
    lock = world.home.scheduler_lock
    with scheduler(world) as first:
        wait_until(lambda: first.pid in holders_of(lock))
        with scheduler(world) as second:
            _, said = second.communicate(timeout=PATIENCE)
        assert (second.returncode, "Another scheduler" in said) == (1, True)
        assert first.poll() is None


def test_a_failing_job_is_said_once_and_its_recovery_once(caplog: pytest.LogCaptureFixture) -> None:
    problems = [StorageError("the disk is full"), StorageError("the disk is full"), None]

    def work() -> None:
        if (problem := problems.pop(0)) is not None:
            raise problem

    watch = ReportingJob(Job("sequencing", 1.0, work))
    with caplog.at_level("INFO"):
        for _ in range(3):
            watch()
    assert [record.getMessage() for record in caplog.records] == [
        "sequencing: the disk is full",
        "sequencing: works again",
    ]
