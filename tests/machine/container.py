"""A Debian in a container of systemd-nspawn: systemd is process 1, its network is a loopback interface alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.machine.commands import LONGEST, run
from tests.machine.failure import StepFailed

REBOOTED = 133
"""What systemd-nspawn ends with when the container wants to be booted again."""

PATIENCE = 90.0
_UNCOVERED = (
    "mkdir --mode 0700 /run/uncovered && mkdir /run/uncovered/proc &&"
    " mount --types proc --options hidepid=invisible proc /run/uncovered/proc"
)
"""systemd-nspawn covers parts of /proc, and the kernel lets nobody mount a fresh one in a user namespace, as
bubblewrap does, unless there is an uncovered one. A machine of its own has that."""
CABLE = "cable"
"""The interface by which a machine reaches another one."""

ENVIRONMENT = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "LANG=C.UTF-8")
# The kernel's NTP state can be read there, as on a machine; to set the clock it has no capability.
CLOCK_CALLS = "--system-call-filter=adjtimex clock_adjtime"


class Container:
    """One container, whose root directory *root* outlives it. Not thread-safe."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self._name = name
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        """Boots it and waits until systemd has started what it starts."""
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self._name}"]
        command += ["--register=no", "--keep-unit", "--boot", "--private-network", CLOCK_CALLS]
        with self.root.with_suffix(".console").open("ab") as console:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        self._leader = self._first_process()
        self.until("systemctl is-system-running | grep -Eq 'running|degraded'", PATIENCE)
        self.run(_UNCOVERED)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._nspawn is not None and self._nspawn.poll() is None

    def run(self, script: str, *, check: bool = True, patience: float = LONGEST) -> str:
        """What the shell *script* prints as root on the machine. Raises :class:`StepFailed`."""
        inside = (
            "nsenter",
            "--target",
            str(self._leader),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
        )
        return run((*inside, *ENVIRONMENT, "sh", "-c", script), check=check, patience=patience)

    def says(self, script: str) -> bool:
        """Whether *script* ends well."""
        try:
            self.run(script)
        except StepFailed:
            return False
        return True

    def until(self, script: str, patience: float) -> float:
        """Waits until *script* ends well; the seconds that it took."""
        began = time.monotonic()
        while not self.says(script):
            if time.monotonic() - began > patience or not self.is_running:
                raise StepFailed(f"not within {patience:.0f} s on the machine: {script}")
            time.sleep(0.2)
        return time.monotonic() - began

    def read(self, path: str) -> str:
        """The text of a file on the machine."""
        return self.run(f"cat {path}")

    def network(self) -> Sequence[str]:
        """What to put before a command that shall run here, but in the machine's network."""
        return ("nsenter", "--target", str(self._leader), "--net")

    def reboot(self) -> float:
        """As an operator does; the seconds until it has started again."""
        began = time.monotonic()
        self.run("systemctl --no-block reboot")
        status = self._ended()
        if status != REBOOTED:
            raise StepFailed(f"the machine did not reboot: systemd-nspawn ended with {status}")
        self.boot()
        return time.monotonic() - began

    def cut(self) -> None:
        """Everything in it dies at once."""
        if self.is_running:
            os.kill(self._leader, signal.SIGKILL)
            self._ended()

    def power_off(self) -> None:
        """Ends it in order, or else at once."""
        if not self.is_running:
            return
        try:
            self.run("systemctl --no-block poweroff")
            self._ended()
        except StepFailed:
            self.cut()

    def remove(self) -> None:
        """Ends it and removes its root."""
        self.cut()
        shutil.rmtree(self.root, ignore_errors=True)

    def _ended(self) -> int:
        assert self._nspawn is not None
        try:
            return self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            self._nspawn.kill()
            raise StepFailed("the machine did not end") from error

    def _first_process(self) -> int:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.is_running:
            # systemd is process 1 of its own namespace: before that, the child is still nspawn's.
            for child in children.read_text().split():
                if _is_init(child):
                    return int(child)
            time.sleep(0.05)
        words = self.root.with_suffix(".console").read_text(errors="replace").strip().splitlines()[-3:]
        raise StepFailed(f"the machine did not boot: {' / '.join(words)}")


def connect(one: Container, another: Container, addresses: tuple[str, str]) -> None:
    """A cable between two machines, each with its address (IPv4 with a prefix); it is gone when either reboots.
    Raises :class:`StepFailed`."""
    peer = another.network()[2]
    run((*one.network(), "ip", "link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", peer))
    for machine, address in zip((one, another), addresses, strict=True):
        run((*machine.network(), "ip", "address", "add", address, "dev", CABLE))
        run((*machine.network(), "ip", "link", "set", CABLE, "up"))


def _is_init(process: str) -> bool:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1" and "systemd" in status.splitlines()[0]
