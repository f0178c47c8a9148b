"""A change of release from the console runs the bundle's own playbook, and says in its words why it did not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, StateRefused, UpgradeRefused
from appliance.operations.releases import PlaybookReleases, ProvisionedReleases, Releases, UpgradeStep
from appliance.operations.releases.tree import Upgrade, UpgradeJournal
from appliance.operations.releases.upgrading import failure_sentence
from tests.systemd.conftest import UNITS

REFUSAL = 'An upgrade begins with a backup, and the settings name "no" recovery key => {}. Nothing was changed.'
PLAYBOOK = f"""---
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: What is well
      ansible.builtin.debug: {{msg: all is well}}
    - name: What is not
      ansible.builtin.assert:
        that: item != 2
        fail_msg: '{REFUSAL}'
      loop: [1, 2]
"""


@dataclass
class Machine:
    """Root's places, and a systemd that writes down which units it started and does *then* meanwhile."""

    root: Path
    started: list[str] = field(default_factory=list)
    then: Upgrade | None = None
    told: str = ""

    @property
    def kept(self) -> ProvisionedReleases:
        return ProvisionedReleases(
            Releases(self.root), self.root / "settings.yml", self.root / "bundle.asc", self.root / "told"
        )

    @property
    def changes(self) -> PlaybookReleases:
        return PlaybookReleases(self.kept, self.start)

    def start(self, unit: str) -> None:
        self.started.append(unit)
        if self.told:
            self.kept.told.write_text(self.told)
        if self.then is None:
            raise StateRefused("systemd could not start {unit}.", unit=unit)
        UpgradeJournal(self.root).write_upgrade(self.then)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Release 1.0 serves, and the bundles of 1.0 and 1.1 lie there."""
    for version in ("1.0", "1.1"):
        for program in (f"releases/{version}/bin/vermilion", f"bundles/{version}/install"):
            path = tmp_path / program
            path.parent.mkdir(parents=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
    (tmp_path / "current").symlink_to("releases/1.0")
    for name in ("settings.yml", "bundle.asc"):
        (tmp_path / name).write_text("")
    return Machine(tmp_path)


def test_an_upgrade_is_the_playbook_of_the_newer_bundle(machine: Machine) -> None:
    machine.then = Upgrade("1.0", "1.1", UpgradeStep.DONE, archive="20261126T020000Z")
    assert machine.changes.upgrade("1.1") == machine.then
    assert machine.started == ["vermilion.release@upgrade-1.1.service"]


@pytest.mark.parametrize(("forget", "word"), [(False, "rollback"), (True, "forget")])
def test_a_rollback_is_the_playbook_of_the_older_bundle(machine: Machine, forget: bool, word: str) -> None:
    UpgradeJournal(machine.root).write_upgrade(Upgrade("1.0", "1.1", UpgradeStep.DONE))
    machine.then = Upgrade("1.0", "1.1", UpgradeStep.TAKEN_BACK)
    assert machine.changes.roll_back(forget_newer=forget) == machine.then
    assert machine.started == [f"vermilion.release@{word}-1.0.service"]


def test_an_interrupted_upgrade_is_completed_and_a_completed_one_not_begun_again(machine: Machine) -> None:
    (machine.root / "current").unlink()
    (machine.root / "current").symlink_to("releases/1.1")
    UpgradeJournal(machine.root).write_upgrade(Upgrade("1.0", "1.1", UpgradeStep.SWITCHED))
    machine.then = Upgrade("1.0", "1.1", UpgradeStep.DONE)
    assert machine.changes.upgrade("1.1").step is UpgradeStep.DONE
    with pytest.raises(UpgradeRefused, match="the current one already"):
        machine.changes.upgrade("1.1")


@pytest.mark.parametrize("version", ["1.2", "", "../1.1", "1.1/", "1.1 --key x", "-1.1"])
def test_what_no_bundle_is_of_is_refused_before_anything_starts(machine: Machine, version: str) -> None:
    with pytest.raises(UpgradeRefused, match="There is no bundle of release"):
        machine.changes.upgrade(version)
    assert machine.started == []


@pytest.mark.parametrize("name", ["settings.yml", "bundle.asc"])
def test_a_machine_that_was_installed_otherwise_is_told_what_to_run(machine: Machine, name: str) -> None:
    (machine.root / name).unlink()
    with pytest.raises(UpgradeRefused, match=f"{name} is not there.*install --playbook upgrade.*release 1.1"):
        machine.changes.upgrade("1.1")
    assert machine.started == []


def test_there_has_to_be_an_upgrade_to_go_back_from(machine: Machine) -> None:
    for done in (None, Upgrade("1.0", "1.1", UpgradeStep.TAKEN_BACK)):
        if done:
            UpgradeJournal(machine.root).write_upgrade(done)
        with pytest.raises(UpgradeRefused, match="no upgrade to go back from"):
            machine.changes.roll_back(forget_newer=False)
    assert machine.started == []


def test_the_playbooks_own_sentence_is_the_reason(machine: Machine) -> None:
    machine.told = "install: running the playbook upgrade of release 1.1\n" + ansible_says(machine.root)
    with pytest.raises(UpgradeRefused) as refused:
        machine.changes.upgrade("1.1")
    assert str(refused.value) == (
        f"The playbook upgrade of release 1.1 failed: {REFUSAL} Release 1.0 is the current one."
    )


def test_what_an_earlier_run_said_is_no_reason_of_this_one(machine: Machine) -> None:
    machine.kept.told.write_text("install: the bundle is damaged; copy it again.\n")
    with pytest.raises(UpgradeRefused, match="failed: systemd could not start") as refused:
        machine.changes.upgrade("1.1")
    assert "damaged" not in str(refused.value)


def test_an_end_of_which_the_journal_knows_nothing_is_none(machine: Machine) -> None:
    machine.then = Upgrade("1.0", "1.1", UpgradeStep.TAKEN_BACK)
    with pytest.raises(ApplianceError, match="knows nothing"):
        machine.changes.upgrade("1.1")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("install: keeping the bundle\ninstall: the bundle is damaged; copy it again.\n", "the bundle is damaged"),
        ('fatal: [localhost]: FAILED! => {"msg": "non-zero return code", "stderr_lines": ["a", "b"]}\n', "b"),
        ("ERROR! no such file\n\n", "ERROR! no such file"),
        ("fatal: [localhost]: FAILED! => {cut off\n", "fatal: "),
        ("", ""),
    ],
)
def test_whoever_speaks_last_is_quoted(told: str, sentence: str) -> None:
    assert failure_sentence(told).startswith(sentence)
    assert bool(failure_sentence(told)) is bool(sentence)


def ansible_says(folder: Path) -> str:
    """What the real one prints about a task that failed in a loop."""
    pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")
    (folder / "play.yml").write_text(PLAYBOOK)
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [program, "--inventory", "localhost,", folder / "play.yml"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ("upgrade-1.1", "--playbook upgrade"),
        ("rollback-1.0rc1", "--playbook rollback"),
        ("forget-1.0", "--playbook rollback --set rollback_forget_newer=true"),
    ],
)
def test_the_units_command_runs_that_playbook(tmp_path: Path, asked: str, options: str) -> None:
    done = command(tmp_path, asked)
    assert done.returncode == 0, done.stderr
    settings = tmp_path / ("etc/settings.yml" if asked.startswith("upgrade") else "settings.yml")
    kept = f"--key /etc/apt/keyrings/vermilion-bundle.asc --settings {settings}"
    assert done.stdout == (tmp_path / "told").read_text() == f"{kept} {options}\n"


@pytest.mark.parametrize(
    ("asked", "known"), [("upgrade-1.1", ""), ("rollback-1.0", "known"), ("forget-1.0", "known")]
)
def test_going_back_leaves_out_settings_that_the_older_release_does_not_know(
    tmp_path: Path, asked: str, known: str
) -> None:
    done = command(tmp_path, asked, 'cat "$4"')
    assert done.stdout == "".join(line for line in SETTINGS if known in line)


@pytest.mark.parametrize(
    "asked", ["", "upgrade", "upgrade-", "remove-1.0", "upgrade-../1.0", "upgrade-.", "upgrade-x"]
)
def test_the_units_command_runs_nothing_else(tmp_path: Path, asked: str) -> None:
    done = command(tmp_path, asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: vermilion-release upgrade-VERSION" in done.stderr


def test_a_playbook_that_fails_fails_the_unit(tmp_path: Path) -> None:
    assert command(tmp_path, "upgrade-1.1", "exit 2").returncode == 2


def test_a_bundle_that_the_trusted_key_has_not_signed_is_not_run(tmp_path: Path) -> None:
    done = command(tmp_path, "upgrade-1.1", genuine="1.0")
    assert (done.returncode, done.stdout) == (1, "vermilion-bundle: no\n")
    assert failure_sentence((tmp_path / "told").read_text()) == "no"


SETTINGS = [
    "--- # known\n",
    "known_name: a\n",
    "later_name: {b: 1}\n",
    "later_list:\n",
    "- one\n",
    "  # and more\n",
    "known_list: # c\n",
    "  - known\n",
]


def command(
    folder: Path, asked: str, does: str = 'echo "$@"', *, genuine: str = ""
) -> subprocess.CompletedProcess[str]:
    """The unit's command as it is, over bundles whose `install` *does* this; that of the release *genuine* alone
    is what the trusted key has signed, without one the one that is asked for."""
    genuine = genuine or asked.partition("-")[2]
    for version in ("1.0", "1.1", "1.0rc1"):
        install = folder / "bundles" / version / "install"
        install.parent.mkdir(parents=True)
        install.write_text(f"#!/bin/sh\n{does}\n")
        install.chmod(0o755)
        roles = install.with_name("provisioning") / "roles/any/meta/argument_specs.yml"
        roles.parent.mkdir(parents=True)
        roles.write_text("options:\n      known_name:\n        type: str\n      known_list:\n        type: list\n")
    (folder / "etc").mkdir()
    (folder / "etc/settings.yml").write_text("".join(SETTINGS))
    script = (UNITS / "bin/vermilion-release").read_text(encoding="utf-8")
    verifier = folder / "verifier"
    verifier.write_text(
        f'#!/bin/sh\n[ "$*" = "--verify {genuine}" ] || {{ echo "vermilion-bundle: no" >&2; exit 1; }}\n'
    )
    verifier.chmod(0o755)
    for place, here in (
        ("/opt/vermilion/bundles", folder / "bundles"),
        ("/usr/local/sbin/vermilion-bundle", verifier),
        ("/etc/vermilion", folder / "etc"),
    ):
        assert place in script
        script = script.replace(place, str(here))
    (folder / "script").write_text(script)
    environment = {"PATH": "/usr/bin:/bin", "RUNTIME_DIRECTORY": str(folder)}
    return subprocess.run(
        ["bash", folder / "script", asked], capture_output=True, text=True, env=environment, check=False
    )
