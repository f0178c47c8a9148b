"""One appliance for all faults: authority (SoftHSM, a clock that can be set), portal, watch, mail server, webhook.

All of it is real; only its time is the test's: the watch takes it as an argument, the authority from a file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from appliance.config import Settings, load
from appliance.demonstration.founding import found
from appliance.errors import ApplianceError
from appliance.health import Observations
from appliance.health.alarm_delivery import MOST, AlarmDelivery
from appliance.health.alarms import MAIL, WEBHOOK, Alarms
from appliance.health.watching import Watch
from appliance.home import Home, write_private
from appliance.ledger import Sequencer
from appliance.notices.mail import Mail
from appliance.operations.backup import Workroom
from appliance.operations.backup.creating import ensure_key
from appliance.store.database import Database
from appliance.supervision.services import answers
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.sealing import new_identity, recipient_of
from hsm.status import AuthorityState

ROUND = timedelta(seconds=15)
"""By how much the watch's clock goes on from round to round."""

PATIENCE = 180.0
"""Generous: whoever waits for something that comes about by itself is not measured."""
KEY = b"whsec_dmVybWlsaW9uLXRlc3Qta2V5"
OPERATOR = "operator@example.com"


class Post:
    """A mail server on a port of its own, which can be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self._controller: Controller | None = None

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


class Hook:
    """A web server that takes whatever is posted."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def events(self, name: str) -> list[dict[str, Any]]:
        """What was posted about *name*."""
        bodies = [json.loads(body) for path, _, body in self.received if path == "/alarm"]
        return [body for body in bodies if body["data"]["name"] == name]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Station:
    """The appliance, and what a test does to it."""

    settings: Settings
    post: Post
    hook: Hook
    port: int
    portal: subprocess.Popen[bytes]
    ahead: timedelta = timedelta()
    observations: Observations = field(init=False)
    _rounds: int = 0

    def __post_init__(self) -> None:
        self.observations = Observations(self.home.health)
        self._scheduler = self.home.authority_socket("scheduler")
        self._watch = Watch(self.home, self.observations, self.now)
        self._alarms = Alarms(self.observations, self.settings.alarms)
        self._delivery = AlarmDelivery(
            self.settings, self.observations, mail=Mail(self.settings.mail, None), key=KEY, now=self.now
        )

    @property
    def home(self) -> Home:
        return self.settings.home

    def now(self) -> datetime:
        """The watch's time."""
        return datetime.now(UTC) + self.ahead + self._rounds * ROUND

    def look(self, rounds: int = 1) -> None:
        """As the scheduler's jobs do it: ask, compare, tell."""
        for _ in range(rounds):
            self._rounds += 1
            self.sequence()
            self._watch.look()
            self._alarms.compare(self.now())
            for channel in (MAIL, WEBHOOK):
                while self._delivery.deliver(channel) == MOST:  # a jump in time brings many at once
                    pass

    def sequence(self) -> None:
        """As the scheduler's job does it: what was recorded gets its place in the log."""
        database = Database(self.home.database, patience=0.1)
        with suppress(ApplianceError, AuthorityError), AuthorityClient(self._scheduler) as client:
            Sequencer(database, client).run_once()
        database.close()

    def beat(self) -> None:
        """As the scheduler's job for the dead-man's switch does it."""
        self._delivery.beat()

    def look_until(self, holds: Callable[[], bool]) -> None:
        """Round after round, until the fault has had its effect (the authority looks at its HSM every 2 s)."""
        eventually(holds, self.look)

    def heard(self, path: str) -> int:
        """How often something was posted there."""
        return [each for each, _, _ in self.hook.received].count(path)

    def readyz(self) -> tuple[int, dict[str, Any]]:
        """The portal's answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def scheduler(self) -> AbstractContextManager[object]:
        """The scheduler as a process of its own."""
        return _process(self.home, "-m", "appliance.jobs")

    def set_clock(self, *, ahead: timedelta = timedelta(), proven: bool = True) -> None:
        """The authority's clock, for all of its workers at once."""
        set_clock(self.home.root, ahead=ahead, proven=proven)

    def workers(self) -> list[int]:
        """The processes that serve the portal."""
        path = Path(f"/proc/{self.portal.pid}/task/{self.portal.pid}/children")
        return [int(each) for each in path.read_text().split()]


def set_clock(root: Path, *, ahead: timedelta, proven: bool) -> None:
    new = root / "clock.new"
    new.write_text(json.dumps({"ahead": ahead // timedelta(microseconds=1), "proven": proven}))
    new.replace(root / "clock.json")


def eventually(holds: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE
    meanwhile()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
        meanwhile()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def station() -> Iterator[Station]:
    """A new home in which everything is well, but for what nobody has done yet (a drill)."""
    post, hook = Post(), Hook()
    post.open()
    try:
        with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
            home = Home(Path(directory))
            found(home, say=lambda _message, **_values: None, environment=os.environ)
            _configure(home, post, hook)
            set_clock(home.root, ahead=timedelta(), proven=True)
            settings, port = load(home), free_port()
            with _process(home, "-m", "tests.conformance.clocked"):
                eventually(lambda: _operational(home))
                with AuthorityClient(home.authority_socket("backup")) as client:
                    ensure_key(Workroom(settings, os.environ, client))
                with _process(home, *_gunicorn(port)) as portal:
                    eventually(lambda: answers(port))
                    opened = Station(settings, post, hook, port, portal)
                    opened.sequence()
                    yield opened
                    opened.observations.close()
    finally:
        post.close()
        hook.close()


def _configure(home: Home, post: Post, hook: Hook) -> None:
    recipients = f'[backup]\nrecipients = ["{recipient_of(new_identity())}"]\n'
    with home.authority_settings.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{recipients}\n[workers]\ncount = 1\n")
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write(
            f'\n{recipients}\n[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\n'
            f'\n[alarms]\nmail = ["{OPERATOR}"]\nwebhook = "{hook.url}/alarm"\nheartbeat = "{hook.url}/beat"\n'
            f'\n[health]\nseconds = 1\n\n[interface]\nlanguage = "en"\n'
        )
    write_private(home.secrets / "alarms.key", KEY)


def _gunicorn(port: int) -> tuple[str, ...]:
    arguments = ("-m", "gunicorn", "--config", "python:webui.portal.gunicorn")
    return (*arguments, "--bind", f"127.0.0.1:{port}", "webui.portal.process:create()")


@contextmanager
def _process(home: Home, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "VERMILION_HOME": str(home.root)}
    with (home.root / "processes.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _operational(home: Home) -> bool:
    with suppress(AuthorityError), AuthorityClient(home.authority_socket("operator"), timeout=2.0) as client:
        return client.status().state is AuthorityState.OPERATIONAL
    return False
