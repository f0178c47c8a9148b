"""What is done to the site around an act: processes die, the disk is full, the HSM is away, peers break off, the
machine is lost and another one goes on with its volume."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm.files import is_locked
from tests.crash.disk import WIDE, resize
from tests.crash.site import COMMANDS, Site, children_of, kill_all


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault strikes: the site, and the process that is at an act."""

    site: Site
    performer: int

    @property
    def root(self) -> Path:
        return self.site.home.root


Strike = Callable[[Scene], None]


def nothing(_scene: Scene) -> None:
    """For faults that end by themselves, or that a restart ends."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``strike`` happens at a failpoint or a random moment; ``heal`` after the act has ended, however it did."""

    name: str
    strike: Strike
    heal: Strike = nothing


def kill_performer(scene: Scene) -> None:
    kill_all([scene.performer])


def kill_zygote(scene: Scene) -> None:
    kill_all(children_of(scene.performer)[:1])


def kill_confined(scene: Scene) -> None:
    for zygote in children_of(scene.performer)[:1]:
        kill_all(children_of(zygote))


def kill_workers(scene: Scene) -> None:
    scene.site.kill_children("authority")


def kill_one_worker(scene: Scene) -> None:
    scene.site.kill_children("authority", 1)


def lose_machine(scene: Scene) -> None:
    """As after a power cut, when another machine mounts the volume: every process is gone at once, and with them
    what they left in ``run``, which is of no volume. That of the judge stays, who looks on from there."""
    kill_all([scene.performer, *children_of(scene.performer)])
    for name in COMMANDS:
        kill_all([scene.site.pid(name), *children_of(scene.site.pid(name))])
    for name in COMMANDS:
        scene.site.kill(name)
    for path in (scene.root / "run").rglob("*"):
        if path.is_socket() or (path.is_file() and not is_locked(path)):
            path.unlink(missing_ok=True)


def take_hsm_away(scene: Scene) -> None:
    (scene.root / "hsm/tokens").rename(scene.root / "hsm/tokens-away")


def bring_hsm_back(scene: Scene) -> None:
    (scene.root / "hsm/tokens-away").rename(scene.root / "hsm/tokens")


def fill_disk(scene: Scene) -> None:
    """Nothing but a few pages is left on the file system of this home (a tmpfs of its own)."""
    size = shutil.disk_usage(scene.root).used
    while not resize(scene.root, size := size + 8192):  # others write on meanwhile
        pass


def free_disk(scene: Scene) -> None:
    assert resize(scene.root, WIDE)


def cannot_write(name: str) -> Fault:
    """No file takes anything from the process *name*, nor from its children."""
    return Fault(
        f"{name} cannot write",
        lambda scene: scene.site.limit_files(name, 0),
        lambda scene: scene.site.limit_files(name, resource.RLIM_INFINITY),
    )


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("web killed", kill_performer),
        Fault("zygote killed", kill_zygote),
        Fault("confined killed", kill_confined),
        Fault("worker killed", kill_one_worker),
        Fault("all workers killed", kill_workers),
        Fault("authority killed", lambda scene: scene.site.kill("authority")),
        Fault("tsa killed", lambda scene: scene.site.kill("tsa")),
        Fault("tsa's worker killed", lambda scene: scene.site.kill_children("tsa")),
        Fault("scheduler killed", lambda scene: scene.site.kill("scheduler")),
        Fault("another machine", lose_machine),
        Fault("HSM away", take_hsm_away, bring_hsm_back),
        Fault("half requests", lambda scene: scene.site.half_a_request()),
        Fault("disk full", fill_disk, free_disk),
        *(cannot_write(name) for name in COMMANDS),
    )
}
ON_OWN_DISK = frozenset({"disk full"})
"""Faults that need the home to be a file system of its own."""
