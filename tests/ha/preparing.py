"""What two nodes begin with, made in minutes on this machine's own kernel and kept: an appliance with people and a
first contract, and a bare Debian that has the packages already. ``ha.yml`` makes one of the two, in the
emulator."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

from tests.ha.house import witness_settings
from tests.ha.node import make_root
from tests.ha.places import FLOATING, HARNESS, NODES, WITNESS, WITNESS_PORT
from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.commands import run
from tests.machine.container import Container
from tests.machine.virtual import KERNEL, SLOW, has_kvm

BARE = ("systemd-sysv", "udev")
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ext4")
"""What the kernel needs to find its disks; with these alone its initrd is a third of Debian's."""

SYSTEM, VOLUME = "8G", "1G"
TITLE = "第一份合同"
SETTINGS = {
    "application_organisation": "示例企业有限公司",
    "application_host": "sign.enterprise.example",
    "application_language": "zh",
    "application_mail_host": "127.0.0.1",
    "application_mail_port": 2525,
    "application_mail_security": "none",
    "application_mail_addresses": ["127.0.0.1/32"],
    "application_workers": 1,
    "application_time_source": "kernel",
    "time_servers": [HARNESS],
    "time_minimum_sources": 1,
    "hardening_ssh_root": True,
    "preflight_disk_mebibytes": 1024,
    "preflight_memory_mebibytes": 1024,
}
"""Of both nodes, which are small. One worker: each has typefaces to load (tests/machine/virtual.py)."""

_WITNESSED = {
    "application_witness_policy": "/root/witness-policy.txt",
    "application_witness_addresses": [f"{WITNESS}/32"],
    "application_witness_plain_http": True,
}
_PACKAGES = """
set -eu
cd {place}
mkdir -p /etc/apt/vermilion.sources.d /var/lib/apt/vermilion
printf '%s\\n' 'Types: deb' 'URIs: file:{place}/debian' 'Suites: ./' 'Signed-By: {place}.asc' \
    >/etc/apt/vermilion.sources.d/bundle.sources
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 0755 /usr/sbin/policy-rc.d
apt="apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/etc/apt/vermilion.sources.d"
apt="$apt -o Dir::State::Lists=/var/lib/apt/vermilion"
$apt update
wanted=$(sed 's/#.*//' provisioning/roles/base/files/packages.txt provisioning/roles/cluster/files/packages.txt)
DEBIAN_FRONTEND=noninteractive $apt -y --no-install-recommends install $wanted >/dev/null
rm /usr/sbin/policy-rc.d
systemctl disable corosync.service pacemaker.service corosync-qdevice.service 2>/dev/null || :
"""
"""What `ha.yml` would install from the same bundle with the same apt, ten times as slowly."""


class Appliance(Bed):
    """The machine that is an appliance before it is half of a pair."""

    witnessed = False

    def settings(self, **changes: str) -> str:
        """Those of the tested pair, as JSON, which YAML is."""
        given = {
            **SETTINGS,
            "backup_recipients": [self.recovery()],
            **(_WITNESSED if self.witnessed else {}),
            **changes,
        }
        return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in given.items())


def digest(bundle: Path, kept: Path) -> str:
    """Of everything that goes into the disks."""
    found = hashlib.sha256(bundle.read_bytes())
    for packages in (BARE, KERNEL):
        found.update(str(making.debian(kept, packages).stat().st_mtime).encode())
    for name in ("preparing.py", "places.py", "node.py"):
        found.update(Path(__file__).with_name(name).read_bytes())
    found.update(b"kvm" if has_kvm() else b"emulated")  # what the machines are allowed depends on it
    return found.hexdigest()[:16]


