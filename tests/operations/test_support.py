"""The support bundle: secrets and names are planted everywhere, and none of them is found in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.support import PARTS, REMOVED, AllowList, write_bundle
from appliance.clock import utc_now
from appliance.demonstration import participants
from appliance.home import Home, make_directory
from appliance.model.administration import ROOT, JournalKind, Stuck, StuckStep
from appliance.store.administration import ADMINISTRATION, journal, stuck
from appliance.store.database import Database
from appliance.wiring import Appliance
from tests.operations.site import PLANTED, Site
from tests.world import kept

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


@pytest.fixture
def planted(site: Site, appliance: Appliance, tmp_path: Path) -> Iterator[list[str]]:
    """Everything that must not come out: what stands in tables, settings, secrets, journals and files."""
    with kept(site.home.administration, tmp_path):
        plant(site.home)
        yield planted_in(site.home, appliance)
    for path in (site.home.logs / "faults.log", site.home.alarms / f"{PLANTED}.service"):
        path.unlink()


def planted_in(home: Home, appliance: Appliance) -> list[str]:
    with appliance.database.reading() as tx:
        people = [
            str(each)
            for row in tx.execute("SELECT subject, name, organisation, email FROM people")
            for each in row
        ]
        contracts = [str(each) for row in tx.execute("SELECT id, title, purpose FROM contracts") for each in row]
    secrets = [path.read_text("utf-8", "replace").strip() for path in home.secrets.iterdir()]
    secrets = [line for text in secrets for line in text.splitlines() if line and not line.startswith("#")]
    return [
        PLANTED,
        "wei",
        str(home.root),
        "示例",
        "@",
        "person-",
        participants.ALPHA,
        *people,
        *contracts,
        *secrets,
    ]


def plant(home: Home) -> None:
    head, frame = (
        "Traceback (most recent call last):",
        f'File "/srv/{PLANTED}/appliance/cli/program.py", line 71, in x',
    )
    fault = f"{head}\n  {frame}\nOSError: {PLANTED}\n"
    make_directory(home.logs)
    (home.logs / "faults.log").write_text(f"{fault}{PLANTED}: 张示例\n", encoding="utf-8")
    (make_directory(home.alarms) / f"{PLANTED}.service").write_text(PLANTED)
    with closing(Database(home.administration, ADMINISTRATION)) as database, database.transaction() as tx:
        detail = {"login": PLANTED, "name": "张示例", PLANTED: PLANTED}
        journal.append(tx, JournalKind.REQUEST_DONE, ROOT.login, NOW, act=None, detail=detail)
        stuck.replace(tx, [Stuck(PLANTED, StuckStep.ARCHIVE_RENEWAL, NOW, f"{PLANTED} {{why}}", {"why": PLANTED})])


def opened(path: Path) -> tuple[bytes, dict[str, Any]]:
    """All bytes of the bundle, unpacked, and its parts."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    parts = {name[:-5]: json.loads(text) for name, text in contents.items() if name.endswith(".json")}
    return b"".join([*contents.values(), *(name.encode() for name in contents)]), parts


def test_what_was_planted_everywhere_is_found_nowhere(site: Site, planted: list[str], tmp_path: Path) -> None:
    assert len(set(planted)) > 20, "there is something to be found"
    write_bundle(site.home, tmp_path / "support.zip", utc_now())
    everything, parts = opened(tmp_path / "support.zip")
    assert [each for each in set(planted) if len(each) > 2 and each.encode() in everything] == []
    assert b"@" not in everything
    assert (tmp_path / "support.zip").stat().st_mode & 0o777 == 0o600
    assert set(parts) == set(PARTS)


def test_what_helps_is_in_it(site: Site, appliance: Appliance, planted: list[str], tmp_path: Path) -> None:
    with appliance.database.reading() as tx:
        (contracts,) = tx.execute("SELECT count(*) FROM contracts").fetchone()
    write_bundle(site.home, tmp_path / "support.zip", utc_now())
    _, parts = opened(tmp_path / "support.zip")
    assert parts["release"]["packages"]["Flask"].count(".") == 2
    assert parts["authority"]["state"] == "operational"
    assert "tsa" in {key["subject"] for key in parts["authority"]["keys"]}
    assert parts["tables"]["appliance"]["contracts"] == contracts >= 1
    assert parts["settings"]["organisation.name"] == "changed"
    assert {each["name"] for each in parts["findings"]} >= {"disk", "database", "authority"}
    assert "act-done" in {each["kind"] for each in parts["journal"]}
    assert parts["stuck"] == [
        {"step": StuckStep.ARCHIVE_RENEWAL.value, "since": "2026-11-25T14:00:00Z", "sentence": REMOVED}
    ]
    assert parts["faults"] == {
        "frames": [{"file": "appliance/cli/program.py", "line": 71}],
        "kinds": ["OSError"],
    }


def test_it_is_made_where_nothing_is(tmp_path: Path) -> None:
    write_bundle(Home(tmp_path / "nothing"), tmp_path / "support.zip", utc_now())
    _, parts = opened(tmp_path / "support.zip")
    assert set(parts) == set(PARTS)
    assert list(parts["authority"]) == ["missing"]
    with pytest.raises(OSError, match="support"):
        write_bundle(Home(tmp_path / "nothing"), tmp_path / "support.zip", utc_now())


@pytest.mark.parametrize(
    ("text", "through"),
    [
        ("disk", True),
        ("2026-11-25T14:00:00Z", True),
        ("3.51.3", True),
        ("0o2770", True),
        ("disk ", False),
        ("disk\n", False),
        ("2026-11-25T14:00:00Z or so", False),
        ("192.0.2.7", False),
        ("192.0.2.7:443", False),
        ("wei@ops.example", False),
        ("/var/lib/vermilion", False),
        ("", False),
    ],
)
def test_only_words_of_the_program_get_through(text: str, through: bool) -> None:
    allowed = AllowList(["disk"])
    assert allowed.text(text) == (text if through else REMOVED)
    assert allowed.value({text: [text, {"disk": text}], "disk": 7}) == {
        (text if through else REMOVED): [text if through else REMOVED, {"disk": text if through else REMOVED}],
        "disk": 7,
    }
