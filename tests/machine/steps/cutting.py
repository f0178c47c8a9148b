"""On a machine with a kernel of its own: the power is cut under load; what a container cannot enforce is tried."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.load import Acknowledged, counted
from tests.machine.plan import step
from tests.machine.virtual import VirtualMachine

ENOUGH = (20, 3)
"""Timestamps and signatures that have to be acknowledged before the power is cut."""

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


@step("enforced", "virtual")
def enforced(bed: Bed) -> str:
    """what a container does not enforce: the kernel's settings, no network for services, the slice's limits"""
    machine = bed.virtual
    wanted = machine.run("grep -hv '^#' /etc/sysctl.d/60-vermilion.conf | tr -d ' ' | grep .").split()
    names = " ".join(line.partition("=")[0] for line in wanted)
    wrong = sorted(set(wanted) - set(machine.run(f"sysctl {names}").replace(" ", "").split()))
    if wrong:
        raise StepFailed(f"the kernel has other values than {wrong}")
    for unit, reach in (("scheduler", "10.0.2.2"), ("scheduler", "1.1.1.1")):
        told = machine.run(
            _probe(unit, f"import socket; socket.create_connection(('{reach}', 123), 5)"), check=False
        )
        if "Operation not permitted" not in told:
            raise StepFailed(f"vermilion-{unit} reaches {reach}: {told[-300:]}")
    many = machine.run(
        _probe("tsa", "import os, time; [os.fork() or time.sleep(20) for _ in range(1100)]"), check=False
    )
    if "Resource temporarily unavailable" not in many:
        raise StepFailed(f"vermilion.slice does not limit processes: {many[-300:]}")
    return f"{len(wanted)} settings of the kernel; the scheduler reaches nobody; 1,024 tasks at most"


@step("power", "virtual")
def power(bed: Bed) -> str:
    """the power is cut while people sign and programs ask for timestamps: nothing acknowledged is lost"""
    journal = bed.folder / "journal"
    command = (sys.executable, "-m", "tests.machine.outside", str(bed.company), "bear", str(journal))
    with subprocess.Popen(
        [*bed.virtual.network(), *command], cwd=making.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as load:
        _until_enough(journal, load)
        bed.virtual.cut()
        told = load.communicate(timeout=300)[0].decode().strip()
    if load.returncode:
        raise StepFailed(f"the load: {told}")
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


def _until_enough(journal: Path, load: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SETTLED
    while load.poll() is None and time.monotonic() < deadline:
        if journal.exists():
            found = Acknowledged.read(journal)
            if len(found.tokens) >= ENOUGH[0] and len(found.signed) >= ENOUGH[1]:
                return
        time.sleep(0.2)
    found = Acknowledged.read(journal) if journal.exists() else Acknowledged()
    raise StepFailed(f"not enough was acknowledged before the power was cut: {counted(found)}")


def _probe(unit: str, code: str) -> str:
    """A script that runs *code* in a copy of the unit of ``vermilion-UNIT``, and prints what it says."""
    probe = f"vermilion-{unit}-probe.service"
    left_out = (
        "ExecStart=",
        "Type=",
        "NotifyAccess=",
        "WatchdogSec=",
        "Restart",
        "OnFailure=",
        "StartLimit",
        "Requires=",
    )
    without = " ".join(f"-e '/^{start}/d'" for start in left_out)
    run = f'[Service]\\nType=oneshot\\nExecStart=/opt/vermilion/current/bin/python -c "{code}"\\n'
    return (
        f"cd /run/systemd/system && mkdir -p {probe}.d && printf '{run}' >{probe}.d/run.conf"
        f" && sed {without} /usr/local/lib/systemd/system/vermilion-{unit}.service >{probe};"
        f" systemctl daemon-reload;"
        f" systemctl start {probe}; journalctl --unit {probe} --output cat --no-pager | tail -n 20;"
        f" rm -r {probe} {probe}.d; systemctl daemon-reload"
    )
