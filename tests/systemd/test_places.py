"""Users and places as systemd makes them, and what each process may do there: tried as that user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.administration.confirmed import ConfirmedKey, RootConfirmations
from appliance.administration.executor import record_execution
from appliance.health.check_context import open_check_context
from appliance.health.machine_checks import permissions
from appliance.home import Home
from appliance.model.administration import AdministratorRole
from appliance.sharing import file_mode
from appliance.witnesses.asking import LogCheckpoint
from appliance.witnesses.gate import keep_checkpoint
from tests.systemd.conftest import UNITS

USERS = ("web", "tsa", "console", "scheduler", "operator", "authority", "convert", "activation")
ADMINISTER = {"console", "scheduler", "operator"}
"""Who has the administration's group."""

WAYS = {"read": "cat {0} || ls {0}", "write": "if test -d {0}; then touch {0}/new && rm {0}/new; else : >>{0}; fi"}

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes users and places, and is then one of them"
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """A machine's root directory with nothing but our users and places, where every user gets through to it."""
    root = Path(tempfile.mkdtemp(prefix="vermilion-places-", dir="/var/tmp"))
    root.chmod(0o755)
    for program, kind in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        how = ["--create"] if kind == "tmpfiles.d" else []
        command = [program, f"--root={root}", *how, UNITS / kind / "vermilion.conf"]
        subprocess.run(command, check=True, capture_output=True)
    key = ConfirmedKey("sun", AdministratorRole.SYSTEM, b"credential", b"key")
    before = os.umask(0o077)  # as root has it by sudo, at worst
    try:
        home = Home(root / "var/lib/vermilion")
        RootConfirmations(home.confirmed).confirm_key(key)
        record_execution(home, ExecutedBy.PRIVILEGED_HELPER, "0123456789ab")
        os.umask(before)
        yield root
    finally:
        os.umask(before)
        shutil.rmtree(root)


def who_may(machine: Path, way: str, path: Path) -> set[str]:
    """Which of the users can do that with the path, by doing it."""
    return {user for user in USERS if as_user(machine, user, WAYS[way].format(path))}


def who_see_inside(machine: Path, path: Path) -> set[str]:
    """Which of the users read the file: more than that it is there."""
    return {user for user in USERS if as_user(machine, user, f"cat {path}")}


