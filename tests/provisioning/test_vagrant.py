"""The Vagrantfile: what it names exists, and Vagrant, where it is installed, finds nothing wrong with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.provisioning.test_roles import PROVISIONING, ROLES, options

ROOT = PROVISIONING.parent
VAGRANTFILE = (ROOT / "Vagrantfile").read_text(encoding="utf-8")
SETTINGS: dict[str, Any] = yaml.safe_load((PROVISIONING / "settings.vagrant.yml").read_text(encoding="utf-8"))


def test_it_installs_with_settings_that_the_roles_know() -> None:
    assert '"provisioning", "settings.vagrant.yml"' in VAGRANTFILE
    known = {name: option for role in ROLES for name, option in options(role).items()}
    required = {name for name, option in known.items() if option.get("required") and not name.startswith("base_")}

    assert required <= set(SETTINGS) <= set(known)
    assert "./install --key ../vermilion-bundle.asc --settings ../settings.yml" in VAGRANTFILE


@pytest.mark.parametrize("who", ["portal", "console", "activation"])
def test_all_are_forwarded_at_the_ports_that_their_addresses_name(who: str) -> None:
    """Passkeys are bound to host and port: the address outside has to be the one that the machine knows."""
    found = re.search(rf'ENV\.fetch\("{who.upper()}_PORT", "(\d+)"\)', VAGRANTFILE)
    assert found is not None
    assert int(found[1]) == SETTINGS[f"firewall_{who}_port"]
    assert "guest: port, host: port" in VAGRANTFILE
    assert SETTINGS["application_host"] == "localhost"


def test_forwarding_outlives_the_hardening() -> None:
    """vagrant-libvirt forwards by ``ssh -L``, which our sshd refuses. Of a keyword's values the first counts."""
    ours, theirs = "sshd_config.d/05-vagrant.conf", "sshd_config.d/10-vermilion.conf"
    assert ours in VAGRANTFILE and "AllowTcpForwarding local" in VAGRANTFILE
    assert theirs in (PROVISIONING / "roles/hardening/tasks/main.yml").read_text(encoding="utf-8")
    assert ours < theirs


def test_libvirt_comes_first_and_runs_with_or_without_kvm() -> None:
    assert re.findall(r'provider "(\w+)"', VAGRANTFILE) == ["libvirt", "virtualbox"]
    assert 'machine.driver = kvm ? "kvm" : "qemu"' in VAGRANTFILE


@pytest.mark.skipif(shutil.which("ruby") is None, reason="Ruby comes with Vagrant")
def test_ruby_can_read_it() -> None:
    told = subprocess.run(["ruby", "-c", ROOT / "Vagrantfile"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


@pytest.mark.skipif(shutil.which("vagrant") is None, reason="Vagrant is not installed")
def test_vagrant_finds_it_valid(tmp_path: Path) -> None:
    environment = {**os.environ, "VAGRANT_CWD": str(ROOT), "VAGRANT_DOTFILE_PATH": str(tmp_path / "state")}
    command = ["vagrant", "validate", "--ignore-provider"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
