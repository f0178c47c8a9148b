"""HTTP load on loopback by ``wrk``: bounded connections, bounded seconds."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What ``wrk`` saw: requests per second, 99th percentile in ms, and answers that were not 2xx."""

    rate: float
    p99: float
    failures: int


def post_repeatedly(url: str, body: bytes, *, connections: int = 16, seconds: int = 4) -> Load:
    """POST *body* to *url* over *connections* keep-alive connections for *seconds*."""
    escaped = "".join(f"\\{byte:03d}" for byte in body)
    script = (
        f'wrk.method = "POST"\nwrk.body = "{escaped}"\n'
        'wrk.headers["Content-Type"] = "application/timestamp-query"\n'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", lua.name, url]
        printed = subprocess.run(["wrk", *options], check=True, capture_output=True, text=True).stdout
    return _read(printed)


def _read(printed: str) -> Load:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", printed)
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    if rate is None or p99 is None:
        raise RuntimeError(f"wrk printed no figures: {printed}")
    return Load(float(rate[1]), float(p99[1]) * MILLISECONDS[p99[2]], int(failures[1]) if failures else 0)


def wait_until_serving(url: str, *, seconds: float = 30) -> None:
    """Wait until something answers at *url*, whatever its status."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - loopback addresses of our own
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def lua_available() -> bool:
    """Whether ``wrk`` is installed."""
    return Path("/usr/bin/wrk").exists()
