"""A whole appliance in a throw-away home: what our figures are measured on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

from appliance.cli.founding import found_home
from appliance.config import Settings, WebSettings, load
from appliance.demonstration.new_home import DEMONSTRATION
from appliance.home import Home
from appliance.supervision import Supervisor, inherited, running_authority, services
from hsm.files import write_private
from hsm.home import make_home
from tests.bench.machine_time import MILLISECONDS_A_TICK, processor_ticks


def silent(_sentence: str, **_values: object) -> None:
    """Says nothing: the bench prints figures only."""


@contextmanager
def founded_home(*, tsa_algorithm: str = "ECDSA_SHA256") -> Iterator[Settings]:
    """A home with tokens, CAs, people and a seal; the authority does not run yet."""
    with tempfile.TemporaryDirectory(prefix="vermilion-bench-") as folder:
        home = Home(Path(folder))
        if tsa_algorithm != "ECDSA_SHA256":
            _hold_ceremony(home, tsa_algorithm)
        found_home(home, say=silent, environment=inherited(os.environ))
        yield load(home)


def _hold_ceremony(home: Home, tsa_algorithm: str) -> None:
    """The development ceremony with another algorithm for the timestamp key."""
    for folder in (home.authority_settings.parent, home.people):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(home.authority_settings, DEMONSTRATION.authority_settings(WebSettings().port).encode())
    make_home(home.root)
    plan = resources.files("hsm.ceremonies").joinpath("development.toml").read_text()
    before, subject, after = plan.partition('subject = "tsa"')
    changed = before + subject + after.replace('"ECDSA_SHA256"', f'"{tsa_algorithm}"', 1)
    path = home.root / "ceremony.toml"
    path.write_text(changed)
    subprocess.run(
        [sys.executable, "-m", "hsm.cli", "ceremony", str(path)],
        env={**inherited(os.environ), "VERMILION_HOME": str(home.root)},
        check=True,
        capture_output=True,
    )


@contextmanager
def authority_of(settings: Settings) -> Iterator[None]:
    """The authority of *settings*, running."""
    with running_authority(settings.home, say=silent, environment=inherited(os.environ)):
        yield


@contextmanager
def serving(settings: Settings, *names: str) -> Iterator[None]:
    """All processes of *settings*, as ``make up`` runs them, or those of these *names*."""
    wanted = [each for each in services(settings, inherited(os.environ)) if not names or each.name in names]
    with Supervisor(wanted, say=silent):
        wait_until_idle()
        yield


def wait_until_idle(*, seconds: float = 60) -> None:
    """Wait until the machine rests: processes that have just started still rehearse, and would be measured too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = processor_ticks()
        time.sleep(1)
        now = processor_ticks()
        if now.busy - before.busy < 0.05 * (now.all - before.all):
            return


def descendants(parent: int) -> set[int]:
    """The processes that *parent* started, and theirs."""
    children: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
        except OSError:
            continue
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), set()).add(int(path.parent.name))
    found: set[int] = set()
    waiting = [parent]
    while waiting:
        for child in children.get(waiting.pop(), set()) - found:
            found.add(child)
            waiting.append(child)
    return found


def children_milliseconds() -> float:
    """Processor time that the descendants of this process which run now have used so far."""
    ticks = 0
    for process in descendants(os.getpid()):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks * MILLISECONDS_A_TICK
