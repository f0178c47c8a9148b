"""What other software does with the machine: the API and its events, remote signing, the message gateway, the
organisation's directory."""

from __future__ import annotations

import json

from tests.machine import administering
from tests.machine.bed import Bed
from tests.machine.company import EMPLOYEES, NAMES, SCOPES
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.plan import step
from tests.machine.steps.probing import PLACE, probe_of


@step("program", "contract")
def program(bed: Bed) -> str:
    """two administrators let a program in; its contract is signed, it hears of that, its evidence is verified"""
    if not bed.machine.says("vermilion api --help"):
        raise LeftOut("this release has no API")
    secret = bed.company / "program.secret"
    administering.asked_for(bed.machine.run, bed.outside, SCOPES, secret)
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


PLACES = (
    "/var/lib/vermilion/state",
    "/var/lib/vermilion/administration",
    "/var/lib/vermilion/hsm",
    "/run/vermilion",
)
"""What the program that asks the directory must not see: what people have written, and the services' sockets."""

_LOOKS = f"""
import json, os, pwd
def look(place):
    try:
        return os.listdir(place)
    except OSError as error:
        return error.strerror
seen = {{place: look(place) for place in {PLACES}}}
secrets = sorted(os.listdir(os.environ["CREDENTIALS_DIRECTORY"]))
print(json.dumps([pwd.getpwuid(os.getuid()).pw_name, secrets, seen]))
"""
"""A program under the unit of the one that asks the directory: who it is, which secrets it has, what it sees."""

_APART = """
for unit in web activation console tsa; do
    process=$(systemctl show --property MainPID --value vermilion-$unit.service)
    [ "$(readlink /proc/$process/ns/net)" != "$(readlink /proc/1/ns/net)" ] || echo vermilion-$unit
done
"""
"""A script that names each service with a network."""


@step("directory", "contract")
def directory(bed: Bed) -> str:
    """somebody of a directory comes in by the identity provider, is enrolled, signs, and leaves"""
    machine = bed.machine
    if not machine.says("vermilion directory --help"):
        raise LeftOut("this release reads no directory")
    with bed.beside("organisation"):
        checked = machine.run("vermilion directory check")
        planned = machine.run("vermilion directory sync --dry-run")
        unplanned = [login for login in EMPLOYEES if f"{NAMES[login]} ({login})" not in planned]
        if unplanned:
            raise StepFailed(f"a dry run does not tell of {', '.join(unplanned)}: {planned}")
        machine.run("vermilion directory sync")  # the first one, which somebody starts
        told = [f"{len(checked.splitlines())} steps of a check", bed.outside("employed")]
        machine.run("vermilion directory sync")  # as another user than the scheduler, who goes on beside it
        told.append(bed.outside("leaves"))
    return "; ".join([*told, _apart(bed)])


def _apart(bed: Bed) -> str:
    """Who asks the directory is a user of its own that sees nothing else; no service for people has a network."""
    machine = bed.machine
    machine.run(f"{probe_of('directory@probe', _LOOKS, ('StandardInput=null',))}; systemctl start probe.service")
    user, held, seen = json.loads(machine.run(f"cat {PLACE}.out"))
    if (user, held) != ("vermilion-directory", ["ldap.password", "openid.secret"]):
        raise StepFailed(f"the directory is asked by {user}, who has {held}")
    if open_ones := {place: found for place, found in seen.items() if isinstance(found, list)}:
        raise StepFailed(f"who asks the directory sees {open_ones}")
    started = int(machine.run("journalctl --output cat | grep -c 'Started vermilion-directory@' || :"))
    if not started:
        raise StepFailed("no service asked the directory")
    if networked := machine.run(_APART).split():
        raise StepFailed(f"{', '.join(networked)}: in the machine's network")
    return f"asked {started} times by {user}, who sees none of {len(PLACES)} places; the portal has no network"
