"""The machine's own users as attackers: what a process under foreign control can do beyond its unit."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.making import CHECKOUT
from tests.machine.plan import step
from tests.takeover.attempts import rows

FOLDER = "/root/takeover"

PROGRAM = (
    "tests/__init__.py",
    "tests/machine/__init__.py",
    "tests/machine/assault.py",
    "tests/takeover/__init__.py",
    "tests/takeover/attempts.py",
    "tests/powers_of_attorney.py",
)


@step("takeover", "contract")
def takeover(bed: Bed) -> str:
    """each row of the security model holds against the machine's real users, with nothing but their uids"""
    seal = bed.outside("seal", "made")
    _bring(bed)
    _assault(bed, seal, "released")
    for path in bed.company.glob("*.passkey"):  # which count what they have activated
        shutil.copy(bed.machine.root / FOLDER.strip("/") / path.name, path)
    bed.outside("seal", "suspended")
    suspended = _attacked(bed, seal, "suspended")
    bed.outside("seal", "destroyed")
    destroyed = _attacked(bed, seal, "destroyed")
    bed.machine.run(f"rm -r {FOLDER}")
    through = {**suspended["rows"], **destroyed["rows"]}
    kept = sum(not each for each in through.values()) if not suspended["through"] else 0
    told = f"takeover: {kept} of {len(rows())} rows guaranteed"
    if set(through) != set(rows()) or kept != len(rows()):
        let = [*suspended["through"], *(f"{row}: {each}" for row, tries in through.items() for each in tries)]
        raise StepFailed("\n      ".join((told, *let)))
    return told


def _bring(bed: Bed) -> None:
    """The attackers' program, people's passkeys and the HSM's PIN."""
    inside = bed.machine.root / FOLDER.strip("/")
    for name in PROGRAM:
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, inside / name)
    for path in (*bed.company.glob("*.passkey"), bed.folder / "user.pin"):
        shutil.copy(path, inside)


def _attacked(bed: Bed, seal: str, what: str) -> Any:
    return json.loads(_assault(bed, seal, what))


def _assault(bed: Bed, seal: str, what: str) -> str:
    python = f"PYTHONPATH={FOLDER} PYTHONDONTWRITEBYTECODE=1 /opt/vermilion/current/bin/python"
    return bed.machine.run(f"cd / && {python} -m tests.machine.assault {FOLDER} {seal} {what}")
