"""The machine: its settings, who may look into its files, and room on its disks."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.administration.confirmed import RootConfirmations
from appliance.documents.blobs import is_full
from appliance.errors import ApplianceError
from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.finding import Condition, HealthFinding, attention, failing, good
from appliance.health.pages import RunbookPage
from appliance.home import Home

LITTLE_FREE = 0.15
"""Below this share somebody should make room."""

OTHERS, NOT_OURS, WRITERS, NOT_ROOT = 0o007, 0o077, 0o002, 0o022
"""Which bits of a mode must not be set."""


def settings(bench: CheckContext) -> HealthFinding:
    """The settings can be read."""
    try:
        bench.settings()
    except ApplianceError as error:
        return failing("settings", RunbookPage.SETTINGS_WRONG, error.template, error.values)
    return good("settings", "The settings in {path} are in order.", {"path": bench.home.settings})


def permissions(bench: CheckContext) -> HealthFinding:
    """Nobody else may look into secrets, keys and documents, or change the settings or what root confirmed."""
    for path, forbidden in _guarded(bench.home):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # not there, or not for us to look at: the walls around this process hold
            continue
        if mode & forbidden:
            values = {"path": path, "found": f"{mode:04o}", "mode": f"{mode & ~forbidden:04o}"}
            template = "Others may use {path} (its mode is {found})."
            return failing("permissions", RunbookPage.PERMISSION_WRONG, template, values, mark=str(path))
    return good("permissions", "Secrets, keys and documents are private.")


def passkeys(bench: CheckContext) -> HealthFinding:
    """Each file of a passkey that root has confirmed can be read: others go on, but its owner signs nothing."""
    folder = bench.home.confirmed
    if not os.access(folder, os.R_OK | os.X_OK):
        raise NotAnswerable  # not there yet, or not for this process to look at
    for path, why in RootConfirmations(folder).unreadable().items():
        template = "{path} is no passkey that counts: {why}."
        return attention(
            "passkeys", RunbookPage.PASSKEY_UNREADABLE, template, {"path": path, "why": why}, mark=path.name
        )
    return good("passkeys", "Every passkey that root has confirmed counts.")


def _guarded(home: Home) -> Iterator[tuple[Path, int]]:
    for directory in (home.secrets, home.people, home.root / "authority", home.root / "hsm"):
        yield directory, NOT_OURS
    for folder in (home.secrets, home.people):
        if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
            yield from ((path, NOT_OURS) for path in sorted(folder.iterdir()) if path.suffix != ".lock")
    for path in (home.state, home.database, home.blobs):
        yield path, OTHERS
    for path in (home.settings.parent, home.settings, home.authority_settings, home.policy):
        yield path, WRITERS
    for path in (home.administration.parent, home.administration):
        yield path, OTHERS
    yield home.performed, NOT_OURS
    for path in (home.confirmed, *_inside(home.confirmed)):
        yield path, NOT_ROOT | OTHERS


def _inside(folder: Path) -> list[Path]:
    """Whatever lies below *folder*; nothing where this process may not look."""
    try:
        return sorted(folder.rglob("*"))
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A disk: where it is, its size and what is free of it, in bytes."""

    path: Path
    total: int
    free: int

    @property
    def share(self) -> float:
        """What is free, from 0 to 1."""
        return self.free / self.total if self.total else 0.0

    @property
    def condition(self) -> Condition:
        """Failing when nothing more may be taken in."""
        if is_full(total=self.total, free=self.free):
            return Condition.FAILING
        return Condition.ATTENTION if self.share < LITTLE_FREE else Condition.GOOD


def disks(bench: CheckContext) -> list[DiskSpace]:
    """The disks that the home, its documents and its backups are on, each once."""
    places = [bench.home.root, bench.home.state, bench.home.blobs]
    with suppress(ApplianceError):  # the home's own disks are looked at all the same
        places.append(bench.settings().backups)
    found: dict[int, DiskSpace] = {}
    for path in places:
        try:
            device, usage = path.stat().st_dev, shutil.disk_usage(path)
        except OSError:
            continue
        found.setdefault(device, DiskSpace(path, usage.total, usage.free))
    return list(found.values())


def disk(bench: CheckContext) -> HealthFinding:
    """There is room for what comes in, on each of the disks."""
    found = disks(bench)
    if not found:
        return failing("disk", RunbookPage.DISK_FULL, "{path} cannot be used.", {"path": bench.home.root})
    tightest = min(found, key=lambda room: (-room.condition.rank, room.share))
    values = {"share": f"{tightest.share:.0%}", "path": tightest.path}
    if tightest.condition is Condition.FAILING:
        return failing("disk", RunbookPage.DISK_FULL, "Only {share} of the disk of {path} is free.", values)
    if tightest.condition is Condition.ATTENTION:
        return attention("disk", RunbookPage.DISK_FULL, "Only {share} of the disk of {path} is free.", values)
    return good("disk", "{share} of the disk of {path} is free.", values)
