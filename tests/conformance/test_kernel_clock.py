"""The machine's real clock, as the kernel keeps it: its NTP state, and a step that a time namespace makes real."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from hsm.config import load
from hsm.time_source import KernelClock
from tests.authority import RunningAuthority, end, running_authority, start
from tests.conformance.boot_clock import STEP, UNDO, shift_on_signals, why_not
from tests.conformance.endpoint import kill, running_tsa
from tests.conformance.oracle import TIME_NOT_AVAILABLE
from tests.conformance.reading import Refusal, Token, granted, read, refused
from tests.conformance.requests import PLAIN
from tests.conformance.waiting import eventually, workers_of


@pytest.fixture
def shifted() -> Iterator[RunningAuthority]:
    """An authority whose workers, once they are started anew, are in a time namespace (see :func:`_serve`)."""
    if reason := why_not():
        pytest.skip(f"no time namespace here: {reason}")
    with running_authority(warm=False) as running:
        end(running.process)
        running.process = start(running.root, module=__name__)
        yield running


def start_workers_anew(authority: RunningAuthority, number: int) -> None:
    """Signal *number* moves the boot clock of the workers that are started from now on; then all are."""
    old = workers_of(authority)
    os.kill(authority.process.pid, number)
    for worker in old:
        kill(worker)
    eventually(lambda: len(workers_of(authority)) == len(old) and set(workers_of(authority)).isdisjoint(old))


@pytest.mark.long
def test_a_real_step_is_refused_by_every_worker_and_forgiven_when_undone(shifted: RunningAuthority) -> None:
    with running_tsa(shifted.root) as tsa:
        before = granted(tsa.ask(PLAIN)).tst_info["gen_time"].native
        start_workers_anew(shifted, STEP)
        eventually(lambda: read_answer(tsa.ask(PLAIN)) == TIME_NOT_AVAILABLE)
        for _ in range(6):
            assert refused(tsa.ask(PLAIN)).fail_info == TIME_NOT_AVAILABLE
        start_workers_anew(shifted, UNDO)
        eventually(lambda: read_answer(tsa.ask(PLAIN)) is None)
        assert granted(tsa.ask(PLAIN)).tst_info["gen_time"].native > before


def read_answer(reply: bytes) -> int | None:
    """The failInfo of *reply*, None for a token."""
    answer: Token | Refusal = read(reply)
    return answer.fail_info if isinstance(answer, Refusal) else None


def test_the_kernels_own_word_decides() -> None:
    """Where the kernel's clock is not held by NTP (as in most containers) nothing is dated; else everything is."""
    with running_authority(warm=False) as running:
        end(running.process)
        settings = running.root / "config/authority.toml"
        settings.write_text(settings.read_text().replace('source = "declared"', 'source = "kernel"'))
        assert 'source = "kernel"' in settings.read_text()
        running.process = start(running.root)
        clock = KernelClock(load(running.root).time.accuracy)
        with running_tsa(running.root) as tsa:
            for _ in range(3):
                proven = clock.read_clock().proven
                answer = read_answer(tsa.ask(PLAIN))
                if clock.read_clock().proven is proven:  # it did not change meanwhile
                    assert answer == (None if proven else TIME_NOT_AVAILABLE)


def _serve() -> None:
    from hsm import cli  # noqa: PLC0415 - in the daemon alone

    shift_on_signals()
    sys.argv = ["vermilion-authority", "serve"]
    cli.main()


if __name__ == "__main__":
    _serve()
