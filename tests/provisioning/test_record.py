"""The record of managed files: whatever a role puts on the machine is in it, so that a change by hand is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parents[2] / "provisioning/roles"
PASSING = (
    "/run/",
    "/etc/vermilion/",  # but for what is listed
    "{{ hsm_folder }}",
    "{{ restore_folder }}",
    "{{ application_release }}",
    "/etc/vermilion/provisioned.json",
    "/etc/chrony/vermilion.keys",  # secret: the digest of a short key could be guessed at
    "/var/lib/vermilion/hsm/softhsm2.conf",  # a restore brings its own
    "/var/lib/vermilion/release",  # changes with the release
    "/opt/vermilion/upgrade.json",  # how far the last change of release came
    "/var/lib/vermilion/.restored",  # until a restore has come to its end
)
"""What is gone again, is a release's, or is data."""


PASSING_OF_NODES = (
    "/etc/corosync/vermilion.replacing",  # until a machine is replaced
    "/etc/corosync/vermilion.leaving",  # until one goes on by itself
    "/etc/corosync/vermilion.xml",  # what Pacemaker is told, which keeps it itself
    "/etc/default/sbd",  # where fencing is by a watchdog
    "/etc/systemd/system/{{ item.path | dirname | basename }}/cluster.conf",  # several, from the release
)
"""The same on one of two machines."""


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield entry
        yield from tasks(entry.get("block", []))


def destinations() -> Iterator[str]:
    """Where templates and files go, by every role."""
    for path in sorted(ROLES.glob("*/tasks/*.yml")):
        for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
            for module in ("ansible.builtin.template", "ansible.builtin.copy"):
                if module in task:
                    where = str(task[module]["dest"])
                    yield from (where.replace("{{ item }}", str(item)) for item in looped(task))


def written() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in ROLES.glob("*/tasks/*.yml")]


def looped(task: dict[str, Any]) -> list[Any]:
    items = task.get("loop", [""])
    return items if isinstance(items, list) else [""]


def test_every_file_that_a_role_keeps_is_on_record() -> None:
    listed = yaml.safe_load((ROLES / "record/vars/main.yml").read_text(encoding="utf-8"))
    found = {where for where in destinations() if not where.startswith(PASSING) or where in listed["record_files"]}
    files = {where for where in found if not where.startswith(tuple(listed["record_folders"]))}
    node = files - set(listed["record_files"]) - set(PASSING_OF_NODES)
    assert node <= set(listed["record_of_node"])
    assert files - node - set(PASSING_OF_NODES) == set(listed["record_files"])
    assert all(any(f"dest: {where}\n" in text for text in written()) for where in listed["record_of_node"])
