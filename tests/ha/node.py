"""One of the two nodes: a Debian with a kernel of its own in QEMU, with or without hardware virtualisation."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.ha import power
from tests.ha.house import House
from tests.ha.places import FRONT, NETWORKS, Place
from tests.machine.commands import LONGEST, run
from tests.machine.failure import StepFailed
from tests.machine.virtual import COMMAND_LINE, accelerator

MEMORY = 2560
VOLUME_DISK = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_volume"
"""The disk for the volume, as the node has it: a SCSI disk, of which its kernel can be told that it has failed."""

BOOTED = 600.0
"""Seconds to the login, at most."""

_SSH = ("-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
_STAYS = ("-o", "ControlMaster=auto", "-o", "ControlPersist=600")
_LIVELY = ("-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=9")


class Node:
    """Its disks and its process are in *folder*. Not thread-safe."""

    def __init__(self, place: Place, house: House, folder: Path, key: Path, kernel: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.place = place
        self.folder = folder
        self._house = house
        self._key = key
        (folder / "command").write_text(json.dumps(self._command(kernel)))
        self.mains(connected=True)

    @property
    def name(self) -> str:
        return self.place.name

    def _command(self, kernel: Path) -> list[str]:
        """QEMU's. Two processors, though two nodes may share two cores: while one starts its services, which takes
        longest without KVM, the other one has nothing to do."""
        command = ["qemu-system-x86_64", *accelerator(), "-m", str(MEMORY), "-smp", "2"]
        command += ["-name", self.name, "-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initrd.img")]
        command += [
            "-append",
            COMMAND_LINE,
            "-display",
            "none",
            "-no-reboot",
            "-serial",
            "stdio",
            "-monitor",
            "none",
        ]
        command += ["-drive", f"file={self.folder}/system.top,format=qcow2,if=virtio,cache=none"]
        command += ["-drive", f"file={self.folder}/volume.top,format=qcow2,if=none,cache=none,id=volume"]
        command += ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=volume,device_id=volume"]
        for network in NETWORKS:
            card = f"virtio-net-pci,netdev={network},romfile=,mac={self.place.hardware(network)}"
            cable = f"tap,id={network},ifname={self.place.cable(network)},script=no,downscript=no"
            command += ["-netdev", cable, "-device", card]
        return [*command, "-device", "virtio-rng-pci", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"]

    def plug(self, network: str, *, in_place: bool) -> None:
        """Its cable to *network*: without it the card has no carrier."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(30)
            monitor.connect(f"{self.folder}/qmp")
            with monitor.makefile("rw", encoding="utf-8") as lines:
                lines.readline()  # QEMU introduces itself
                wanted = {"name": network, "up": in_place}
                for command, arguments in (("qmp_capabilities", {}), ("set_link", wanted)):
                    lines.write(f"{json.dumps({'execute': command, 'arguments': arguments})}\n")
                    lines.flush()
                    while "return" not in (said := json.loads(lines.readline())):
                        if "error" in said:
                            raise StepFailed(f"{self.name}, {network}: {said['error']}")

    def mains(self, *, connected: bool) -> None:
        """Whether there is current: the power goes with it, and cannot be switched on without."""
        path = self.folder / power.MAINS
        if connected:
            path.touch()
        else:
            path.unlink(missing_ok=True)
            self.switch("power", "0")

    def switch(self, *words: str) -> None:
        """What its management controller does when it is asked to."""
        script = (sys.executable, "-I", power.__file__)
        self._house.inside(*script, str(self.folder), "set", *words, patience=LONGEST)

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return power.is_on(self.folder)

    @property
    def since(self) -> float:
        """When it got power last (Unix seconds)."""
        return (self.folder / "pid").stat().st_mtime

    def command(self, *more: str) -> list[str]:
        """ssh to it, as root."""
        control = ("-o", f"ControlPath={self.folder}/ssh")
        login = ("ssh", "-i", str(self._key), *_SSH, *_STAYS, *_LIVELY, *control, f"root@{self.place.front}")
        return [*self._house.network(), *login, *more]

    def run(self, script: str, *, check: bool = True, patience: float = LONGEST) -> str:
        """What the shell *script* prints as root on the node. Raises :class:`StepFailed`."""
        return run(self.command(script), check=check, patience=patience)

    def says(self, script: str) -> bool:
        """Whether *script* ends well."""
        try:
            self.run(script, patience=120)
        except StepFailed:
            self.forget()
            return False
        return True

    def until(self, script: str, patience: float) -> float:
        """Waits until *script* ends well; the seconds that it took. Raises :class:`StepFailed`."""
        began = time.monotonic()
        while not self.says(script):
            if time.monotonic() - began > patience:
                words = (self.folder / "console").read_text(errors="replace").strip().splitlines()[-3:]
                raise StepFailed(
                    f"not within {patience:.0f} s on {self.name}: {script}; console: {' / '.join(words)}"
                )
            time.sleep(2)
        return time.monotonic() - began

    def put(self, text: str, path: str) -> None:
        """A file on the node."""
        done = subprocess.run(
            self.command(f"cat >{path}"), input=text.encode(), capture_output=True, check=False, timeout=LONGEST
        )
        if done.returncode:
            raise StepFailed(f"{path} on {self.name}: {done.stderr.decode()}")

    def forget(self) -> None:
        """The connection that was kept: what is at its other end may be gone."""
        end = ("ssh", "-q", "-o", f"ControlPath={self.folder}/ssh", "-O", "exit", "root@nobody")
        subprocess.run(end, capture_output=True, check=False)
        (self.folder / "ssh").unlink(missing_ok=True)

    def cut(self) -> None:
        """The power is cut, and can be switched on again."""
        self.switch("power", "0")
        self.forget()

    def shut_down(self) -> None:
        """In order: afterwards its disks are whole."""
        self.run("systemctl --no-block poweroff", check=False)
        deadline = time.monotonic() + BOOTED
        while self.is_on:
            if time.monotonic() > deadline:
                raise StepFailed(f"{self.name} does not shut down")
            time.sleep(1)
        self.forget()


def make_root(root: Path, place: Place, kernel: Path, key: Path) -> None:
    """What a machine's own root directory needs to boot as the node *place*: names, cards, modules, a key."""
    (root / "etc/hostname").write_text(f"{place.name}\n")
    networks = root / "etc/systemd/network"
    networks.mkdir(parents=True, exist_ok=True)
    for network in NETWORKS:
        card = f"[Match]\nMACAddress={place.hardware(network)}\n[Link]\nName={network}\n"
        (networks / f"10-{network}.link").write_text(card)
        address = f"[Network]\nAddress={place.address(network)}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
        (networks / f"10-{network}.network").write_text(f"[Match]\nName={network}\n{address}")
    run(("systemctl", f"--root={root}", "enable", "systemd-networkd.service"))
    home = root / "root/.ssh"
    home.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(key.with_suffix(".pub"), home / "authorized_keys")
    shutil.copytree(kernel / "modules", root / "usr/lib/modules", symlinks=True, dirs_exist_ok=True)


__all__ = ["BOOTED", "FRONT", "VOLUME_DISK", "Node", "make_root"]
