"""The real users of a machine as attackers: each with its uid and groups, and without what its unit forbids it.

    python -m tests.machine.assault FOLDER SEAL released|suspended|destroyed

Runs on the machine, as root. The FOLDER has people's passkeys in it (``PERSON.passkey``) and the HSM's PIN
(``user.pin``); SEAL is the subject of a company seal, whose people release it ("released") before it is suspended,
or destroyed. Prints as JSON what was let through: ``rows``, row by row, and ``through``, by uids alone.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import pwd
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.config import PeerRole
from hsm.errors import AuthorityError
from hsm.intents import signing_intent_from_wire
from tests.takeover.attempts import Loot, attempts, refusal_of, rows

HOME = Path("/var/lib/vermilion")
RUN = Path("/run/vermilion")
UNITS = Path("/usr/local/lib/systemd/system")
USERS = {
    "vermilion-web": ("web",),
    "vermilion-tsa": ("tsa",),
    "vermilion-scheduler": ("scheduler",),
    "vermilion-console": ("console",),
    "vermilion-operator": ("backup",),
    "vermilion-convert": (),
    "vermilion-directory": (),
    "vermilion-capture": (),
    "www-data": (),
    "nobody": (),
}
"""Each user with the roles that are its own at the authority. The web front (``www-data``) is believed about
addresses, and serves the pages of both origins; it is no process of the table."""

PORT = 8445
"""The activation service's, at the web front."""

GUARDED = ("vermilion-activation", "vermilion-authority")
RELEASED = "released.json"
SIGN_IN = "test_a_sign_in_activates_nothing"
REVOKED = "test_no_revocation_is_hidden"
SERVICES = ("vermilion-activation.service", "vermilion-authority.service")
FRONT = ("nginx.service", "vermilion-activation.socket", "vermilion-activation.service")

PTRACE_ATTACH = 16

Act = Callable[[], object]


class TakenError(Exception):
    """Somebody listens there already."""


@dataclass(frozen=True, slots=True)
class Position:
    """Something that a user tries with nothing but uid and groups: with it every row would fall."""

    says: str
    act: Act


def places(user: str, request: Path) -> Iterator[Position]:
    """What lies on the disk: keys, stores, what is shown, code, the web front's certificate, and the credentials
    of running units, of the directory's those of *request*."""
    theirs = {
        "vermilion-web": {"state", "cache", "activation", "health"},
        "vermilion-tsa": {"state", "cache"},
        "vermilion-scheduler": {"state", "cache", "administration", "confirmed", "performed", "health"},
        "vermilion-console": {"administration", "confirmed", "health"},
        "vermilion-operator": {"state", "cache", "administration", "confirmed", "backups", "health"},
    }.get(user, set())
    every = (
        "authority",
        "hsm",
        "activation",
        "state",
        "cache",
        "administration",
        "confirmed",
        "performed",
        "backups",
    )
    for name in every:
        if name not in theirs:
            yield Position(f"read {HOME / name}", lambda name=name: list((HOME / name).iterdir()))
        if name not in theirs or name == "confirmed":
            yield Position(f"write into {HOME / name}", lambda name=name: _written(HOME / name / "escaped"))
    for place in (HOME / "activation", RUN / "activation"):
        yield Position(f"replace {place}", lambda place=place: place.rename(place.with_name("moved")))
    for folder in ("/etc/vermilion", "/opt/vermilion", UNITS, "/etc/systemd/system", RUN, RUN / "activation"):
        yield Position(f"write into {folder}", lambda folder=folder: _written(Path(folder) / "escaped"))
    for file in (HOME / "trust/ca.pem", Path("/etc/vermilion/authority.toml"), *_code()):
        yield Position(f"write {file}", lambda file=file: file.open("ab").close())
        yield Position(f"replace {file}", lambda file=file: file.rename(file.with_name("moved")))
    for folder in ("/etc/nginx/tls", "/etc/credstore.encrypted", *_credentials_of_others(user, request)):
        yield Position(f"read {folder}", lambda folder=folder: list(Path(folder).iterdir()))
        yield Position(f"write into {folder}", lambda folder=folder: _written(Path(folder) / "escaped"))
    for file in ("/etc/nginx/tls/own.pem", "/etc/nginx/nginx.conf"):
        yield Position(f"write {file}", lambda file=file: Path(file).open("ab").close())
    yield Position("read the web front's key", Path("/etc/nginx/tls/own.pem").read_bytes)


