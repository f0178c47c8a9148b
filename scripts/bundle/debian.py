"""Debian's part: the packages that a minimal machine lacks, and the signed repository that they make."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.bundle.commands import run
from scripts.bundle.digests import sha256_of
from scripts.bundle.errors import BundleFailed

SUITE = "trixie"


@dataclass(frozen=True, slots=True, order=True)
class Deb:
    """A package file: its name, version and architecture as dpkg knows them."""

    name: str
    version: str
    architecture: str


def wanted(listing: Path) -> list[str]:
    """The packages that *listing* names, one a line, with ``#`` comments."""
    lines = (line.partition("#")[0].strip() for line in listing.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def require_suite() -> None:
    """Raises :class:`BundleFailed` anywhere but on Debian 13: the packages come from this machine's own lists."""
    release = platform.freedesktop_os_release()
    if (release.get("ID"), release.get("VERSION_CODENAME")) != ("debian", SUITE):
        found = release.get("PRETTY_NAME", "another system")
        raise BundleFailed(f"A bundle is made on Debian 13 ({SUITE}), with its package lists; this is {found}.")


def gather(packages: Sequence[str], into: Path) -> list[Deb]:
    """Downloads *packages* and all that they need beyond a minimal Debian (priority required, and apt)."""
    with tempfile.TemporaryDirectory() as scratch:
        status = Path(scratch) / "status"
        status.touch()
        minimal = sorted(_required())
        # Of an empty machine: what this one has installed must not matter.
        base = _closure(minimal, status)
        beyond = sorted(_closure([*minimal, *packages], status) - base)
    into.mkdir(parents=True)
    options = ("-o", "APT::Sandbox::User=root", "-qq")
    run(("apt-get", *options, "download", *(f"{deb.name}={deb.version}" for deb in beyond)), within=into)
    return beyond


def index(directory: Path, *, version: str, date: str) -> None:
    """Makes *directory* a flat repository: ``Packages`` and an unsigned ``Release`` dated *date* (RFC 5322)."""
    (directory / "Packages").write_text(run(("apt-ftparchive", "packages", "."), within=directory))
    settings = {
        "Origin": "Vermilion",
        "Label": f"Vermilion {version}",
        "Suite": SUITE,
        "Codename": SUITE,
        "Date": date,
        "Description": "What the appliance needs beyond a minimal Debian",
    }
    digest, size = sha256_of(directory / "Packages"), (directory / "Packages").stat().st_size
    lines = [f"{name}: {value}" for name, value in settings.items()]
    (directory / "Release").write_text("\n".join([*lines, "SHA256:", f" {digest} {size} Packages", ""]))


def _required() -> set[str]:
    names, name = {"apt"}, ""
    for line in run(("apt-cache", "dumpavail")).splitlines():
        if line.startswith("Package: "):
            name = line.removeprefix("Package: ")
        elif line in ("Priority: required", "Essential: yes"):
            names.add(name)
    if len(names) < 10:
        raise BundleFailed("apt knows of no packages; run `apt-get update` first.")
    return names


def _closure(packages: Sequence[str], status: Path) -> set[Deb]:
    plan = run(
        (
            "apt-get",
            *("-o", f"Dir::State::status={status}"),
            *("-o", "APT::Install-Recommends=false"),
            *("-o", "Debug::NoLocking=true"),
            "-s",
            "-qq",
            "install",
            *packages,
        )
    )
    return {_planned(line) for line in plan.splitlines() if line.startswith("Inst ")}


def _planned(line: str) -> Deb:
    """``Inst name (version Label:suite [arch])``, as apt-get(8) simulates it."""
    name, _, rest = line.removeprefix("Inst ").partition(" (")
    version, architecture = rest.split()[0], rest.partition("[")[2].partition("]")[0]
    return Deb(name, version, architecture)


def require_tools() -> None:
    """Raises :class:`BundleFailed` when a tool of Debian's is missing."""
    for tool in ("apt-ftparchive", "gpg", "apt-get"):
        if shutil.which(tool) is None:
            raise BundleFailed(f"{tool} is missing; `scripts/setup bundle` installs it.")
