"""Exposure, as systemd itself counts it, and what every unit has to say."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from appliance.cli.log import BEHIND
from appliance.cli.program import REFUSED
from appliance.home import Home
from appliance.witnesses.gate import GATE_UNIT
from tests.systemd.conftest import UNITS, programs, unit_files

WITHOUT_NETWORK, WITH_NETWORK = 5, 15
"""The most that is allowed, in tenths of systemd's exposure level (0 to 10)."""

WITH_BROWSER = 27
"""The same for the one service that makes namespaces for a browser."""

SPEAKS_TO_THE_NETWORK = {
    "vermilion-authority-gate",
    "vermilion-scheduler",
    "vermilion-directory@",
    "vermilion-capture@",
}
READS_SETTINGS = {"vermilion-directory@", "vermilion-capture@"}
"""The services for one request each that see /etc/vermilion."""

ROOT = "vermilion-steward"
"""The one service that is root and has what root has: it asks systemd, and restores, for what was decided."""

OF_ROOT = 18
"""Its exposure, in tenths."""

LOOKS_AT_THE_CLUSTER = "vermilion-cluster"
"""Root, whom alone Corosync answers; its sockets belong to the machine's network, and so does this service."""

SERVICES = sorted(path.stem for path in UNITS.glob("vermilion-*.service"))
UNCONFINED = "vermilion.release@"
"""Root's playbook, which puts the very units there: nothing of what holds for the services can hold for it."""

SWITCHES_OVER = "vermilion.switch-over@"
"""What has Pacemaker move the appliance to the other node."""

ANSWERING = [f"vermilion-{name}" for name in ("activation", "authority", "console", "scheduler", "tsa", "web")]


def instance(service: str) -> str:
    return service.replace("@", "@some") + ".service"


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_LOG_LEVEL": "warning"},
    )


def said(service: str, key: str) -> list[str]:
    """All values of *key* that the unit itself gives."""
    return re.findall(rf"^{key}=(.*)$", (UNITS / f"{service}.service").read_text(encoding="utf-8"), re.MULTILINE)


def test_nothing_starts_timers_that_only_some_settings_start() -> None:
    """Backups take a recovery key: the role enables their timers, or stops them, and a start keeps that."""
    wanted = (UNITS / "vermilion.target").read_text(encoding="utf-8").split("[Install]")[0]
    named = re.findall(r"^(?:Wants|Requires)=(.*)$", wanted, re.MULTILINE)

    assert "vermilion-diagnose.timer" in " ".join(named).split()
    assert not {"vermilion-backup.timer", "vermilion-drill.timer"} & set(" ".join(named).split())
    for timer in ("vermilion-backup", "vermilion-drill"):
        assert "WantedBy=vermilion.target" in (UNITS / f"{timer}.timer").read_text(encoding="utf-8")


def test_systemd_has_nothing_to_say_against_any_unit(machine: Path) -> None:
    names = [path.name.replace("@", "@some") for path in unit_files()]
    verdict = analyzed("verify", "--man=no", "--recursive-errors=yes", f"--root={machine}", *names)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


def test_a_mistake_in_a_unit_would_be_seen(machine: Path, tmp_path: Path) -> None:
    shutil.copytree(machine, tmp_path / "root", symlinks=True)
    unit = tmp_path / "root/etc/systemd/system/vermilion-web.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace("RestartSec=", "RestartSecs="), encoding="utf-8")
    verdict = analyzed("verify", "--man=no", f"--root={tmp_path / 'root'}", "vermilion-web.service")
    assert "RestartSecs" in verdict.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_exposure_is_below_the_threshold(service: str, machine: Path) -> None:
    threshold = WITH_NETWORK if service in {*SPEAKS_TO_THE_NETWORK, LOOKS_AT_THE_CLUSTER} else WITHOUT_NETWORK
    threshold = {ROOT: OF_ROOT, "vermilion-capture@": WITH_BROWSER}.get(service, threshold)
    verdict = analyzed(
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={threshold}",
        f"--root={machine}",
        instance(service),
    )
    assert verdict.returncode == 0, [line for line in verdict.stdout.splitlines() if "✓" not in line]


