"""Captures of web pages by the real browser in its walls, beside a Chromium without walls that prints the same."""

from __future__ import annotations

import math
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from appliance.web_capture.enclosure import browser
from appliance.web_capture.model import CaptureLimits
from appliance.web_capture.upstream import server_trust
from tests.bench.measure import Figure, median
from tests.bench.memory import resident_megabytes
from tests.web_capture.conftest import captured_of
from tests.web_capture.servers import Server, certificate
from tests.web_capture.site import OrdinarySite, of_paths, png, shown
from tests.web_capture.sites import SITES

PICTURES = 15
"""Of the page that is captured and printed; ten and a hundred times as many are measured beside it."""
ROUNDS = 5
_BETWEEN = 0.05
"""Seconds between two looks at the memory."""


def figures() -> list[Figure]:
    """Time and memory of one page beside their floors, growth with its pictures, and the time of each kind."""
    with tempfile.TemporaryDirectory(prefix="vermilion-captures-") as folder:
        ours, floor = _of_page(PICTURES, ROUNDS, Path(folder)), _of_page(PICTURES, ROUNDS, Path(folder), _printed)
        grown = {factor: PICTURES * factor for factor in (10, 100)}
        growth = {f"{n} pictures": _of_page(n, 2, Path(folder)) for n in grown.values()}
        floors = {f"{n} pictures, printed": _of_page(n, 2, Path(folder), _printed) for n in grown.values()}
        peak, least = (_peak(PICTURES, Path(folder), work) for work in (_captured, _printed))
        kinds = _of_kinds(Path(folder))
    return [
        Figure(
            f"capture a page of {PICTURES} pictures", "s", median(ours), rounds=ours, smaller_is_better=True,
            floor=median(floor), floor_of="Chromium without walls prints it",
            growth={name: median(taken) for name, taken in {**growth, **floors}.items()},
        ),
        Figure(
            f"capture {len(kinds)} kinds of sites, 95th percentile", "s", _percentile(kinds, 0.95), rounds=kinds,
            target=60.0, smaller_is_better=True, note=f"median {median(kinds):.3g}, latest {max(kinds):.3g}",
        ),
        Figure(
            f"capture a page of {PICTURES} pictures: memory at most", "MB", peak, smaller_is_better=True,
            floor=least, floor_of="Chromium without walls prints it",
        ),
    ]  # fmt: skip


Work = Callable[[str, list[str], Path], None]
"""What is done with an address, its hosts, and a folder."""


def _captured(address: str, hosts: list[str], folder: Path) -> None:
    authority = folder / "root.pem"
    trust = (lambda: server_trust(str(authority))) if authority.exists() else server_trust
    visit = captured_of(address, hosts, limits=CaptureLimits(), trust=trust).capture.visit
    if visit.error or visit.cut:
        raise RuntimeError(f"{address} was not captured whole: {visit.error} {visit.cut}")


def _printed(address: str, _hosts: list[str], folder: Path) -> None:
    file = folder / "printed.pdf"
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    rules = "--host-resolver-rules=MAP *.example 127.0.0.1"
    subprocess.run([*command, rules, f"--print-to-pdf={file}", address], check=True, capture_output=True)
    file.unlink()


def _page(pictures: int) -> OrdinarySite:
    body = "<p>An ordinary page of text. " * 40
    images = "".join(f"<img src=/{n}.png style='display:inline'>" for n in range(pictures))
    files = {f"/{n}.png": png(n) for n in range(pictures)}
    return OrdinarySite(of_paths({"/": shown("Ordinary", body + images), **files}), ("Ordinary",))


def _of_page(pictures: int, rounds: int, folder: Path, work: Work | None = None) -> tuple[float, ...]:
    """Seconds of each round, after one that warms up."""
    site = _page(pictures)
    server = Server({"site.example": site.serve})
    try:
        return tuple(_seconds(work or _captured, site, server, folder) for _ in range(rounds + 1))[1:]
    finally:
        server.close()


def _seconds(work: Work, site: OrdinarySite, server: Server, folder: Path) -> float:
    started = time.perf_counter()
    work(site.address(server.port), list(site.hosts), folder)
    return time.perf_counter() - started


def _of_kinds(folder: Path) -> tuple[float, ...]:
    """Seconds of each kind of site; the one with a film is left out, since a browser has to record that first."""
    _, root, key = certificate(folder, ["Test authority"])
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    taken = []
    for name, site in SITES.items():
        if name == "video":
            continue
        context = certificate(folder, list(site.hosts), issuer=(root, key))[0] if site.tls else None
        server = Server(dict.fromkeys(site.hosts, site.serve), context)
        taken.append(_seconds(_captured, site, server, folder))
        server.close()
    return tuple(taken)


def _percentile(values: tuple[float, ...], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _peak(pictures: int, folder: Path, work: Work) -> float:
    """Megabytes that all processes that *work* starts hold at most, beyond those that are here before."""
    site, ended, seen = _page(pictures), threading.Event(), [0.0]
    server, before = Server({"site.example": site.serve}), resident_megabytes(ourselves=True)

    def look() -> None:
        while not ended.wait(_BETWEEN):
            seen.append(resident_megabytes(ourselves=True) - before)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        _seconds(work, site, server, folder)
    finally:
        ended.set()
        looking.join()
        server.close()
    return max(seen)
