"""An outside witness on a second machine: installed there by its own playbook, asked over TLS, and tried by what
befalls it and the log."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.events.receiver import make_certificate
from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.container import Container, connect
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.plan import step
from tests.machine.steps.probing import PLACE, probe_of

NAME, HOST = "witness.enterprise.example/w1", "witness.enterprise.example"
APPLIANCE, WITNESS = "192.0.2.90", "192.0.2.95"
KEPT = "/var/lib/vermilion-witness"
STATE = "/var/lib/vermilion"
MOST_EXPOSED = 0.5
TITLE = "有见证的合同"

_LOOKS = f"""
import json, os, pwd, socket
def refusal(act):
    try:
        act()
    except OSError as error:
        return error.strerror
kept = sorted(each for each in os.listdir({KEPT!r}) if not each.endswith(".lock"))
tried = [
    lambda: socket.socket(socket.AF_INET),
    lambda: os.listdir("/root"),
    lambda: open("/etc/vermilion/witness.toml", "a"),
    lambda: open("/opt/vermilion/written", "w"),
]
print(json.dumps([pwd.getpwuid(os.getuid()).pw_name, kept, [refusal(act) for act in tried]]))
"""
"""A program under the witness's unit: who it is, what it keeps, and why it may not do the rest."""

_OTHERS = (
    f"for user in www-data nobody vermilion-web; do runuser -u $user -- cat {KEPT}/witness.key && echo $user; done"
)
"""A script that prints the key, and which other user could read it."""


@step("witness", "program")
def witness(bed: Bed) -> str:
    """a second machine is a witness: it cosigns over TLS, outlives a kill and a reboot, refuses a forked log"""
    if not bed.machine.says("vermilion witness --help"):
        raise LeftOut("this release has no witnesses")
    with _second_machine(bed) as second:
        told = [_installed(bed, second)]
        policy = _named(bed, second)
        try:
            contract = bed.outside("contract", TITLE)
            told.append(f"{contract}; {bed.outside('witnessed', TITLE, policy)}")
            told += [_killed(bed, second), _rebooted(bed, second), _forked(bed, second)]
        finally:
            bed.machine.run(f"sed -i '/ {HOST}$/d' /etc/hosts")
            (bed.machine.root / "root/settings.yml").write_text(bed.settings_for(bed.bundle), encoding="utf-8")
            bed.install()
    return "; ".join([*told, f"without it: {bed.outside('ready', 120)}"])


@contextmanager
def _second_machine(bed: Bed) -> Iterator[Bed]:
    """A bare Debian beside the first one, with a cable to it."""
    second = Bed(bed.kept, bed.folder / "second")
    second.machine = Container(second.folder / "root", f"vermilion-witness-{os.getpid()}")
    second.bundle = bed.bundle
    try:
        making.unpack(making.debian(bed.kept), second.machine.root)
        second.machine.boot()
        _connect(bed, second)
        yield second
    finally:
        second.close()


def _connect(bed: Bed, second: Bed) -> None:
    connect(bed.machine, second.machine, (f"{APPLIANCE}/24", f"{WITNESS}/24"))


