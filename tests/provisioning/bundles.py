"""A bundle with everything that is looked at before a machine is touched, and nothing more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scripts.bundle import archive
from scripts.bundle.signing import BundleKey

CHECKOUT = Path(__file__).parents[2]
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg comes with `scripts/setup bundle`")
needs_sqv = pytest.mark.skipif(shutil.which("sqv") is None, reason="sqv comes with apt from Debian 13 on")


def bundle(
    root: Path, key: BundleKey, *, version: str = "0.0.0", built: int = 0, machine: Path | None = None
) -> Path:
    """The unpacked folder, signed by *key*, whose certificate lies beside it; for no Debian that there is, so that
    ``install`` always ends before it does anything. What it looks up on the machine it finds below *machine*."""
    folder = root / f"vermilion-{version}"
    (folder / "provisioning/playbooks").mkdir(parents=True)
    (folder / "provisioning/playbooks/install.yml").write_text("---\n")
    (folder / "provisioning/playbooks/rollback.yml").write_text("---\n")
    (folder / "provisioning/settings.example.yml").write_text("---\n")
    script = (CHECKOUT / "provisioning/install").read_text(encoding="utf-8")
    (folder / "install").write_text(script if machine is None else on(machine, script))
    (folder / "install").chmod(0o755)
    told = {"version": version, "built": built, "debian": "nowhere", "architecture": "amd64"}
    (folder / "release.json").write_text(json.dumps(told, indent=1))
    key.sign(archive.write_manifest(folder), folder / archive.SIGNATURE)
    (root / "key.asc").write_bytes(key.public())
    (root / "settings.yml").write_text("---\n")
    return folder


def pack(folder: Path, key: BundleKey) -> Path:
    """The archive of *folder* with its detached signature, as `make bundle` leaves them."""
    tar = folder.with_name(f"{folder.name}.tar")
    archive.pack(folder, tar, moment=0)
    key.sign(tar, tar.with_name(f"{tar.name}.sig"))
    return tar


def on(machine: Path, script: str) -> str:
    """*script* with the places of a machine below the folder *machine*, which need no root."""
    for place in ("/opt/vermilion", "/etc/apt/keyrings", "/etc/vermilion", "/run/vermilion-install.lock"):
        script = script.replace(f"={place}", f"={machine}{place}").replace(f">{place}", f">{machine}{place}")
    return script.replace('"$(id -u)"', "0")
