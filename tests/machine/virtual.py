"""The same Debian with a kernel of its own, in QEMU with or without hardware virtualisation: its power can be cut.

Its disk has a cache that loses what was not flushed: writes go to an overlay (qcow2), whose tables of new clusters
are in QEMU's memory until the machine flushes them, and die with it. QEMU runs in a network namespace of its own,
which holds nothing but a loopback interface: there the machine's ports are forwarded to, and there stands its NTP
server (``ntp.py``), which the machine knows as 10.0.2.2.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.machine import making
from tests.machine.commands import LONGEST, run
from tests.machine.failure import StepFailed

KERNEL = ("systemd-sysv", "linux-image-cloud-amd64", "initramfs-tools", "zstd")
LOADER = ("kmod", "libkmod2")
"""What a kernel's package depends on: it asks this for its modules."""

COMMAND_LINE = "root=LABEL=root rw console=ttyS0 quiet no_timer_check tsc=reliable mitigations=off panic=-1"
"""Without KVM, beside others, the clock's interrupt comes late: the kernel would give up (no_timer_check), or
distrust its quickest clock (tsc=reliable)."""

SIZE = "6G"
MEMORY = "2560"
PATIENCE = 600.0
SSH_PORT = 2222
NETWORK = """[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
"""


SLOW = """# Without KVM a start takes minutes, and signs of life come late.
[Service]
TimeoutStartSec=30min
WatchdogSec=0
"""
ONE_WORKER = ("sed", "-i", "s/^workers = .*/workers = 1/")
"""The portal's processes: each has typefaces and libraries to load, two minutes without KVM."""


class VirtualMachine:
    """One disk (``disk.raw`` in *folder*), booted, cut, and booted again. Not thread-safe."""

    def __init__(self, folder: Path, kept: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._kept = kept
        self._disk = folder / "disk.qcow2"
        self._key = folder / "key"
        self._qemu: subprocess.Popen[bytes] | None = None
        self._ntp: subprocess.Popen[bytes] | None = None

    def make(self, root: Path) -> None:
        """A disk with what is in *root*, a kernel, a network card's settings, and a key to log in."""
        self._add_kernel(root)
        run((*ONE_WORKER, str(root / "etc/vermilion/appliance.toml")))
        run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)))
        home = root / "root/.ssh"
        home.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self._key.with_suffix(".pub"), home / "authorized_keys")
        (root / "etc/systemd/network/10-test.network").write_text(NETWORK)
        run(("systemctl", f"--root={root}", "enable", "systemd-networkd.service"))
        slow = root / "etc/systemd/system/vermilion-.service.d"
        slow.mkdir(parents=True, exist_ok=True)
        (slow / "slow.conf").write_text(SLOW)
        raw = self._folder / "disk.raw"
        run(("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(root), str(raw), SIZE))
        overlay = ("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "-b", str(raw), "-F", "raw")
        run((*overlay, str(self._disk)))

    def _add_kernel(self, root: Path) -> None:
        """The kernel and its initrd beside the disk, its modules and what loads them into *root*."""
        kernels = self._folder / "kernel"
        making.unpack(making.debian(self._kept, KERNEL), kernels)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(kernels / (kernels / name).readlink().as_posix().lstrip("/"), self._folder / name)
        shutil.copytree(kernels / "usr/lib/modules", root / "usr/lib/modules", symlinks=True, dirs_exist_ok=True)
        for path in run(("dpkg-query", f"--admindir={kernels}/var/lib/dpkg", "--listfiles", *LOADER)).splitlines():
            found = kernels / path.lstrip("/")
            if found.is_symlink() or found.is_file():
                place = root / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, place, follow_symlinks=False)
        shutil.rmtree(kernels)

    def boot(self) -> float:
        """Boots it; the seconds until somebody can log in."""
        began = time.monotonic()
        forwarded = ",".join(
            f"hostfwd=tcp:127.0.0.1:{here}-:{there}"
            for here, there in ((80, 80), (443, 443), (8445, 8445), (SSH_PORT, 22))
        )
        command = ["qemu-system-x86_64", *accelerator(), "-m", MEMORY, "-smp", "2"]
        command += ["-kernel", str(self._folder / "vmlinuz"), "-initrd", str(self._folder / "initrd.img")]
        command += ["-append", COMMAND_LINE, "-display", "none", "-no-reboot"]
        command += ["-drive", f"file={self._disk},format=qcow2,if=virtio,cache=none"]
        command += ["-serial", "stdio", "-monitor", "none"]
        command += ["-netdev", f"user,id=n0,{forwarded}", "-device", "virtio-net-pci,netdev=n0,romfile="]
        command += ["-device", "virtio-rng-pci"]
        alone = ("nice", "-n", "5", "unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "qemu")
        with (self._folder / "console").open("ab") as console:
            self._qemu = subprocess.Popen(
                [*alone, *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._ntp = self.start_clock()
        self.until("true", PATIENCE)
        return time.monotonic() - began

    def start_clock(self) -> subprocess.Popen[bytes]:
        """The NTP server of the machine's house."""
        time.sleep(1)  # the namespace is there before QEMU's ports are
        return subprocess.Popen(
            [*self.network(), sys.executable, "-m", "tests.machine.ntp"],
            cwd=making.CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._qemu is not None and self._qemu.poll() is None

    def network(self) -> Sequence[str]:
        """What to put before a command that shall reach the machine's ports."""
        assert self._qemu is not None
        return ("nsenter", "--target", str(self._qemu.pid), "--net")

    def run(self, script: str, *, check: bool = True, patience: float = LONGEST) -> str:
        """What the shell *script* prints as root on the machine. Raises :class:`StepFailed`."""
        options = ["-q", "-i", str(self._key), "-p", str(SSH_PORT), "-o", "StrictHostKeyChecking=no"]
        options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=60", "-o", "BatchMode=yes"]
        return run((*self.network(), "ssh", *options, "root@127.0.0.1", script), check=check, patience=patience)

    def says(self, script: str) -> bool:
        """Whether *script* ends well."""
        try:
            self.run(script, patience=120)
        except StepFailed:
            return False
        return True

    def until(self, script: str, patience: float) -> float:
        """Waits until *script* ends well; the seconds that it took."""
        began = time.monotonic()
        while not self.says(script):
            if time.monotonic() - began > patience or not self.is_running:
                words = (self._folder / "console").read_text(errors="replace").strip().splitlines()[-3:]
                raise StepFailed(
                    f"not within {patience:.0f} s on the machine: {script}; console: {' / '.join(words)}"
                )
            time.sleep(2)
        return time.monotonic() - began

    def cut(self) -> None:
        """The power is cut."""
        for process in (self._qemu, self._ntp):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def has_kvm() -> bool:
    """Whether machines run on the processor itself: it has KVM, and nobody says WITHOUT_KVM."""
    flags = Path("/proc/cpuinfo").read_text().split()
    hardware = ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return hardware and not os.environ.get("WITHOUT_KVM")


def accelerator() -> Sequence[str]:
    """QEMU's options: KVM, or its own translation with four levels of page tables: a fifth costs it a tenth of its
    speed."""
    if has_kvm():
        return ("-accel", "kvm", "-cpu", "host")
    return ("-accel", "tcg,thread=multi", "-cpu", "max,la57=off")
