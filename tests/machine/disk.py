"""A disk with a cache that dies with its power: what was not flushed is lost, as on a real one.

What is written goes to an overlay (qcow2), a new one whenever it gets power, whose tables of new clusters are in
the memory of QEMU's storage daemon until somebody flushes them; the daemon shows the disk as a file (FUSE), the
kernel that file as a block device (loop). When the daemon is killed, the device fails at once, and comes back with
what was flushed. A block that was flushed and is written again may keep either, as on a real disk.
"""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.machine.commands import run
from tests.machine.failure import StepFailed

SIZE = "6G"
PATIENCE = 60.0
PROOF, BLOCK = "proof", 4096
PROGRAMS = ("qemu-storage-daemon", "qemu-img", "mke2fs", "losetup")


class Disk:
    """An ext4 file system in *folder*, mounted at ``root`` while it has power. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.root = folder / "root"
        self._layers = [folder / "disk.raw"]
        self._shown = folder / "disk.raw"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._device = ""

    def make(self, root: Path) -> None:
        """With what is in *root*."""
        self.root.mkdir()
        (root / PROOF).write_bytes(b"old." * (2 * BLOCK // 4))
        run(("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(self._layers[0]), SIZE))
        (root / PROOF).unlink()

    def plug_in(self) -> None:
        """It has power, and is mounted: ext4 replays its journal."""
        below, layer = self._layers[-1], self._layers[0].with_suffix(f".{len(self._layers)}")
        base = ("-b", str(below), "-F", "raw" if below == self._layers[0] else "qcow2")
        run(("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", *base, str(layer)))
        self._layers.append(layer)
        self._shown = layer.with_suffix(f"{layer.suffix}-shown")
        self._shown.touch()
        command = ["qemu-storage-daemon", "--blockdev", f"driver=file,node-name=file,filename={layer}"]
        command += ["--blockdev", "driver=qcow2,node-name=disk,file=file"]
        command += ["--export", f"type=fuse,id=export,node-name=disk,mountpoint={self._shown},writable=on"]
        self._daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while self._shown.stat().st_size == 0:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise StepFailed("the storage daemon does not show the disk")
            time.sleep(0.1)
        self._device = run(("losetup", "--find", "--show", str(self._shown))).strip()
        run(("mount", "-t", "ext4", self._device, str(self.root)))

    def prove(self) -> None:
        """That it is such a disk, before anybody else uses it. Raises :class:`StepFailed`."""
        file, block = os.open(self.root / PROOF, os.O_RDWR | os.O_DIRECT), mmap.mmap(-1, BLOCK)
        block[:4] = b"kept"
        os.pwrite(file, block, 0)
        os.fsync(file)
        block[:4] = b"lost"
        os.pwrite(file, block, BLOCK)  # past the kernel's cache: the disk has it, and nobody asked it to flush
        self.cut()
        os.close(file)
        self.take_out()
        self.plug_in()
        found = (self.root / PROOF).read_bytes()
        if (found[:4], found[BLOCK : BLOCK + 4]) != (b"kept", b"old."):
            raise StepFailed(f"the disk does not lose what was not flushed: {found[:4]!r} {found[BLOCK:][:4]!r}")

    def cut(self) -> None:
        """Its power is cut, in the middle of whatever it does."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGKILL)
            self._daemon.wait()

    def take_out(self) -> None:
        """Nothing of it is mounted here any more; where somebody copied our mounts meanwhile, it is dead. Raises
        :class:`StepFailed` while it is in use here."""
        if self._device:
            _unmount(self.root)
            run(("losetup", "--detach", self._device))
            self._device = ""
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait()
            self._daemon = None
            run(("umount", "--lazy", str(self._shown)), check=False)


def _unmount(place: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            run(("umount", str(place)))
        except StepFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
