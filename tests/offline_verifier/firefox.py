"""Debian's Firefox without a window, by its own protocol (Marionette): ``LENGTH:[kind,id,name,value]`` over TCP.

That is all that these tests need of a driver: no program between, nothing to install besides the browser.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PATIENCE = 60.0
"""Seconds: a first start makes a profile, on a busy machine."""

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element (W3C WebDriver, 12.1)."""
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    # whatever it asks for goes to a port where nobody is
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}


class FirefoxError(Exception):
    """The browser refuses a command; the sentence is its own."""


class Firefox:
    """One session."""

    def __init__(self, connection: socket.socket, stream: BinaryIO) -> None:
        self._connection, self._stream, self._number = connection, stream, 0
        self._receive()  # who speaks, and which version of the protocol
        self.ask("WebDriver:NewSession", strictFileInteractability=False)

    def ask(self, command: str, **parameters: Any) -> Any:
        """What the browser answers. Raises :class:`FirefoxError`."""
        self._number += 1
        frame = json.dumps([0, self._number, command, parameters]).encode()
        self._connection.sendall(b"%d:%b" % (len(frame), frame))
        _, _, error, value = self._receive()
        if error:
            raise FirefoxError(error.get("message"))
        return value

    def go(self, address: str) -> None:
        self.ask("WebDriver:Navigate", url=address)

    def run(self, script: str) -> Any:
        """What the *script*, a function's body, returns."""
        return self.ask("WebDriver:ExecuteScript", script=script, args=[], sandbox="system")["value"]

    def choose(self, selector: str, *files: Path) -> None:
        """Gives files to an input."""
        found = self.ask("WebDriver:FindElement", using="css selector", value=selector)["value"]
        text = "\n".join(map(str, files))
        self.ask("WebDriver:ElementSendKeys", id=found[_ELEMENT], text=text)

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def wait_for(self, selector: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.run(f"return document.querySelector({json.dumps(selector)}) !== null"):
            if time.monotonic() > until:
                raise FirefoxError(f"there is no {selector}: {self.run('return document.body.innerText')}")
            time.sleep(0.05)

    def _receive(self) -> Any:
        length = b""
        while (octet := self._stream.read(1)) != b":":
            if not octet:
                raise FirefoxError("the browser has ended")
            length += octet
        return json.loads(self._stream.read(int(length)))


@contextmanager
def running(profile: Path, *, language: str) -> Iterator[Firefox]:
    """Firefox, until the context ends; *language* is what it asks pages for."""
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    preferences = {**_PREFERENCES, "marionette.port": port, "intl.accept_languages": language}
    profile.mkdir(exist_ok=True)
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [PROGRAM, "--marionette", "--headless", "--no-remote", "--profile", str(profile)]
    environment = {"HOME": str(profile), "PATH": "/usr/bin:/bin", "TZ": "Asia/Shanghai", "MOZ_HEADLESS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with _connected(port, process) as connection, connection.makefile("rb") as stream:
            yield Firefox(connection, stream)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except OSError as error:
            if time.monotonic() > until or process.poll() is not None:
                raise FirefoxError("the browser does not start") from error
            time.sleep(0.1)
