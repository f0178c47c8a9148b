"""Word processors' files become PDFs: LibreOffice, where installed, started anew and confined for each.

On an appliance a user of its own runs it, who may not speak to the authority: systemd starts
``vermilion-convert`` for each connection to ``convert.sock``, which is its standard input, and
:class:`SocketConverter` is the other end. One frame goes each way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib import resources
from pathlib import Path

from appliance.confinement import frames, kernel
from appliance.errors import ConfinementFailed, DocumentRefused

PROGRAM = "soffice"
PATIENCE = 90.0
"""Seconds for one file, LibreOffice's start included."""

SUFFIXES = (".docx", ".odt")
LARGEST_RESULT = 100 * 1024 * 1024
_ZIP = b"PK\x03\x04"
_PROFILE = "profile"


class DocumentConverter:
    """Makes PDFs of .docx and .odt files. One at a time; thread-safe."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @property
    def available(self) -> bool:
        """Whether LibreOffice is installed."""
        return shutil.which(PROGRAM) is not None

    @staticmethod
    def takes(name: str) -> bool:
        """Whether a file called *name* is one for the converter."""
        return name.lower().endswith(SUFFIXES)

    def convert(self, document: bytes, name: str) -> bytes:
        """The PDF of *document*, a file called *name*; it goes through intake like any other PDF.

        Raises :class:`DocumentRefused`: ``no-converter``, ``not-a-text`` or ``unprocessable``.
        """
        suffix = _suffix(document, name)
        if not self.available:
            raise DocumentRefused(
                "no-converter",
                "This appliance cannot read Word or OpenDocument files: LibreOffice is not installed. Save the"
                " file as PDF in your word processor and upload that, or ask the operator to install"
                " libreoffice-writer-nogui.",
            )
        with self._turn:
            return self._converted(document, suffix)

    def _converted(self, document: bytes, suffix: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="vermilion-convert-") as place:
            folder = Path(place)
            given = folder / f"document{suffix}"
            given.write_bytes(document)
            _make_profile(folder / _PROFILE)
            _run(Path(shutil.which(PROGRAM) or PROGRAM), folder, given)
            made = folder / "out" / "document.pdf"
            if not made.is_file() or made.stat().st_size > LARGEST_RESULT:
                raise unprocessable()
            return made.read_bytes()


def _run(program: Path, folder: Path, given: Path) -> None:
    command = [sys.executable, "-m", "appliance.writing.conversion", str(program), str(folder), given.name]
    kernel.require_landlock()
    environment = kernel.landlock_demand() | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
    }
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise _unavailable(error) from error
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise unprocessable() from error
    finally:
        _end(process)


def _suffix(document: bytes, name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES or not document.startswith(_ZIP):
        raise DocumentRefused(
            "not-a-text", "The file is neither a Word document (.docx) nor an OpenDocument text (.odt)."
        )
    return suffix


def _make_profile(profile: Path) -> None:
    user = profile / "user"
    user.mkdir(parents=True)
    settings = resources.files(__package__).joinpath("registrymodifications.xcu").read_text(encoding="utf-8")
    (user / "registrymodifications.xcu").write_text(settings, encoding="utf-8")


def _end(process: subprocess.Popen[bytes]) -> None:
    """LibreOffice starts processes of its own: all of the session end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _unavailable(error: Exception) -> ConfinementFailed:
    return ConfinementFailed(
        "No file could be converted now; try again in a moment.", cause="unavailable", detail=str(error)
    )


def unprocessable() -> DocumentRefused:
    """The refusal of a file that LibreOffice did not make a PDF of."""
    return DocumentRefused(
        "unprocessable",
        "The file could not be converted to PDF. Save it as PDF in your word processor and upload that.",
    )


LARGEST_REQUEST = 512 * 1024 * 1024
_WAY = 30.0
"""Seconds for what is not conversion: the start of the service, and both ways."""


class SocketConverter(DocumentConverter):
    """Has files converted by the service behind the socket *at*."""

    def __init__(self, at: Path) -> None:
        super().__init__()
        self._at = at

    def _converted(self, document: bytes, suffix: str) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(_WAY)
                stream.connect(str(self._at))
                frames.write(stream, {"name": f"document{suffix}", "document": document})
                limit = time.monotonic() + PATIENCE + _WAY
                answer = frames.read(stream, limit=LARGEST_RESULT + 1024, deadline=limit)
        except (OSError, frames.FrameError) as error:
            raise _unavailable(error) from error
        match answer:
            case {"pdf": bytes(pdf)}:
                return pdf
        raise unprocessable()


def open_converter(at: Path) -> DocumentConverter:
    """The one behind the socket *at*, or one of our own where there is no such service."""
    return SocketConverter(at) if at.is_socket() else DocumentConverter()


def answer(stream: socket.socket, local: DocumentConverter) -> None:
    """Converts the one file that comes by *stream*."""
    asked = frames.read(stream, limit=LARGEST_REQUEST, deadline=time.monotonic() + _WAY)
    try:
        frames.write(stream, {"pdf": local.convert(asked["document"], asked["name"])})
    except (DocumentRefused, ConfinementFailed) as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the journal
        frames.write(stream, {"refused": str(refusal)})


def main() -> None:
    """``vermilion-convert``: one file, then the end."""
    with socket.socket(fileno=0) as stream:
        answer(stream, DocumentConverter())
