"""The node, and Pacemaker on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.systemd.cluster.machine import (
    HERE,
    START,
    SYSTEMCTL,
    THERE,
    UNITS_OF_TARGET,
    VOLUME,
    program,
    there,
)
from tests.systemd.cluster.pacemaker import IN_SYNC, Pacemaker
from tests.systemd.conftest import UNITS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A node that has the releases 1.0 and 1.1 installed, 1.0 as the current one; the volume names 1.1."""
    for name in ("volume", "running", VOLUME, "etc/vermilion", "run/vermilion", "run/vermilion-cluster"):
        (tmp_path / name).mkdir(parents=True)
    for version in ("1.0", "1.1"):
        release = tmp_path / "opt/vermilion/releases" / version
        program(release / "systemd/bin/vermilion-start", START.format(tmp_path))
        program(release / "systemd/bin/vermilion-stop", there(tmp_path, UNITS / "bin/vermilion-stop"))
        (release / ".complete").write_text("{}\n")
    (tmp_path / "opt/vermilion/current").symlink_to(tmp_path / "opt/vermilion/releases/1.0")
    program(tmp_path / "usr/local/sbin/vermilion-cluster", there(tmp_path, UNITS / "bin/vermilion-cluster"))
    program(tmp_path / "usr/lib/ocf/resource.d/vermilion/appliance", there(tmp_path, UNITS / "cluster/appliance"))
    program(tmp_path / "bin/systemctl", f"#!/bin/sh{SYSTEMCTL.format(tmp_path, UNITS_OF_TARGET)}")
    (tmp_path / "volume/release").write_text("1.1\n")
    (tmp_path / "etc/vermilion/cluster.toml").write_text(
        f'name = "contracts"\nnodes = ["{HERE}", "{THERE}"]\naddress = "192.0.2.10"\nresource = "vermilion"\n'
    )
    return tmp_path


@pytest.fixture
def pacemaker(root: Path) -> Pacemaker:
    (root / "proc").mkdir()
    (root / "proc/drbd").write_text(IN_SYNC)
    made = Pacemaker(root)
    made.form()
    assert made.active() == HERE
    return made
