"""On a machine with a kernel of its own: the power is cut under load, and the clock is set back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.load import Acknowledged
from tests.machine.plan import step
from tests.machine.virtual import VirtualMachine

ENOUGH = (20, 2)
"""Timestamps and signatures that have to be acknowledged before the power is cut."""

BEGUN = 1800.0
"""Seconds in which so much is acknowledged."""

SETTLED = 900.0
"""Seconds in which a machine without hardware virtualisation serves again."""


@step("virtual", "contract")
def virtual(bed: Bed) -> str:
    """the machine, with its people and contracts, gets a kernel of its own (QEMU), and time from an NTP server"""
    if shutil.which("qemu-system-x86_64") is None:
        raise LeftOut("left out: QEMU is not installed (scripts/setup virtual)")
    bed.rely_on("kernel")
    bed.machine.power_off()
    bed.virtual = VirtualMachine(bed.folder / "virtual", bed.kept)
    bed.virtual.make(bed.machine.root)
    booted = bed.virtual.boot()
    bed.outside("timestamp-until", "granted", SETTLED)
    bed.outside("ready", SETTLED)
    told = bed.outside("same", "第一份合同")
    return f"login after {booted:.0f} s; by chrony the kernel's clock is proven; {told}"


@step("power", "virtual")
def power(bed: Bed) -> str:
    """the power is cut while people sign and programs ask for timestamps: nothing acknowledged is lost"""
    journal = bed.folder / "journal"
    command = (sys.executable, "-m", "tests.machine.outside", str(bed.company), "bear", str(journal))
    with subprocess.Popen(
        [*bed.virtual.network(), *command], cwd=making.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as load:
        try:
            enough = _was_enough(journal, load)
        finally:  # the load ends with the machine
            bed.virtual.cut()
        told = load.communicate(timeout=300)[0].decode().strip()
    if load.returncode or not enough:
        raise StepFailed(f"before the power was cut: {told}")
    booted = bed.virtual.boot()
    bed.outside("timestamp-until", "granted", SETTLED)
    ready = bed.outside("ready", SETTLED)
    found = bed.outside("look-up", journal)
    checked = bed.virtual.run("vermilion log check").strip().splitlines()[-1]
    return f"cut after {told}; login after {booted:.0f} s; {ready}; {found}; log check: {checked}"


@step("stepped", "virtual")
def stepped(bed: Bed) -> str:
    """somebody sets the clock back by an hour: no timestamp; chrony is started again: timestamps"""
    bed.virtual.run("date --set '-1 hour'")
    refused = bed.outside("timestamp-until", "timeNotAvailable", 120)
    bed.virtual.run("systemctl restart chrony.service")
    back = bed.outside("timestamp-until", "granted", SETTLED)
    return f"{refused}; then {back}; {bed.outside('timestamp', 'stepped')}"


def _was_enough(journal: Path, load: subprocess.Popen[bytes]) -> bool:
    """Whether so much is acknowledged in time that the power may be cut."""
    deadline = time.monotonic() + BEGUN
    while load.poll() is None and time.monotonic() < deadline:
        if journal.exists():
            found = Acknowledged.read(journal)
            if len(found.tokens) >= ENOUGH[0] and len(found.signed) >= ENOUGH[1]:
                return True
        time.sleep(0.2)
    return False
