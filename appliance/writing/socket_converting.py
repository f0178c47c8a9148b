"""Conversion by a user of its own, on an appliance: LibreOffice is run by nobody who may speak to the authority.

``vermilion-convert`` is what systemd starts for each connection to the socket ``convert.sock``, which it gets
as its standard input; :class:`FarConverter` is the other end. One frame goes each way.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

from appliance.confinement import frames
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.writing.converting import LARGEST_RESULT, PATIENCE, DocumentConverter, unprocessable

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
            raise ConfinementFailed(
                "No file could be converted now; try again in a moment.", cause="unavailable", detail=str(error)
            ) from error
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
