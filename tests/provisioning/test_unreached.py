"""What Ansible does with the plays that follow one in which a machine could not be reached."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.provisioning.clusters import playbook

pytestmark = pytest.mark.slow

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
GONE = {"ansible_host": "127.0.0.1", "ansible_port": 1}
"""Nobody listens on this port."""


def check(name: str) -> dict[str, Any]:
    """The task of that file by which it goes on with both machines alone."""
    found = playbook(name)
    for each in (*found, *(task for play in found for task in play.get("tasks", []))):
        if each["name"] in {"Both machines came this far", "The other one has left"}:
            return dict(each)
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("cluster_upgrade", "active:standby"),
        ("cluster_leave", "all:!standby"),
        ("tasks/both", "active:standby"),
    ],
)
def test_nothing_goes_on_without_the_other_machine(tmp_path: Path, name: str, hosts: str) -> None:
    """A play of one machine that is not reached ends, and the next one is played without it."""
    inventory = {"all": {"hosts": {"active": HERE, "standby": GONE}, "vars": {"cluster_leaves": "standby"}}}
    plays = [
        {"hosts": "standby", "tasks": [{"ansible.builtin.command": "true"}]},
        {"hosts": hosts, "tasks": [check(name)]},
        {"hosts": "active", "tasks": [{"ansible.builtin.debug": {"msg": "it went on"}}]},
    ]
    for play in plays:
        play |= {"gather_facts": False, "any_errors_fatal": True}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (tmp_path / "plays.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    beside = Path(sys.executable).with_name("ansible-playbook")
    command = str(beside) if beside.exists() else str(shutil.which("ansible-playbook"))
    done = subprocess.run(
        [command, "-i", tmp_path / "hosts.yml", tmp_path / "plays.yml"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )
    told = " ".join(done.stdout.split())
    assert done.returncode != 0 and "it went on" not in told, told
    assert "can be reached" in told, done.stdout + done.stderr
