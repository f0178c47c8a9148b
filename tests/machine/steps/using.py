"""What an ordinary day brings: the machine is started again, its clock is not proven."""

from __future__ import annotations

from tests.machine.bed import Bed, host_is_unsynchronised
from tests.machine.failure import LeftOut
from tests.machine.plan import step


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
