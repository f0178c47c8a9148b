"""The roles: what an operator may set is described, and has a default or is required."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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