@pytest.mark.parametrize("service", sorted(set(SERVICES) - SPEAKS_TO_THE_NETWORK - {LOOKS_AT_THE_CLUSTER}))
def test_whoever_needs_no_network_has_none(service: str) -> None:
    assert said(service, "PrivateNetwork") == ["yes"]
    assert said(service, "RestrictAddressFamilies") == ["AF_UNIX"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_unit_takes_back_what_holds_for_all(service: str) -> None:
    """The shared drop-in is read after the unit, so a value in both would mislead whoever reads the unit."""
    shared = configparser.RawConfigParser(strict=False, delimiters=("=",))
    shared.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
    shared.read(UNITS / "vermilion-.service.d/10-hardening.conf", encoding="utf-8")
    adding_up = {"NoExecPaths"}
    assert [key for key in shared["Service"] if said(service, key) and key not in adding_up] == []


def test_no_service_takes_all_the_tasks_of_the_slice() -> None:
    one, captures, all_of_them = (
        int(re.findall(r"^TasksMax=(\d+)$", (UNITS / name).read_text(encoding="utf-8"), re.MULTILINE)[0])
        for name in ("vermilion-.service.d/10-hardening.conf", "vermilion-capture.slice", "vermilion.slice")
    )
    assert one * 2 + captures <= all_of_them


def test_what_uses_the_databases_does_not_start_while_a_rollback_puts_them_back() -> None:
    target = (UNITS / "vermilion.target").read_text(encoding="utf-8")
    wanted = {unit for line in re.findall(r"^Wants=(.*)$", target, re.MULTILINE) for unit in line.split()}
    # Three have no database, and the diagnosis says what is wrong, and migrates nothing.
    others = {
        f"vermilion-{name}" for name in ("convert.socket", "directory.socket", "capture.socket", "diagnose.timer")
    }
    using = wanted - others | {"vermilion-steward.service", "vermilion-backup.service"}
    assert len(using) > 10
    marker = Home(Path("/var/lib/vermilion")).interrupted_rollback
    for unit in using:
        lines = (UNITS / unit).read_text(encoding="utf-8").split("\n\n")[0].splitlines()
        assert f"ConditionPathExists=!{marker}" in lines, unit


def test_all_captures_together_take_half_of_the_memory_and_give_way_to_others() -> None:
    """One after the other each stays within its own limit; four at once would take more than there is."""
    text = (UNITS / "vermilion-capture.slice").read_text(encoding="utf-8")
    assert {"MemoryMax=50%", "MemorySwapMax=0", "CPUWeight=20", "IOWeight=20"} < set(text.splitlines())
    [own] = said("vermilion-capture@", "MemoryMax")
    asked = (UNITS / "vermilion-capture.socket").read_text(encoding="utf-8")
    [at_once] = re.findall(r"^MaxConnections=(\d+)$", asked, re.MULTILINE)
    assert int(own.rstrip("%")) <= 50 < int(own.rstrip("%")) * int(at_once)


EXCEPTIONS = {
    LOOKS_AT_THE_CLUSTER: [
        "CapabilityBoundingSet=CAP_DAC_OVERRIDE",
        "AmbientCapabilities=CAP_DAC_OVERRIDE",
        "ProcSubset=all",
    ],
    "vermilion-convert@": ["MemoryDenyWriteExecute=no", "ProcSubset=all"],
    "vermilion-capture@": [
        "Slice=vermilion-capture.slice",
        "RestrictNamespaces=cgroup ipc net mnt pid user uts",
        "ProtectHostname=no",
        "ProtectKernelTunables=no",
        "ProtectKernelLogs=no",
        "ProcSubset=all",
        "MemoryDenyWriteExecute=no",
        "RestrictSUIDSGID=no",
    ],
}


def test_only_libreoffice_browsers_and_what_is_root_have_an_exception() -> None:
    shipped = {path.name for path in UNITS.glob("*.d")} - {"sysusers.d", "tmpfiles.d"}
    assert shipped == {f"{each}.service.d" for each in ("vermilion-", ROOT, *EXCEPTIONS)}
    for service, wanted in EXCEPTIONS.items():
        [exception] = (UNITS / f"{service}.service.d").iterdir()
        lines = exception.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "=" in line] == wanted


