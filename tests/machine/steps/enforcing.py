"""On a machine with a kernel of its own: what a container does not enforce is tried, under the very units."""

from __future__ import annotations

from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step
from tests.machine.steps.probing import PLACE, probe_of
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

EAT = """
import os, sys, time
def eat():
    kept = []
    for number in range(640):
        kept.append(b"x" * (1 << 20))
        print(number + 1, flush=True)
def a_child_eats():
    child = os.fork()
    if child == 0:
        open("/proc/self/oom_score_adj", "w").write("1000")
        eat()
        os._exit(0)
    print("signal", os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
    time.sleep(3600)
"""
"""A MiB after the other, 128 more than the timestamp service may have: by the service itself, or by what it has
started to read a stranger's file."""

CAPTURE, CAPTURES = "capture@probe", "vermilion-capture.slice"
QUIET = ("StandardInput=null",)
CAPTURE_TRIES = {"as it is": QUIET, "lifted": (*QUIET, "IPAddressDeny=")}
NARROW = 320
"""MiB of all captures, for a moment."""

SERVICES = tuple(
    f"vermilion-{name}.service" for name in ("authority", "web", "tsa", "scheduler", "console", "activation")
)


@step("enforced", "virtual")
def enforced(bed: Bed) -> str:
    """what a container does not enforce: the kernel's settings, addresses, devices, the number of tasks, memory"""
    machine = bed.virtual
    settings = _kernel(machine)
    as_it_is, lifted = _tried(machine, AS_ROOT), _tried(machine, (*AS_ROOT, *LIFTED))
    if as_it_is != EXPECTED or set(lifted.values()) != {"done"}:
        raise StepFailed(f"the scheduler: {as_it_is}; without {', '.join(LIFTED)}: {lifted}")
    most = _multiplied(bed)
    memory = _eaten(bed)
    captures = _captured(machine)
    return (
        f"{settings} settings of the kernel; the scheduler reaches its mail server, not neighbour, world or disk"
        f" (all of them without {', '.join(LIFTED)}); a timestamp service that multiplies comes to {most} tasks,"
        f" and the others go on; {memory}; {captures}"
    )


def _kernel(machine: VirtualMachine) -> int:
    wanted = machine.run("grep -hv '^#' /etc/sysctl.d/6?-vermilion*.conf | tr -d ' ' | grep .").split()
    names = " ".join(line.partition("=")[0] for line in wanted)
    wrong = sorted(set(wanted) - set(machine.run(f"sysctl {names}").replace(" ", "").split()))
    if wrong:
        raise StepFailed(f"the kernel has other values than {wrong}")
    return len(wanted)


