"""Whoever takes over the timestamp service has a process that holds nothing of the portal's open, needs nothing of
it, and cannot get at it from its unit. Which users may do what is tried in ``tests/systemd/test_places.py``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm.timestamp import build_request, order_for, parse_response
from tests.authority import running_authority
from tests.conformance.endpoint import RunningTsa, running_tsa
from tests.systemd.conftest import UNITS

WRITES = os.O_WRONLY | os.O_RDWR


@pytest.fixture(scope="module")
def tsa() -> Iterator[RunningTsa]:
    """In a home that no portal and no scheduler has ever opened."""
    with running_authority(workers=1) as own, running_tsa(own.root) as running:
        assert parse_response(running.ask(build_request(order_for(bytes(32)))))
        yield running


def opened_below(root: Path, process: int) -> dict[Path, int]:
    """The files below *root* that *process* has open, with the flags that it opened them with; mapped ones too."""
    found = {}
    for link in Path(f"/proc/{process}/fd").iterdir():
        path = link.readlink()
        if path.is_relative_to(root):
            said = re.search(r"^flags:\s*([0-7]+)$", Path(f"/proc/{process}/fdinfo/{link.name}").read_text(), re.M)
            assert said
            found[path] = int(said[1], 8)
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        if str(root) in line:
            found[Path(line.split(maxsplit=5)[5])] = os.O_RDWR
    return found


def test_it_has_nothing_open_to_write_but_its_spool(tsa: RunningTsa) -> None:
    opened: dict[Path, int] = {}
    for process in (tsa.master.pid, *tsa.workers):
        opened |= opened_below(tsa.home.root, process)
    written = {path for path, flags in opened.items() if flags & WRITES}
    assert {path.parent for path in written} == {tsa.home.timestamp_spool}
    assert len(written) == 1


def test_it_needs_nothing_of_the_portals_state_and_makes_nothing_there(tsa: RunningTsa) -> None:
    assert not tsa.home.state.exists()
    assert parse_response(tsa.ask(build_request(order_for(bytes(32)))))
    assert not tsa.home.state.exists()


def test_its_unit_writes_two_places_and_sees_no_database(tsa: RunningTsa) -> None:
    unit = (UNITS / "vermilion-tsa.service").read_text(encoding="utf-8")

    def said(key: str) -> list[str]:
        return " ".join(re.findall(rf"^{key}=(.*)$", unit, re.M)).split()

    ours = [tsa.home.timestamp_spool, tsa.home.tsa_pulses]
    places = [str(path).replace(f"{tsa.home.root}/run", "/run/vermilion") for path in ours]
    assert said("ReadWritePaths") == [place.replace(str(tsa.home.root), "/var/lib/vermilion") for place in places]
    assert said("Group") == ["vermilion-tsa"] and not said("SupplementaryGroups")
    hidden = {place.removeprefix("-") for place in said("InaccessiblePaths")}
    others = (
        "state",
        "administration",
        "health",
        "authority",
        "hsm",
        "cache",
        "backups",
        "activation",
        "confirmed",
    )
    assert hidden >= {f"/var/lib/vermilion/{name}" for name in others}
    assert "/var/lib/vermilion/state" in said("InaccessiblePaths"), "without it, the unit does not start"
