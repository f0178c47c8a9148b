"""Services (a command, its log file, and the question that tells whether it serves) under one parent: started as
soon as what they need serves, started again when they die, ended all together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from appliance.config import TSA_PORT_ABOVE, Settings
from appliance.errors import SupervisionFailed
from appliance.home import Home, role_of_command
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.operation_types import AuthorityState

PATIENCE_AT_END = 15.0
"""Seconds that a child has for its orderly end before it is killed."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is to run, once those that it comes ``after`` (by name) serve. ``serves()`` answers whether the process
    is ready for others, within two seconds, and never raises."""

    name: str
    command: tuple[str, ...]
    serves: Callable[[], bool]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()


PATIENCE_AT_START = 60.0
"""Seconds that a service has until it serves."""

STEADY = 60.0
"""Seconds of running after which an earlier death no longer counts."""

LONGEST_PAUSE = 30.0
TICK = 0.05

Say = Callable[..., None]
"""``say(template, **values)``: one line for the operator; the template is what the catalogue translates."""


@dataclass(slots=True)
class _Post:
    """A service and its process: since when that runs, how often one ended, and when it is started again.

    The process is ended with the supervisor, however that ends.
    """

    service: Service
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    serves: bool = False
    deaths: int = 0
    again_at: float = 0.0

    def start(self) -> None:
        with self.service.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends all in order.
            self.process = subprocess.Popen(
                ("setpriv", "--pdeathsig", "TERM", "--", *self.service.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.service.environment or None,
                start_new_session=True,
            )
        self.since = time.monotonic()

    def last_words(self) -> str:
        """The last line of its log that says something, for the message about its end."""
        lines = self.service.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines[-50:]) if line.strip()), "nothing")


class Supervisor:
    """A context in which *services* run. Single-threaded, since a child ends with the thread that started it
    (``PR_SET_PDEATHSIG``): the caller's loop calls :meth:`watch`. *say* gets one line for every start and death.
    """

    def __init__(self, services: Sequence[Service], *, say: Say) -> None:
        for number, service in enumerate(services):
            if missing := set(service.after) - {each.name for each in services[:number]}:
                raise ValueError(f"{service.name} comes after {', '.join(missing)}, not listed before it")
        self._posts = [_Post(service) for service in services]
        self._say = say

    def __enter__(self) -> Supervisor:
        """Starts all, each once those that it comes after serve, the others side by side.

        Raises SupervisionFailed, with nothing left running.
        """
        try:
            while not all(post.serves for post in self._posts):
                serving = {post.service.name for post in self._posts if post.serves}
                for post in self._posts:
                    self._advance(post, serving)
                time.sleep(TICK)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Ends all, what others come after when these have ended."""
        self._stop()

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Keeps all running until *until* says that it is enough."""
        while not until():
            for post in self._posts:
                self._tend(post)
            time.sleep(TICK)

    def _tend(self, post: _Post) -> None:
        now = time.monotonic()
        if post.process is None:
            if now >= post.again_at:
                post.start()
            return
        status = post.process.poll()
        if status is None:
            return
        post.deaths = 1 if now - post.since > STEADY else post.deaths + 1
        pause = min(2.0 ** (post.deaths - 1), LONGEST_PAUSE)
        post.again_at = now + pause
        self._say(
            f"{post.service.name} {_ending(status)}; starting it again in {pause:.0f} s ({post.service.log})"
        )
        post.process = None

    def _advance(self, post: _Post, serving: set[str]) -> None:
        """The next step of *post* towards serving, where there is one."""
        if post.serves or not serving.issuperset(post.service.after):
            return
        if post.process is None:
            post.start()
        elif post.service.serves():
            post.serves, seconds = True, f"{time.monotonic() - post.since:.1f}"
            self._say("{name} serves after {seconds} s", name=post.service.name, seconds=seconds)
        else:
            _require_hope(post, post.process.poll())

    def _stop(self) -> None:
        while running := [(post, post.process) for post in self._posts if post.process]:
            needed = {name for post, _ in running for name in post.service.after}
            ending = [(post, process) for post, process in running if post.service.name not in needed]
            for _, process in ending:
                process.terminate()
            for post, process in ending:
                _await_end(process)
                post.process = None


def _await_end(process: subprocess.Popen[bytes]) -> None:
    """Waits until it has ended; SIGKILL for what does not go."""
    try:
        process.wait(PATIENCE_AT_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _require_hope(post: _Post, status: int | None) -> None:
    """Raises SupervisionFailed when the service of *post* has ended with *status*, or has taken too long."""
    name, log = post.service.name, post.service.log
    if status is not None:
        raise SupervisionFailed(
            "{name} {ending} before it served; its last words: {words} (see {log})",
            name=name,
            ending=_ending(status),
            words=post.last_words(),
            log=log,
        )
    if time.monotonic() - post.since > PATIENCE_AT_START:
        raise SupervisionFailed(
            "{name} does not serve after {seconds} s (see {log})",
            name=name,
            seconds=int(PATIENCE_AT_START),
            log=log,
        )


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


AUTHORITY = "authority"


def services(settings: Settings, environment: Mapping[str, str]) -> list[Service]:
    """All of them: the authority first, then those that speak to it, side by side."""
    home, port, timestamps = settings.home, settings.web.port, settings.web.port + TSA_PORT_ABOVE
    return [
        authority(home, environment),
        _gunicorn("web", f"webui.portal.process:create(timestamp_port={timestamps})", port, home, environment),
        _gunicorn("tsa", "webui.tsa.process:create()", timestamps, home, environment),
        _service("scheduler", ("-m", "appliance.jobs"), home.clearance.exists, home, environment),
        _gunicorn("console", "webui.console.process:create()", settings.console.port, home, environment),
        _gunicorn("activation", "webui.activation.process:create()", settings.activation.port, home, environment),
    ]


def authority(home: Home, environment: Mapping[str, str]) -> Service:
    """The authority: it serves when it says that it is operational."""
    return _service(AUTHORITY, ("-m", "hsm.cli", "serve"), lambda: operational(home), home, environment)


def running_authority(home: Home, *, say: Say, environment: Mapping[str, str]) -> Supervisor:
    """A context in which an authority runs in *home*: the one that is there already, else one of our own."""
    wanted = [] if operational(home) else [authority(home, environment)]
    return Supervisor(wanted, say=say)


def operational(home: Home) -> bool:
    """Whether an authority answers in *home* and can sign."""
    with AuthorityClient(home.authority_socket(role_of_command()), timeout=2.0) as client:
        try:
            return client.status().state is AuthorityState.OPERATIONAL
        except AuthorityError:
            return False


def answers(port: int) -> bool:
    """Whether something speaks HTTP on the loopback interface, whatever it thinks of ``GET /livez``."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _gunicorn(name: str, application: str, port: int, home: Home, environment: Mapping[str, str]) -> Service:
    settings = f"python:{application.partition('.process:')[0]}.gunicorn"
    arguments = ("-m", "gunicorn", "--config", settings, "--bind", f"127.0.0.1:{port}", application)
    return _service(name, arguments, lambda: answers(port), home, environment)


def _service(
    name: str, arguments: tuple[str, ...], serves: Callable[[], bool], home: Home, environment: Mapping[str, str]
) -> Service:
    return Service(
        name=name,
        command=(sys.executable, *arguments),
        serves=serves,
        log=home.logs / f"{name}.log",
        environment={**environment, "VERMILION_HOME": str(home.root), "PYTHONUNBUFFERED": "1"},
        after=() if name == AUTHORITY else (AUTHORITY,),
    )


def inherited(environment: Mapping[str, str] = os.environ, *more: str) -> dict[str, str]:
    """What children get of our environment: enough to find programs and to speak, and *more*; nothing else."""
    wanted = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", *more)
    return {name: environment[name] for name in wanted if name in environment}
