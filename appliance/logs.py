"""Records for a collector (RFC 5424), over UDP (RFC 5426), TCP (RFC 6587, octet counting) or a Unix socket.

Whoever logs is never kept waiting: a record goes into a bounded queue, and a thread of its own sends it. What the
queue cannot hold is dropped and counted, and the count is sent when the collector takes something again.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from appliance.config import LogSettings, load
from appliance.errors import ApplianceError
from appliance.home import Home
from hsm.log_lines import log_handler, severity_of

FACILITY = 10
"""security/authorization (RFC 5424, 6.2.1, authpriv): these are records about keys and access."""

_BOM = b"\xef\xbb\xbf"

MOST = 10_000
"""Records that wait at most."""

LONGEST_PAUSE = 60.0
TIMEOUT = 5.0
LARGEST_DATAGRAM = 8192


def syslog_message(record: logging.LogRecord, text: str, *, host: str, process: str) -> bytes:
    """One SYSLOG-MSG (RFC 5424, 6), its text in UTF-8 with a byte order mark (6.4), line ends as blanks."""
    severity = severity_of(record.levelno)
    at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{FACILITY * 8 + severity}>1 {at} {_word(host, 255)} {_word(process, 48)} {os.getpid()}"
    said = " ".join(text.split("\n")).encode("utf-8", "replace")
    return f"{head} {_word(record.name, 32)} - ".encode("ascii") + _BOM + said


def _word(value: str, most: int) -> str:
    """PRINTUSASCII of at most so many signs, or the NILVALUE."""
    kept = "".join(sign for sign in value if 33 <= ord(sign) <= 126)[:most]
    return kept or "-"


class Syslog(logging.Handler):
    """Sends to the collector at *url* (``udp://``, ``tcp://`` or ``unix://``). Never blocks, never raises."""

    def __init__(self, url: str, process: str, *, most: int = MOST) -> None:
        super().__init__()
        self._process = process
        self._host = socket.gethostname()
        self._queue: queue.Queue[bytes | None] = queue.Queue(most)
        self._line = _Line(url)
        self._dropped = 0
        self._over = threading.Event()
        self._owner = 0
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the record; drops and counts it when the queue is full."""
        try:
            said = syslog_message(record, self.format(record), host=self._host, process=self._process)
            self._begin()
            self._queue.put_nowait(said)
        except queue.Full:
            self._dropped += 1
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """What is queued is tried for a moment; then it ends."""
        if self._thread is not None and self._owner == os.getpid():
            self._over.set()
            with suppress(queue.Full):  # then the thread is busy, and looks at the event
                self._queue.put_nowait(None)
            self._thread.join(TIMEOUT)
        self._line.close()
        super().close()

    def _begin(self) -> None:
        if self._owner != os.getpid():  # at first, and in a child after a fork, where no thread is
            self._owner = os.getpid()
            self._thread = threading.Thread(target=self._run, daemon=True, name="syslog")
            self._thread.start()

    def _run(self) -> None:
        while (said := self._queue.get()) is not None:
            pause = 0.5
            while not self._line.send(said):
                if self._over.wait(pause):
                    return
                pause = min(pause * 2, LONGEST_PAUSE)
            self._confess()

    def _confess(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            record = logging.LogRecord(
                __name__, logging.WARNING, "", 0, f"{dropped} records were dropped", (), None
            )
            self._line.send(syslog_message(record, record.getMessage(), host=self._host, process=self._process))


class _Line:
    """The way to the collector, opened anew after each failure."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._socket: socket.socket | None = None

    def send(self, said: bytes) -> bool:
        """Whether it was handed over."""
        try:
            if self._socket is None:
                self._socket = self._connected()
            if self._parts.scheme == "tcp":
                self._socket.sendall(b"%d " % len(said) + said)
            else:
                self._socket.send(said[:LARGEST_DATAGRAM])
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        parts = self._parts
        if parts.scheme == "unix":
            line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            line.settimeout(TIMEOUT)
            line.connect(parts.path)
            return line
        address = (parts.hostname or "", parts.port or 0)
        if parts.scheme == "tcp":
            return socket.create_connection(address, TIMEOUT)
        family, kind, protocol, _, found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        line = socket.socket(family, kind, protocol)
        line.settimeout(TIMEOUT)
        line.connect(found)
        return line


def set_up_logging_at(home: Home, process: str) -> None:
    """The same by the settings of *home*; as if it had none, where they cannot be read, which others say."""
    try:
        settings = load(home).logs
    except ApplianceError:
        settings = LogSettings()
    set_up_logging(settings, process)


def set_up_logging(settings: LogSettings, process: str) -> None:
    """The root logger writes to standard error, and to the collector where one is set, from INFO on."""
    handlers = [log_handler(settings.format, process)]
    if settings.syslog:
        collector = Syslog(settings.syslog, process)
        collector.setFormatter(logging.Formatter("%(message)s"))
        handlers.append(collector)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("weasyprint").setLevel(logging.WARNING)  # it tells each page of each report
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
