"""A kernel without Landlock: on an appliance nothing that reads a stranger's file starts, in development it does,
and says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement import kernel

ROOT = Path(__file__).parents[2]
WITHOUT = """
import errno, json, logging, sys
from pathlib import Path
import pyseccomp
from appliance.confinement import kernel
from appliance.confinement.pool import Confinement
from appliance.errors import ConfinementFailed
from appliance.health import machine_checks
from appliance.health.check_context import CheckContext
from appliance.home import Home
from appliance.typesetting.typesetter import typeset
from tests.confinement import hostile

rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
rules.load()
folder = Path(sys.argv[1])

def child():
    with Confinement(folder, jobs=hostile.JOBS, warm_up=()) as pool:
        return pool.run("echo", {"value": "read"})

def walls():
    return str(kernel.restrict_to_reading([]))

def page():
    return typeset("<p>page</p>")[:4].decode()

def told(attempt):
    try:
        return attempt()
    except ConfinementFailed as failure:
        return [str(failure), failure.values["cause"]]

logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
health = machine_checks.confinement(CheckContext(Home(folder), None, None))
print(json.dumps({"child": told(child), "page": told(page), "walls": told(walls), "health": health.condition}))
"""


def said_without(folder: Path, **environment: str) -> tuple[dict[str, Any], str]:
    """What becomes of each on a kernel without Landlock, and what was logged."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def test_on_an_appliance_nothing_is_read_without_landlock(tmp_path: Path) -> None:
    said, _ = said_without(tmp_path, VERMILION_CONFINEMENT="required")
    refused = [kernel.WITHOUT_LANDLOCK, "unavailable"]
    assert said == {"child": refused, "page": refused, "walls": refused, "health": "failing"}


def test_in_development_it_goes_on_and_says_so(tmp_path: Path) -> None:
    said, logged = said_without(tmp_path)
    assert said == {"child": "read", "page": "%PDF", "walls": "False", "health": "not-configured"}
    assert "no Landlock" in logged


def test_a_home_of_provisioning_is_an_appliances_whoever_asks(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to("/etc")
    said, _ = said_without(tmp_path)
    assert said["health"] == "failing"


def test_every_unit_and_the_command_demand_it() -> None:
    named = f"{kernel.DEMAND}=required"
    assert f"Environment={named}\n" in (ROOT / "systemd/vermilion-.service.d/10-hardening.conf").read_text()
    assert f"export {named}\n" in (ROOT / "systemd/bin/vermilion").read_text()


def test_the_demand_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernel.DEMAND, raising=False)
    assert kernel.landlock_demand() == {} and kernel.require_landlock()
    monkeypatch.setenv(kernel.DEMAND, "required")
    assert kernel.landlock_demand() == {kernel.DEMAND: "required"}
