"""A node of a cluster in a root directory of its own, where a folder is mounted as the replicated volume would be:
what the resource agent and `vermilion-cluster` do and say there."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

OK, GENERIC, ARGUMENTS, UNIMPLEMENTED, INSTALLED, CONFIGURED, STOPPED = 0, 1, 2, 3, 5, 6, 7
"""What an agent ends with (OCF resource agent API 1.1)."""

HERE, THERE = socket.gethostname(), "another-node"
VOLUME = "var/lib/vermilion"
PLACES = (
    "/etc/corosync",
    "/etc/vermilion",
    "/etc/credstore.encrypted",
    "/etc/nginx/tls",
    "/etc/systemd/system",
    "/opt/vermilion",
    "/proc/drbd",
    "/run/vermilion",
    "/usr/lib/ocf",
    "/usr/local/sbin",
    "/var/lib/systemd",
    "/var/lib/vermilion",
)
UNITS_OF_TARGET = "vermilion-authority.service vermilion-web.socket vermilion-web.service"
SYSTEMCTL = """
echo "$@" >>{0}/asked
case "$1" in
list-units)
    case "$*" in *release@*) ours=vermilion.release@ ;; *) ours="vermilion-|vermilion.target" ;; esac
    ls {0}/running | grep -E "^($ours)" | sed 's/$/ loaded active running/' ;;
show) echo {1} ;;
is-failed) [ -e {0}/refused ] ;;
is-system-running) cat {0}/system 2>/dev/null || {{ echo degraded; exit 1; }} ;;
start) cd {0}/running && touch vermilion.target {1} vermilion-steward.socket ;;
stop) shift 2; cd {0}/running && for unit in "$@"; do [ -e {0}/clings ] || rm -f "$unit"; done ;;
kill) shift 2; cd {0}/running && for unit in "$@"; do [ -e {0}/dead ] || rm -f "$unit"; done ;;
esac
"""
"""A systemd that keeps a file for each unit that runs."""

START = """#!/bin/sh
[ ! -e {0}/broken ] || {{ echo "It is broken." >&2; exit 1; }}
systemctl start vermilion.target
"""


def there(root: Path, path: Path) -> str:
    """The script *path* as it is, with its places in *root*."""
    text = path.read_text(encoding="utf-8")
    for place in PLACES:
        text = text.replace(place, f"{root}{place}")
    return text


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def ran(root: Path, *command: str, mounted: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """What *command* says where the volume is *mounted*, or is not."""
    mount = 'mount --bind "$0/volume" "$0/var/lib/vermilion" && ' if mounted else ""
    apart = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    here = {**os.environ, **environment}
    here["PATH"] = f"{root}/bin:{here['PATH']}"
    return subprocess.run(
        [*apart, "sh", "-c", f'{mount} exec "$@"', root, *command],
        env=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def agent(root: Path, action: str, *, mounted: bool = True, **parameters: str) -> tuple[int, str]:
    """The status that the agent ends with, and its exit reason."""
    given = {
        f"OCF_RESKEY_{name}": value for name, value in {"patience": "0", "serving": "0", **parameters}.items()
    }
    path = str(root / "usr/lib/ocf/resource.d/vermilion/appliance")
    done = ran(root, path, action, mounted=mounted, OCF_RESOURCE_INSTANCE="appliance", **given)
    reasons = [line for line in done.stderr.splitlines() if line.startswith("ocf-exit-reason:")]
    return done.returncode, "".join(reasons).removeprefix("ocf-exit-reason:")


def cluster(root: Path, *arguments: str, mounted: bool = True, **environment: str) -> tuple[int, str]:
    """The status of the command, and what it says."""
    done = ran(root, f"{root}/usr/local/sbin/vermilion-cluster", *arguments, mounted=mounted, **environment)
    return done.returncode, (done.stdout + done.stderr).strip()


def running(root: Path) -> set[str]:
    return {path.name for path in (root / "running").iterdir()}


def asked(root: Path) -> str:
    return (root / "asked").read_text() if (root / "asked").exists() else ""


def history(root: Path) -> list[dict[str, str]]:
    path = root / "volume/cluster/history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class _Authority(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = int.from_bytes(self.rfile.read(4), "big")
        assert self.rfile.read(length) == b"\xa2\x62op\x66status\x64args\xa0"
        self.wfile.write(b"\0\0\0\x05\xa1\x62ok\xf6")


class _Portal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass

    def address_string(self) -> str:
        return "here"


@contextmanager
def answering(root: Path, *names: str) -> Iterator[None]:
    """Something answers on these sockets as the real ones do (which another test asks)."""
    kinds = {"authority-operator": _Authority, "web": _Portal}
    with ExitStack() as stack:
        for name in names:
            path = root / f"run/vermilion/{name}.sock"
            path.unlink(missing_ok=True)
            server = stack.enter_context(socketserver.ThreadingUnixStreamServer(str(path), kinds[name]))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        yield


BOTH = ("authority-operator", "web")
