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
    # it asks whether a folder may be read; the answer counts at once
    "security.dialog_enable_delay": 0,
    # what is dropped comes from here, not from the system, which would open the folder for the page
    "dom.filesystem.pathcheck.disabled": True,
    # whatever it asks for goes to a port where nobody is
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}

_FILE = """
    const file = Components.classes["@mozilla.org/file/local;1"].createInstance(Components.interfaces.nsIFile);
    file.initWithPath(%s);
"""
_ANSWER = """
    const { interfaces: Ci, manager } = Components;
    class Picker {
      QueryInterface = ChromeUtils.generateQI(["nsIFilePicker"]);
      init() {}
      appendFilters() {}
      isModeSupported() { return Promise.resolve(true); }
      get file() { return file; }
      open(asker) { Services.tm.dispatchToMainThread(() => asker.done(Ci.nsIFilePicker.returnOK)); }
    }
    const factory = {
      QueryInterface: ChromeUtils.generateQI(["nsIFactory"]),
      createInstance: (iid) => new Picker().QueryInterface(iid),
    };
    const id = Services.uuid.generateUUID();
    manager.QueryInterface(Ci.nsIComponentRegistrar).registerFactory(id, "", "@mozilla.org/filepicker;1", factory);
"""
"""In the place of the system's window for choosing: it says at once that *file* was chosen."""
_HAND = """
    const transfer = new window.DataTransfer();
    transfer.mozSetDataAt("application/x-moz-file", file, 0);
    window.wrappedJSObject.handed = transfer.items[0].getAsFile();
"""
_DROP = """
    const transfer = new DataTransfer();
    transfer.items.add(window.handed);
    const inside = { dataTransfer: transfer, bubbles: true, cancelable: true };
    for (const kind of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, inside));
"""
"""What the page gets is its own, or it could not read it."""


class FirefoxError(Exception):
    """The browser refuses a command; the sentence is its own."""


class Firefox:
    """One session."""

    def __init__(self, connection: socket.socket, stream: BinaryIO) -> None:
        self._connection, self._stream, self._number = connection, stream, 0
        self._receive()  # who speaks, and which version of the protocol
        self.ask("WebDriver:NewSession", strictFileInteractability=False, unhandledPromptBehavior="ignore")

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

    def choose_folder(self, selector: str, folder: Path) -> None:
        """Clicks on an input, answers *folder* to the system's window that opens, and yes to Firefox."""
        self.ask("Marionette:SetContext", value="chrome")
        self.run(_FILE % json.dumps(str(folder)) + _ANSWER)
        self.ask("Marionette:SetContext", value="content")
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        found = self.ask("WebDriver:FindElement", using="css selector", value=selector)["value"]
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": found},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.ask("WebDriver:PerformActions", actions=[{"type": "pointer", "id": "mouse", "actions": moves}])
        self._accept()

    def drop(self, path: Path) -> None:
        """A file or folder, dropped on the page."""
        self.run(_FILE % json.dumps(str(path)) + _HAND)
        self.ask("WebDriver:ExecuteScript", script=_DROP, args=[])

    def _accept(self) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("WebDriver:AcceptAlert")
            except FirefoxError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

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
    command = [PROGRAM, "--marionette", "--remote-allow-system-access", "--headless", "--no-remote"]
    command += ["--profile", str(profile)]
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