def _credentials_of_others(user: str, request: Path) -> list[Path]:
    """What systemd hands to the running units of others. Of the directory's, an instance for each request, only
    that of *request* is sure to be there until it is tried; and it is no other's for the directory's own user."""
    lasting = [path for path in Path("/run/credentials").iterdir() if "@" not in path.name]
    return [path for path in (*lasting, request) if path.name.split("@")[0].removesuffix(".service") != user]


@contextmanager
def _request_to_the_directory() -> Iterator[Path]:
    """A request whose words do not come: the directory's unit waits for them, with its credentials, here."""
    name = f"vermilion-directory@*-{os.getpid()}-0.service"
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(RUN / "directory.sock"))
        deadline = time.monotonic() + 30
        while not (found := list(Path("/run/credentials").glob(name))):
            assert time.monotonic() < deadline, "the directory's unit has not started"
            time.sleep(0.05)
        yield found[0]


def _code() -> list[Path]:
    """Files that the activation service and the authority run, and how they are started."""
    code = Path("/opt/vermilion/current").resolve()
    [application] = code.glob("lib/python3*/site-packages/webui/activation/application.py")
    [daemon] = code.glob("lib/python3*/site-packages/hsm/daemon.py")
    units = [UNITS / service for service in SERVICES]
    cached = list(application.parent.glob("__pycache__/application.*.pyc"))
    return [application, daemon, code / "bin/gunicorn", *units, *cached]


