"""One appliance for all faults: authority (SoftHSM, a clock that can be set), portal, console with somebody who
looks at it, health monitor, mail server, webhook.

All of it is real; only its time is the test's: the health monitor gets it as an argument, the authority from a
file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from appliance.config import Settings, load
from appliance.health import Observations
from appliance.health.alarms import MAIL, MOST, WEBHOOK, AlarmDelivery, raise_alarms
from appliance.health.surveys import HealthMonitor
from appliance.home import Home
from appliance.ledger import Sequencer
from appliance.notices.mail import MailClient
from appliance.operations.backup import BackupContext
from appliance.operations.backup.creating import ensure_key
from appliance.store.database import Database
from appliance.supervision import answers
from hsm.client import AuthorityClient
from hsm.encryption import new_identity, recipient_of
from hsm.errors import AuthorityError, RefusalError
from hsm.files import write_private
from hsm.operation_types import AuthorityState
from tests.conformance.boot_clock import STEP, UNDO
from tests.health.onlooker import Onlooker
from tests.health.receivers import Hook, Post
from tests.message_gateway import Gateway, message_gateway
from tests.ports import free_port
from tests.world import copy_home, template_home

ROUND = timedelta(seconds=15)
"""By how much the health monitor's clock goes on from round to round."""

PATIENCE = 180.0
"""Generous: whoever waits for something that comes about by itself is not measured."""
KEY = b"whsec_dmVybWlsaW9uLXRlc3Qta2V5"
OPERATOR = "operator@example.com"


@dataclass
class Station:
    """The appliance, and what a test does to it."""

    settings: Settings
    post: Post
    hook: Hook
    gateway: Gateway
    port: int
    console: int
    portal: subprocess.Popen[bytes]
    authority: subprocess.Popen[bytes]
    onlooker: Onlooker
    ahead: timedelta = timedelta()
    observations: Observations = field(init=False)
    _rounds: int = 0

    def __post_init__(self) -> None:
        self.observations = Observations(self.home.health)
        self._scheduler = self.home.authority_socket("scheduler")
        self._watch = HealthMonitor(self.home, self.observations, self.now)
        self._delivery = AlarmDelivery(
            self.settings, self.observations, mail=MailClient(self.settings.mail, None), key=KEY, now=self.now
        )

    @property
    def home(self) -> Home:
        return self.settings.home

    def now(self) -> datetime:
        """The health monitor's time."""
        return datetime.now(UTC) + self.ahead + self._rounds * ROUND

    def look(self, rounds: int = 1) -> None:
        """As the scheduler's jobs do it: ask, compare, tell."""
        for _ in range(rounds):
            self._rounds += 1
            self.sequence()
            self._watch.run_round()
            raise_alarms(self.observations, self.settings.alarms, self.now())
            for channel in (MAIL, WEBHOOK):
                while self._delivery.deliver(channel) == MOST:  # a jump in time brings many at once
                    pass

    def sequence(self) -> None:
        """As the scheduler's job does it: what was recorded gets its place in the log."""
        database = Database(self.home.database, patience=0.1)
        with suppress(RefusalError), AuthorityClient(self._scheduler) as client:
            Sequencer(database, client).run_once()
        database.close()

    def beat(self) -> None:
        """As the scheduler's job for the dead-man's switch does it."""
        self._delivery.beat()

    def look_until(self, holds: Callable[[], bool]) -> int:
        """Round after round, until the fault has had its effect; how many that took."""
        before = self._rounds
        eventually(holds, self.look)
        return self._rounds - before

    def heard(self, path: str) -> int:
        """How often something was posted there."""
        return [each for each, _, _ in self.hook.received].count(path)

    def readyz(self) -> tuple[int, dict[str, Any]]:
        """The portal's answer."""
        return self._readyz(self.port)

    def console_readyz(self) -> tuple[int, dict[str, Any]]:
        """The console's."""
        return self._readyz(self.console)

    def _readyz(self, port: int) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def scheduler(self) -> AbstractContextManager[object]:
        """The scheduler as a process of its own."""
        return _process(self.home, "-m", "appliance.jobs")

    @contextmanager
    def unheld_clock(self) -> Iterator[None]:
        """The authority asks the kernel, whose clock nothing holds as exactly as it is asked."""
        set_clock(self.home.root, kernel=True)
        try:
            yield
        finally:
            set_clock(self.home.root)

    @contextmanager
    def stepped_clock(self) -> Iterator[None]:
        """The wall clock of the authority's worker was set back an hour."""
        self._restart_worker(STEP)
        try:
            yield
        finally:
            self._restart_worker(UNDO)

    @contextmanager
    def set_clock(self, *, ahead: timedelta) -> Iterator[None]:
        """The same by the port alone, where no user may move a clock."""
        set_clock(self.home.root, ahead=ahead)
        try:
            yield
        finally:
            set_clock(self.home.root)

    def workers(self) -> list[int]:
        """The processes that serve the portal; the first child only keeps confined processes ready for them."""
        return _children(self.portal)[1:]

    def _restart_worker(self, after: int) -> None:
        """Once the signal *after* has reached its parent, so that the new one lives by another clock."""
        (old,) = _children(self.authority)
        self.authority.send_signal(after)
        os.kill(old, signal.SIGKILL)
        eventually(lambda: _operational(self.home) and old not in _children(self.authority))


