"""Tries to get out: as a service that was taken over out of its unit, as a document out of its confined child.

Runs on the machine, in a copy of the unit of ``vermilion-ROLE`` that starts this instead (``escape.sh``):

    python -m tests.machine.escape ROLE

Prints one line for each attempt; the status is the number of those that ended otherwise than they should.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.confinement import kernel
from appliance.confinement.pool import Confinement
from appliance.errors import ConfinementFailed
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, NotPermitted
from hsm.intents import SigningIntent
from hsm.note import LogExtension
from hsm.time_source import KernelClock
from tests.confinement import hostile

HOME = Path(os.environ.get("VERMILION_HOME", "var"))
Attempt = Callable[[], object]


def is_forbidden(attempt: Attempt) -> str | None:
    """What the kernel, or the authority, said against it; None when it was let through."""
    try:
        attempt()
    except (OSError, AuthorityError) as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    return None


def inside_child(pool: Confinement, job: str, **arguments: Any) -> Attempt:
    def attempt() -> object:
        try:
            return pool.run(job, arguments)
        except ConfinementFailed as failure:
            raise OSError(str(failure.values["detail"])) from failure

    return attempt


def child_attempts(pool: Confinement) -> Iterator[tuple[str, Attempt]]:
    """What a hostile document would do with the process that reads it."""
    yield "child: a TCP connection", inside_child(pool, "connect")
    yield "child: a Unix socket", inside_child(pool, "unix_socket")
    yield "child: another program", inside_child(pool, "execute")
    yield "child: another process", inside_child(pool, "fork")
    yield "child: write into the state", inside_child(pool, "write_file", path=f"{HOME}/state/escaped")
    yield "child: write into /tmp", inside_child(pool, "write_file", path="/tmp/escaped")  # noqa: S108 - an attempt
    yield "child: read the database", inside_child(pool, "read_file", path=f"{HOME}/state/vermilion.db")
    yield "child: read what all may read", inside_child(pool, "read_file", path="/etc/passwd")
    yield "child: trace the service", inside_child(pool, "trace", process=os.getpid())
    yield "child: signal the service", inside_child(pool, "kill_parent", process=os.getpid())
    yield "child: signal by a descriptor", inside_child(pool, "signal_by_descriptor", process=os.getpid())
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    for secret in sorted(Path(credentials).iterdir()) if credentials else ():
        yield f"child: read the secret {secret.name}", inside_child(pool, "read_file", path=str(secret))


def service_attempts(role: str) -> Iterator[tuple[str, Attempt]]:
    """What somebody would do who runs code in the service."""
    yield "a user namespace", _own_namespace
    if role != "convert":
        yield "memory to write and execute", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
    yield "a program of one's own", _own_program
    yield "set the clock", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time())
    yield "mount something", lambda: kernel.system_call(165, b"none", b"/mnt", b"tmpfs", 0, 0)
    yield "load a kernel module", lambda: kernel.system_call(313, -1, b"", 0)
    yield "signal somebody else", lambda: os.kill(1, 0)
    yield "see somebody else's process", lambda: Path("/proc/1/cmdline").read_bytes()
    for place in (
        "/etc/vermilion",
        "/opt/vermilion",
        "/usr/local",
        str(HOME),
        str(HOME / "trust"),
        str(HOME / "gate"),
    ):
        yield f"write into {place}", (Path(place) / "escaped").touch
    yield "become root by the set-user-id bit", _set_user_id
    if role in ("authority", "convert", "console", "activation", "tsa", "directory"):
        yield "see the documents", lambda: list((HOME / "state").iterdir())
    if role == "console":
        yield from console_attempts()
    if role == "activation":
        yield from activation_attempts()
    if role == "tsa":
        yield from tsa_attempts()
    if role == "directory":
        yield from directory_attempts()
    if role == "convert":
        yield "see the home", lambda: list(HOME.iterdir())
        yield "see the settings", lambda: list(Path("/etc/vermilion").iterdir())
        yield "speak to the authority", lambda: _ask("web")
    elif role != "authority":
        yield "see the authority's store", lambda: list((HOME / "authority").iterdir())
        yield "see the tokens", lambda: list((HOME / "hsm").iterdir())
        yield "put a socket in the authority's place", (HOME / "run/authority-tsa.sock").unlink
        yield "speak to the authority as somebody else", lambda: _ask("operator")
    if role not in ("scheduler", "directory"):
        yield "a network socket", lambda: socket.socket(socket.AF_INET)


def console_attempts() -> Iterator[tuple[str, Attempt]]:
    """What lies beside the console, or could be asked for by its socket (decision 23)."""
    yield "see the pages' pictures", lambda: list((HOME / "cache").iterdir())
    yield "see the archives", lambda: list((HOME / "backups").iterdir())
    yield "see the sealed secrets", lambda: list(Path("/etc/credstore.encrypted").iterdir())
    yield "say that a passkey counts", (HOME / "confirmed/escaped").touch
    yield "see what the scheduler performed", lambda: list((HOME / "performed").iterdir())
    yield "forget what root performed", (HOME / "confirmed/performed").rmdir
    yield "say what was observed", (HOME / "health/escaped").touch
    yield "put a socket in the steward's place", (HOME / "run/steward.sock").unlink
    yield "put a socket in its own place", (HOME / "run/console.sock").unlink
    for service in ("web", "authority"):
        secrets = Path(f"/run/credentials/vermilion-{service}.service")
        yield f"see the secrets of {service}", lambda secrets=secrets: list(secrets.iterdir())
    for other in ("web", "tsa", "scheduler", "backup"):
        yield f"speak to the authority as {other}", lambda other=other: _ask(other)
    yield "have the authority back up", lambda: _asked(lambda authority: authority.begin_backup())
    yield "have the authority timestamp", lambda: _asked(lambda authority: authority.timestamp([]))
    yield (
        "have the authority unwrap",
        lambda: _asked(lambda authority: authority.unwrap_key("escaped", b"escaped")),
    )
    yield (
        "have the authority sign a checkpoint",
        lambda: _asked(lambda authority: authority.checkpoint(LogExtension(0, [], [bytes(32)], bytes(32)))),
    )


def activation_attempts() -> Iterator[tuple[str, Attempt]]:
    """What lies beside the activation service, or could be asked for by its socket."""
    for name in ("cache", "backups", "administration", "confirmed", "performed", "health"):
        yield f"see {name}", lambda name=name: list((HOME / name).iterdir())
    for name in ("claimants", "pulses"):
        yield f"see {name}", lambda name=name: list((HOME / "run" / name).iterdir())
    yield "see the sealed secrets", lambda: list(Path("/etc/credstore.encrypted").iterdir())
    yield "put something in to be shown", (HOME / "activation/escaped").touch
    yield "put a socket in its own place", (HOME / "run/activation.sock").unlink
    yield "ring for the steward", _ring
    for service in ("web", "authority"):
        secrets = Path(f"/run/credentials/vermilion-{service}.service")
        yield f"see the secrets of {service}", lambda secrets=secrets: list(secrets.iterdir())
    for other in ("web", "tsa", "scheduler", "backup", "console"):
        yield f"speak to the authority as {other}", lambda other=other: _ask(other)
    forbidden: dict[str, Callable[[AuthorityClient], object]] = {
        "sign": lambda authority: authority.sign_document(_intent()),
        "timestamp": lambda authority: authority.timestamp([]),
        "unwrap": lambda authority: authority.unwrap_key("escaped", b"escaped"),
        "lock": lambda authority: authority.lock(),
        "back up": lambda authority: authority.begin_backup(),
    }
    for name, what in forbidden.items():
        yield f"have the authority {name}", lambda what=what: _asked(what, "activation")


def tsa_attempts() -> Iterator[tuple[str, Attempt]]:
    """What lies beside the timestamp service (decision 46)."""
    yield "open the portal's database", (HOME / "state/vermilion.db").read_bytes
    for name in ("cache", "backups", "activation", "administration", "confirmed", "performed", "health"):
        yield f"see {name}", lambda name=name: list((HOME / name).iterdir())
    for name in ("claimants", "pulses", "activation"):
        yield f"see {name} among the sockets", lambda name=name: list((HOME / "run" / name).iterdir())
    yield "say that timestamps may be issued", (HOME / "run/clearance/escaped").touch
    yield "see the sealed secrets", lambda: list(Path("/etc/credstore.encrypted").iterdir())
    for other in ("web", "scheduler", "console", "backup", "activation"):
        yield f"speak to the authority as {other}", lambda other=other: _ask(other)


def directory_attempts() -> Iterator[tuple[str, Attempt]]:
    """What lies beside the service that asks directories (decision 81)."""
    for name in (
        "cache",
        "backups",
        "activation",
        "administration",
        "confirmed",
        "performed",
        "health",
        "timestamps",
    ):
        yield f"see {name}", lambda name=name: list((HOME / name).iterdir())
    yield "see the sockets", lambda: list((HOME / "run").iterdir())
    yield "see the sealed secrets", lambda: list(Path("/etc/credstore.encrypted").iterdir())
    for other in ("web", "scheduler", "console", "backup", "activation"):
        yield f"speak to the authority as {other}", lambda other=other: _ask(other)
    # Discard (RFC 863) at an address of documentation (RFC 5737), which no drop-in names.
    yield "reach somebody whom no drop-in names", lambda: socket.create_connection(("192.0.2.1", 9), 5)


def uses(role: str, pool: Confinement | None) -> Iterator[tuple[str, Attempt]]:
    """What has to go on working."""
    if role == "authority":
        yield "its PIN", (Path(os.environ["CREDENTIALS_DIRECTORY"]) / "user.pin").read_bytes
        if "CLOCK_IS_HIDDEN" not in os.environ:  # from the whole machine, as from a container
            yield "read the kernel's NTP state", KernelClock(timedelta(seconds=1)).read_clock
        return
    if role == "convert":
        yield "memory to write and execute", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
        return
    if role == "directory":
        yield "its settings", (HOME / "config/appliance.toml").read_bytes
        yield "a network socket", lambda: socket.socket(socket.AF_INET)
        return
    yield "speak to the authority", lambda: _ask(role)
    if role == "console":
        yield "write into the administration", lambda: _written(HOME / "administration/.probe")
        yield "see what was observed", lambda: list((HOME / "health").iterdir())
        yield "see what root confirmed", lambda: list((HOME / "confirmed").iterdir())
        yield "its key", (Path(os.environ["CREDENTIALS_DIRECTORY"]) / "console.key").read_bytes
        yield "ring for the steward", _ring
        return
    if role == "activation":
        yield "see what it is to show", lambda: list((HOME / "activation").iterdir())
        yield "show that it lives", lambda: _written(HOME / "run/activation/.probe")
        yield (
            "who is enrolled",
            lambda: _asked(lambda authority: authority.credentials("person-nobody"), "activation"),
        )
        yield from child_uses(pool)
        return
    if role == "tsa":
        yield "write into its spool", lambda: _written(HOME / "timestamps/.probe")
        yield "show that it lives", lambda: _written(HOME / "run/timestamps/.probe")
        yield "read what it is told", (HOME / "run/clearance/timestamps.json").read_bytes
        return
    yield "write into the state", lambda: _written(HOME / "state/.probe")
    yield from child_uses(pool)


def child_uses(pool: Confinement | None) -> Iterator[tuple[str, Attempt]]:
    """What confined children need."""
    if pool is not None:
        yield "child: its libraries", inside_child(pool, "read_library")
        yield "child: its answer", inside_child(pool, "echo", value="合同")
        yield "a callback from C", ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)


def main(role: str) -> int:
    pool = None
    if role in ("web", "scheduler", "activation"):
        pool = Confinement(HOME / "cache", jobs=hostile.JOBS, warm_up=())
    wrong = 0
    attempts = [(name, attempt, True) for name, attempt in service_attempts(role)]
    if pool is not None:
        attempts += [(name, attempt, True) for name, attempt in child_attempts(pool)]
    attempts += [(name, attempt, False) for name, attempt in uses(role, pool)]
    for name, attempt, forbidden in attempts:
        said = is_forbidden(attempt)
        right = (said is not None) is forbidden
        wrong += not right
        print(f"{'ok   ' if right else 'WRONG'} {role}: {name}: {said or 'done'}", flush=True)  # noqa: T201
    if pool is not None:
        pool.close()
    return wrong


def _intent() -> SigningIntent:
    """Of nobody, for nothing."""
    soon = datetime.now(UTC) + timedelta(minutes=5)
    return SigningIntent("contract", "party", "field", "person-nobody", bytes(32), soon, bytes(16))


def _own_namespace() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if kernel.leave_shared_namespaces() else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise PermissionError("unshare")


def _own_program() -> None:
    place = Path("/tmp/escaped")  # noqa: S108 - PrivateTmp: the service's own
    place.write_text("#!/bin/sh\n")
    place.chmod(0o700)
    subprocess.run([place], check=True)


def _set_user_id() -> None:
    place = Path("/tmp/program")  # noqa: S108 - PrivateTmp: the service's own
    place.touch()
    place.chmod(0o4755)


def _written(place: Path) -> None:
    place.write_text("x")
    place.unlink()


def _ask(role: str) -> None:
    with AuthorityClient(HOME / f"run/authority-{role}.sock") as client:
        client.status()


def _asked(what: Callable[[AuthorityClient], object], role: str = "console") -> None:
    """Its own socket, for what is not the role's."""
    with AuthorityClient(HOME / f"run/authority-{role}.sock") as client:
        try:
            what(client)
        except NotPermitted:
            raise
        except AuthorityError:  # refused for another reason: it came further than it may
            return


def _ring() -> None:
    """Without the id of an act: nothing is done for it."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(HOME / "run/steward.sock"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
