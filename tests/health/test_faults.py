"""Sixteen faults, each brought about for real: each shows on the console's page as it is served, in ``/readyz``,
in the metrics, in ``vermilion diagnose`` and as an alarm, with its remedy, within a minute.

What is not quite real. Of the clock: nobody may set the machine's, which is everybody's. It counts as
unsynchronised since the kernel is asked for more than it says of itself; as stepped since the authority's worker
lives in a time namespace whose boot clock is an hour ahead (where no user may have one, the authority's port says
so). Of time: the health monitor's own is ahead where a certificate or a list has to run out, and goes on by a
quarter of a minute each round. Of the disk: it is a small one of its own, mounted where the documents lie; skipped
where the user may not mount. Of the portal's worker: it hangs, since one that ends is replaced within a second.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.config import HealthSettings
from appliance.demonstration.participants import LI
from appliance.health import Condition, RunbookPage
from appliance.health.authority_checks import certificates
from appliance.health.service_checks import SILENT
from appliance.jobs.table import ALARM_SECONDS
from appliance.ledger import LedgerEntry, Sequencer, record
from appliance.model.notice import Notice, NoticeKind
from appliance.store import outbox
from appliance.store.database import Database
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ConfigurationRefused
from hsm.intents import OfficerIntent
from hsm.settings import section
from hsm.timestamp import order_for
from tests.conformance.boot_clock import why_not
from tests.health.asked import asked
from tests.health.showing import command, conditions, require_over, require_shown
from tests.health.station import Station
from tests.language.sentences import ROOT

FAILING = Condition.FAILING
OFFICER = "officer-wang"
HOLDING = """\
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
"""Another process with a transaction that does not end."""


def test_without_a_fault_nobody_is_alarmed(stationed: Station) -> None:
    """But for what nobody has done yet: neither timestamp service nor activation service runs here, and there is
    no backup."""
    expected = {"tsa", "activation", "backup", "drill"}
    stationed.look_until(lambda: {name for name, it in conditions(stationed).items() if it is FAILING} <= expected)
    assert stationed.readyz()[0] == 200
    before = stationed.heard("/beat")
    stationed.beat()
    assert stationed.heard("/beat") == before + 1


def test_a_minute_is_enough() -> None:
    """At the slowest setting: what takes effect last (a worker is silent) is found in the next round, told after
    one more, in the next look at what is to be told; and a page that is open has asked again."""
    a_round = 20
    with pytest.raises(ConfigurationRefused):
        section(HealthSettings, "health", {"seconds": a_round + 1})
    asking = re.search(r"LIVE_EVERY = (\d+);", (ROOT / "webui/static/live.js").read_text())
    assert asking is not None
    assert SILENT + 2 * a_round + ALARM_SECONDS < 60
    assert SILENT + a_round + int(asking[1]) / 1000 < 60


def test_hsm_gone(stationed: Station) -> None:
    with hsm_away(stationed):
        require_shown(stationed, "hsm", RunbookPage.HSM_GONE)
    require_over(stationed, "hsm")


def test_hsm_locked(stationed: Station) -> None:
    with AuthorityClient(stationed.home.authority_socket("operator")) as client:
        client.lock()
        require_shown(stationed, "hsm", RunbookPage.HSM_LOCKED)
        act = OfficerIntent("unlock", {}, datetime.now(UTC) + timedelta(minutes=5), secrets.token_bytes(16))
        officer = SoftwareAuthenticator.load(stationed.home.people / f"{OFFICER}.json")
        pin = (stationed.home.secrets / "user.pin").read_text().strip()
        client.unlock(act, [officer.activate(OFFICER, act)], pins=[pin])
    require_over(stationed, "hsm")


def test_clock_unsynchronised(stationed: Station) -> None:
    with stationed.unheld_clock():
        require_shown(stationed, "clock", RunbookPage.CLOCK_UNSYNCHRONISED)
    require_over(stationed, "clock")


def test_clock_stepped(stationed: Station) -> None:
    with AuthorityClient(stationed.home.authority_socket("tsa")) as client:
        client.timestamp([order_for(bytes(32))])  # from now on it knows how the clock stood
    with stationed.set_clock(ahead=-timedelta(hours=1)) if why_not() else stationed.stepped_clock():
        require_shown(stationed, "clock", RunbookPage.CLOCK_STEPPED)
    require_over(stationed, "clock")


def test_disk_full(stationed: Station) -> None:
    with small_disk(stationed) as fill:
        fill(0.96)
        require_shown(stationed, "disk", RunbookPage.DISK_FULL)
        assert "Only 4% of the disk" in stationed.readyz()[1]["failing"]["disk"]


def test_certificate_with_two_days_left(stationed: Station) -> None:
    with AuthorityClient(stationed.home.authority_socket("operator")) as client:
        status = client.status()
    first = min(status.keys, key=lambda key: key.not_after)
    days_left = (91, 89, 29, 13, 2, -1)
    asked_then = [asked(first.not_after - timedelta(days=days), authority=lambda: status) for days in days_left]
    stages = [certificates(each) for each in asked_then]
    attention = Condition.ATTENTION
    assert [each.condition for each in stages] == [Condition.GOOD, attention, attention, FAILING, FAILING, FAILING]
    assert len({each.mark for each in stages}) == 6, "each stage is told anew"
    with later(stationed, first.not_after - timedelta(days=2, hours=1) - datetime.now(UTC) + timedelta(hours=2)):
        require_shown(stationed, "certificates", RunbookPage.CERTIFICATE_ENDING)
        assert f"Hold a renewal for {first.subject}" in stationed.hook.events("certificates")[-1]["data"]["remedy"]