def _tried(machine: VirtualMachine, changes: tuple[str, ...], unit: str = "scheduler") -> dict[str, str]:
    told = machine.run(f"{probe_of(unit, TRIES, changes)}; systemctl start probe.service; cat {PLACE}.out")
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def _captured(machine: VirtualMachine) -> str:
    """What captures of web pages reach, and how much memory they get: one by its unit, all by their slice, which
    is narrowed meanwhile. No other service is touched."""
    before = _running(machine)
    reached = {place: _tried(machine, changes, CAPTURE) for place, changes in CAPTURE_TRIES.items()}
    wanted = {each: EXPECTED[each] for each in ("127.0.0.1", "10.0.2.2", "192.0.2.1")}
    as_it_is = {each: reached["as it is"].get(each) for each in wanted}
    lifted = {reached["lifted"].get(each) for each in wanted}
    if as_it_is != wanted or lifted != {"done"}:
        raise StepFailed(f"captures: {as_it_is}; without IPAddressDeny=: {lifted}")
    whole = int(machine.run("awk '/^MemTotal/ {print $2}' /proc/meminfo")) >> 10
    one, together = (
        int(machine.run(f"systemctl show --property MemoryMax --value {unit}")) >> 20
        for unit in ("probe.service", CAPTURES)
    )
    if abs(one - whole * 2 // 5) > 2 or abs(together - whole // 2) > 2:
        raise StepFailed(f"of {whole} MiB a capture may have {one}, and all of them {together}")
    alone = _ate(machine, "eat()", *QUIET, unit=CAPTURE)
    try:
        machine.run(f"systemctl set-property --runtime {CAPTURES} MemoryMax={NARROW}M")
        narrow = _ate(machine, "eat()", *QUIET, unit=CAPTURE)
    finally:
        machine.run(f"systemctl revert {CAPTURES}")
    if alone != 640 or not NARROW * 3 // 4 <= narrow <= NARROW:
        raise StepFailed(f"a capture came to {alone} MiB, and to {narrow} in a slice of {NARROW}")
    if _running(machine) != before:
        raise StepFailed(f"services were started again: {before}, then {_running(machine)}")
    return (
        f"a capture reaches what its drop-in names, and gets {alone} MiB, or {narrow} where all may have {NARROW}"
    )


def _multiplied(bed: Bed) -> int:
    """How many tasks the timestamp service gets at most; meanwhile another one gives a timestamp."""
    machine = bed.virtual
    machine.run(f"{probe_of('tsa', MULTIPLY, ())}; systemctl start --no-block probe.service")
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


def _eaten(bed: Bed) -> str:
    """How much memory the timestamp service gets at most, alone, with a child, and without its limit. No other
    service is touched, and a timestamp is given."""
    machine = bed.virtual
    before = _running(machine)
    unlimited = _ate(machine, "eat()", "MemoryMax=infinity")
    if unlimited != 640:
        raise StepFailed(f"without a limit it came to {unlimited} MiB of 640: too little memory to tell")
    alone = _ate(machine, "eat()")
    result = machine.run("systemctl show --property Result --value probe.service").strip()
    limit = int(machine.run("systemctl show --property MemoryMax --value probe.service")) >> 20
    if not limit * 3 // 4 <= alone <= limit or result not in ("oom-kill", "signal"):
        raise StepFailed(f"it came to {alone} MiB, with a limit of {limit}, and ended with {result}")
    bed.outside("timestamp", "hungry")
    machine.run(f"{probe_of('tsa', f'{EAT}a_child_eats()', ())}; systemctl start --no-block probe.service")
    try:
        machine.until(f"grep -q signal {PLACE}.out", 300)
        beside = _came_to(machine)
        if "signal 9" not in machine.run(f"cat {PLACE}.out") or not limit * 3 // 4 <= beside <= limit:
            raise StepFailed(f"a child came to {beside} MiB, with a limit of {limit}")
        if machine.run("systemctl show --property ActiveState --value probe.service").strip() != "activating":
            raise StepFailed("the service ended with its child")
        bed.outside("timestamp", "beside")
    finally:
        machine.run("systemctl kill --signal=KILL probe.service", check=False)
    if machine.run("dmesg | grep -c 'oom_memcg=/vermilion.slice/probe.service'", check=False).strip() in (
        "",
        "0",
        "1",
    ):
        raise StepFailed("the kernel did not end them for their unit's memory")
    if _running(machine) != before:
        raise StepFailed(f"services were started again: {before}, then {_running(machine)}")
    return (
        f"of {limit} MiB it gets {alone} and is ended, a child of it {beside} and is ended alone"
        " (640 without MemoryMax); no other service is touched"
    )


def _ate(machine: VirtualMachine, act: str, *changes: str, unit: str = "tsa") -> int:
    """To how many MiB the probe comes that does *act*."""
    machine.run(f"{probe_of(unit, EAT + act, changes)}; systemctl start probe.service", check=False)
    return _came_to(machine)


def _came_to(machine: VirtualMachine) -> int:
    return int(machine.run(f"grep -x '[0-9]*' {PLACE}.out | tail -n 1"))


def _running(machine: VirtualMachine) -> list[str]:
    """The main process of each service."""
    return machine.run(f"systemctl show --property MainPID --value {' '.join(SERVICES)}").split()
