"""What other software does with the machine: the API and its events, remote signing, the message gateway."""

from __future__ import annotations

import json
import re

from tests.machine.bed import Bed
from tests.machine.company import ADMINISTRATORS, NAMES, SCOPES
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.plan import step


@step("program", "contract")
def program(bed: Bed) -> str:
    """two administrators let a program in; its contract is signed, it hears of that, its evidence is verified"""
    if not bed.machine.says("vermilion api --help"):
        raise LeftOut("this release has no API")
    add = "vermilion administrators add {0} --role {1} --name {2} --email {0}@mail.example"
    told = [bed.machine.run(add.format(login, role, NAMES[login])) for login, role in ADMINISTRATORS.items()]
    bed.machine.run("systemctl restart vermilion-console.service")
    links = [_found(r"https://\S+/welcome/\S+", each) for each in told]
    for login, fingerprint in json.loads(bed.outside("administrators", *links)).items():
        bed.machine.run(f"vermilion administrators confirm {login} --yes {fingerprint}")
    asked = bed.machine.run(f"vermilion api client ERP {' '.join(f'--scope {each}' for each in SCOPES)} 2>&1")
    held = [_found(rf"(?m)^{name}=(\S+)$", asked) for name in ("client_id", "client_secret")]
    secret = bed.company / "program.secret"
    secret.write_text("\n".join(held))
    return bed.outside("program", secret, "程序的合同")


@step("remote", "program")
def remote(bed: Bed) -> str:
    """pyHanko signs by CSC with a person's other key, after the person has confirmed; others judge"""
    return bed.outside("remote")


@step("texted", "program")
def texted(bed: Bed) -> str:
    """the code of somebody from outside arrives at the message gateway, and lets them in"""
    # There is no mail server but now and then: what is started anew asks soon, not after minutes.
    bed.machine.run("systemctl restart vermilion-scheduler.service")
    return bed.outside("texted")


def _found(pattern: str, told: str) -> str:
    found = re.search(pattern, told)
    if found is None:
        raise StepFailed(f"no {pattern} in: {told}")
    return found[found.re.groups]
