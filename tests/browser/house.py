"""A whole appliance as people meet it: its processes, and a mail server that keeps what arrives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from appliance.cli.founding import found_home
from appliance.config import Settings, load
from appliance.demonstration.new_home import NewHome
from appliance.home import Home
from appliance.language import Language
from appliance.supervision import Supervisor, inherited, services
from tests.ports import free_port
from tests.world import link_typefaces, take_pins

PATIENCE = 120.0
"""Seconds in which the scheduler must have sent what is queued."""

ROW = 4
"""Portal, timestamp process, console and activation service take a port each, one after the other."""

LINK = re.compile(r"https?://localhost:\d+/[^\s\"<>]*")


@dataclass(slots=True)
class MailRoom:
    """What the mail server took, in order; a handler of aiosmtpd."""

    arrived: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.arrived.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        return "250 taken"

    def wait_for(self, recipient: str, *, subject: str = "", after: int = 0) -> EmailMessage:
        """The newest mail to *recipient* whose subject holds *subject*, not counting the first *after* mails."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in reversed(self.arrived[after:]):
                if recipient in str(message["To"]) and subject in str(message["Subject"]):
                    return message
            time.sleep(0.1)
        seen = [f"{message['To']}: {message['Subject']}" for message in self.arrived]
        raise AssertionError(f"no mail to {recipient} about “{subject}”; arrived: {seen}")


def text_of(message: EmailMessage) -> str:
    """Subject and plain text of a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    return f"{message['Subject']}\n{body.get_content()}"


def link_in(message: EmailMessage) -> str:
    """The first address of this appliance in a mail's plain text."""
    found = LINK.search(text_of(message))
    assert found is not None, text_of(message)
    return found[0]


@dataclass(frozen=True, slots=True)
class House:
    """A running appliance: where people go, and where their mail arrives."""

    settings: Settings
    mail: MailRoom
    told: str = ""
    """What `vermilion up` printed, where it is a process of its own."""

    @property
    def address(self) -> str:
        return self.settings.web.public_url

    @property
    def home(self) -> Home:
        return self.settings.home

    def secret(self, name: str) -> str:
        """What set-up left in a secret file, such as the code for the first officer."""
        return (self.home.secrets / name).read_text(encoding="utf-8").strip()


@contextmanager
def mail_server(port: int) -> Iterator[MailRoom]:
    """A mail server at *port* of the loopback interface."""
    room = MailRoom()
    controller = Controller(room, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield room
    finally:
        controller.stop()


@contextmanager
def house(language: Language = Language.CHINESE, prepare: Callable[[Home], None] | None = None) -> Iterator[House]:
    """A new home with the demonstration's people, served on a free port; everything ends with the context.

    *language* is the interface's until a reader chooses, and that of letters. *prepare* changes the home before it
    is served.
    """
    mail_port = free_port()
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder, mail_server(mail_port) as room:
        home = Home(Path(folder))
        found_home(home, say=_silent, environment=inherited(os.environ), port=free_port(ROW))
        link_typefaces(home)
        with home.settings.open("a", encoding="utf-8") as stream:
            stream.write(f'\n[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsecurity = "none"\n')
            stream.write(f'\n[interface]\nlanguage = "{language}"\n')
        if prepare is not None:
            prepare(home)
        settings = load(home)
        with Supervisor(services(settings, inherited(os.environ)), say=_silent):
            yield House(settings, room)


@contextmanager
def enterprise(new: NewHome) -> Iterator[House]:
    """An organisation's own home, as `make up ORG=…` serves it, with a mail server; nobody is in it."""
    mail_port, port = free_port(), free_port(ROW)
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder, mail_server(mail_port) as room:
        home = Home(Path(folder))
        found_home(home, say=_silent, environment=inherited(os.environ), port=port, wanted=new)
        take_pins(home)
        link_typefaces(home)
        with home.settings.open("a", encoding="utf-8") as stream:
            stream.write(f'\n[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsecurity = "none"\n')
        program = Path(sys.executable).with_name("vermilion")
        command = [program, "--home", home.root, "up", "--organisation", new.organisation]
        environment = {**os.environ, "LC_ALL": "zh_CN.UTF-8" if new.language is Language.CHINESE else "C.UTF-8"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            try:
                yield House(load(home), room, _until_it_serves(process))
            finally:
                process.terminate()
                process.communicate()
        assert process.returncode == 0


def _until_it_serves(process: subprocess.Popen[str]) -> str:
    """What it printed until it had said how to begin."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "administrators add" in line:  # the last of the first steps
            return "".join(said)
    raise AssertionError("".join(said))


def _silent(_sentence: str, **_values: object) -> None:
    """Says nothing."""
