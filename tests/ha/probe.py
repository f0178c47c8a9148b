"""Whether two machines can be tried here at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.machine import probe

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "ipmi_sim": "openipmi",
    "fence_ipmilan": "fence-agents-ipmilan",
    "ssh": "openssh-client",
    "ip": "iproute2",
}
"""Command → the Debian package that has it."""


def why_not() -> str:
    """Why not, in one sentence; empty when they can."""
    if os.geteuid() != 0:
        return "left out: only root may lay cables and boot machines; run it as root"
    if missing := [package for command, package in TOOLS.items() if shutil.which(command) is None]:
        return f"left out: these Debian packages are missing: {' '.join(missing)} (scripts/setup ha)"
    if not Path("/dev/net/tun").exists():
        return "left out: the kernel has no cables for virtual machines (/dev/net/tun)"
    return probe.why_not()
