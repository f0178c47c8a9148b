"""The power is cut under load, the disk loses what was not flushed; on its own kernel the clock is set back."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.container import Container
from tests.machine.disk import PROGRAMS, Disk
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.load import Acknowledged
from tests.machine.plan import step
from tests.machine.virtual import VirtualMachine

ENOUGH = (20, 2)
"""Timestamps and signatures that have to be acknowledged before the power is cut."""

LONGER = 3000
"""Less than so many milliseconds later, by chance: whatever is under way then."""

OUTAGES = 3
BEGUN = 1800.0
"""Seconds in which so much is acknowledged."""

IDLE = 60.0
"""Seconds to the login where nobody else needs the two cores, at most: 20 were measured."""

SETTLED = 900.0
"""Seconds in which a machine without hardware virtualisation serves again."""


@step("outage", "contract")
def outage(bed: Bed) -> str:
    """power and unflushed writes are lost under load, three times: whatever was acknowledged is found"""
    missing = [each for each in PROGRAMS if shutil.which(each) is None] + [
        device for device in ("/dev/fuse", "/dev/loop-control") if not Path(device).exists()
    ]
    if missing:
        raise LeftOut(f"left out: {', '.join(missing)} missing (scripts/setup virtual)")
    bed.machine.power_off()
    before, disk = bed.machine, Disk(bed.folder / "disk")
    disk.make(before.root)
    disk.plug_in()
    bed.machine = Container(disk.root, f"vermilion-{os.getpid()}")
    try:
        disk.prove()
        bed.machine.boot()
        return "; ".join(_outage(bed, disk, number) for number in range(OUTAGES))
    finally:
        bed.machine.power_off()
        disk.cut()
        disk.take_out()
        bed.machine = before
        before.boot()


def _outage(bed: Bed, disk: Disk, number: int) -> str:
    def cut() -> None:
        disk.cut()
        bed.machine.cut()

    bed.outside("ready", SETTLED)
    journal = bed.folder / f"journal-{number}"
    told = _cut_under_load(bed, bed.machine.network(), journal, cut)
    disk.take_out()
    disk.plug_in()
    bed.machine.boot()
    bed.outside("ready", SETTLED)
    found = bed.outside("look-up", journal)
    checked = bed.machine.run("vermilion log check").strip().splitlines()[-1]
    return f"cut after {told}; {found}; log check: {checked}"


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
    if booted > IDLE and "WHERE_POSSIBLE" in os.environ:
        raise LeftOut(
            f"left out: login after {booted:.0f} s; without KVM, this machine has too little left for it"
        )
    bed.outside("timestamp-until", "granted", SETTLED)
    bed.outside("ready", SETTLED)
    told = bed.outside("same", "第一份合同", "inward")
    return f"login after {booted:.0f} s; by chrony the kernel's clock is proven; {told}"


def _cut_under_load(bed: Bed, network: Sequence[str], journal: Path, cut: Callable[[], None]) -> str:
    """What was acknowledged when the power was *cut*."""
    command = bed.errand("bear", journal)
    with subprocess.Popen(
        [*network, *command], cwd=making.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as load:
        try:
            enough = _was_enough(journal, load)
            time.sleep(secrets.randbelow(LONGER) / 1000)
        finally:  # the load ends with the machine
            cut()
        told = load.communicate(timeout=300)[0].decode().strip()
    if load.returncode or not enough:
        raise StepFailed(f"before the power was cut: {told}")
    return told.splitlines()[-1]


@step("power", "virtual")
def power(bed: Bed) -> str:
    """the power of that machine is cut while people sign and programs ask: nothing acknowledged is lost"""
    journal = bed.folder / "journal"
    told = _cut_under_load(bed, bed.virtual.network(), journal, bed.virtual.cut)
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
    return f"{refused}; then {back}; {bed.outside('dated')}"


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
