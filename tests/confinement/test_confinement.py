"""Whatever happens inside comes back as a typed error, and the inside can touch nothing outside."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement import frames, sandbox
from appliance.confinement.jobs import ConfinementLimits
from appliance.confinement.pool import Confinement
from appliance.errors import ConfinementFailed, DocumentRefused
from tests.confinement import hostile

MEBIBYTE = 1 << 20
ROOT = Path(__file__).parents[2]


def hostile_pool(cache: Path) -> Confinement:
    """A pool whose zygote finds the hostile jobs, which no installed package contains."""
    limits = ConfinementLimits(cpu=2, memory=768 * MEBIBYTE, answer=8 * MEBIBYTE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        return Confinement(cache, limits=limits, jobs=hostile.JOBS, warm_up=())


@pytest.fixture(scope="module")
def confinement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confinement]:
    with hostile_pool(tmp_path_factory.mktemp("cache")) as pool:
        yield pool


def cause_of(confinement: Confinement, job: str, timeout: float = 60.0, **arguments: object) -> str:
    with pytest.raises(ConfinementFailed) as failure:
        confinement.run(job, arguments, timeout=timeout)
    return str(failure.value.values["cause"])


def detail_of(confinement: Confinement, job: str, **arguments: object) -> str:
    with pytest.raises(ConfinementFailed) as failure:
        confinement.run(job, arguments)
    assert failure.value.values["cause"] == "error"
    return str(failure.value.values["detail"])


def test_a_job_gets_its_arguments_and_gives_its_result(confinement: Confinement) -> None:
    value = {"bytes": b"\x00\xff", "text": "合同", "list": [1, 2.5, None, True]}
    assert confinement.run("echo", {"value": value}) == value


def test_large_values_pass_both_ways(confinement: Confinement) -> None:
    value = os.urandom(7 * MEBIBYTE)
    assert confinement.run("echo", {"value": value}) == value


def test_a_refusal_keeps_reason_and_sentence(confinement: Confinement) -> None:
    with pytest.raises(DocumentRefused, match="The document has 7 bytes") as refusal:
        confinement.run("refuse", {"size": 7})
    assert refusal.value.reason == "too-large"
    assert refusal.value.template == "The document has {size} bytes."


def test_a_job_that_is_not_listed_does_not_run(confinement: Confinement) -> None:
    with pytest.raises(ValueError, match="no such job"):
        confinement.run("os:system", {})


@pytest.mark.parametrize(
    ("job", "cause"),
    [
        ("raise_error", "error"),
        ("segfault", "crashed"),
        ("bomb", "memory"),
        ("recurse", "recursion"),
        ("not_cbor", "output"),
        ("half_an_answer", "crashed"),
    ],
)
def test_what_goes_wrong_inside_has_a_name(confinement: Confinement, job: str, cause: str) -> None:
    assert cause_of(confinement, job) == cause


def test_what_never_ends_is_ended_by_its_processor_time(confinement: Confinement) -> None:
    assert cause_of(confinement, "spin") in ("crashed", "processor"), "by the kernel, or by who waits"


def test_too_large_an_answer_is_refused(confinement: Confinement) -> None:
    assert cause_of(confinement, "flood", size=9 * MEBIBYTE) == "output"


def test_a_job_that_waits_is_ended_in_time(confinement: Confinement) -> None:
    """Else it is done after a minute, and nothing has failed."""
    assert cause_of(confinement, "sleep", timeout=0.3) == "timeout"


def test_processor_time_is_limited_for_each_job(confinement: Confinement) -> None:
    """The kernel counts it: a busy machine gives less in a second, and the job still gets all that it may use."""
    with pytest.raises(ConfinementFailed) as failure:
        confinement.run("spin", {}, timeout=60, processor=0.05)
    assert failure.value.values["cause"] == "processor"
    assert confinement.run("echo", {"value": 1}, processor=10) == 1


@pytest.mark.parametrize("job", ["connect", "unix_socket", "execute", "fork"])
def test_no_sockets_programs_or_processes(confinement: Confinement, job: str) -> None:
    assert "PermissionError" in detail_of(confinement, job)


def test_nothing_is_written(confinement: Confinement, tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert "PermissionError" in detail_of(confinement, "write_file", path=str(target))
    assert not target.exists()


def test_libraries_are_readable_and_private_files_are_not(confinement: Confinement, tmp_path: Path) -> None:
    secret = tmp_path / "user.pin"
    secret.write_text("1234")
    assert confinement.run("read_library", {}) > 0
    assert "PermissionError" in detail_of(confinement, "read_file", path=str(secret))
    assert "PermissionError" in detail_of(confinement, "read_file", path="/etc/passwd")


def test_no_tracing_and_no_signals(confinement: Confinement) -> None:
    assert "PermissionError" in detail_of(confinement, "kill_parent", process=os.getpid())
    assert "PermissionError" in detail_of(confinement, "trace", process=os.getpid())


def test_no_signals_by_way_of_a_descriptor(confinement: Confinement) -> None:
    assert "PermissionError" in detail_of(confinement, "signal_by_descriptor", process=os.getpid())


def test_nothing_inside_can_write_to_the_log_outside(
    confinement: Confinement, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with hostile_pool(tmp_path) as pool:
        pool.run("speak", {})
    said = capfd.readouterr()
    assert "spoken" not in said.out + said.err


def test_a_small_answer_cannot_become_millions_of_objects(confinement: Confinement) -> None:
    began = time.process_time()
    assert cause_of(confinement, "many_values") == "crashed"
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "refusal",
    [
        {"template": "{size:>99}", "values": {"size": 1}},
        {"template": "{size.__class__}", "values": {"size": 1}},
        {"template": "{size[0]}", "values": {"size": "x"}},
        {"template": "{}{missing}", "values": {"size": 1}},
        {"template": "{", "values": {"size": 1}},
        {"template": "{size!r}", "values": {"size": 1}},
        {"template": "Refused.", "values": {"template": "x", "reason": "y"}},
        {"template": "Refused.", "values": {"no name": 2}},
        {"template": "Refused.", "values": [1, 2]},
        {"values": {}},
        {"type": "AnnotatedError", "template": "x", "values": {}},
    ],
)
def test_a_refusal_that_no_code_of_ours_would_make_is_no_refusal(
    confinement: Confinement, refusal: dict[str, object]
) -> None:
    answer = {"refused": {"type": "DocumentRefused", "reason": "too-large", **refusal}}
    assert cause_of(confinement, "say", answer=answer) == "output"


def test_limits_cannot_be_raised(confinement: Confinement) -> None:
    with pytest.raises(ConfinementFailed):
        confinement.run("raise_limits", {})


def test_only_its_own_socket_is_open_and_no_secret_is_in_its_environment(confinement: Confinement) -> None:
    assert len(confinement.run("descriptors", {})) == 4
    assert set(confinement.run("read_environment", {})) <= {"LANG", "LC_CTYPE", "PYTHONPATH"}


def test_every_job_has_a_process_of_its_own(confinement: Confinement) -> None:
    assert len({confinement.run("identity", {}) for _ in range(5)}) == 5


def test_threads_share_the_pool(confinement: Confinement) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: confinement.run("echo", {"value": number}), range(100)))
    assert results == list(range(100))


def test_forks_share_the_zygote(confinement: Confinement) -> None:
    """Each gets children of its own from it, also at the same time; whoever forgets it leaves it to the others."""
    zygote = confinement._zygote
    assert zygote is not None
    forks = [_ask_in_a_fork(confinement, range(number, 40, 4)) for number in range(4)]
    assert [confinement.run("echo", {"value": number}) for number in range(10)] == list(range(10))
    assert [os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) for fork in forks] == [0, 0, 0, 0]
    assert zygote.program.poll() is None
    assert confinement.run("echo", {"value": "still here"}) == "still here"


def _ask_in_a_fork(confinement: Confinement, values: range) -> int:
    """The process id of a fork that has every one of *values* echoed; it ends with status 0 if all were right."""
    fork = os.fork()
    if fork == 0:
        status = 1
        try:
            right = [confinement.run("echo", {"value": value}) for value in values] == list(values)
            confinement.close()
            status = 0 if right else 2
        finally:
            os._exit(status)
    return fork


def test_what_a_fork_was_doing_ends_with_it(confinement: Confinement) -> None:
    """The zygote lives on for the others, so it must not keep alive what nobody waits for any more."""
    reading, writing = os.pipe()
    fork = os.fork()
    if fork == 0:
        child = confinement._child()
        frames.write(child.stream, {"job": "sleep", "arguments": {}})
        os.write(writing, str(child.number).encode())
        signal.pause()
    number = int(os.read(reading, 20))
    os.kill(fork, signal.SIGKILL)
    os.waitpid(fork, 0)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert confinement.run("echo", {"value": 1}) == 1


def test_a_fork_replaces_a_dead_zygote_by_its_own(tmp_path: Path) -> None:
    with hostile_pool(tmp_path) as pool:
        zygote = pool._zygote
        assert zygote is not None
        zygote.program.kill()
        zygote.program.wait()
        assert os.waitstatus_to_exitcode(os.waitpid(_ask_in_a_fork(pool, range(3)), 0)[1]) == 0


def test_a_dead_zygote_is_replaced(confinement: Confinement) -> None:
    zygote = confinement._zygote
    assert zygote is not None
    zygote.program.kill()
    zygote.program.wait()
    assert confinement.run("echo", {"value": 1}) == 1


def test_idle_ones_end_and_start_again_and_a_job_is_never_cut_off(tmp_path: Path) -> None:
    with hostile_pool(tmp_path) as pool, ThreadPoolExecutor(1) as thread:
        assert pool.run("echo", {"value": 1}) == 1
        pool.end_when_idle(300)
        first = pool._zygote
        assert first is not None and first.program.poll() is None
        pool.end_when_idle(0)
        assert first.program.poll() is not None
        assert pool.run("echo", {"value": 2}) == 2
        waiting = thread.submit(cause_of, pool, "sleep", timeout=1)
        while not waiting.done():
            pool.end_when_idle(0 if pool._under_way else 300)
        assert waiting.result() == "timeout", "it was ended before"


def test_where_memory_runs_out_they_are_ended_before_whoever_serves(confinement: Confinement) -> None:
    assert confinement.run("echo", {"value": 1}) == 1
    zygote = confinement._zygote
    assert zygote is not None
    # Children are forked from it, and take this over.
    assert int(Path(f"/proc/{zygote.program.pid}/oom_score_adj").read_text()) >= sandbox.FIRST


def test_closing_ends_the_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, begun = hostile_pool(tmp_path), threading.Event()
    identity, child_of = pool.run("identity", {}), pool._child

    def child() -> Any:
        found = child_of()
        begun.set()
        return found

    monkeypatch.setattr(pool, "_child", child)
    waiting = threading.Thread(target=lambda: cause_of(pool, "sleep", timeout=300))
    waiting.start()
    assert begun.wait(60)  # a job that begins later has a zygote of its own
    pool.close()
    waiting.join(timeout=30)
    assert not waiting.is_alive(), "the job takes a minute"
    deadline = time.monotonic() + 60  # its parent has ended before it: whoever got it has yet to take notice
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(identity, 0)
            time.sleep(0.05)


def test_waiting_children_that_something_ended_are_passed_over(tmp_path: Path) -> None:
    """No memory was left, say, and the kernel chose them: that is not the fault of whoever comes next."""
    with hostile_pool(tmp_path) as pool:
        assert pool.run("echo", {"value": 1}) == 1
        zygote = pool._zygote
        assert zygote is not None
        children = children_of(zygote.program.pid)
        assert len(children) == 2
        for child in children:
            os.kill(child, signal.SIGKILL)
        while any(Path(f"/proc/{child}").exists() for child in children):
            time.sleep(0.01)
        assert pool.run("echo", {"value": 2}) == 2


def children_of(process: int) -> list[int]:
    """Those that wait already, once the pool has filled up."""
    deadline = time.monotonic() + 60
    while True:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        if len(children) == 2 or time.monotonic() > deadline:
            return [int(child) for child in children]
        time.sleep(0.02)
