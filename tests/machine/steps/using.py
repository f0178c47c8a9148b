"""What an ordinary day brings: the machine is started again, its clock is not proven."""

from __future__ import annotations

from tests.machine.bed import Bed, host_is_unsynchronised
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.making import CHECKOUT
from tests.machine.plan import step

MOST_MEMORY = 1400
"""MB that the appliance may take after an ordinary day."""


@step("memory", "contract")
def memory(bed: Bed) -> str:
    """everybody looks at whatever the portal shows; then what each unit takes is counted"""
    told = bed.outside("browse")
    table = bed.machine.run((CHECKOUT / "tests/machine/usage.sh").read_text(encoding="utf-8")).strip()
    together = int(table.splitlines()[-1].split("|")[3].removesuffix("MB "))
    if together > MOST_MEMORY:
        raise StepFailed(f"{told}; {together} MB:\n{table}")
    return f"{told}; {together} MB together\n{table}"


@step("reboot", "contract")
def reboot(bed: Bed) -> str:
    """after a reboot all comes back by itself: the PIN, the portal, people's passkeys, the contract"""
    seconds = bed.machine.reboot()
    ready = bed.outside("ready", 60)
    bed.outside("timestamp", "rebooted")
    told = bed.outside("same", "第一份合同")
    return f"booted in {seconds:.1f} s; {ready}; {told}"


@step("clock", "install")
def clock(bed: Bed) -> str:
    """a clock that is not synchronised gives no timestamps (timeNotAvailable); vouched for, it does again"""
    if not host_is_unsynchronised():
        raise LeftOut("this machine's clock is synchronised, and a container cannot change that; see power")
    bed.rely_on("kernel")
    stopped = bed.outside("timestamp-until", "timeNotAvailable", 60)
    unready = bed.outside("unready", "", 30)
    bed.rely_on("declared")
    back = bed.outside("timestamp-until", "granted", 60)
    return f"{stopped}; /readyz: {unready}; then {back}"
