"""Where files are made: a scratch folder, the people, and the programs that stay running between orders."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

from tests.interop.people import People

HERE = Path(__file__).parent
JARS = ("pdfbox2", "fontbox2", "commons-logging", "bcprov", "bcpkix", "bcutil", "itext5")
CLASSPATH = ":".join(f"/usr/share/java/{name}.jar" for name in JARS)


class NotMade(Exception):
    """A program did not make what was ordered; says what it said."""


class Service:
    """A program that takes one order a line and answers ``done`` or ``failed …``."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def order(self, line: str) -> None:
        """Have *line* done. Raises NotMade."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if answer != "done":
            raise NotMade(answer or "it ended")

    def close(self) -> None:
        """End it: there are no more orders."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@dataclass
class Bench:
    """One worker's place; ``classes`` is where the Java source is compiled to, once for all workers."""

    people: People
    classes: Path
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="interop-")))
    _services: dict[str, Service] = field(default_factory=dict)

    def service(self, name: str) -> Service:
        """The running program of that name: ``java``, ``node`` or ``office``."""
        if name not in self._services:
            self._services[name] = Service(self._command(name))
        return self._services[name]

    def _command(self, name: str) -> list[str]:
        if name == "java":
            return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{CLASSPATH}:{self.classes}", "Produce"]
        if name == "node":
            return ["node", str(HERE / "node" / "sign.mjs")]
        # a database of its own: LibreOffice finds no keys in one that another LibreOffice has open
        nss = str(copytree(self.people.folder / "nss", self.folder / "nss"))
        return ["/usr/bin/python3", str(HERE / "office.py"), str(self.folder / "profile"), nss]

    def close(self) -> None:
        """End what was started."""
        for each in self._services.values():
            each.close()

    def through(self, document: bytes, make: Callable[[Path, Path], None]) -> bytes:
        """What *make*, which is given two paths, makes of *document*."""
        given, made = self.folder / "in.pdf", self.folder / "out.pdf"
        given.write_bytes(document)
        made.unlink(missing_ok=True)
        make(given, made)
        if not made.exists() or not made.stat().st_size:
            raise NotMade("no file came out")
        return made.read_bytes()

    def java(self, document: bytes, order: Mapping[str, str]) -> bytes:
        """*document* after an order to :file:`java/Produce.java`."""

        def ask(given: Path, made: Path) -> None:
            words = {**order, "in": str(given), "out": str(made)}
            self.service("java").order("\t".join(f"{key}={value}" for key, value in words.items()))

        return self.through(document, ask)

    def asked(self, service: str, document: bytes, order: Mapping[str, Any]) -> bytes:
        """*document* after an order in JSON to ``node`` or ``office``."""

        def ask(given: Path, made: Path) -> None:
            self.service(service).order(json.dumps({**order, "in": str(given), "out": str(made)}))

        return self.through(document, ask)

    def run(self, *command: object) -> bytes:
        """What *command* prints. Raises NotMade with what it complained."""
        done = subprocess.run([str(each) for each in command], capture_output=True, check=False)
        if done.returncode:
            raise NotMade((done.stderr or done.stdout).decode(errors="replace").strip())
        return done.stdout


def compiled(folder: Path) -> Path:
    """*folder* with the classes of :file:`java/Produce.java`."""
    folder.mkdir(parents=True, exist_ok=True)
    source, made = HERE / "java" / "Produce.java", folder / "Produce.class"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        command = ["javac", "-nowarn", "-cp", CLASSPATH, "-d", str(folder), str(source)]
        subprocess.run(command, check=True, capture_output=True)
    return folder
