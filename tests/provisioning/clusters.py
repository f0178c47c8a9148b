"""Two machines as the role ``cluster`` finds them, and what it says to them and writes on them."""

from __future__ import annotations

import copy
import functools
import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.commands import ENVIRONMENT
from tests.provisioning.test_preflight import ROLES, templar, trusted
from tests.provisioning.test_roles import defaults

CLUSTER = ROLES / "cluster"
NAMES = ("node-a", "node-b")
DISK = "/dev/disk/by-id/volume"


def settings(number: int) -> dict[str, Any]:
    """What the inventory says of one of the two."""
    return {
        **defaults("cluster"),
        "cluster_address": "192.0.2.10/24",
        "cluster_ring_addresses": [f"10.77.1.{number}", f"10.77.2.{number}"],
        "cluster_disk": DISK,
        "cluster_fence": {
            "agent": "fence_ipmilan",
            "options": {
                "ip": f"192.0.2.2{number}",
                "username": "fence",
                "lanplus": 1,
                "password_file": "/root/password",
            },
        },
    }


def survey(number: int) -> dict[str, Any]:
    """What ``survey.py`` prints on a bare machine that can be one of the two."""
    return {
        "boot": f"boot-{number}",
        "booted": 1796055600,
        "volume": {"path": DISK, "block": True, "bytes": 4 << 30, "ours": False, "holds": "", "used_by": ""},
        "cluster": [],
        "seen": [],
        "waiting": {"for_quorum": False, "cuts": []},
        "replacing": False,
        "leaving": False,
        "number": 0,
        "mounted": "",
        "home": False,
        "home_bytes": 0,
        "mounts_below_home": [],
        "aside": False,
        "users": {"root": 0, "_chrony": 101},
        "user_groups": {"root": 0, "_chrony": 101},
        "groups": {"root": 0, "_chrony": 101},
        "resolved": {name: ["10.77.1.1"] for name in NAMES},
        "rings_here": settings(number)["cluster_ring_addresses"],
        "ring_networks": ["10.77.1.0/24", "10.77.2.0/24"],
        "ring_gateways": ["", ""],
        "floating_interface": "eth0",
        "floating_here": False,
        "floating_answers": "",
        "module": True,
        "proven": {},
        "watchdog": False,
        "shared_missing": [],
        "drbd": "",
    }


def machine(number: int) -> dict[str, Any]:
    """Everything that is known of one of the two while the playbook runs."""
    given = settings(number)
    return {
        **given,
        "inventory_hostname": NAMES[number - 1],
        "ansible_user": "operator",
        "hardening_ssh_root": False,
        "cluster_partner": NAMES[2 - number],
        "cluster_given": {"application_host": "sign.enterprise.example"},
        "cluster_here": survey(number),
        "cluster_there": survey(3 - number),
        "cluster_formed": False,
        "cluster_active": NAMES[0],
        "cluster_owners": survey(1),
        "cluster_node": {
            "name": NAMES[number - 1],
            "rings": given["cluster_ring_addresses"],
            "disk": DISK,
            "interface": "eth0",
            "fence": {
                "agent": "fence_ipmilan",
                "options": {"ip": f"192.0.2.2{number}", "pcmk_host_list": NAMES[number - 1]},
            },
            "fence_device": f"fence_ipmilan 192.0.2.2{number}",
            "fence_digest": "0" * 64,
        },
        "ansible_facts": {
            "distribution_major_version": "13",
            "distribution_version": "13.1",
            "architecture": "x86_64",
        },
    }


def both(number: int = 1, **given: Any) -> dict[str, Any]:
    """The variables of one of the two, with what is *given* for it; ``there`` is given for the other one."""
    there = {**machine(3 - number), **given.pop("there", {})}
    here = {**machine(number), **given}
    here["cluster_there"] = given.get("cluster_there", there["cluster_here"])
    here["groups"] = {"appliance": list(NAMES)}
    here["cluster_nodes"] = [machine(1)["cluster_node"], machine(2)["cluster_node"]]
    here["cluster_nodes"][number - 1] = here["cluster_node"]
    here["cluster_nodes"][2 - number] = there["cluster_node"]
    here["hostvars"] = {here["inventory_hostname"]: copy.deepcopy(here), there["inventory_hostname"]: there}
    return here


def own(role: str = "cluster") -> dict[str, Any]:
    """The role's variables, as Ansible reads them."""
    return dict(trusted(yaml.safe_load((ROLES / role / "vars/main.yml").read_text(encoding="utf-8"))))


@functools.cache
def load_plugins() -> None:
    """Lookups, such as that of a file; Ansible takes it badly to be asked twice."""
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415

    init_plugin_loader()


def refusals(rules: str, **given: Any) -> list[str]:
    """What the *rules* of that name say against one of the two, with what is *given*."""
    load_plugins()
    found = templar({**both(**given), **own()}).template(trusted(f"{{{{ {rules} }}}}"))
    return [str(rule["otherwise"]) for rule in found if not rule["holds"]]


def written(template: str, **given: Any) -> str:
    """The file that the role writes from its *template*, with what is *given*."""
    variables = {
        "ansible_managed": "managed",
        "cluster_whole": True,
        "cluster_arbiter_keys": False,
        **both(),
        **given,
    }
    variables["cluster_volume_secret"] = "c2VjcmV0"
    text = (CLUSTER / "templates" / template).read_text(encoding="utf-8")
    return str(templar({**variables, **own()}).template(trusted(text)))


def run(*command: str | Path, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in an environment with *environment*."""
    known = {**os.environ, **ENVIRONMENT, **environment}
    return subprocess.run(
        [str(each) for each in command], input=given, capture_output=True, text=True, check=False, env=known
    )


def here(number: int = 1, **found: Any) -> dict[str, Any]:
    """A survey of one of the two that *found* something else than on a bare machine."""
    return {**survey(number), **found}


def member(number: int = 1, **found: Any) -> dict[str, Any]:
    """As :func:`here`, of a machine that is a node of a cluster."""
    volume = {**survey(number)["volume"], "ours": True}
    return here(number, **{"cluster": list(NAMES), "volume": volume, **found})


def tasks(name: str, role: str = "cluster") -> list[dict[str, Any]]:
    """The role's tasks in that file."""
    return list(yaml.safe_load((ROLES / role / f"tasks/{name}.yml").read_text(encoding="utf-8")))


def playbook(name: str) -> list[dict[str, Any]]:
    """The plays of that playbook, or the tasks of one that playbooks import."""
    return list(yaml.safe_load((ROLES.parent / f"playbooks/{name}.yml").read_text(encoding="utf-8")))


def module(name: str) -> Any:
    """The role's script *name*, to ask single answers of."""
    spec = importlib.util.spec_from_file_location(f"cluster_{name}", CLUSTER / f"files/{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