def processes(running: list[int]) -> Iterator[Position]:
    """The processes of the activation service and of the authority: memory, files, signals, tracing."""
    libc = ctypes.CDLL(None, use_errno=True)

    def trace(process: int) -> None:
        if libc.ptrace(PTRACE_ATTACH, process, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        os.kill(process, signal.SIGCONT)

    for process in running:
        proc = Path(f"/proc/{process}")
        for name in ("mem", "environ", "maps"):
            yield Position(
                f"read {name} of {process}", lambda proc=proc, name=name: (proc / name).open("rb").read(1)
            )
        for name in ("fd", "root/", "cwd/", "map_files"):
            yield Position(
                f"look into {name} of {process}",
                lambda proc=proc, name=name: list(Path(f"{proc}/{name}").iterdir()),
            )
        yield Position(f"write into the memory of {process}", lambda proc=proc: (proc / "mem").open("wb").close())
        yield Position(f"trace {process}", lambda process=process: trace(process))
        yield Position(f"signal {process}", lambda process=process: os.kill(process, signal.SIGCONT))


def powers() -> Iterator[Position]:
    """To be one of the guarded users, or to have systemd do something to their services."""
    for name in GUARDED:
        entry = pwd.getpwnam(name)
        yield Position(f"become {name}", partial(os.setuid, entry.pw_uid))
        yield Position(f"join {name}", partial(os.setgroups, [entry.pw_gid]))
    for service in SERVICES:
        for verb in ("stop", "kill", "set-property"):
            more = ["MemoryMax=1"] if verb == "set-property" else []
            yield Position(f"{verb} {service}", partial(_manage, verb, "--no-ask-password", service, *more))


def _manage(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise PermissionError(done.stderr)


def sockets(user: str) -> Iterator[Position]:
    """The authority's sockets of other roles, and the activation service's own."""
    for role in PeerRole:
        if role.value not in USERS[user]:
            yield Position(f"ask the authority as {role.value}", lambda role=role: _ask(role.value))
        path = RUN / f"authority-{role.value}.sock"
        yield Position(f"take the place of {path}", path.unlink)
    if user not in ("vermilion-web", "vermilion-scheduler"):
        yield Position("see what somebody types who logs in before a capture", _look)
    if user != "vermilion-scheduler":
        yield Position("take the place of the live views", (RUN / "live/views.sock").unlink)
    for name in ("web", "tsa", "console", "activation"):
        path = RUN / f"{name}.sock"
        if user != "www-data":
            yield Position(
                f"connect to {path}", lambda path=path: socket.socket(socket.AF_UNIX).connect(str(path))
            )
        yield Position(f"take the place of {path}", path.unlink)


def _look() -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(RUN / "live/views.sock"))


def fronts(*, taken: bool) -> Iterator[Position]:
    """The places where people's browsers and the web front look for the activation service, which has them when
    they are *taken*."""
    everywhere = (socket.AF_INET, "0.0.0.0")  # noqa: S104 - an attempt
    for place in ((socket.AF_INET, "127.0.0.1"), everywhere, (socket.AF_INET6, "::")):
        yield Position(f"listen at {place[1]} port {PORT}", partial(_listen, *place, taken=taken))
    path = str(RUN / "activation.sock")
    yield Position(f"listen at {path}", partial(_listen, socket.AF_UNIX, path, taken=taken))


def _listen(family: int, address: str, *, taken: bool) -> None:
    with socket.socket(family) as listening:
        if family != socket.AF_UNIX:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listening.bind(address if family == socket.AF_UNIX else (address, PORT))
            listening.listen()
        except OSError as error:
            # A socket's file stays when nobody listens there; taking its place is another attempt.
            if error.errno == errno.EADDRINUSE and (taken or family == socket.AF_UNIX):
                raise TakenError from error
            raise


def _ask(role: str) -> None:
    with AuthorityClient(RUN / f"authority-{role}.sock") as client:
        client.status()


def _written(place: Path) -> None:
    place.write_text("x")
    place.unlink()


def tried(user: str, positions: Iterator[Position]) -> list[str]:
    """Which of *positions* were let through, tried by *user*."""
    known = list(positions)  # named by root, who sees that they are there

    def attack() -> list[str]:
        through = []
        for each in known:
            try:
                each.act()
            except (PermissionError, AuthorityError, TakenError):
                continue
            except OSError as error:
                through.append(f"{user}: {each.says}: {error}")
            else:
                through.append(f"{user}: {each.says}")
        return through

    return as_user(user, attack)


def against(row: str, user: str, loot: Loot) -> list[str]:
    """Which attempts against *row* were let through, tried by *user* at its own sockets."""

    def attack() -> list[str]:
        through = []
        for role in USERS[user]:
            with AuthorityClient(RUN / f"authority-{role}.sock") as authority:
                authority.status()
                tries = attempts(row, role, loot)
                through += [f"{user}: {each.says}" for each in tries if refusal_of(each, authority) is None]
        return through

    return as_user(user, attack)


def by_the_service(loot: Loot) -> list[str]:
    """What the authority takes from the activation service itself though the portal's origin was answered."""

    def attack() -> list[str]:
        with AuthorityClient(RUN / "authority-activation.sock") as authority:
            authority.status()
            tries = attempts(SIGN_IN, "activation", loot)
            return [f"{GUARDED[0]}: {each.says}" for each in tries if refusal_of(each, authority) is None]

    return as_user(GUARDED[0], attack)


def as_user(user: str, act: Callable[[], list[str]]) -> list[str]:
    """What *act* returns in a process of *user*, with its groups."""
    entry = pwd.getpwnam(user)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.initgroups(user, entry.pw_gid)
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
            told = json.dumps(act()).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(told)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise AssertionError(f"the process of {user} failed")
    found: list[str] = json.loads(told)
    return found


def loot_of(folder: Path, seal: str) -> Loot:
    """People's passkeys, and what the attackers know of the appliance."""
    with closing(sqlite3.connect(f"file:{HOME}/state/vermilion.db?mode=ro", uri=True)) as portal:
        subjects = dict(portal.execute("SELECT login, subject FROM accounts"))
    passkeys = {subjects[path.stem]: SoftwareAuthenticator.load(path) for path in folder.glob("*.passkey")}
    context, device = f"enrolment:{subjects['ivan']}", passkeys[subjects["ivan"]]

    def wrap() -> list[str]:
        with AuthorityClient(RUN / "authority-activation.sock") as service:
            return [service.wrap_key(context, bytes(20)).hex()]

    with AuthorityClient(RUN / "authority-operator.sock") as root:
        revoked = x509.load_der_x509_certificate(root.certificate(seal)).serial_number
        [organisation] = root.organisations()
    return Loot(
        device.origin,
        device.rp_id,
        organisation,
        person=subjects["ivan"],
        custodian=subjects["cora"],
        officer=subjects["olga"],
        seal=seal,
        passkeys=passkeys,
        context=context,
        wrapped=bytes.fromhex(as_user("vermilion-activation", wrap)[0]),
        revoked=revoked,
        pin=(folder / "user.pin").read_text(encoding="ascii").strip(),
    )


def from_everywhere() -> list[str]:
    """What users came to by their uids alone, also while the front and the activation service are stopped."""
    running, through = _running(), []
    for user in USERS:
        with _request_to_the_directory() as request:
            through += tried(user, places(user, request))
        for positions in (processes(running), powers(), sockets(user), fronts(taken=True)):
            through += tried(user, positions)
    subprocess.run(["systemctl", "stop", *FRONT], check=True)
    try:
        for user in USERS:
            through += [f"{each}, while it is stopped" for each in tried(user, fronts(taken=False))]
    finally:
        # The socket keeps who comes until the service has started.
        subprocess.run(["systemctl", "start", "vermilion-activation.socket", "nginx.service"], check=True)
        subprocess.run(["systemctl", "start", "--no-block", "vermilion-activation.service"], check=True)
    return through


def _running() -> list[int]:
    """The processes of the activation service and of the authority."""
    owners, found = {pwd.getpwnam(name).pw_uid for name in GUARDED}, []
    for path in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            [users] = [line for line in path.read_text().splitlines() if line.startswith("Uid:")]
            if int(users.split()[1]) in owners:
                found.append(int(path.parent.name))
    assert len(found) >= len(owners), "the services do not run"
    return found


def release(folder: Path, loot: Loot) -> None:
    """Requester and custodian approve a use of the seal at the activation service; their passkeys count it."""
    asked = loot.signing(loot.seal)
    intent, given = replace(asked, expires=asked.expires + timedelta(hours=1)), []
    for subject in (loot.person, loot.custodian):
        device = replace(loot.passkeys[subject], origin=f"{loot.portal}:{PORT}")
        given.append(device.activate(subject, intent))
        [path] = (path for path in folder.glob("*.passkey") if device.credential_id.hex() in path.read_text())
        replace(device, origin=loot.portal).save(path)

    def approve() -> list[str]:
        with AuthorityClient(RUN / "authority-activation.sock") as service:
            return [str(service.approve(intent, each).enough) for each in given]

    assert as_user(GUARDED[0], approve) == ["False", "True"]
    (folder / RELEASED).write_text(json.dumps(intent.fields()))


def main(folder: str, seal: str, what: str) -> int:
    """With *what* "suspended" all but the revocation of the seal, with "destroyed" that; "released" is none."""
    loot = loot_of(Path(folder), seal)
    if what == "released":
        release(Path(folder), loot)
        return 0
    loot = replace(loot, released=signing_intent_from_wire(json.loads((Path(folder) / RELEASED).read_text())))
    chosen = [row for row in rows() if (row == REVOKED) is (what == "destroyed")]
    through = from_everywhere() if what != "destroyed" else []
    told = {row: [each for user in USERS for each in against(row, user, loot)] for row in chosen}
    if SIGN_IN in told:
        told[SIGN_IN] += by_the_service(loot)
    sys.stdout.write(json.dumps({"rows": told, "through": through}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
