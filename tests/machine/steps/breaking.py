"""What breaks: processes die, the disk is full."""

from __future__ import annotations

from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step

STATE = "/var/lib/vermilion/state"
SMALL = 600
"""MiB of the disk that is filled."""

SMALL_DISK = (
    f"mount -t tmpfs -o size={SMALL}m small /mnt/small && cp -a {STATE}/. /mnt/small/"
    f" && chown --reference={STATE} /mnt/small && chmod --reference={STATE} /mnt/small"
    f" && mount --bind /mnt/small {STATE}"
)
"""The state moves to a disk of its own, whose size is known."""

BACK = (
    f"if mountpoint -q {STATE}; then rm -f {STATE}/filler; umount {STATE};"
    f" find {STATE} -mindepth 1 -delete && cp -a /mnt/small/. {STATE}/ && umount /mnt/small; fi"
)

LEFT = 20
"""MiB that are left on it: less than 5 %, and enough for what goes on."""


@step("killed", "contract")
def killed(bed: Bed) -> str:
    """the authority is killed, with the HSM in it: refusals, nothing worse, and it comes back with its PIN"""
    machine = bed.machine
    machine.run("systemctl kill --kill-whom=all --signal=KILL vermilion-authority.service")
    back = bed.outside("timestamp-until", "granted", 120)
    bed.outside("ready", 60)
    if not machine.says("test -s /run/vermilion/alarms/vermilion-authority.service"):
        raise StepFailed("no alarm was raised")
    machine.run("rm /run/vermilion/alarms/*")
    return f"{back}; {bed.outside('contract', '其后的合同')}"


@step("disk", "contract")
def disk(bed: Bed) -> str:
    """the disk fills: uploads are refused, signing and timestamps go on; with room again, all is as before"""
    machine = bed.machine
    bed.with_services_stopped(f"mkdir -p /mnt/small && {SMALL_DISK}")
    try:
        bed.outside("ready", 90)
        bed.outside("sent", title := "磁盘将满时的合同")
        machine.run(
            f"free=$(df --output=avail -BM {STATE} | tail -n 1 | tr -dc 0-9);"
            f" head -c $((free - {LEFT}))M /dev/zero >{STATE}/filler"
        )
        refused = bed.outside("draft", "refused")
        signed = bed.outside("signed", title)
        bed.outside("timestamp", "little-room")
        machine.run(f"rm {STATE}/filler")
        taken = bed.outside("draft", "taken")
    finally:
        bed.with_services_stopped(BACK)
    bed.outside("ready", 90)
    told = bed.outside("complete", title)
    return f"{LEFT} of {SMALL} MiB left: {refused}; meanwhile {signed}; with room again: {taken}; {told}"
