"""From one release to the next, and back."""

from __future__ import annotations

import json

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step


@step("successor", "bundle")
def successor(bed: Bed) -> str:
    """the next release: the same commit under the next number, with one migration more"""
    bed.successor = making.successor(bed.kept, bed.folder / "successor")
    return bed.successor.name


@step("upgrade", "successor", "contract")
def upgrade(bed: Bed) -> str:
    """the next release's bundle takes over: backup, migration, switch; people and contracts are as they were"""
    before = _schema(bed)
    place = bed.carry(bed.successor)
    recap = bed.install("--playbook upgrade", place=place)
    _runs(bed, making.version_in(bed.successor))
    if _schema(bed) != before + 1:
        raise StepFailed(f"the database has schema {_schema(bed)}, before it had {before}")
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    bed.outside("timestamp", "upgraded")
    return f"{recap}; {ready}; {same}; schema {before} → {before + 1}"


@step("rollback", "upgrade")
def rollback(bed: Bed) -> str:
    """back to the release before, with its databases: refused while it would lose acts, then allowed to"""
    version = making.version_in(bed.bundle)
    place = f"/opt/vermilion/bundles/{version}"
    refusal = bed.refused("--playbook rollback", place=place)
    if "would lose them" not in refusal:
        raise StepFailed(f"the rollback was refused for another reason: {refusal}")
    _runs(bed, making.version_in(bed.successor))
    bed.outside("ready", 120)
    recap = bed.install("--playbook rollback --set rollback_forget_newer=true", place=place)
    _runs(bed, version)
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    new = bed.outside("contract", "退回后的合同")
    return f"first refused: {refusal} Then {recap}; {ready}; {same}; a new contract: {new}"


def _schema(bed: Bed) -> int:
    return int(json.loads(bed.machine.run("vermilion release --json"))["schema"])


def _runs(bed: Bed, version: str) -> None:
    current = bed.machine.run("readlink /opt/vermilion/current").strip()
    if not current.endswith(f"/{version}"):
        raise StepFailed(f"{current} runs, not release {version}")