def test_who_makes_namespaces_has_no_capability_outside_them_and_no_other_call_for_them() -> None:
    """Where the kernel's settings and log are in sight, nothing may be left that changes or reads them."""
    shared = (UNITS / "vermilion-.service.d/10-hardening.conf").read_text(encoding="utf-8")
    assert "\nCapabilityBoundingSet=\nAmbientCapabilities=\n" in shared and "\nNoNewPrivileges=yes\n" in shared
    assert said("vermilion-capture@", "PrivateUsers") == ["yes"]
    allowed, refused = said("vermilion-capture@", "SystemCallFilter")
    assert allowed == "@system-service @mount sethostname"
    dangerous = {"@clock", "@module", "@raw-io", "@reboot", "@swap", "bpf", "keyctl"}
    assert dangerous < set(refused.removeprefix("~").split())


@pytest.mark.parametrize("service", sorted(READS_SETTINGS))
def test_what_reads_the_settings_for_one_request_sees_nothing_else(service: str) -> None:
    made = re.findall(
        r"^d +(\S+)", (UNITS / "tmpfiles.d/vermilion.conf").read_text(encoding="utf-8"), re.MULTILINE
    )
    hidden = [each.removeprefix("-") for each in " ".join(said(service, "InaccessiblePaths")).split()]
    seen = {place for place in made if not any(f"{place}/".startswith(f"{each}/") for each in hidden)}
    assert seen == {"/etc/vermilion", "/var/lib/vermilion", "/var/lib/vermilion/trust"}
    assert said(service, "ReadWritePaths") == []


@pytest.mark.parametrize("service", SERVICES)
def test_each_runs_as_a_user_that_is_made_and_keeps_the_others_things_out_of_sight(service: str) -> None:
    users = re.findall(
        r"^u (\S+)", (UNITS / "sysusers.d/vermilion.conf").read_text(encoding="utf-8"), re.MULTILINE
    )
    [user] = said(service, "User")
    assert user in users or (service in (ROOT, LOOKS_AT_THE_CLUSTER) and user == "root")
    hidden = " ".join(said(service, "InaccessiblePaths"))
    if service == LOOKS_AT_THE_CLUSTER:  # it would keep the volume from being unmounted
        assert "/var/lib/vermilion" not in " ".join(said(service, "ReadWritePaths")) + hidden
        return
    if service == ROOT:
        assert hidden == "-/etc/credstore.encrypted"
        return
    blind = "@" in service and service not in READS_SETTINGS
    wanted = "state" if service == "vermilion-authority" else "/etc/vermilion" if blind else "authority"
    assert wanted in hidden


@pytest.mark.parametrize("service", ANSWERING)
def test_what_serves_says_when_it_is_ready_and_raises_an_alarm_when_it_falls(service: str) -> None:
    assert said(service, "Type") == ["notify"]
    assert said(service, "Restart") == ["always"]
    assert said(service, "OnFailure") == ["vermilion-alarm@%n.service"]


@pytest.mark.parametrize("service", SERVICES)
def test_what_can_be_written_cannot_be_executed_and_nothing_above_it_becomes_writable(service: str) -> None:
    """A place in NoExecPaths alone would be exempt from ProtectSystem."""
    assert said(service, "NoExecPaths") == said(service, "ReadWritePaths")


def test_the_activation_service_sees_what_it_shows_and_nothing_else() -> None:
    """Every place that tmpfiles.d makes is out of its sight, but for those that it needs and the public ones."""
    made = re.findall(
        r"^d +(\S+)", (UNITS / "tmpfiles.d/vermilion.conf").read_text(encoding="utf-8"), re.MULTILINE
    )
    told = " ".join(said("vermilion-activation", "InaccessiblePaths")).split()
    hidden = [each.removeprefix("-") for each in told]
    seen = {place for place in made if not any(f"{place}/".startswith(f"{each}/") for each in hidden)}
    home, run = "/var/lib/vermilion", "/run/vermilion"
    assert seen == {
        *("/etc/vermilion", home, f"{home}/trust", f"{home}/activation"),
        *(run, f"{run}/activation", f"{run}/alarms"),
    }
    assert said("vermilion-activation", "ReadWritePaths") == [f"{run}/activation"]
    assert said("vermilion-activation", "ImportCredential") == []


