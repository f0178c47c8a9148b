"""From one release to the next, and back."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.operations.releases.upgrading import failure_sentence
from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step
from tests.machine.steps.installing import where_confirmed


@step("successor", "bundle")
def successor(bed: Bed) -> str:
    """the next release: the same commit under the next number, with one migration more"""
    bed.successor = making.successor(bed.kept, bed.folder / "successor")
    return bed.successor.name


@step("upgrade", "successor", "contract")
def upgrade(bed: Bed) -> str:
    """the next release's bundle takes over: backup, migration, switch; people and contracts are as they were"""
    before, wanted = _schema(bed), making.schema_of(bed.folder / "successor")
    place = _keep(bed, bed.successor)
    recap = bed.install("--playbook upgrade", place=place)
    _runs(bed, bed.successor)
    _has_own_units(bed, newer=True)
    if _schema(bed) != wanted:
        raise StepFailed(f"the database has schema {_schema(bed)}, not {wanted}; before it had {before}")
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    where_confirmed(bed)  # also where the release before confirmed on the portal's pages
    bed.outside("timestamp", "upgraded")
    new = bed.outside("contract", "升级后的合同")
    checked = bed.machine.run("vermilion log check").strip().splitlines()[-1]
    return f"{recap}; {ready}; {same}; schema {before} → {wanted}; a new contract: {new}; {checked}"


def _keep(bed: Bed, bundle: Path) -> str:
    """Where the machine keeps what it verified by the key of its installation; a changed archive is refused."""
    if not bed.machine.says("command -v vermilion-bundle"):  # an early release does not have it
        return bed.carry(bundle, keyring="/etc/apt/keyrings/vermilion-bundle.asc")
    archive = bed.bring(bundle)
    changed = "/root/changed.tar"
    copied = f"cp {archive} {changed} && cp {archive}.sig {changed}.sig && printf x >>{changed}"
    refused = bed.machine.run(f"{copied} && ! vermilion-bundle {changed} 2>&1; rm {changed}*")
    if "is not what the key that this machine trusts" not in refused:
        raise StepFailed(f"a changed archive: {refused}")
    bed.machine.run(f"vermilion-bundle {archive} && rm {archive}")
    return f"/opt/vermilion/bundles/{making.version_in(bundle)}"


@step("rollback", "upgrade")
def rollback(bed: Bed) -> str:
    """back to the release before, with its databases: refused while it would lose acts, then allowed to"""
    version = making.version_in(bed.bundle)
    place = f"/opt/vermilion/bundles/{version}"
    (bed.machine.root / "root/settings.yml").write_text(bed.settings_for(bed.bundle), encoding="utf-8")
    refusal = bed.refused("--playbook rollback", place=place)
    if "would lose them" not in refusal:
        raise StepFailed(f"the rollback was refused for another reason: {refusal}")
    _runs(bed, bed.successor)
    if bed.machine.run("stat --format=%a /etc/vermilion").strip() != "755":
        raise StepFailed("after a refusal not everybody can read the settings")
    bed.outside("ready", 120)
    recap = bed.install("--playbook rollback --set rollback_forget_newer=true", place=place)
    _runs(bed, bed.bundle)
    _has_own_units(bed, newer=False)
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    new = bed.outside("contract", "退回后的合同")
    return f"first refused: {refusal} Then {recap}; {ready}; {same}; a new contract: {new}"


@step("decided", "rollback")
def decided(bed: Bed) -> str:
    """the same by the unit that the privileged helper starts for two administrators: refused, there and back"""
    older, newer = making.version_in(bed.bundle), making.version_in(bed.successor)
    settings = "/etc/vermilion/settings.yml"
    without = "s/^backup_recipients:.*/backup_recipients: []/"
    bed.machine.run(f"cp {settings} {settings}.kept && sed -i '{without}' {settings}")
    try:
        if bed.machine.says(_change(f"upgrade-{newer}")):
            raise StepFailed("it upgrades without a backup")
        refusal = failure_sentence(bed.machine.run("cat /run/vermilion-release/told"))
    finally:
        bed.machine.run(f"mv {settings}.kept {settings}")
    if "An upgrade begins with a backup" not in refusal:
        raise StepFailed(f"the upgrade was refused for another reason: {refusal}")
    _runs(bed, bed.bundle)
    bed.machine.run(_change(f"upgrade-{newer}"))
    _runs(bed, bed.successor)
    _has_own_units(bed, newer=True)
    bed.outside("ready", 120)
    bed.outside("timestamp", "decided")
    bed.machine.run(_change(f"forget-{older}"))
    _runs(bed, bed.bundle)
    _has_own_units(bed, newer=False)
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    return f"first refused: {refusal} Then there and back; {ready}; {same}"


def _change(what: str) -> str:
    return f"systemctl start vermilion.release@{what}.service"


def _has_own_units(bed: Bed, *, newer: bool) -> None:
    """Raises :class:`StepFailed` unless unit and command are those of the release that runs."""
    unit, command = "/usr/local/lib/systemd/system/vermilion-tsa.service", "/usr/local/sbin/vermilion-successor"
    found = [bed.machine.says(f'grep -q "the successor\'s" {unit}'), bed.machine.says(f"test -e {command}")]
    if found != [newer, newer]:
        raise StepFailed(f"{unit} and {command} are not those of the release that runs: {found}")


def _schema(bed: Bed) -> int:
    return int(json.loads(bed.machine.run("vermilion release --json"))["schema"])


def _runs(bed: Bed, bundle: Path) -> None:
    """Raises :class:`StepFailed` unless the release in *bundle* runs; from now on it is used by its own pages."""
    current, version = bed.machine.run("readlink /opt/vermilion/current").strip(), making.version_in(bundle)
    if not current.endswith(f"/{version}"):
        raise StepFailed(f"{current} runs, not release {version}")
    earlier = bed.folder / "earlier"
    bed.served = earlier if bundle == bed.bundle and earlier.exists() else making.CHECKOUT
