"""Conversion by a service of its own: what goes over the socket, and what becomes of what comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement import frames
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.writing.converting import DocumentConverter, SocketConverter, answer, open_converter

ODT = b"PK\x03\x04 an OpenDocument text"


class Installed(SocketConverter):
    """As on a machine where LibreOffice is installed."""

    available = True


@contextmanager
def service(at: Path, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Accepts one connection at the socket *at*, as systemd does, and has *serve* answer it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(at))
        listening.listen()

        def once() -> None:
            with listening.accept()[0] as stream:
                serve(stream)

        thread = threading.Thread(target=once)
        thread.start()
        yield
        thread.join(timeout=60)
        assert not thread.is_alive()


def saying(reply: Any, heard: list[Any]) -> Callable[[socket.socket], None]:
    def serve(stream: socket.socket) -> None:
        heard.append(frames.read(stream, limit=1 << 20))
        frames.write(stream, reply)

    return serve


def test_the_document_goes_there_and_the_pdf_comes_back(tmp_path: Path) -> None:
    heard: list[Any] = []
    with service(tmp_path / "convert.sock", saying({"pdf": b"%PDF-1.7"}, heard)):
        assert Installed(tmp_path / "convert.sock").convert(ODT, "合同.odt") == b"%PDF-1.7"
    assert heard == [{"name": "document.odt", "document": ODT}]


@pytest.mark.parametrize("reply", [{"refused": "no"}, {"pdf": "a text"}, {"pdf": None}, [], 7])
def test_whatever_else_comes_back_is_a_refusal(tmp_path: Path, reply: object) -> None:
    with (
        service(tmp_path / "convert.sock", saying(reply, [])),
        pytest.raises(DocumentRefused, match="could not be converted"),
    ):
        Installed(tmp_path / "convert.sock").convert(ODT, "a.odt")


def test_a_service_that_breaks_off_or_is_not_there_can_be_tried_again(tmp_path: Path) -> None:
    with (
        service(tmp_path / "convert.sock", socket.socket.close),
        pytest.raises(ConfinementFailed, match="try again"),
    ):
        Installed(tmp_path / "convert.sock").convert(ODT, "a.odt")
    with pytest.raises(ConfinementFailed, match="try again"):
        Installed(tmp_path / "nothing.sock").convert(ODT, "a.odt")


def test_the_service_says_no_where_it_cannot(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        frames.write(ours, {"name": "document.odt", "document": b"no archive"})
        answer(theirs, DocumentConverter())
        assert "neither a Word document" in frames.read(ours, limit=1 << 20)["refused"]


def test_it_is_used_where_its_socket_is(tmp_path: Path) -> None:
    assert type(open_converter(tmp_path / "convert.sock")) is DocumentConverter
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "convert.sock"))
        assert type(open_converter(tmp_path / "convert.sock")) is SocketConverter
