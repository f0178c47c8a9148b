"""Figures over time, and the metrics as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.health import Observations, Observed, Survey
from appliance.health.check_context import CheckContext
from appliance.health.figures import CHUNK, HELP, exposition, labelled, tally
from appliance.health.findings import good
from appliance.health.observations import KEPT
from appliance.home import Home
from appliance.ledger import LedgerEntry, record
from appliance.store.database import Database
from hsm.client import AuthorityClient
from tests.health.station import Station

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def observations(tmp_path: Path) -> Iterator[Observations]:
    opened = Observations(tmp_path / "health.db")
    yield opened
    opened.close()


def test_figures_are_gathered_by_the_hour_and_forgotten_after_their_time(observations: Observations) -> None:
    series = observations
    series.add_figures({"offset": 9.0}, NOON - KEPT - timedelta(hours=2))
    for minute, offset, total in ((0, 1.0, 100.0), (20, 4.0, 104.0), (80, 2.0, 110.0)):
        series.add_figures({"offset": offset, "signed_total": total}, NOON + timedelta(minutes=minute))
    with observations.reading() as tx:
        assert tx.column(str, "SELECT DISTINCT name FROM series ORDER BY name") == ["offset", "signed_total"]
    first, second = series.read_hours("offset", since=NOON, until=NOON + timedelta(hours=3))
    assert (first.hour, first.count, first.mean, first.low, first.high) == (NOON, 2, 2.5, 1.0, 4.0)
    assert (second.hour, second.last) == (NOON + timedelta(hours=1), 2.0)
    assert series.read_hours("offset", since=NOON - 2 * KEPT, until=NOON) == []


def test_what_only_grows_has_its_growth_by_the_hour(observations: Observations) -> None:
    series = observations
    for minutes, total in ((0, 100.0), (50, 104.0), (70, 110.0), (110, 111.0), (130, 3.0), (140, 5.0)):
        series.add_figures({"signed_total": total}, NOON + timedelta(minutes=minutes))
    grown = [each.grown for each in series.read_hours("signed_total", since=NOON, until=NOON + timedelta(hours=3))]
    assert grown == [4.0, 7.0, 2.0], "between hours too; and after a restore from what is there then"


def test_acts_are_counted_as_the_log_grows(tmp_path: Path, observations: Observations) -> None:
    database = Database(tmp_path / "state/vermilion.db")
    bench = CheckContext(Home(tmp_path), NOON, AuthorityClient(tmp_path / "nobody.sock"), opened=database)

    def write(kind: str, count: int) -> None:
        with database.transaction() as tx:
            for _ in range(count):
                record(tx, LedgerEntry(kind, NOON, {"kind": "timestamp"}))

    write("timestamp", CHUNK + 1)
    write("party-signed", 2)
    assert tally(bench, observations)["vermilion_timestamps_total"] == CHUNK + 1
    write("party-signed", 1)
    write("contract-completed", 1)
    for _ in range(2):
        found = tally(bench, observations)
        assert found == {
            "vermilion_timestamps_total": CHUNK + 1,
            "vermilion_signatures_total": 3,
            "vermilion_contracts_completed_total": 1,
        }
    database.close()


def test_prometheus_reads_all_that_we_say(stationed: Station) -> None:
    stationed.look()
    text = exposition(stationed.observations.survey(stationed.now()))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    unknown = [name for name in families if name not in HELP and f"{name}_total" not in HELP]
    assert unknown == [] and all(family.documentation for family in families.values())
    assert families["vermilion_log_entries"].type == "counter"
    assert families["vermilion_disk_free_bytes"].samples[0].labels == {"place": "home"}
    keys = {sample.labels["key"] for sample in families["vermilion_certificate_left_seconds"].samples}
    assert keys == {"root", "issuing", "events", "tsa", "log", "evidence"}, "of services alone: nobody's name"


def test_labels_are_written_so_that_they_are_read_again() -> None:
    odd = 'a "quoted" \\ name\nin two lines'
    figures = {labelled("vermilion_workers", service=odd): 1.0}
    survey = Survey((Observed(good("fine").named("disk"), NOON, NOON),), NOON, figures)
    samples = [each for family in text_string_to_metric_families(exposition(survey)) for each in family.samples]
    assert {"service": odd} in [sample.labels for sample in samples]
