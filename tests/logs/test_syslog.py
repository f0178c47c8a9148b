"""A collector hears everything (RFC 5424), and whoever logs waits for nobody."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.logs import Syslog, syslog_message
from tests.logs.test_lines import said
from tests.ports import free_port

FORM = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<host>[!-~]{1,255})"
    r" (?P<app>[!-~]{1,48}) (?P<pid>[!-~]{1,128}) (?P<id>[!-~]{1,32}) (?P<data>-) \N{BYTE ORDER MARK}(?P<text>.*)"
)
"""SYSLOG-MSG (RFC 5424, 6) as we use it: no structured data, the text in UTF-8."""


@contextmanager
def speaking(url: str, *, most: int = 1000) -> Iterator[tuple[logging.Logger, Syslog]]:
    handler = Syslog(url, "vermilion-test", most=most)
    logger = logging.Logger("vermilion.test")
    logger.addHandler(handler)
    try:
        yield logger, handler
    finally:
        handler.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("level", "severity"),
    [(logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7)],
)
def test_a_message_has_the_form_of_the_standard(level: int, severity: int) -> None:
    whole = syslog_message(
        said(level, "ignored"), "合同\nin two lines", host="a host\u00e9", process="vermilion web"
    )
    found = FORM.fullmatch(whole.decode())
    assert found is not None
    assert (int(found["pri"]), found["host"], found["app"]) == (10 * 8 + severity, "ahost", "vermilionweb")
    assert found["text"] == "合同 in two lines"


def test_over_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(60)
        with speaking(f"udp://127.0.0.1:{collector.getsockname()[1]}") as (logger, _):
            logger.error("one %s", "thing")
            found = FORM.fullmatch(collector.recv(65536).decode())
    assert found is not None and found["text"] == "one thing"


def test_over_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as collector:
        collector.bind(str(tmp_path / "log"))
        collector.settimeout(60)
        with speaking(f"unix://{tmp_path}/log") as (logger, _):
            logger.info("here")
            assert collector.recv(65536).endswith(b"here")


def test_over_tcp_counted_in_octets_and_again_after_the_collector_was_away() -> None:
    """RFC 6587, 3.4.1. What was said meanwhile comes afterwards, in order."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as first,
        speaking(f"tcp://127.0.0.1:{port}") as (logger, _),
    ):
        logger.info("before")
        taken, _ = first.accept()
        with taken:
            assert frames(taken, 1) == ["before"]
        first.close()
        heard: list[str] = []
        for number in range(3):  # the first of them may go into a connection that has ended
            logger.info("meanwhile %s", number)
            time.sleep(0.05)
        with socket.create_server(("127.0.0.1", port)) as second:
            second.settimeout(60)
            taken, _ = second.accept()
            with taken:
                taken.settimeout(60)
                heard += frames(taken, 2)
    assert heard[-2:] == ["meanwhile 1", "meanwhile 2"] or heard == ["meanwhile 0", "meanwhile 1"]


def frames(line: socket.socket, count: int) -> list[str]:
    stream, found = line.makefile("rb"), []
    for _ in range(count):
        length = b""
        while (sign := stream.read(1)) != b" ":
            length += sign
        match = FORM.fullmatch(stream.read(int(length)).decode())
        assert match is not None
        found.append(match["text"])
    return found


def test_nobody_waits_for_a_collector_that_takes_nothing_and_it_hears_how_much_was_dropped() -> None:
    port = free_port()
    with speaking(f"tcp://127.0.0.1:{port}", most=5) as (logger, _):
        done = threading.Event()

        def talk() -> None:
            for number in range(500):
                logger.info("said %s", number)
            done.set()

        threading.Thread(target=talk, daemon=True).start()
        assert done.wait(60), "whoever logs is never kept waiting"
        with socket.create_server(("127.0.0.1", port)) as collector:
            collector.settimeout(60)
            taken, _ = collector.accept()
            with taken:
                taken.settimeout(60)
                heard = frames(taken, 2)
    assert heard[0] == "said 0"
    assert re.fullmatch(r"49\d records were dropped", heard[1])
