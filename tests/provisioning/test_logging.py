"""What goes to the collector: the role's template, read by the real rsyslogd, which then sends a message."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

ROLE = Path(__file__).parents[2] / "provisioning/roles/logging"
RSYSLOGD = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin")
PATIENCE = 30.0
PROTOCOLS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"][
    "main"
]["options"]["logging_collector_protocol"]["choices"]
SAID = "合同 2026-0001: the disk has 4 % left"
RFC_5424 = re.compile(
    rf"<129>1 \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d \S+ vermilion-web 4711 - - {re.escape(SAID)}"
)

pytestmark = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslogd is in Debian's package rsyslog, and not here")


def rendered(**settings: object) -> str:
    """What the role puts on the machine with its defaults and *settings*, rendered as Ansible does."""
    values = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8")) | settings
    templates = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 - no HTML
    text = (ROLE / "templates/rsyslog.conf.j2").read_text(encoding="utf-8")
    return templates.from_string(text).render(ansible_managed="Managed by Ansible.", **values)


def configuration(folder: Path, **settings: object) -> Path:
    """The file that an appliance has, between what Debian's own rsyslog.conf says before and after it; only where
    messages come in, and which files they go to, are the test's."""
    path = folder / "rsyslog.conf"
    path.write_text(
        'module(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{folder}/log")\n'
        f"$WorkDirectory {folder}\n"
        f"{rendered(**settings)}"
        f"*.* {folder}/syslog\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rsyslog_has_nothing_to_say_against_it(tmp_path: Path, protocol: str) -> None:
    authority = certificate(tmp_path)
    path = configuration(
        tmp_path,
        logging_collector="localhost",
        logging_collector_protocol=protocol,
        logging_collector_ca=authority,
    )
    checked = judged(path)
    assert checked.returncode == 0, checked.stderr
    complaints = [line for line in checked.stderr.splitlines() if "rsyslogd: error" in line or "warning" in line]
    assert complaints == []


def test_a_mistake_would_be_seen(tmp_path: Path) -> None:
    path = configuration(tmp_path, logging_collector="localhost")
    path.write_text(path.read_text(encoding="utf-8").replace("queue.type", "queue.typ"), encoding="utf-8")
    checked = judged(path)
    assert checked.returncode != 0
    assert "queue.typ" in checked.stderr


def test_without_a_collector_nothing_is_sent(tmp_path: Path) -> None:
    assert [line for line in rendered().splitlines() if not line.startswith("#")] == []
    assert judged(configuration(tmp_path)).returncode == 0


def test_a_message_arrives_by_tcp_with_its_octets_counted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector, running(tmp_path, "tcp", collector):
        say(tmp_path)
        collector.settimeout(PATIENCE)
        line, _ = collector.accept()
        with line:
            assert RFC_5424.fullmatch(counted(line))
    assert not (tmp_path / "syslog").exists(), "nothing is kept twice on the machine"


def test_a_message_arrives_by_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(PATIENCE)
        with running(tmp_path, "udp", collector):
            say(tmp_path)
            assert RFC_5424.fullmatch(collector.recv(65536).decode())
    assert not (tmp_path / "syslog").exists()


def test_a_message_arrives_by_tls_at_the_collector_that_is_named(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path), tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as collector, running(tmp_path, "tls", collector):
        say(tmp_path)
        collector.settimeout(PATIENCE)
        plain, _ = collector.accept()
        plain.settimeout(PATIENCE)
        with context.wrap_socket(plain, server_side=True) as line:
            assert RFC_5424.fullmatch(counted(line))


def test_another_ones_certificate_gets_nothing(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, "collector.enterprise.example"), tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as collector, running(tmp_path, "tls", collector):
        say(tmp_path)
        collector.settimeout(PATIENCE)
        plain, _ = collector.accept()
        plain.settimeout(PATIENCE)
        try:
            with context.wrap_socket(plain, server_side=True) as line:
                assert line.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            pass


def judged(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(RSYSLOGD), "-N1", "-f", path], capture_output=True, text=True, check=False)


@contextmanager
def running(folder: Path, protocol: str, collector: socket.socket) -> Iterator[None]:
    """rsyslogd with the file of an appliance whose collector is *collector*, in the foreground."""
    certificates = {"logging_collector_ca": folder / "certificate.pem"} if protocol == "tls" else {}
    path = configuration(
        folder,
        logging_collector="localhost" if protocol == "tls" else "127.0.0.1",
        logging_collector_port=collector.getsockname()[1],
        logging_collector_protocol=protocol,
        **certificates,
    )
    command = [str(RSYSLOGD), "-n", "-f", path, "-i", folder / "pid"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not (folder / "log").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def say(folder: Path) -> None:
    """One message as journald forwards it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(f"<129>Nov 26 02:00:00 vermilion-web[4711]: {SAID}".encode(), str(folder / "log"))


def counted(line: socket.socket) -> str:
    """The message of the frame that comes (RFC 6587, 3.4.1)."""
    line.settimeout(PATIENCE)
    count = b""
    while not count.endswith(b" "):
        count += line.recv(1)
    message = b""
    while len(message) < int(count):
        message += line.recv(int(count) - len(message))
    return message.decode()


def certificate(folder: Path, name: str = "localhost") -> Path:
    """A collector's certificate, which signs itself, with its key beside it."""
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", path], capture_output=True, check=True)
    return path