def _installed(bed: Bed, second: Bed) -> str:
    """The playbook makes a witness of the second machine, which alone reads its key; again, it changes nothing."""
    second.carry(second.bundle)
    made, place = second.folder / "tls.pem", second.machine.root / "root"
    (bed.company / "witness-ca.pem").write_text(make_certificate(made, HOST))
    shutil.copy(made, place / "tls.pem")
    lines = [
        f"witness_name: {NAME}",
        f"witness_host: {HOST}",
        f"witness_logs: [{bed.machine.read(f'{STATE}/trust/log.vkey').strip()}]",
        *(f"{setting}: /root/tls.pem" for setting in ("witness_certificate", "witness_certificate_key")),
    ]
    (place / "settings.yml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    recap, again = second.install("--playbook witness"), second.install("--playbook witness")
    if again.changed:
        raise StepFailed(f"a second run changes things: {again}: {again.tasks_that_changed()}")
    return f"{recap}, then {again}; {_confined(second.machine)}"


def _confined(machine: Container) -> str:
    """The unit is a user of its own, with its key and memory and nothing else; no other user reads these."""
    modes = machine.run(f"stat -c '%a %U' {KEPT} {KEPT}/witness.key").split("\n")[:2]
    if modes != ["700 vermilion-witness", "600 vermilion-witness"]:
        raise StepFailed(f"key and memory: {modes}")
    if "PRIVATE KEY" in (others := machine.run(_OTHERS, check=False)):
        raise StepFailed(f"another user reads the key: {others}")
    machine.run(f"{probe_of('witness', _LOOKS, ('StandardInput=null',))}; systemctl start probe.service")
    user, kept, refused = json.loads(machine.run(f"cat {PLACE}.out"))
    if (user, kept) != ("vermilion-witness", ["witness.key"]) or None in refused:
        raise StepFailed(f"under the unit: {user}, {kept}, {refused}")
    exposed = machine.run("systemd-analyze security --no-pager vermilion-witness.service", check=False)
    found = re.search(r"Overall exposure level for .*?: ([0-9.]+)", exposed)
    if found is None or float(found[1]) > MOST_EXPOSED:
        raise StepFailed(f"too exposed: {found[1] if found else exposed}")
    return f"{user} alone has the key; under its unit: {', '.join(dict.fromkeys(refused))}; exposure {found[1]}"


def _named(bed: Bed, second: Bed) -> str:
    """The appliance gets a policy with the witness, through its own settings; the policy's file."""
    vkey = _status(second)[0]
    log = bed.machine.read(f"{STATE}/trust/log.vkey").strip()
    policy = bed.company / "witness-policy.txt"
    policy.write_text(f"log {log}\nwitness house {vkey} https://{HOST}\nquorum house\n", encoding="utf-8")
    for name in ("witness-policy.txt", "witness-ca.pem"):
        shutil.copy(bed.company / name, bed.machine.root / "root")
    settings = bed.settings(
        application_witness_policy="/root/witness-policy.txt",
        application_witness_addresses=f"[{WITNESS}/32]",
        application_witness_ca="/root/witness-ca.pem",
    )
    (bed.machine.root / "root/settings.yml").write_text(settings, encoding="utf-8")
    bed.machine.run(f"echo '{WITNESS} {HOST}' >>/etc/hosts")
    bed.install()
    bed.outside("ready", 120)
    _cosigned(bed, second)
    return str(policy)


def _killed(bed: Bed, second: Bed) -> str:
    """It comes back by itself, and remembers."""
    before = _size(second)
    first = second.machine.run("systemctl show --property MainPID --value vermilion-witness.service").strip()
    second.machine.run("systemctl kill --kill-whom=all --signal=KILL vermilion-witness.service")
    seconds = second.machine.until(
        f"systemctl is-active --quiet vermilion-witness.service"
        f" && test $(systemctl show --property MainPID --value vermilion-witness.service) != {first}",
        60,
    )
    if _size(second) < before:
        raise StepFailed(f"killed, it remembers {_size(second)} instead of {before}")
    return f"killed, it is back after {seconds:.1f} s, and cosigns {_cosigned(bed, second)}"


def _rebooted(bed: Bed, second: Bed) -> str:
    before = _size(second)
    seconds = second.machine.reboot()
    _connect(bed, second)
    if _size(second) != before:
        raise StepFailed(f"rebooted, it remembers {_size(second)} instead of {before}")
    return f"rebooted in {seconds:.1f} s, it cosigns {_cosigned(bed, second)}"


def _forked(bed: Bed, second: Bed) -> str:
    """Databases and authority are set back by a copy, and go on differently, beyond what the witness has seen; it
    is away meanwhile. It refuses, health and console tell. Put right again, the log is cosigned as before."""
    bed.with_services_stopped(f"cp -a {STATE} {STATE}.then")
    bed.outside("ready", 120)
    seen = _cosigned(bed, second)
    second.machine.run("systemctl stop nginx.service")
    bed.with_services_stopped(f"mv {STATE} {STATE}.now && mv {STATE}.then {STATE}")
    try:
        bed.outside("ready", 120)
        while (size := _grown(bed)) <= seen:
            pass
        second.machine.run("systemctl start nginx.service")
        second.machine.until(
            "journalctl -u vermilion-witness.service | grep -q 'not cosigned, perhaps a fork'", 700
        )
        if (remembered := _size(second)) != seen:
            raise StepFailed(f"it cosigned the fork: {remembered} instead of {seen}")
        bed.machine.until("vermilion diagnose --json | grep -q log-forked", 60)
        told = json.loads(bed.machine.run("vermilion diagnose --json", check=False))
        [found] = [each for each in told["findings"] if each["name"] == "witnesses"]
        if (found["condition"], found["page"]) != ("failing", "log-forked"):
            raise StepFailed(f"no alarm: {found}")
        shown = bed.outside("console-says", "/witnesses", NAME, "log-forked", "422")
    finally:
        bed.with_services_stopped(f"rm -rf {STATE}.fork && mv {STATE} {STATE}.fork && mv {STATE}.now {STATE}")
        bed.machine.run(f"rm -rf {STATE}.fork")
    bed.outside("ready", 120)
    return (
        f"set back from {seen} and grown to {size} otherwise: {found['sentence']} {shown};"
        f" put right, it cosigns {_cosigned(bed, second)}"
    )


def _cosigned(bed: Bed, second: Bed) -> int:
    """A new entry is made, and the witness cosigns the log with it; its size."""
    size = _grown(bed)
    second.machine.until(
        f"test $(runuser -u vermilion-witness -- vermilion witness status | sed -n '2s/.* //p') -ge {size}", 200
    )
    return size


def _grown(bed: Bed) -> int:
    """One entry more is published; the log's size."""
    before = _published(bed)
    bed.outside("timestamp", "witnessed")
    bed.machine.until(f"test $(vermilion log checkpoint | sed -n 2p) -gt {before}", 60)
    return _published(bed)


def _published(bed: Bed) -> int:
    return int(bed.machine.run("vermilion log checkpoint | sed -n 2p"))


def _size(second: Bed) -> int:
    return int(_status(second)[1].rpartition(" ")[2])


def _status(second: Bed) -> list[str]:
    told = second.machine.run("runuser -u vermilion-witness -- vermilion witness status")
    return told.strip().splitlines()
