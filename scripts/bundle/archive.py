"""The archive itself: the manifest of all files, and a tar whose bytes depend on nothing but its contents."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from scripts.bundle.digests import sha256_of

MANIFEST, SIGNATURE = "MANIFEST", "MANIFEST.sig"


def files(root: Path) -> Iterator[Path]:
    """Every file below *root*, in the order of their names."""
    return iter(sorted(path for path in root.rglob("*") if path.is_file()))


def write_manifest(root: Path) -> Path:
    """``MANIFEST`` in *root*: a line for every file, as sha256sum(1) reads them."""
    lines = [f"{sha256_of(path)}  {path.relative_to(root)}\n" for path in files(root)]
    manifest = root / MANIFEST
    manifest.write_text("".join(lines), encoding="utf-8")
    return manifest


def pack(root: Path, to: Path, *, moment: int) -> None:
    """Writes *root* into the tar *to*, which appears whole or not at all; everything is dated *moment*."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = moment
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    fresh = to.with_name(f".{to.name}")
    with tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(root, root.name, recursive=False, filter=plain)
        for path in sorted(root.rglob("*")):
            tar.add(path, f"{root.name}/{path.relative_to(root)}", recursive=False, filter=plain)
    fresh.replace(to)
