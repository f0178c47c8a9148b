"""A witness in a process of its own, as ``vermilion witness serve`` starts it, and requests to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from hsm.note import NoteKey, parse_vkey
from tests.ports import free_port

NAME = "witness.example/w1"
COMMAND = [sys.executable, "-m", "appliance.cli", "witness"]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    kind: str
    body: bytes


@dataclass(slots=True)
class ServedWitness:
    """The settings, the port, and the key of the witness; ``process`` runs it."""

    settings: Path
    port: int
    key: NoteKey
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, body: bytes, path: str = "/add-checkpoint", method: str = "POST") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            return Answer(response.status, response.headers.get_content_type(), response.read())
        finally:
            connection.close()

    def start(self) -> None:
        """Returns when it answers."""
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--settings", str(self.settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while True:
            assert self.process.poll() is None
            try:
                self.ask(b"", "/", "GET")
                return
            except OSError:
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGKILL) -> None:
        """Ends all its processes at once."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)
            self.process.wait()


def write_settings(folder: Path, logs: Sequence[NoteKey], port: int, name: str = NAME) -> Path:
    """The settings file of a witness in *folder*."""
    listed = ", ".join(f'"{each.vkey()}"' for each in logs)
    settings = folder / f"witness-{port}.toml"
    lines = ["[witness]", f'name = "{name}"', f"logs = [{listed}]", f'directory = "memory-{port}"']
    settings.write_text("\n".join([*lines, f'listen = "127.0.0.1:{port}"', ""]), encoding="utf-8")
    return settings


def status_of(settings: Path) -> list[str]:
    """What ``vermilion witness status`` prints."""
    command = [*COMMAND, "status", "--settings", str(settings)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def served(folder: Path, logs: Sequence[NoteKey], name: str = NAME) -> Iterator[ServedWitness]:
    """A running witness of *logs*."""
    port = free_port()
    settings = write_settings(folder, logs, port, name)
    witness = ServedWitness(settings, port, parse_vkey(status_of(settings)[0]))
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()
