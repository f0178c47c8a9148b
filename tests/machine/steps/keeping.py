"""What has to outlive the machine: a backup, the loss of everything, and the restore on a new machine."""

from __future__ import annotations

import shutil

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step

BACKUPS = "var/lib/vermilion/backups"


@step("backup", "contract")
def backup(bed: Bed) -> str:
    """a backup is made while the machine serves, and is carried away"""
    recap = bed.install("--playbook backup")
    bed.log_key = bed.machine.read("/var/lib/vermilion/trust/log.vkey").strip()
    shutil.copytree(bed.machine.root / BACKUPS, bed.folder / "backups", dirs_exist_ok=True)
    return f"{recap}; {_newest(bed)}, {_size(bed) / 1e6:.1f} MB"


@step("restore", "backup")
def restore(bed: Bed) -> str:
    """the machine is lost; on a new one the backup, the recovery key and the PIN bring everything back"""
    bed.machine.remove()
    making.unpack(making.debian(bed.kept), bed.machine.root)
    bed.machine.boot()
    bed.carry(bed.bundle)
    shutil.copytree(bed.folder / "backups", bed.machine.root / "mnt/backups")
    for name in ("recovery.key", "user.pin"):
        shutil.copy(bed.folder / name, bed.machine.root / "root" / name)
    bed.machine.run("mkdir -m 0700 /run/keys && mv /root/recovery.key /root/user.pin /run/keys/")
    given = {
        "restore_archive": f"/mnt/backups/{_newest(bed)}",
        "restore_identity": "/run/keys/recovery.key",
        "restore_pin_file": "/run/keys/user.pin",
        "restore_log_key": bed.log_key,
    }
    recap = bed.install("--playbook restore", *(f"--set {name}={value}" for name, value in given.items()))
    bed.machine.run("rm -r /run/keys")
    bed.know_certificate()
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    bed.outside("timestamp", "restored")
    checked = bed.machine.run("vermilion log check").strip().splitlines()[-1]
    new = bed.outside("contract", "恢复后的合同")
    again = bed.install()
    if again.changed:
        raise StepFailed(f"a run after the restore changes things: {again}: {again.tasks_that_changed()}")
    return f"{recap}; {ready}; {same}; a new contract: {new}; {checked}"


def _newest(bed: Bed) -> str:
    names = sorted(path.name for path in (bed.folder / "backups").iterdir() if path.name[:1].isdigit())
    if not names:
        raise StepFailed("there is no backup")
    return names[-1]


def _size(bed: Bed) -> int:
    return sum(path.stat().st_size for path in (bed.folder / "backups").rglob("*") if path.is_file())
