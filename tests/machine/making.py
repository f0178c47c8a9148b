"""What a run needs before it begins: a minimal Debian as a tar, and bundles. Both are kept for the next run."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import time
from pathlib import Path

from tests.machine.commands import run

CHECKOUT = Path(__file__).resolve().parents[2]
MIGRATIONS = "appliance/store/migrations"
MINIMAL = ("systemd-sysv",)
"""Beyond Debian's required packages and apt, what it takes to boot; everything else is in the bundle."""

FRESH = 7 * 24 * 3600
"""Seconds that a base is used again."""


def debian(kept: Path, packages: tuple[str, ...] = MINIMAL) -> Path:
    """A tar with the root directory of a minimal Debian 13 and *packages*; from this machine's own mirrors."""
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    tar = kept / f"debian-{digest}.tar"
    if tar.exists() and time.time() - tar.stat().st_mtime < FRESH:
        return tar
    fresh = tar.with_suffix(".partial.tar")
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        "trixie",
        str(fresh),
    ]
    run([*command, *(str(path) for path in _sources())])
    fresh.rename(tar)
    return tar


def unpack(tar: Path, root: Path) -> None:
    """The root directory *root* out of *tar*, as a machine that nobody has used."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    run(("tar", "--extract", "--file", str(tar), "--directory", str(root), "--numeric-owner"))
    (root / "etc/hostname").write_text("vermilion\n")
    # Whoever boots it for the first time is asked nothing.
    run(("systemd-firstboot", f"--root={root}", "--force", "--timezone=Etc/UTC", "--locale=C.UTF-8"))


def bundle(kept: Path, checkout: Path = CHECKOUT) -> Path:
    """The bundle of what is committed in *checkout*, with its key beside it; made anew for each commit."""
    commit = run(("git", "rev-parse", "HEAD"), within=str(checkout)).strip()
    out = kept / f"bundle-{commit[:12]}"
    found = sorted(out.glob("vermilion-*.tar"))
    if found and not run(("git", "status", "--porcelain"), within=str(checkout)).strip():
        return found[0]
    for older in kept.glob("bundle-*"):
        shutil.rmtree(older)
    command = [sys.executable, "-m", "scripts.bundle", "--out", str(out), "--key", str(kept / "key")]
    run(command, within=str(checkout))
    return next(out.glob("vermilion-*.tar"))


def earlier(kept: Path, clone: Path, commit: str) -> Path:
    """The bundle of an earlier release, that of *commit*."""
    run(("git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)))
    run(("git", "checkout", "--quiet", commit), within=str(clone))
    return bundle(kept, clone)


def successor(kept: Path, clone: Path) -> Path:
    """The bundle of a release that follows this checkout's: the next number, one migration more, a command and
    a line in a unit that this one has not."""
    run(("git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)))
    project = clone / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)\.(\d+)"$', text, re.MULTILINE)
    assert found is not None, project
    project.write_text(text.replace(found[0], f'version = "{found[1]}.{int(found[2]) + 1}"'), encoding="utf-8")
    migration = clone / MIGRATIONS / f"{schema_of(clone) + 1:04}_successor.sql"
    migration.write_text("CREATE TABLE successor (word TEXT NOT NULL) STRICT;\n")
    command = clone / "systemd/bin/vermilion-successor"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit = clone / "systemd/vermilion-tsa.service"
    unit.write_text(f"{unit.read_text(encoding='utf-8')}# the successor's\n", encoding="utf-8")
    who = ("-c", "user.name=Successor", "-c", "user.email=successor@enterprise.example")
    run(("git", "add", "--all"), within=str(clone))
    run(("git", *who, "commit", "--quiet", "--message", "successor"), within=str(clone))
    making = [sys.executable, "-m", "scripts.bundle", "--out", str(clone / "dist"), "--key", str(kept / "key")]
    run(making, within=str(clone))
    return next((clone / "dist").glob("vermilion-*.tar"))


def schema_of(checkout: Path) -> int:
    """The schema that the database has with the release of *checkout*."""
    return max(int(path.name[:4]) for path in (checkout / MIGRATIONS).glob("[0-9]*.sql"))


def settings_of(bundle: Path) -> set[str]:
    """The names of the settings that the release in *bundle* knows."""
    table = run(("tar", "--extract", "--to-stdout", "--file", str(bundle), f"{bundle.stem}/docs/installation.md"))
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def version_in(bundle: Path) -> str:
    """Whose release the bundle is, by its name."""
    found = re.match(r"vermilion-([^-]+)-", bundle.name)
    assert found is not None, bundle
    return found[1]


def _sources() -> list[Path]:
    """This machine's own package sources, where it is a Debian 13 itself: they are known to work."""
    places = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [path for path in places if path.exists() and "trixie" in path.read_text()][:1]
