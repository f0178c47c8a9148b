"""What health says of programs that use the API: unused, refused, over their limits; and of lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from appliance.api_clients import ApiClients, secret_digest
from appliance.health import Condition, Observations, RunbookPage
from appliance.health.api_checks import (
    MANY_LIMITED,
    MANY_REFUSALS,
    UNUSED,
    judge_batches,
    judge_limited,
    judge_refused,
    unused,
    unused_finding,
)
from appliance.health.figures import API_REFUSED, BATCH_WAITING, labelled
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientState, ClientTerms, Scope
from appliance.store.database import Database
from appliance.store.mail_merges import DueMerge
from tests.health.asked import asked
from tests.health.station import Station, eventually

NOON = datetime(2026, 11, 25, 12, 1, tzinfo=UTC)
ERP = ApiClient(
    id="client-0123456789abcdef",
    name="ERP 示例",
    scopes=frozenset({Scope.CONTRACTS_READ}),
    organisations=frozenset({"甲公司示例有限公司"}),
    kinds=frozenset[str](),
    state=ClientState.ACTIVE,
    created=NOON - 2 * UNUSED,
    last_used=NOON,
)
OA = replace(ERP, id="client-fedcba9876543210", name="OA 示例")


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Observations]:
    opened = Observations(tmp_path / "health.db")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("last_used", "condition"),
    [
        (NOON - UNUSED, Condition.GOOD),
        (NOON - UNUSED - timedelta(seconds=1), Condition.ATTENTION),
        (None, Condition.ATTENTION),
    ],
)
def test_a_way_in_that_nobody_uses_is_told_of(last_used: datetime | None, condition: Condition) -> None:
    found = unused_finding([ERP, replace(OA, last_used=last_used)], NOON)
    assert found.condition is condition
    if condition is Condition.ATTENTION:
        assert (found.page, found.mark) == (RunbookPage.CLIENT_UNUSED, OA.id) and "OA 示例" in str(found)
    assert unused_finding([replace(OA, created=NOON, last_used=None)], NOON).condition is Condition.GOOD


def test_a_suspended_client_need_not_be_used(tmp_path: Path) -> None:
    now = [NOON]
    database = Database(tmp_path / "vermilion.db")
    clients = ApiClients(database, lambda: now[0], house="甲公司示例有限公司")
    assert unused(asked(NOON, database)).condition is Condition.NOT_CONFIGURED
    terms = ClientTerms("ERP", ERP.scopes, ERP.organisations)
    clients.create(ERP.id, terms, ClientAuthentication(secret=secret_digest("示例")), by="root")
    later = NOON + UNUSED + timedelta(days=1)
    assert unused(asked(later, database)).page is RunbookPage.CLIENT_UNUSED
    now[0] = later
    clients.grant(clients.with_secret(ERP.id, "示例"), ERP.scopes)
    assert unused(asked(later, database)).condition is Condition.GOOD
    clients.suspend(ERP.id, by="root")
    assert unused(asked(later + 2 * UNUSED, database)).condition is Condition.NOT_CONFIGURED
    database.close()


@pytest.mark.parametrize(
    ("reason", "many", "judge", "page"),
    [
        ("invalid_client", MANY_REFUSALS, judge_refused, RunbookPage.CLIENT_REFUSED),
        ("too-many-requests", MANY_LIMITED, judge_limited, RunbookPage.CLIENT_LIMITED),
    ],
)
def test_a_client_that_is_refused_again_and_again_is_told_of(series, reason, many, judge, page) -> None:  # type: ignore[no-untyped-def]
    figure, other = (labelled(API_REFUSED, client=ERP.id, reason=each) for each in (reason, "scope-missing"))

    def at(minutes: int, count: float) -> None:
        series.add_figures({figure: count, other: 100 * count}, NOON + timedelta(minutes=minutes))

    at(-240, 10)
    at(-180, 1_000)
    at(-120, 1_000)
    assert judge([ERP, OA], series, NOON).condition is Condition.GOOD
    at(-30, 1_000 + many - 1)
    assert judge([ERP, OA], series, NOON).condition is Condition.GOOD
    at(-1, 1_000 + many)
    found = judge([ERP, OA], series, NOON)
    assert (found.condition, found.page, found.mark) == (Condition.ATTENTION, page, ERP.id)
    assert found.values["count"] == many and ERP.id in str(found)
    assert judge([OA], series, NOON).condition is Condition.GOOD
    assert judge([ERP], series, NOON + timedelta(hours=3)).condition is Condition.GOOD, "it ends by itself"


@pytest.mark.parametrize(
    ("waiting", "condition"),
    [
        ((500, 500, 500, 500), Condition.ATTENTION),
        ((500, 500, 500, 499), Condition.GOOD),
        ((501, 500, 500, 500), Condition.ATTENTION),
        ((None, None, 500, 500), Condition.GOOD),
        ((500, None, 500, 500), Condition.GOOD),
    ],
)
def test_a_list_that_stands_still_is_told_of(
    series: Observations, waiting: tuple[int | None, ...], condition: Condition
) -> None:
    """The counts are of the hours from 9 to 12."""
    for hour, count in enumerate(waiting, 9):
        if count is not None:
            series.add_figures({labelled(BATCH_WAITING, batch="b1"): count}, NOON.replace(hour=hour, minute=0))
    due = [DueMerge("b1", "person-1", None), DueMerge("b2", "person-1", None)]
    found = judge_batches(due, series, NOON)
    assert found.condition is condition
    assert (found.page, found.mark) == ((RunbookPage.BATCH_STUCK, "b1") if found.page else (None, ""))


def test_processes_of_the_portal_limit_and_count_together(stationed: Station) -> None:
    """Each request is a connection of its own, so that gunicorn's workers take turns."""
    station, left = stationed, []

    def ask(method: str, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", station.port, timeout=60)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            left.append(answer.headers.get("RateLimit", ""))
            return answer.status
        finally:
            connection.close()

    assert len(station.workers()) > 1
    assert {ask("POST", "/api/v1/token") for _ in range(40)} == {400}
    assert len(set(left)) == 40, "no two of them were told the same"
    assert {ask("GET", "/api/v1/client") for _ in range(40)} == {401}

    def counted() -> float | None:
        station.look()
        name = labelled(API_REFUSED, client="unknown", reason="token-missing")
        return station.observations.survey(station.now()).figures.get(name)

    eventually(lambda: counted() == 40)
