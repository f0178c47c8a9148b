"""From nothing to a machine that serves, and what Ansible and systemd say of it."""

from __future__ import annotations

import json
import os
import re
import time

from tests.machine import making
from tests.machine.bed import Bed, Recap
from tests.machine.failure import StepFailed
from tests.machine.plan import step

LIMITS = {
    "vermilion-authority.service": 0.5,
    "vermilion-web.service": 0.5,
    "vermilion-tsa.service": 0.5,
    "vermilion-scheduler.service": 1.5,
    "vermilion-console.service": 0.5,
    "vermilion-activation.service": 0.5,
    "vermilion-steward.service": 1.8,
    "vermilion-front-certificate.service": 1.5,
    "vermilion-time.service": 0.5,
    "nginx.service": 3.0,
    "vermilion-diagnose.service": 0.5,
    "vermilion-backup.service": 0.5,
    "vermilion-drill.service": 0.5,
    "vermilion-alarm@.service": 0.5,
    "vermilion-convert@.service": 0.5,
    "vermilion-directory@.service": 1.5,
    "vermilion-capture@.service": 2.7,
}
"""The most that `systemd-analyze security` may say; judged here for itself, whatever the playbook asserts."""

UNWELL = "vermilion-diagnose.service"
"""It ends with status 1 while there is no backup yet, and says so."""

_LOOK = "sha256sum /etc/nginx/nginx.conf; stat -c %a /etc/vermilion/authority.toml"
"""A script that tells whether what is changed by hand is as it was."""

CHANGED_BY_HAND = {
    "application : The authority's settings",
    "web_front : What nginx serves",
    "application : Restart the authority",
    "web_front : Reload the web front",
}
"""The tasks and handlers that are about it."""

NOT_IN_CONTAINERS = ("chrony.service",)
"""A container has its host's clock."""


@step("bundle")
def bundle(bed: Bed) -> str:
    """the bundle is made of what is committed (FROM=COMMIT: of an earlier release), or found from the last run"""
    if earlier := os.environ.get("FROM"):
        bed.served = bed.folder / "earlier"
        bed.bundle = making.earlier(bed.kept, bed.served, earlier)
    else:
        bed.bundle = making.bundle(bed.kept)
    return f"{bed.bundle.name}, {bed.bundle.stat().st_size / 1e6:.0f} MB"


@step("debian")
def debian(bed: Bed) -> str:
    """a minimal Debian 13 is made (mmdebstrap), or found from the last run"""
    tar = making.debian(bed.kept)
    return f"{tar.stat().st_size / 1e6:.0f} MB"


@step("boot", "debian")
def boot(bed: Bed) -> str:
    """it boots with systemd as process 1, without any network"""
    making.unpack(making.debian(bed.kept), bed.machine.root)
    bed.began = time.monotonic()
    bed.machine.boot()
    links = bed.machine.run("ls /sys/class/net").split()
    if links != ["lo"]:
        raise StepFailed(f"the machine has a network: {links}")
    packages = len(bed.machine.run("dpkg-query -f '.\n' -W").split())
    return f"{time.monotonic() - bed.began:.1f} s, {packages} packages, interfaces: {' '.join(links)}"


@step("install", "bundle", "boot")
def install(bed: Bed) -> str:
    """the bundle makes an appliance of it"""
    bed.carry(bed.bundle)
    recap = bed.install()
    bed.know_certificate()
    codes = bed.machine.read("/run/vermilion-ceremony/setup.codes")
    (bed.company / "codes").write_text("\n".join(re.findall(r"\b(?:[A-Z2-7]{4}-){7}[A-Z2-7]{4}\b", codes)))
    # What the custodians take away: a restore needs it.
    for name in ("user.pin", "so.pin", "transcript.txt"):
        (bed.folder / name).write_text(bed.machine.read(f"/run/vermilion-ceremony/{name}"))
    return f"{recap}; {bed.outside('ready', 60)}"


@step("people", "install")
def people(bed: Bed) -> str:
    """officers come with the ceremony's codes, signers by invitation, all through the portal's pages"""
    return bed.outside("found", bed.company / "codes")


@step("contract", "people")
def contract(bed: Bed) -> str:
    """the first contract is signed by two through the portal, and judged by others"""
    told = bed.outside("contract", "第一份合同")
    bed.to_first_contract = time.monotonic() - bed.began
    return told