def kernel(kept: Path) -> Path:
    """Debian's kernel, a small initrd, and its modules, in a folder that is kept."""
    tar = making.debian(kept, KERNEL)
    place = kept / f"kernel-{hashlib.sha256(f'{tar.stat().st_mtime}{DRIVERS}'.encode()).hexdigest()[:12]}"
    if place.exists():
        return place
    root, fresh = kept / "kernel-root", place.with_suffix(".partial")
    making.unpack(tar, root)
    (root / "etc/initramfs-tools/conf.d/drivers").write_text("MODULES=list\n")
    with (root / "etc/initramfs-tools/modules").open("a") as modules:
        modules.write("".join(f"{name}\n" for name in DRIVERS))
    run(("chroot", str(root), "update-initramfs", "-u", "-k", "all"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(root / (root / name).readlink().as_posix().lstrip("/"), fresh / name)
    shutil.copytree(root / "usr/lib/modules", fresh / "modules", symlinks=True)
    shutil.rmtree(root)
    fresh.rename(place)
    return place


def prepare(kept: Path, folder: Path, bundle: Path) -> Path:
    """The disks of both nodes with what people outside know of the appliance, in a folder that is kept for the
    same bundle: ``NODE.raw``, ``company``, ``witness``, ``key``, ``facts.json``."""
    place = kept / f"pair-{digest(bundle, kept)}" / "prepared"
    if place.exists():
        return place
    for older in kept.glob("pair-*"):
        shutil.rmtree(older)
    fresh = place.with_suffix(".partial")
    fresh.mkdir(parents=True)
    run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(fresh / "key")))
    modules = kernel(kept)
    first = Appliance(kept, folder / "first")
    second = Bed(kept, folder / "second")
    try:
        facts = _found(first, bundle, fresh)
        second.machine = Container(folder / "second" / "root", f"vermilion-second-{os.getpid()}")
        _bare(second, first)
        for bed, node in zip((first, second), NODES, strict=True):
            bed.machine.power_off()
            if not has_kvm():
                _slow(bed.machine.root)
            make_root(bed.machine.root, node, modules, fresh / "key")
            disk = str(fresh / f"{node.name}.raw")
            run(("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(bed.machine.root), disk, SYSTEM))
        (fresh / "facts.json").write_text(json.dumps(facts))
        shutil.copytree(first.company, fresh / "company")
        (fresh / "company" / "place").write_text(FLOATING)
    finally:
        first.close()
        second.close()
    fresh.rename(place)
    return place


def _found(bed: Appliance, bundle: Path, fresh: Path) -> dict[str, str | float]:
    """An appliance with two officers, two signers, and a contract; it names its outside witness."""
    bed.bundle = bundle
    making.unpack(making.debian(bed.kept, BARE), bed.machine.root)
    (bed.machine.root / "etc/hostname").write_text(f"{NODES[0].name}\n")
    _know_each_other(bed.machine.root)
    bed.machine.boot()
    place = bed.carry(bundle)
    # A container cannot prove its host's clock; the nodes have an NTP server.
    declared = ("--set", "application_time_source=declared")
    bed.install(*declared)
    bed.know_certificate()
    codes = bed.machine.read("/run/vermilion-ceremony/setup.codes")
    (bed.company / "codes").write_text("\n".join(re.findall(r"\b(?:[A-Z2-7]{4}-){7}[A-Z2-7]{4}\b", codes)))
    bed.outside("ready", 60)
    bed.outside("found", bed.company / "codes")
    bed.outside("contract", TITLE)
    log_key = bed.machine.read("/var/lib/vermilion/trust/log.vkey").strip()
    # What the custodians have taken away: a restore needs it.
    (bed.company / "log.vkey").write_text(log_key)
    (bed.company / "user.pin").write_text(bed.machine.read("/run/vermilion-ceremony/user.pin"))
    shutil.copy(bed.folder / "recovery.key", bed.company / "recovery.key")
    program = str(Path(sys.executable).with_name("vermilion"))
    told = run((program, "witness", "status", "--settings", str(witness_settings(fresh, log_key))))
    policy = f"log {log_key}\nwitness house {told.splitlines()[0]} http://{WITNESS}:{WITNESS_PORT}\nquorum house\n"
    (bed.machine.root / "root/witness-policy.txt").write_text(policy)
    bed.witnessed = True
    settings = bed.settings_for(bundle)
    (bed.machine.root / "root/settings.yml").write_text(settings, encoding="utf-8")
    bed.install(*declared)
    stopped, started = _seconds_to_stop_and_serve(bed)
    kept = bed.machine.run("ls -d /opt/vermilion/bundles/*/").strip().rstrip("/")
    bed.machine.run(_PACKAGES.format(place=kept), patience=1200)
    bed.machine.run(f"rm -rf {place}")
    return {
        "bundle": kept,
        "fingerprint": bundle.with_name("vermilion-bundle.fingerprint").read_text().strip(),
        "settings": settings,
        "policy": policy,
        "seconds": started,
        "seconds_to_stop": stopped,
    }


def _seconds_to_stop_and_serve(bed: Bed) -> tuple[float, float]:
    """Until nothing runs, and from then to a portal that is ready, on this machine's own kernel: a switch-over has
    both."""
    began = time.monotonic()
    bed.machine.run("/usr/local/sbin/vermilion-stop")
    stopped = time.monotonic()
    bed.machine.run("/usr/local/sbin/vermilion-start")
    bed.outside("ready", 60)
    return stopped - began, time.monotonic() - stopped


def _bare(bed: Bed, first: Bed) -> None:
    """A bare Debian with the bundle beside it; packages and the release's own files are there already."""
    making.unpack(making.debian(bed.kept, BARE), bed.machine.root)
    (bed.machine.root / "etc/hostname").write_text(f"{NODES[1].name}\n")
    _know_each_other(bed.machine.root)
    for name in ("bundles", "releases"):
        source, to = first.machine.root / "opt/vermilion" / name, bed.machine.root / "opt/vermilion" / name
        shutil.copytree(source, to, symlinks=True)
    for name in ("settings.yml", "witness-policy.txt"):
        shutil.copy(first.machine.root / "root" / name, bed.machine.root / "root" / name)
    bed.machine.boot()
    place = bed.machine.run("ls -d /opt/vermilion/bundles/*/").strip().rstrip("/")
    bed.machine.run(_PACKAGES.format(place=place), patience=1200)


def _know_each_other(root: Path) -> None:
    lines = [f"{node.rings[0]} {node.name}\n" for node in NODES]
    (root / "etc/hosts").write_text("".join(["127.0.0.1 localhost\n", *lines]))


def _slow(root: Path) -> None:
    """The drop-in that a machine without hardware virtualisation needs (tests/machine/virtual.py)."""
    folder = root / "etc/systemd/system/vermilion-.service.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "slow.conf").write_text(SLOW)
