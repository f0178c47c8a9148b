"""The roles: what an operator may set is described, and has a default or is required."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, nodes

PROVISIONING = Path(__file__).parents[2] / "provisioning"
ROLES = sorted(path.name for path in (PROVISIONING / "roles").iterdir())


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def options(role: str) -> dict[str, dict[str, Any]]:
    """What the role's argument specification says may be set."""
    found = _read(PROVISIONING / "roles" / role / "meta/argument_specs.yml")
    return dict(found["argument_specs"]["main"]["options"])


def defaults(role: str) -> dict[str, Any]:
    """The role's defaults."""
    return dict(_read(PROVISIONING / "roles" / role / "defaults/main.yml") or {})


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_described_and_every_option_has_one_or_is_required(role: str) -> None:
    described, given = options(role), defaults(role)

    assert set(given) <= set(described)
    for name, option in described.items():
        assert name.startswith(f"{role}_")
        assert option["description"].strip().endswith(".")
        assert option.get("required") or name in given, f"{name} has neither a default nor is it required"
        if "default" in option:
            assert option["default"] == given[name], f"{name}: the description promises another default"


def test_the_example_settings_are_all_known() -> None:
    example = _read(PROVISIONING / "settings.example.yml")
    known = {name for role in ROLES for name in options(role)}

    assert set(example) <= known
    required = {n for r in ROLES for n, o in options(r).items() if o.get("required") and not n.startswith("base_")}
    assert required <= set(example)


def test_development_and_appliance_run_on_the_same_packages() -> None:
    setup = (PROVISIONING.parent / "scripts/setup").read_text(encoding="utf-8")
    runs = next(line for line in setup.splitlines() if line.startswith('PACKAGES="softhsm2'))
    listed = (PROVISIONING / "roles/base/files/packages.txt").read_text(encoding="utf-8").split()

    assert set(runs.removeprefix('PACKAGES="').rstrip('"').split()) <= set(listed)


def test_what_the_web_front_says_itself_is_not_passed_on_from_behind() -> None:
    """Of a header that is there twice, browsers may go by the first, and that is the one from behind."""
    served = (PROVISIONING / "roles/web_front/templates/nginx.conf.j2").read_text(encoding="utf-8")
    said = set(re.findall(r"^ +add_header (\S+)", served, re.MULTILINE))
    hidden = set(re.findall(r"^    proxy_hide_header (\S+);", served, re.MULTILINE))
    assert said == {*hidden, "Content-Security-Policy"} and hidden
    assert "map $upstream_http_content_security_policy $own_policy" in served, "said only where nobody behind does"
    servers, policies = (
        len(re.findall(rf"^ +{each}", served, re.MULTILINE))
        for each in (r"server \{", "add_header Content-S.* \\$own_policy always;")
    )
    assert servers == policies, "also on the pages that nginx makes itself"


def test_no_secret_can_stand_in_the_settings() -> None:
    """PINs and passwords are files on the machine: what is a setting ends up in logs and backups of settings."""
    for role in ROLES:
        for name in options(role):
            assert not name.endswith(("_pin", "_password", "_secret")), name


def test_the_installation_chapter_lists_every_setting() -> None:
    chapter = (PROVISIONING.parent / "docs/installation.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", chapter, re.MULTILINE))
    given_by_playbooks = {"base_bundle", "base_key", "base_release"}
    given_by_playbooks |= {"base_node", "base_serves", "firewall_peers", "record_node"}

    assert listed == {name for role in ROLES for name in options(role)} - given_by_playbooks


CONDITIONS = {"when", "that", "until", "changed_when", "failed_when"}
"""What Ansible reads as an expression without braces."""

ANSIBLE = {
    *(
        "ansible_check_mode",
        "ansible_connection",
        "ansible_facts",
        "ansible_managed",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_user",
        "groups",
        "hostvars",
        "inventory_hostname",
        "item",
    ),
    *("dict", "lookup", "loop", "now", "omit", "playbook_dir", "q", "range", "role_path"),
}
INSTALLER = {"base_bundle", "base_key", "base_fingerprint", "base_settings"}
"""What ``install`` gives to every playbook."""


def _files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in PROVISIONING.glob(pattern))