def _children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def set_clock(root: Path, *, ahead: timedelta = timedelta(), kernel: bool = False) -> None:
    """What the authority of *root* takes for its clock (:mod:`tests.conformance.clocked`)."""
    new = root / "clock.new"
    new.write_text(json.dumps({"ahead": ahead // timedelta(microseconds=1), "proven": True, "kernel": kernel}))
    new.replace(root / "clock.json")


def eventually(holds: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE
    meanwhile()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
        meanwhile()


@contextmanager
def station() -> Iterator[Station]:
    """A new home in which everything is well, but for what nobody has done yet (a drill)."""
    post, hook = Post(), Hook()
    post.open()
    try:
        with ExitStack() as places, tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
            home = copy_home(template_home(), Path(directory))
            gateway = places.enter_context(message_gateway(KEY))
            _configure(home, post, hook, gateway)
            set_clock(home.root)
            settings, port, console = load(home), free_port(), free_port()
            with ExitStack() as stack:
                authority = stack.enter_context(_process(home, "-m", "tests.conformance.clocked"))
                eventually(lambda: _operational(home))
                with AuthorityClient(home.authority_socket("backup")) as client:
                    ensure_key(BackupContext(settings, os.environ, client))
                portal = stack.enter_context(_process(home, *_gunicorn("portal", port)))
                stack.enter_context(_process(home, *_gunicorn("console", console)))
                eventually(lambda: answers(port) and answers(console))
                seen = Onlooker(home, console)
                opened = Station(settings, post, hook, gateway, port, console, portal, authority, seen)
                opened.sequence()
                yield opened
                opened.observations.close()
    finally:
        post.close()
        hook.close()


def _configure(home: Home, post: Post, hook: Hook, gateway: Gateway) -> None:
    recipients = f'[backup]\nrecipients = ["{recipient_of(new_identity())}"]\n'
    with home.authority_settings.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{recipients}\n[workers]\ncount = 1\n")
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write(
            f'\n{recipients}\n[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\n'
            f'\n[alarms]\nmail = ["{OPERATOR}"]\nwebhook = "{hook.url}/alarm"\nheartbeat = "{hook.url}/beat"\n'
            f'\n[gateway]\nurl = "{gateway.url}"\n'
            f'\n[health]\nseconds = 1\n\n[interface]\nlanguage = "en"\n'
        )
    for secret in ("alarms.key", "gateway.key"):
        write_private(home.secrets / secret, KEY)


def _gunicorn(application: str, port: int) -> tuple[str, ...]:
    package = f"webui.{application}"
    arguments = ("-m", "gunicorn", "--config", f"python:{package}.gunicorn")
    return (*arguments, "--bind", f"127.0.0.1:{port}", f"{package}.process:create()")


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