def test_crl_expired(stationed: Station) -> None:
    with later(stationed, timedelta(days=7, hours=1)):
        require_shown(stationed, "revocation-lists", RunbookPage.CRL_EXPIRED)


def test_backup_failed(stationed: Station) -> None:
    with hsm_away(stationed):
        done = command(stationed, "backup", "create")
    assert done.exit_code == 1, done.output
    # The authority may have asked its token meanwhile, and asks again some seconds later.
    stationed.look_until(lambda: conditions(stationed)["hsm"] is not FAILING)
    require_shown(stationed, "backup", RunbookPage.BACKUP_FAILED)


def test_drill_failed(stationed: Station) -> None:
    made = command(stationed, "backup", "create")
    assert made.exit_code == 0, made.output
    stationed.look()
    assert conditions(stationed)["backup"] is Condition.GOOD
    (part,) = stationed.settings.backups.glob("*Z/database.age")
    part.write_bytes(part.read_bytes()[:-1])
    assert command(stationed, "drill").exit_code == 1
    require_shown(stationed, "drill", RunbookPage.DRILL_FAILED)


def test_mail_down(stationed: Station) -> None:
    stationed.post.close()
    require_shown(stationed, "mail", RunbookPage.MAIL_DOWN)
    before = len(stationed.post.messages)
    stationed.post.open()
    require_over(stationed, "mail")
    with later(stationed, timedelta(minutes=20)):  # it is tried again less and less often
        stationed.look()
    subjects = [each["Subject"] for each in stationed.post.messages[before:]]
    assert any(subject.startswith("Failing: Mail server") for subject in subjects), "it was kept until it went out"


def test_gateway_down(stationed: Station) -> None:
    stationed.gateway.status, stationed.gateway.reason = 503, "closed at night"
    require_shown(stationed, "gateway", RunbookPage.GATEWAY_DOWN)
    stationed.gateway.status = None
    require_over(stationed, "gateway")
    assert stationed.gateway.checks and not stationed.gateway.messages, "asking sends nothing"


def test_queue_stuck(stationed: Station) -> None:
    database = Database(stationed.home.database)
    due = datetime.now(UTC) - timedelta(hours=2)
    with database.transaction() as tx:
        outbox.enqueue(tx, Notice(None, LI.subject, NoticeKind.ENROLLED, due, "waits"))
    require_shown(stationed, "queue", RunbookPage.QUEUE_STUCK)
    with database.transaction() as tx:
        tx.execute("UPDATE outbox SET state = 'withdrawn', settled = due WHERE state = 'queued'")
    database.close()
    require_over(stationed, "queue")


def test_database_locked(stationed: Station) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(stationed.home.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        require_shown(stationed, "database", RunbookPage.DATABASE_LOCKED)
        other.communicate()
    require_over(stationed, "database")


def test_web_worker_dead(stationed: Station) -> None:
    worker = stationed.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        require_shown(stationed, "web", RunbookPage.WEB_DOWN)
    finally:
        os.kill(worker, signal.SIGCONT)
    require_over(stationed, "web")


def test_permission_wrong(stationed: Station) -> None:
    key = stationed.home.secrets / "web.key"
    key.chmod(0o644)
    require_shown(stationed, "permissions", RunbookPage.PERMISSION_WRONG)
    assert f"`chmod 0600 {key}`" in stationed.hook.events("permissions")[-1]["data"]["remedy"]
    key.chmod(0o600)
    require_over(stationed, "permissions")


def test_log_behind_the_authoritys_memory(stationed: Station) -> None:
    """The last, since only another database would repair it: the one that went on while this one stood still."""
    newer = stationed.home.root / "newer.db"
    with closing(sqlite.connect(stationed.home.database)) as database:
        database.execute("VACUUM INTO ?", (str(newer),))
    went_on = Database(newer)
    with went_on.transaction() as tx:
        record(tx, LedgerEntry("test", datetime.now(UTC)))
    with AuthorityClient(stationed.home.authority_socket("scheduler")) as client:
        Sequencer(went_on, client).run_once()
    went_on.close()
    require_shown(stationed, "log", RunbookPage.LOG_BEHIND)


@contextmanager
def later(station: Station, by: timedelta) -> Iterator[None]:
    """The health monitor's clock is ahead."""
    station.ahead += by
    try:
        station.look()
        yield
    finally:
        station.ahead -= by
        station.look()


@contextmanager
def hsm_away(station: Station) -> Iterator[None]:
    tokens, away = station.home.root / "hsm/tokens", station.home.root / "hsm/tokens-away"
    tokens.rename(away)
    try:
        yield
    finally:
        away.rename(tokens)


@contextmanager
def small_disk(station: Station) -> Iterator[Callable[[float], None]]:
    """The documents lie on a disk of 16 MB of their own, which can be filled to a share of it."""
    place, size = station.home.blobs, 16 * 1024 * 1024
    place.mkdir(mode=0o700, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "vermilion-health", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield lambda share: (place / "filling").write_bytes(bytes(int(share * size))) and None
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