def _every(value: Any) -> Iterator[tuple[str, Any]]:
    """Each key with its value, at any depth."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key), each
            yield from _every(each)
    elif isinstance(value, list):
        for each in value:
            yield from _every(each)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _named(text: str) -> set[str]:
    """The variables that the template asks for, but for those that it sets itself."""
    parsed = Environment().parse(text.replace("\\", "/"))  # noqa: S701 # not rendered; what a regular expression escapes
    names = list(parsed.find_all(nodes.Name))
    macros = {each.name for each in parsed.find_all(nodes.Macro)}
    return (
        {each.name for each in names if each.ctx == "load"}
        - {each.name for each in names if each.ctx != "load"}
        - macros
    )


ONE_RUN = {"cluster_leaves", "cluster_leaves_lost"}
"""What an operator gives to one run by ``--set``, and is no setting of the appliance."""


def test_every_variable_is_given_by_somebody() -> None:
    """A name that nobody sets is an error only when its task runs, which may be in the middle of a replacement."""
    plays = [
        _read(path)
        for path in _files("*.yml", "playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/handlers/*.yml")
    ]
    own = [_read(path) for path in _files("roles/*/vars/*.yml", "roles/*/defaults/*.yml", "playbooks/vars/*.yml")]
    given = (
        ANSIBLE
        | INSTALLER
        | ONE_RUN
        | {name for role in ROLES for name in options(role)}
        | {key for each in own for key in each}
    )
    asked: dict[str, str] = {}
    for place in plays:
        for key, value in _every(place):
            if key in ("vars", "ansible.builtin.set_fact"):
                given |= set(value)
            elif key in ("register", "loop_var"):
                given.add(value)
            for text in _texts(value) if key in CONDITIONS else []:
                asked |= dict.fromkeys(_named(f"{{{{ {text} }}}}"), text)
    templates = [path.read_text(encoding="utf-8") for path in _files("roles/*/templates/*.j2")]
    for text in [*templates, *_texts(plays), *_texts(own)]:
        asked |= dict.fromkeys(_named(text) if "{{" in text or "{%" in text else (), text)
    assert {name: text for name, text in asked.items() if name not in given} == {}
    assert len(asked) > 300


def test_every_unit_of_ours_that_is_named_is_there() -> None:
    units = {path.name for path in (PROVISIONING.parent / "systemd").glob("vermilion*")}
    units |= {path.stem for path in _files("roles/*/templates/vermilion*.j2")}
    named = set()
    for path in _files(
        "playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "roles/*/vars/*.yml"
    ):
        named |= set(
            re.findall(
                r"\bvermilion[a-z-]*\.(?:service|socket|timer|target)\b(?![.]d)", path.read_text(encoding="utf-8")
            )
        )
    assert named - units == set() and len(named) > 15


def test_every_command_of_a_cluster_is_in_a_package_that_it_gets() -> None:
    """By Debian's own word, where these packages are installed."""
    lists = [PROVISIONING / f"roles/{role}/files/packages.txt" for role in ("base", "cluster")]
    brought = {
        line.partition("#")[0].strip() for path in lists for line in path.read_text(encoding="utf-8").splitlines()
    }
    commands = set()
    for path in _files("roles/cluster/tasks/*.yml", "playbooks/cluster*.yml", "playbooks/tasks/*.yml"):
        for key, value in _every(_read(path)):
            said = value.get("cmd") or value.get("argv") if isinstance(value, dict) else value
            if key == "ansible.builtin.command":
                first = said[0] if isinstance(said, list) else str(said).split()[0]
                commands |= {first} if re.fullmatch("[a-z_0-9-]+", first) else set()
            elif key == "ansible.builtin.shell":
                commands |= set(re.findall("^test -b .* && ([a-z]+) ", str(said)))
    assert {"crm_resource", "stonith_admin", "crm_node", "corosync-cfgtool", "drbdadm", "blkid"} <= commands
    found_here = {each: shutil.which(each, path="/usr/sbin:/usr/bin") for each in sorted(commands)}
    if not found_here["crm_resource"] or not shutil.which("dpkg-query"):
        pytest.skip("Pacemaker's commands, as packages of Debian, are not installed here")
    for each, path in found_here.items():
        if path is None:
            continue
        asked = ["dpkg-query", "--search", path, path.removeprefix("/usr")]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        packages = {line.partition(":")[0] for line in found.splitlines()}
        shown = ["dpkg-query", "--show", "--showformat=${Essential} ${Priority}", *packages]
        about = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
        assert packages & brought or "yes" in about or "required" in about, f"{each} is in {packages}"