@step("timestamp", "install")
def timestamp(bed: Bed) -> str:
    """`openssl ts` gets a timestamp through nginx, and verifies it"""
    return bed.outside("timestamp", "first")


@step("check", "install")
def check(bed: Bed) -> str:
    """what somebody changed by hand is all that --check --diff reports, and it changes nothing"""
    bed.untouched = bed.machine.run(_LOOK)
    bed.machine.run("echo '# by hand' >>/etc/nginx/nginx.conf; chmod 0666 /etc/vermilion/authority.toml")
    drifted = bed.machine.run(_LOOK)
    reported = bed.install("--check")
    if "-# by hand" not in reported.told:
        raise StepFailed(f"the drift was not shown: {reported}: {reported.tasks_that_changed()}")
    _only_what_was_changed(reported)
    if bed.machine.run(_LOOK) != drifted:
        raise StepFailed("--check changed something")
    return str(reported)


@step("again", "check")
def again(bed: Bed) -> str:
    """a second run puts that right, and changes nothing else"""
    outcome = bed.install()
    _only_what_was_changed(outcome)
    if bed.machine.run(_LOOK) != bed.untouched:
        raise StepFailed(f"the drift was not put right: {outcome}")
    return str(outcome)


def _only_what_was_changed(recap: Recap) -> None:
    if recap.changed_tasks() != CHANGED_BY_HAND:
        raise StepFailed(f"{recap}: {recap.tasks_that_changed()}")


@step("units", "install")
def units(bed: Bed) -> str:
    """every unit is active, none has failed, and none is more exposed than it may be"""
    machine = bed.machine
    wanted = machine.run("systemctl list-dependencies --plain --no-legend vermilion.target").split()
    wanted += ["nginx.service", "nftables.service", *NOT_IN_CONTAINERS]
    inactive = [
        unit
        for unit in dict.fromkeys(wanted)
        if unit not in NOT_IN_CONTAINERS
        and not machine.says(f"systemctl is-active --quiet {unit}")
        and not _ends_by_itself(bed, unit)
    ]
    failed = machine.run(f"systemctl list-units --failed --plain --no-legend | grep -v {UNWELL} || :").strip()
    exposed = []
    for unit, limit in LIMITS.items():
        name = unit.replace("@.", "@test.")
        told = machine.run(f"systemd-analyze security --no-pager {name}", check=False)
        found = re.search(r"Overall exposure level for .*?: ([0-9.]+)", told)
        if found is None or float(found[1]) > limit:
            exposed.append(f"{unit}: {found[1] if found else told.strip()[-200:]} > {limit}")
    if inactive or failed or exposed:
        raise StepFailed(f"inactive: {inactive}; failed: {failed or 'none'}; too exposed: {exposed or 'none'}")
    told = f"{len(set(wanted))} units active, {len(LIMITS)} below their limit; nginx may open {_files(bed)} files"
    return f"{told}. {where_confirmed(bed)}"


def _ends_by_itself(bed: Bed, unit: str) -> bool:
    """Whether `unit` does one thing and ends; whether any has failed, the step asks for all of them at once."""
    told = bed.machine.run(f"systemctl show --property Type,RemainAfterExit {unit}").split()
    return told == ["Type=oneshot", "RemainAfterExit=no"]


def where_confirmed(bed: Bed) -> str:
    """The running authority takes confirmations from the activation service's origin alone."""
    line = bed.machine.run("grep ^origins /etc/vermilion/authority.toml").strip()
    told = json.loads(bed.machine.run("vermilion diagnose --json", check=False))
    [found] = [each for each in told["findings"] if each["name"] == "origins"]
    if found["condition"] != "good" or line != 'origins = ["https://sign.enterprise.example:8445"]':
        raise StepFailed(f"signatures are confirmed elsewhere: {line}: {found}")
    return str(found["sentence"])


def _files(bed: Bed) -> int:
    """How many files a worker of nginx may open, which has nothing to say against its settings."""
    warned = bed.machine.run("nginx -t 2>&1 | grep -F '[' || :").strip()
    limits = bed.machine.run(
        "main=$(systemctl show --property MainPID --value nginx.service)"
        " && set -- $(cat /proc/$main/task/$main/children) && cat /proc/$1/limits"
    )
    found = re.search(r"^Max open files +(\d+)", limits, re.MULTILINE)
    if warned or found is None or int(found[1]) < 2 * 2048:
        raise StepFailed(f"nginx: {warned or limits}")
    return int(found[1])