def as_user(machine: Path, user: str, script: str) -> bool:
    entries = [line.split(":") for line in (machine / "etc/passwd").read_text().splitlines()]
    [(uid, gid)] = [(entry[2], entry[3]) for entry in entries if entry[0] == f"vermilion-{user}"]
    members = [line.split(":") for line in (machine / "etc/group").read_text().splitlines()]
    groups = [gid, *(entry[2] for entry in members if f"vermilion-{user}" in entry[3].split(","))]
    command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", f"--groups={','.join(groups)}", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ["", "keys", "performed", "keys/*"])
def test_what_root_confirmed_is_read_by_who_administers_and_written_by_root_alone(
    machine: Path, name: str
) -> None:
    folder = machine / "var/lib/vermilion/confirmed"
    for path in folder.glob(name) if name else [folder]:
        assert who_may(machine, "read", path) == ADMINISTER, path
        assert who_may(machine, "write", path) == set(), path


def test_what_was_performed_is_remembered_where_the_console_does_not_reach(machine: Path) -> None:
    home = Home(machine / "var/lib/vermilion")
    assert who_may(machine, "read", home.performed) == who_may(machine, "write", home.performed) == {"scheduler"}
    assert who_may(machine, "write", home.confirmed / "performed/0123456789ab") == set()
    assert who_may(machine, "write", home.administration.with_name("performed")) == ADMINISTER


def test_what_witnesses_refused_the_gate_alone_writes(machine: Path) -> None:
    """Nobody who has taken over the portal lets the authority start on a log that was set back."""
    folder = machine / "var/lib/vermilion/gate"
    assert who_may(machine, "write", folder) == {"operator"}
    assert who_may(machine, "read", folder) == {"operator", "web", "scheduler"}
    mode = f"{file_mode(folder):o}"
    assert as_user(machine, "operator", f"umask 0007; echo x >{folder}/file; chmod {mode} {folder}/file")
    assert who_may(machine, "write", folder / "file") == {"operator"}
    assert who_see_inside(machine, folder / "file") == {"operator", "web", "scheduler"}
    (folder / "file").unlink()


def test_the_checkpoint_that_the_gate_keeps_is_read_by_the_authority_too(machine: Path) -> None:
    """Which is in no group, and lists nothing there."""
    home = Home(machine / "var/lib/vermilion")
    before = os.umask(0o077)
    keep_checkpoint(home, LogCheckpoint(b"note", 1))
    os.umask(before)
    kept = home.gate / "checkpoint"
    assert "authority" in who_see_inside(machine, kept)
    assert who_may(machine, "write", kept) == set(), "root's, here"
    os.chown(kept, home.gate.stat().st_uid, -1)
    assert who_may(machine, "write", kept) == {"operator"}
    kept.unlink()


def test_accounts_and_acts_of_administrators_are_theirs_who_perform_them(machine: Path) -> None:
    folder = machine / "var/lib/vermilion/administration"
    assert who_may(machine, "read", folder) == who_may(machine, "write", folder) == ADMINISTER


def test_documents_are_the_portals_and_those_who_work_for_it(machine: Path) -> None:
    folder = machine / "var/lib/vermilion/state"
    assert (
        who_may(machine, "read", folder) == who_may(machine, "write", folder) == {"web", "scheduler", "operator"}
    )


def test_what_is_to_be_confirmed_is_the_portals_and_the_activation_services_alone(machine: Path) -> None:
    """Whole documents lie there. That the service itself writes nothing is its unit's to see to."""
    folder = machine / "var/lib/vermilion/activation"
    assert who_may(machine, "read", folder) == who_may(machine, "write", folder) == {"web", "activation"}
    assert as_user(machine, "web", f"umask 0007; echo x >{folder}/ticket")
    assert who_may(machine, "read", folder / "ticket") == {"web", "activation"}
    (folder / "ticket").unlink()


@pytest.mark.parametrize("name", ["var/lib/vermilion/cluster", "run/vermilion-cluster"])
def test_how_two_machines_stand_is_read_by_everybody_and_written_by_root_alone(machine: Path, name: str) -> None:
    """Console and scheduler judge by it; whoever took one of them over tells no other story."""
    folder = machine / name
    told = folder / "told"
    told.write_text("{}")
    told.chmod(0o644)
    for path in (folder, told):
        assert who_may(machine, "read", path) == set(USERS)
        assert who_may(machine, "write", path) == set()
    told.unlink()
    for unit in ("vermilion-console", "vermilion-scheduler"):
        text = (UNITS / f"{unit}.service").read_text(encoding="utf-8")
        hidden = " ".join(re.findall("^InaccessiblePaths=(.*)", text, re.MULTILINE)).replace("-/", "/").split()
        assert hidden and not [each for each in hidden if f"/{name}/".startswith(f"{each}/")], unit


def test_the_activation_service_has_no_other_place(machine: Path) -> None:
    for name in ("state", "cache", "administration", "confirmed", "performed", "health", "backups"):
        assert "activation" not in who_may(machine, "read", machine / "var/lib/vermilion" / name), name
    for name in ("claimants", "pulses", "timestamps", "clearance"):
        assert "activation" not in who_may(machine, "read", machine / "run/vermilion" / name), name
    pulses = machine / "run/vermilion/activation"
    assert who_may(machine, "write", pulses) == {"activation"}
    assert who_may(machine, "read", pulses) == {"activation", "web", "scheduler", "operator"}


def test_the_timestamp_service_reads_and_writes_nothing_of_the_portals(machine: Path) -> None:
    for name in ("state", "cache", "activation", "administration", "confirmed", "performed", "health", "backups"):
        for way in WAYS:
            assert "tsa" not in who_may(machine, way, machine / "var/lib/vermilion" / name), name
    for name in ("claimants", "pulses", "activation"):
        assert "tsa" not in who_may(machine, "read", machine / "run/vermilion" / name), name
    portals = Home(machine / "var/lib/vermilion").database
    assert as_user(machine, "web", f"umask 0007; echo x >{portals}")
    assert (
        who_may(machine, "read", portals) == who_may(machine, "write", portals) == {"web", "scheduler", "operator"}
    )
    portals.unlink()


@pytest.mark.parametrize("name", ["var/lib/vermilion/timestamps", "run/vermilion/timestamps"])
def test_what_the_timestamp_service_writes_nobody_else_writes_and_who_feeds_the_log_reads(
    machine: Path, name: str
) -> None:
    folder = machine / name
    assert who_may(machine, "write", folder) == {"tsa"}
    assert who_may(machine, "read", folder) == {"tsa", "web", "scheduler", "operator"}
    assert as_user(machine, "tsa", f"umask 0077; echo x >{folder}/file; chmod {file_mode(folder):o} {folder}/file")
    assert who_may(machine, "write", folder / "file") == {"tsa"}
    assert who_may(machine, "read", folder / "file") == {"tsa", "web", "scheduler", "operator"}
    (folder / "file").unlink()


def test_what_the_timestamp_service_is_told_the_scheduler_alone_writes(machine: Path) -> None:
    folder = machine / "run/vermilion/clearance"
    assert who_may(machine, "write", folder) == {"scheduler"}
    assert who_may(machine, "read", folder) == {"scheduler", "tsa"}
    assert as_user(machine, "scheduler", f"echo x >{folder}/file; chmod {file_mode(folder):o} {folder}/file")
    assert who_may(machine, "write", folder / "file") == {"scheduler"}
    assert who_may(machine, "read", folder / "file") == {"scheduler", "tsa"}
    (folder / "file").unlink()


def test_only_the_portal_gets_to_where_somebody_logs_in(machine: Path) -> None:
    """Connecting to a socket takes writing; its mode is that which the scheduler gives it."""
    folder = machine / "run/vermilion/live"
    assert who_may(machine, "write", folder) == {"scheduler"}
    assert as_user(machine, "scheduler", f"umask 0007; echo x >{folder}/file; chmod 660 {folder}/file")
    assert who_may(machine, "write", folder / "file") == {"scheduler", "web"}
    (folder / "file").unlink()


@pytest.mark.parametrize("name", ["authority", "hsm", "hsm/tokens"])
def test_keys_are_the_authoritys_alone(machine: Path, name: str) -> None:
    folder = machine / "var/lib/vermilion" / name
    assert who_may(machine, "read", folder) == who_may(machine, "write", folder) == {"authority"}


def test_diagnose_finds_nothing_to_say_against_it(machine: Path) -> None:
    home = Home(machine / "var/lib/vermilion")
    with open_check_context(home, role="backup", now=datetime.now(UTC)) as asked:
        assert permissions(asked).well