def test_nobody_has_the_secrets_of_others_servers_but_who_asks_them_and_who_seals_backups() -> None:
    directories, proxy = {"ldap.password", "openid.secret"}, {"capture.proxy"}
    secrets = directories | proxy
    having = {
        service: {each.partition(":")[2] for each in said(service, "ImportCredential")} & secrets
        for service in SERVICES
    }
    found = {service: found for service, found in having.items() if found}
    assert found == {"vermilion-directory@": directories, "vermilion-capture@": proxy, "vermilion-backup": secrets}
    assert said("vermilion-backup", "PrivateNetwork") == ["yes"]


@pytest.mark.parametrize("asked", ["directory", "capture"])
def test_who_shares_the_state_may_ask_and_nobody_else(asked: str) -> None:
    socket = (UNITS / f"vermilion-{asked}.socket").read_text(encoding="utf-8")
    users = (UNITS / "sysusers.d/vermilion.conf").read_text(encoding="utf-8")
    assert "\nSocketGroup=vermilion\nSocketMode=0660\n" in socket
    members = re.findall(r"^u (\S+) +-:vermilion +", users, re.MULTILINE)
    members += re.findall(r"^m (\S+) +vermilion$", users, re.MULTILINE)
    assert set(members) == {"vermilion-web", "vermilion-scheduler", "vermilion-operator"}


def test_only_what_pings_is_watched() -> None:
    watched = [service for service in SERVICES if said(service, "WatchdogSec")]
    assert watched == ["vermilion-authority", "vermilion-scheduler"]


def test_the_authority_alone_may_read_the_clocks_state() -> None:
    """By either system call, since the function of the one name in Debian's C library uses the other."""
    for service in SERVICES:
        allowed = {"adjtimex clock_adjtime"} & set(said(service, "SystemCallFilter"))
        assert bool(allowed) is (service == "vermilion-authority"), service


def test_the_scheduler_alone_may_give_way_to_others() -> None:
    """Where it sets the pages of a batch; a page that somebody waits for is set without that system call."""
    allowing = [service for service in SERVICES if "setpriority" in said(service, "SystemCallFilter")]
    assert allowing == ["vermilion-scheduler"]


OF_ROLES = {"vermilion-time", "vermilion-front-certificate"}
"""Services whose units come with a role of the provisioning."""


