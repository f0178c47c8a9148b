"""Time: chrony's configuration as the role writes it, read by chrony itself, and the unit that asks it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.provisioning.test_roles import PROVISIONING, defaults
from tests.systemd import conftest as systemd

TIME = PROVISIONING / "roles/time"
CHRONYD = shutil.which("chronyd", path="/usr/sbin:/usr/bin")


def configuration(**given: Any) -> str:
    """``chrony.conf`` with these settings, the others as by default."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 # no HTML
    environment.filters["difference"] = lambda some, others: [each for each in some if each not in others]
    template = environment.from_string((TIME / "templates/chrony.conf.j2").read_text(encoding="utf-8"))
    return template.render({"ansible_managed": "managed", **defaults("time"), **given})


CASES: list[tuple[dict[str, Any], set[str], set[str]]] = [
    (
        {"time_servers": ["a.example", "b.example", "c.example"]},
        {"server a.example iburst minpoll 4 maxpoll 6", "minsources 3"},
        {"authselectmode", "keyfile", "nts"},
    ),
    (
        {"time_nts_servers": ["a.example"], "time_nts_ca": "/etc/ssl/certs/ca-certificates.crt"},
        {
            "server a.example iburst minpoll 4 maxpoll 6 nts",
            "ntsdumpdir /var/lib/chrony",
            "ntstrustedcerts /etc/ssl/certs/ca-certificates.crt",
            "authselectmode require",
        },
        {"keyfile"},
    ),
    (
        {"time_servers": ["a.example"], "time_keys": {"a.example": 10}, "time_keys_file": "/etc/chrony/house"},
        {
            "server a.example iburst minpoll 4 maxpoll 6 key 10",
            "keyfile /etc/chrony/vermilion.keys",
            "authselectmode require",
        },
        {"nts"},
    ),
    (
        {"time_servers": ["a.example"], "time_nts_servers": ["b.example"], "time_minimum_sources": 1},
        {"server a.example iburst minpoll 4 maxpoll 6", "minsources 1"},
        {"authselectmode", "keyfile"},
    ),
    (
        {"time_servers": ["a.example", "b.example"], "preflight_minimum_sources": 1},
        {"minsources 1"},
        {"authselectmode", "keyfile"},
    ),
]


@pytest.mark.parametrize(("given", "said", "unsaid"), CASES)
def test_sources_are_authenticated_as_the_settings_say(
    given: dict[str, Any], said: set[str], unsaid: set[str]
) -> None:
    lines = [line for line in configuration(**given).splitlines() if not line.startswith("#")]
    assert said <= set(lines)
    assert not [line for line in lines if unsaid & set(line.split())]


@pytest.mark.skipif(CHRONYD is None, reason="chronyd is in Debian's package chrony, and not here")
@pytest.mark.parametrize("given", [case[0] for case in CASES])
def test_chrony_reads_what_the_role_writes(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "chrony.conf").write_text(configuration(**given), encoding="utf-8")
    done = subprocess.run(
        [str(CHRONYD), "-p", "-f", tmp_path / "chrony.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_keys_are_chronys_alone_and_in_no_log() -> None:
    tasks = yaml.safe_load((TIME / "tasks/main.yml").read_text(encoding="utf-8"))
    [copied] = [each for each in tasks if "ansible.builtin.copy" in each]
    placed = copied["ansible.builtin.copy"]
    assert (placed["owner"], placed["group"], placed["mode"], copied["no_log"]) == (
        "root",
        "_chrony",
        "0640",
        True,
    )
    assert placed["src"] == "{{ time_keys_file }}" and "content" not in placed


machine = systemd.machine


def test_what_asks_chrony_is_exposed_as_little_as_the_other_units(machine: Path) -> None:
    unit = (TIME / "templates/vermilion-time.service.j2").read_text(encoding="utf-8")
    (machine / "etc/systemd/system/vermilion-time.service").write_text(unit, encoding="utf-8")
    assert (systemd.UNITS / "vermilion-.service.d/10-hardening.conf").exists(), "which holds for it, too"
    verdict = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=5"),
            *(f"--root={machine}", "vermilion-time.service"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.returncode == 0, [line for line in verdict.stdout.splitlines() if "✓" not in line]
