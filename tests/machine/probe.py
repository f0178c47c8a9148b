"""Whether this machine can do it at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "pdfsig": "poppler-utils",
    "gpg": "gnupg",
    "ip": "iproute2",
}
"""Command → the Debian package that has it."""


def why_not() -> str:
    """Why no machine can be tested here, in one sentence; empty when one can."""
    if os.geteuid() != 0:
        return "left out: only root may boot a container; run it as root"
    missing = [package for command, package in TOOLS.items() if shutil.which(command) is None]
    if missing:
        return f"left out: these Debian packages are missing: {' '.join(missing)} (scripts/setup machine)"
    with tempfile.TemporaryDirectory(prefix="vermilion-probe-") as folder:
        said = _container_says(Path(folder))
        if said:
            return f"left out: the kernel forbids containers here ({said})"
        said = _mirror_says(Path(folder))
    return f"left out: no Debian mirror is reached ({said})" if said else ""


def _mirror_says(folder: Path) -> str:
    """What keeps a small package from being downloaded."""
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "debianutils"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    words = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
    return words if done.returncode else ""


def _container_says(root: Path) -> str:
    """What keeps systemd-nspawn from running a program in a directory that shows this machine's own /usr."""
    for name in ("usr", "etc", "proc", "sys", "dev", "run", "tmp", "var"):
        (root / name).mkdir()
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc/os-release").write_text("ID=probe\n")
    command = [
        "systemd-nspawn",
        "--quiet",
        f"--directory={root}",
        "--register=no",
        "--keep-unit",
        "--private-network",
    ]
    command += ["--bind-ro=/usr", "--as-pid2", "/usr/bin/true"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "systemd-nspawn hangs"
    words = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()[-1]
    return words if done.returncode else ""
