"""The hand of a node's management controller: switches its power, which is a process of QEMU.

    power.py FOLDER get power | set power 0 | set power 1 | set reset 1

``ipmi_sim`` runs it for whoever asks the controller by IPMI (``chassis_control`` of ipmi_lan(5)), the harness when
it pulls the plug. *FOLDER* has ``command`` (QEMU's, as JSON) and the disks; while ``mains`` is missing there,
nothing can be switched on. With every power-on what the disks were told to flush is kept and nothing else: what is
written since goes to a fresh overlay, whose tables are in QEMU's memory (tests/machine/disk.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DISKS = ("system", "volume")
MAINS = "mains"
CONSOLE, BEGINS = "console", "console.begins"
"""What the machine has said since it was made, and from which byte on since it got power last."""


def is_on(folder: Path) -> bool:
    """Whether QEMU runs."""
    with contextlib.suppress(OSError, ValueError):
        process = int((folder / "pid").read_text())
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and "qemu" in Path(f"/proc/{process}/cmdline").read_text()
    return False


def off(folder: Path) -> None:
    """At once, in the middle of whatever it does."""
    while is_on(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        time.sleep(0.02)


def on(folder: Path) -> None:
    """Unless it is on, or has no mains."""
    if is_on(folder) or not (folder / MAINS).exists():
        return
    for name in DISKS:
        kept, fresh = folder / f"{name}.qcow2", folder / f"{name}.top"
        if fresh.exists():
            subprocess.run(["qemu-img", "commit", "-q", str(fresh)], check=True)
            fresh.unlink()
        made = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "-b", str(kept), "-F", "qcow2"]
        subprocess.run([*made, str(fresh)], check=True)
    command = json.loads((folder / "command").read_text())
    with (folder / CONSOLE).open("ab") as console:
        (folder / BEGINS).write_text(str(console.tell()))
        qemu = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(qemu.pid))


def has_stalled(folder: Path) -> bool:
    """Whether its kernel waits for a processor's timer, which the emulator has lost, and nobody can log in yet."""
    with contextlib.suppress(OSError, ValueError), (folder / CONSOLE).open("rb") as console:
        console.seek(int((folder / BEGINS).read_text()))
        words = console.read()
        return b"detected stalls on CPUs" in words and b"login:" not in words
    return False


def main(place: str, verb: str, *words: str) -> int:
    """The exit status."""
    folder = Path(place)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if verb == "get":
            sys.stdout.writelines(f"{word}:{int(word == 'power' and is_on(folder))}\n" for word in words)
        elif verb == "set":
            for name, value in zip(words[::2], words[1::2], strict=True):
                if name == "reset" or (name == "power" and value == "0"):
                    off(folder)
                if name == "reset" or (name == "power" and value == "1"):
                    on(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
