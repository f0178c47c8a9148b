"""On a machine with a kernel of its own: what a container does not enforce is tried, under the very units."""

from __future__ import annotations

import base64

from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step
from tests.machine.virtual import VirtualMachine

TRIES = """
import os, socket
def tried(name, act):
    try:
        act()
    except OSError as error:
        print(name, error.strerror, sep="=")
    else:
        print(name, "done", sep="=")
def send(address):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"anything", (address, 123))
for address in ("127.0.0.1", "10.0.2.2", "192.0.2.1"):
    tried(address, lambda: send(address))
tried("/dev/vda", lambda: os.close(os.open("/dev/vda", os.O_RDONLY)))
"""
"""A datagram to the mail server's address, to the machine's neighbour and to the world; a look at the disk."""

FORBIDDEN = "Operation not permitted"
EXPECTED = {"127.0.0.1": "done", "10.0.2.2": FORBIDDEN, "192.0.2.1": FORBIDDEN, "/dev/vda": FORBIDDEN}

AS_ROOT = ("User=root", "PrivateDevices=no")
"""With a disk in sight, and its owner: what is left is DevicePolicy."""

LIFTED = ("IPAddressDeny=", "DevicePolicy=auto", "ProtectClock=no")
"""Without these all of it has to succeed: nothing else forbids it."""

MULTIPLY = """
import os, threading, time
try:
    while True:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
except RuntimeError:
    print(threading.active_count(), flush=True)
    time.sleep(3600)
"""

LEFT_OUT = (
    "ExecStart=",
    "Type=",
    "NotifyAccess=",
    "WatchdogSec=",
    "Restart",
    "OnFailure=",
    "StartLimit",
    "Requires=",
    "TimeoutStartSec=",
)
PLACE = "/run/vermilion-probe"


@step("enforced", "virtual")
def enforced(bed: Bed) -> str:
    """what a container does not enforce: the kernel's settings, addresses, devices, the number of tasks"""
    machine = bed.virtual
    settings = _kernel(machine)
    as_it_is, lifted = _tried(machine, AS_ROOT), _tried(machine, (*AS_ROOT, *LIFTED))
    if as_it_is != EXPECTED or set(lifted.values()) != {"done"}:
        raise StepFailed(f"the scheduler: {as_it_is}; without {', '.join(LIFTED)}: {lifted}")
    most = _multiplied(bed)
    return (
        f"{settings} settings of the kernel; the scheduler reaches its mail server, not neighbour, world or disk"
        f" (all of them without {', '.join(LIFTED)}); a timestamp service that multiplies comes to {most} tasks,"
        " and the others go on"
    )


def _kernel(machine: VirtualMachine) -> int:
    wanted = machine.run("grep -hv '^#' /etc/sysctl.d/60-vermilion.conf | tr -d ' ' | grep .").split()
    names = " ".join(line.partition("=")[0] for line in wanted)
    wrong = sorted(set(wanted) - set(machine.run(f"sysctl {names}").replace(" ", "").split()))
    if wrong:
        raise StepFailed(f"the kernel has other values than {wrong}")
    return len(wanted)


def _tried(machine: VirtualMachine, changes: tuple[str, ...]) -> dict[str, str]:
    told = machine.run(f"{_probe('scheduler', TRIES, changes)}; systemctl start probe.service; cat {PLACE}.out")
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def _multiplied(bed: Bed) -> int:
    """How many tasks the timestamp service gets at most; meanwhile another one gives a timestamp."""
    machine = bed.virtual
    machine.run(f"{_probe('tsa', MULTIPLY, ())}; systemctl start --no-block probe.service")
    try:
        machine.until(f"test -s {PLACE}.out", 300)
        most = int(machine.run(f"cat {PLACE}.out"))
        limit = int(machine.run("systemctl show --property TasksMax --value probe.service"))
        if not limit - 2 <= most <= limit < 1024:
            raise StepFailed(f"{most} tasks, with a limit of {limit}")
        bed.outside("timestamp", "crowded")
    finally:
        machine.run("systemctl kill --signal=KILL probe.service", check=False)
    return most


def _probe(unit: str, code: str, changes: tuple[str, ...]) -> str:
    """A script that makes ``probe.service`` of ``vermilion-UNIT`` with its drop-ins and *changes*: it runs *code*,
    and what that says comes into a file."""
    program = base64.b64encode(code.encode()).decode()
    own = ("Type=oneshot", f"ExecStart=/opt/vermilion/current/bin/python {PLACE}.py", *changes)
    lines = " ".join(f"'{line}'" for line in ("[Service]", *own, f"StandardOutput=truncate:{PLACE}.out"))
    without = " ".join(f"-e '/^{start}/d'" for start in LEFT_OUT)
    return (
        f"echo {program} | base64 -d >{PLACE}.py; rm -f {PLACE}.out;"
        f" {{ systemctl cat vermilion-{unit}.service | sed {without}; printf '%s\\n' {lines}; }}"
        " >/run/systemd/system/probe.service; systemctl daemon-reload"
    )
