"""What breaks: processes die, the disk is full."""

from __future__ import annotations

from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step

STATE = "/var/lib/vermilion/state"
SMALL = 600
"""MiB of the disk that is filled."""

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
    machine.run("systemctl stop vermilion.target vermilion-web.socket vermilion-tsa.socket")
    machine.run(
        f"mkdir -p /mnt/small && mount -t tmpfs -o size={SMALL}m,mode=0755 small /mnt/small"
        f" && cp -a {STATE}/. /mnt/small/"
        f" && chown --reference={STATE} /mnt/small && chmod --reference={STATE} /mnt/small"
        f" && mount --move /mnt/small {STATE}"
    )
    try:
        machine.run("systemctl start vermilion-web.socket vermilion-tsa.socket vermilion.target")
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
        machine.run("systemctl stop vermilion.target vermilion-web.socket vermilion-tsa.socket")
        machine.run(
            f"rm -f {STATE}/filler; mkdir -p /mnt/small && mount --move {STATE} /mnt/small"
            f" && find {STATE} -mindepth 1 -delete && cp -a /mnt/small/. {STATE}/ && umount /mnt/small"
        )
        machine.run("systemctl start vermilion-web.socket vermilion-tsa.socket vermilion.target")
    bed.outside("ready", 90)
    told = bed.outside("complete", title)
    return f"{LEFT} of {SMALL} MiB left: {refused}; meanwhile {signed}; with room again: {taken}; {told}"