@pytest.mark.parametrize(
    "drop_in",
    [
        path
        for path in sorted(UNITS.glob("drop-ins/*/*.conf"))
        if path.parent.name.partition(".")[0] not in OF_ROLES
    ],
    ids=lambda path: path.stem,
)
def test_what_an_operator_may_copy_is_sound_and_stays_below_the_threshold(
    drop_in: Path, machine: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    shutil.copytree(machine, root, symlinks=True)
    unit = drop_in.parent.name.removesuffix(".d").replace("@", "@some").replace("n-.service", "n-web.service")
    place = root / "etc/systemd/system" / drop_in.parent.name
    place.mkdir(exist_ok=True)
    shutil.copy(drop_in, place)
    verdict = analyzed("verify", "--man=no", f"--root={root}", unit)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")
    if unit.endswith(".target"):  # which runs nothing
        return
    threshold = WITH_BROWSER if unit.startswith("vermilion-capture@") else WITH_NETWORK
    exposure = analyzed("security", "--offline=true", f"--threshold={threshold}", f"--root={root}", unit)
    assert exposure.returncode == 0


def test_the_steward_has_what_moving_others_files_and_asking_systemd_take_and_no_more() -> None:
    text = (UNITS / f"{ROOT}.service.d/20-root.conf").read_text(encoding="utf-8")
    wanted = "CAP_SYS_ADMIN CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_FSETID"
    assert [line for line in text.splitlines() if "=" in line] == [
        f"CapabilityBoundingSet={wanted}",
        f"AmbientCapabilities={wanted}",
        "RestrictSUIDSGID=no",
    ]


def test_on_the_standby_nothing_starts_but_what_looks_at_the_cluster(machine: Path, tmp_path: Path) -> None:
    """The assertion is read for every service but this one, whose own file of that name takes its place: shown by
    a line that systemd complains about wherever it reads the file."""
    root = tmp_path / "root"
    shutil.copytree(machine, root, symlinks=True)
    for source in UNITS.glob("drop-ins/*/cluster.conf"):
        place = root / "etc/systemd/system" / source.parent.name
        place.mkdir(exist_ok=True)
        shutil.copy(source, place)
    asserting = root / "etc/systemd/system/vermilion-.service.d/cluster.conf"
    assert "\nAssertPathIsMountPoint=/var/lib/vermilion\n" in asserting.read_text(encoding="utf-8")
    asserting.write_text(asserting.read_text(encoding="utf-8") + "Unheard=of\n", encoding="utf-8")
    reading = {
        service
        for service in SERVICES
        if "Unheard" in analyzed("verify", "--man=no", f"--root={root}", instance(service)).stderr
    }
    alone = analyzed("verify", "--man=no", "--recursive-errors=no", f"--root={root}", "vermilion-cluster.service")
    assert "Unheard" not in alone.stderr
    assert reading | {LOOKS_AT_THE_CLUSTER} == set(SERVICES)
    masks = {path.parent.name.partition(".")[0] for path in UNITS.glob("drop-ins/*.service.d/cluster.conf")}
    assert masks - {"vermilion-"} == {LOOKS_AT_THE_CLUSTER, *OF_ROLES}


def test_only_what_outlives_the_appliance_is_unconfined() -> None:
    """A bundle's playbook; and the switch to the other node, in whose namespace the volume would stay mounted."""
    assert {path.stem for path in UNITS.glob("*.service")} - set(SERVICES) == {UNCONFINED, SWITCHES_OVER}
    [switching] = said(SWITCHES_OVER, "ExecStart")
    assert switching.startswith("/bin/sh -c ")
    for key in ("PartOf", "Slice", "ReadWritePaths", "ProtectSystem", "PrivateTmp"):
        assert said(SWITCHES_OVER, key) == [], key
    assert said(UNCONFINED, "ExecStart") == ["/usr/local/sbin/vermilion-release %i"]
    # What it stops on its way must not be itself.
    assert said(UNCONFINED, "PartOf") == said(UNCONFINED, "Slice") == []


def test_timers_catch_up() -> None:
    for timer in set(UNITS.glob("*.timer")) - {UNITS / f"{LOOKS_AT_THE_CLUSTER}.timer"}:
        assert "Persistent=true" in timer.read_text(encoding="utf-8"), timer.name


def test_what_units_start_comes_with_the_release_or_with_debian() -> None:
    """By scripts, whose interpreter is the release's own: children stay in it when ``current`` moves on."""
    scripts = {script.name for script in entry_points(group="console_scripts")}
    ours = {program for program in programs() if program.startswith("/opt/vermilion/current/bin/")}
    assert programs() - ours == {
        "/bin/sh",
        "/usr/local/sbin/vermilion-release",
        "/usr/local/sbin/vermilion-cluster",
    }
    assert (UNITS / "bin/vermilion-release").exists() and (UNITS / "bin/vermilion-cluster").exists()
    assert {Path(program).name for program in ours} <= scripts


def test_no_secret_is_in_a_unit_and_pins_come_as_credentials() -> None:
    assert said("vermilion-authority", "ImportCredential") == ["vermilion.user.pin:user.pin"]
    for path in unit_files():
        environment = re.findall(r"^Environment=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert environment == [], path.name


def test_every_service_has_a_bound_on_its_memory_and_the_chapter_says_which() -> None:
    chapter = (UNITS.parent / "docs/operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`vermilion-.*?) \|.*\| `([0-9]+[%MG])` \|$", chapter, re.MULTILINE)
    told = {name: bound for names, bound in rows for name in re.findall(r"`([a-z@-]+)\.service`", names)}

    assert told == {service: "".join(said(service, "MemoryMax")) for service in SERVICES}


def test_a_process_that_ran_out_of_memory_does_not_take_its_service_along() -> None:
    shared = (UNITS / "vermilion-.service.d/10-hardening.conf").read_text(encoding="utf-8")
    assert "\nOOMPolicy=continue\n" in shared


def test_the_authority_starts_after_the_witnesses_were_asked_and_has_no_network_itself() -> None:
    """Only what the gate refuses by its own status keeps the authority from starting."""
    gate = "vermilion-authority-gate.service"
    text = (UNITS / "vermilion-authority.service").read_text(encoding="utf-8")
    after, required = (re.findall(rf"^{key}=(.*)$", text, re.MULTILINE) for key in ("After", "Requires"))
    assert gate in " ".join(after).split() and gate in " ".join(required).split()
    assert said("vermilion-authority", "PrivateNetwork") == ["yes"]
    assert said("vermilion-authority-gate", "Type") == ["oneshot"]
    assert said("vermilion-authority-gate", "RemainAfterExit") == [], "it is asked before each start"
    assert said("vermilion-authority-gate", "OnFailure") == ["vermilion-alarm@%n.service"]
    assert gate == GATE_UNIT


def gate_run(folder: Path, *tries: str) -> tuple[int, list[str], str]:
    """What the gate's unit runs, where these scripts are what each try comes to: its status, the options of each
    try, and what it says in the end."""
    program, options = folder / "vermilion", folder / "options"
    cases = [f"{number}) {ends} ;;" for number, ends in enumerate(tries, 1)]
    lines = ["#!/bin/sh", f'echo "$*" >>{options}', f"case $(wc -l <{options}) in", *cases, "esac", ""]
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    text = (UNITS / "vermilion-authority-gate.service").read_text(encoding="utf-8")
    command = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert command is not None
    script = command[1].replace("\\\n", "").replace("$$", "$").replace(" 35 ", " 1 ")
    for theirs, ours in (("/opt/vermilion/current/bin", folder), ("/var/lib/vermilion/gate", folder / "gate")):
        script = script.replace(theirs, str(ours))
    done = subprocess.run(shlex.split(script), check=False, capture_output=True, text=True)
    return done.returncode, options.read_text().splitlines(), done.stderr


KILLED = "kill -KILL $$"


@pytest.mark.parametrize(
    ("tries", "status"),
    [
        (["exit 0"], 0),
        ([f"exit {BEHIND}"], BEHIND),
        ([KILLED, "exit 0"], 0),
        ([KILLED, f"exit {REFUSED}", f"exit {BEHIND}"], BEHIND),
        (["exec sleep 60", KILLED, "exit 0"], 0),
        (["exit 2", "exit 127", KILLED], 0),
    ],
)
def test_the_gate_is_asked_again_where_it_was_ended_and_fails_by_its_refusal_alone(
    tmp_path: Path, tries: list[str], status: int
) -> None:
    """A dependency that failed for anything else would leave the authority down until somebody comes."""
    ended, options, told = gate_run(tmp_path, *tries)
    assert ended == status
    assert options == ["log gate", "log gate", "log gate --without-database"][: len(tries)]
    assert ("<2>The witnesses" in told) == (tries[-1] == KILLED)


def test_what_the_gate_refused_before_counts_where_every_try_is_ended(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate/checkpoint").touch()
    assert gate_run(tmp_path, KILLED, KILLED, KILLED)[0] == 0
    (tmp_path / "options").unlink()
    (tmp_path / "gate/0123.json").touch()
    assert gate_run(tmp_path, KILLED, KILLED, KILLED)[0] == BEHIND


def test_the_gate_has_the_time_of_three_tries_and_keeps_what_it_refused_where_the_portal_does_not_write() -> None:
    assert said("vermilion-authority-gate", "TimeoutStartSec") == ["3min"]
    kept = "/var/lib/vermilion/gate"
    for service in SERVICES:
        written = " ".join(said(service, "ReadWritePaths")).split()
        assert (kept in written) == (service == "vermilion-authority-gate"), service
    hidden = " ".join(said("vermilion-authority", "InaccessiblePaths"))
    assert kept not in hidden, "it compares its memory with the newest checkpoint"
