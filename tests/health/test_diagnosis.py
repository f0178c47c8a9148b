"""``vermilion diagnose`` answers whatever runs and whatever does not, and each fault with its remedy."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import main
from appliance.demonstration.new_home import DEMONSTRATION
from appliance.health import Condition, HealthFinding, RunbookPage
from appliance.health.check_context import open_check_context
from appliance.health.machine_checks import drift, permissions
from appliance.health.record_checks import database
from appliance.health.surveys import diagnose
from appliance.home import Home, role_of_command
from appliance.store.database import Database


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Settings and a database, and nothing that runs."""
    made = Home(tmp_path)
    made.settings.parent.mkdir()
    made.settings.write_text(DEMONSTRATION.appliance_settings(8080), encoding="utf-8")
    Database(made.database).close()
    return made


def found(home: Home) -> dict[str, HealthFinding]:
    return {each.finding.name: each.finding for each in diagnose(home, datetime.now(UTC))}


def test_with_everything_down_it_says_what_is_down_and_what_to_do(home: Home) -> None:
    findings = found(home)
    down = {name: finding.page for name, finding in findings.items() if not finding.well}
    assert down == {
        "watch": RunbookPage.WATCH_DEAD,
        "authority": RunbookPage.AUTHORITY_GONE,
        "web": RunbookPage.WEB_DOWN,
        "tsa": RunbookPage.WEB_DOWN,
        "activation": RunbookPage.WEB_DOWN,
        "backup": RunbookPage.BACKUP_UNSET,
    }
    assert all(finding.advice and "{" not in finding.advice for finding in findings.values() if finding.page)
    assert findings["database"].condition is Condition.GOOD


def test_a_rollback_that_was_interrupted_is_named(home: Home) -> None:
    assert "rollback" not in found(home)
    home.interrupted_rollback.touch(mode=0o600)
    finding = found(home)["rollback"]
    assert (finding.well, finding.page) == (False, RunbookPage.ROLLBACK_INTERRUPTED)
    assert "`vermilion rollback`" in str(finding)


def test_in_an_empty_folder_it_answers_too(tmp_path: Path) -> None:
    findings = found(Home(tmp_path))
    assert findings["settings"].page is RunbookPage.SETTINGS_WRONG
    assert findings["database"].page is RunbookPage.DATABASE_UNUSABLE


def test_the_command_gives_json_and_a_status(home: Home) -> None:
    done = CliRunner().invoke(main, ["--home", str(home.root), "diagnose", "--json"])
    report = json.loads(done.output)
    assert (done.exit_code, report["well"]) == (1, False)
    row = next(each for each in report["findings"] if each["name"] == "authority")
    assert set(row) == {"name", "condition", "well", "since", "sentence", "remedy", "page"}
    assert (row["condition"], row["page"]) == ("failing", "authority-gone")
    spoken = CliRunner().invoke(
        main, ["--home", str(home.root), "diagnose"], env={"LANG": "zh_CN.UTF-8", "LC_ALL": ""}
    )
    assert "docs/runbook/authority-gone.md" in spoken.output


def test_wrong_settings_are_one_finding_and_all_else_is_asked(home: Home) -> None:
    home.settings.write_text("[web]\nport = 70000\n", encoding="utf-8")
    findings = found(home)
    assert findings["settings"].page is RunbookPage.SETTINGS_WRONG and "web.port" in str(findings["settings"])
    assert findings["database"].well and "backup" not in findings


def test_a_database_that_is_none_is_told(home: Home) -> None:
    home.database.write_bytes(b"this is no database" * 1000)
    with open_check_context(home, role="backup", now=datetime.now(UTC)) as asked:
        assert database(asked).page is RunbookPage.DATABASE_UNUSABLE


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("state", 0o705),
        ("config/appliance.toml", 0o606),
        ("secrets", 0o750),
        ("administration", 0o2775),
        ("confirmed", 0o2770),
        ("confirmed/keys", 0o2770),
        ("confirmed/keys/a.json", 0o660),
        ("confirmed/performed/0123456789ab", 0o644),
    ],
)
def test_what_others_may_use_is_told_with_the_command_that_mends_it(home: Home, place: str, mode: int) -> None:
    home.secrets.mkdir(mode=0o700)
    home.confirmed.mkdir(mode=0o750)
    home.administration.parent.mkdir(mode=0o700, exist_ok=True)
    for name in ("keys/a.json", "performed/0123456789ab"):
        (home.confirmed / name).parent.mkdir(mode=0o750)
        (home.confirmed / name).touch(mode=0o640)
    path = home.root / place
    with open_check_context(home, role="backup", now=datetime.now(UTC)) as asked:
        assert permissions(asked).well
        path.chmod(mode)
        finding = permissions(asked)
    assert (finding.page, finding.mark) == (RunbookPage.PERMISSION_WRONG, str(path))
    asked_for = int(finding.advice.split("chmod ")[1].split()[0], 8)
    path.chmod(asked_for)
    with open_check_context(home, role="backup", now=datetime.now(UTC)) as asked:
        assert permissions(asked).well


def test_a_file_that_was_changed_since_it_was_provisioned_is_named(home: Home) -> None:
    unit, gone = home.root / "vermilion-web.service", home.root / "gone.conf"
    unit.write_text("[Service]\n")
    files = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in (unit, home.settings)}
    home.provisioned.write_text(json.dumps({"files": files}))
    with open_check_context(home, role="backup", now=datetime.now(UTC)) as asked:
        assert drift(asked).condition is Condition.GOOD
        unit.write_text("[Service]\nPrivateNetwork=no\n")
        changed = drift(asked)
        home.provisioned.write_text(json.dumps({"files": {**files, str(gone): "00" * 32}}))
        also_gone = drift(asked)
        home.provisioned.write_text("{")
        unreadable = drift(asked)
    assert changed.page is RunbookPage.PROVISIONED_DRIFT and changed.values["files"] == str(unit)
    assert also_gone.values["count"] == 2
    assert unreadable.page is RunbookPage.PROVISIONED_DRIFT


@pytest.mark.parametrize(("user", "role"), [(0, "operator"), (4242, "backup")])
def test_who_diagnoses_without_being_root_has_not_the_socket_of_root(
    user: int, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That socket ends PIN custodians."""
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert role_of_command() == role
