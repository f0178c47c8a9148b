"""What the API is used for is counted by client, operation and outcome, and no more is kept of it; limits hold for
all processes together."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from appliance.api_clients import ApiRequest, ApiUsage, usage
from appliance.api_clients.usage import MOST_NAMES, read_usage
from appliance.health import Observations, Survey
from appliance.health.check_context import CheckContext
from appliance.health.figures import counted, exposition, kept_by_the_hour, labelled, measure_figures
from appliance.home import Home
from appliance.process_counts import files_of
from appliance.store.health import figures as store
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.api.conftest import program
from tests.api.programs import ERP, READER, Programs
from tests.api.test_tokens import GRANT, TOKEN, basic
from webui.portal.application import create_app
from webui.shared.rate_limits import PLACES, TOGETHER, RateLimits, SharedCounts

REQUESTS, REFUSALS = "vermilion_api_requests_total", "vermilion_api_refusals_total"


@pytest.fixture
def observations(tmp_path: Path) -> Iterator[Observations]:
    opened = Observations(tmp_path / "health/health.db")
    yield opened
    opened.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def counting(appliance: Appliance, home: Home) -> tuple[Flask, ApiUsage]:
    """A portal that counts in a home of its own."""
    counts = ApiUsage(home.pulses)
    return create_app(appliance, form_key=bytes(32), usage=counts), counts


def figures(home: Home, observations: Observations) -> dict[str, float]:
    """What the health monitor counts by now of the API."""
    with AuthorityClient(home.root / "nobody.sock") as nobody:
        found = counted(CheckContext(home, datetime.now(UTC), nobody), observations)
    return {name: count for name, count in found.items() if name.startswith("vermilion_api_")}


def test_each_client_has_its_requests_refusals_and_tokens(
    counting: tuple[Flask, ApiUsage], known: Programs, home: Home, observations: Observations
) -> None:
    portal, counts = counting
    anybody, reader = portal.test_client(), program(portal, known, READER)
    assert reader.get("/api/v1/contracts").status_code == 200
    assert reader.get("/api/v1/contracts/none").status_code == 404
    assert reader.post("/api/v1/contracts", json={}).status_code == 403
    assert anybody.get("/api/v1/contracts").status_code == 401
    assert anybody.get("/api/v1/client", headers={"Authorization": "Bearer client-x"}).status_code == 401
    assert anybody.post(TOKEN, data=GRANT, headers=basic(ERP, known.secrets[ERP])).status_code == 200
    assert anybody.post(TOKEN, data=GRANT, headers=basic(ERP, "wrong")).status_code == 401
    for each in ("client-ffffffffffffffff", 'x" 1\nmade_up{a="', "client-nobody"):
        assert anybody.post(TOKEN, data=GRANT, headers=basic(each, "wrong")).status_code == 401
    assert anybody.get("/api/v1/nowhere").status_code == 404
    counts.write(at_once=True)
    found = figures(home, observations)
    seconds = {name: found.pop(name) for name in list(found) if "seconds" in name}
    assert found == {
        labelled(REQUESTS, client=READER, operation="list_contracts", status="2xx"): 1,
        labelled(REQUESTS, client=READER, operation="get_contract", status="4xx"): 1,
        labelled(REQUESTS, client=READER, operation="draft_contract", status="4xx"): 1,
        labelled(REQUESTS, client="unknown", operation="list_contracts", status="4xx"): 1,
        labelled(REQUESTS, client="unknown", operation="client", status="4xx"): 1,
        labelled(REQUESTS, client=ERP, operation="token", status="2xx"): 1,
        labelled(REQUESTS, client=ERP, operation="token", status="4xx"): 1,
        labelled(REQUESTS, client="unknown", operation="token", status="4xx"): 3,
        labelled(REQUESTS, client="unknown", operation="none", status="4xx"): 1,
        labelled(REFUSALS, client=READER, reason="scope-missing"): 1,
        labelled(REFUSALS, client="unknown", reason="token-missing"): 1,
        labelled(REFUSALS, client="unknown", reason="token-refused"): 1,
        labelled(REFUSALS, client=ERP, reason="invalid_client"): 1,
        labelled(REFUSALS, client="unknown", reason="invalid_client"): 3,
        labelled("vermilion_api_tokens_total", client=ERP): 1,
    }
    assert all(0 < count < 60 for count in seconds.values()) and len(seconds) == 6
    text = exposition(Survey(figures=found | seconds))
    assert f'{REQUESTS}{{client="{ERP}",operation="token",status="2xx"}} 1.0' in text
    assert f"# TYPE {REQUESTS} counter" in text
    assert known.secrets[ERP] not in text and "made_up" not in text


def test_remote_signing_is_counted_too(
    counting: tuple[Flask, ApiUsage], home: Home, observations: Observations
) -> None:
    portal, counts = counting
    assert portal.test_client().post("/csc/v1/credentials/list", json={}).status_code == 401
    counts.write(at_once=True)
    assert figures(home, observations)[labelled(REFUSALS, client="unknown", reason="invalid_token")] == 1


def test_the_register_says_what_clients_are_called_and_how_long_they_rest(
    appliance: Appliance, known: Programs
) -> None:
    with AuthorityClient(appliance.settings.home.root / "nobody.sock") as nobody:
        context = CheckContext(appliance.settings.home, appliance.now(), nobody, opened=appliance.database)
        found = measure_figures(context)
    name = known.register.find(ERP).name
    assert found[labelled("vermilion_api_client_info", client=ERP, name=name)] == 1
    assert 0 <= found[labelled("vermilion_api_client_idle_seconds", client=READER)] < 3600
    refusals = {labelled(REFUSALS, client=ERP, reason=each): 0 for each in ("invalid_client", "too-many-requests")}
    hourly = kept_by_the_hour(found)
    assert refusals.items() <= hourly.items() and not any("api_client" in each for each in hourly)


def answered(number: int, client: str | None = ERP) -> ApiRequest:
    return ApiRequest(client, f"operation_{number}", 200, "", 0.25)


def test_processes_add_up_whatever_becomes_of_them(home: Home, observations: Observations) -> None:
    one, other = ApiUsage(home.pulses), ApiUsage(home.pulses)
    for counts in (one, other, one):
        counts.count(answered(1))
        counts.write(at_once=True)
    name = labelled(REQUESTS, client=ERP, operation="operation_1", status="2xx")
    for _ in range(2):
        found = figures(home, observations)
        assert (found[name], found['vermilion_api_request_seconds_total{operation="operation_1"}']) == (3, 0.75)
    for path in home.pulses.iterdir():
        os.utime(path, (0, time.time() - 2 * 86400))
    assert figures(home, observations)[name] == 3 and list(home.pulses.iterdir()) == []
    figures(home, observations)
    with observations.reading() as tx:
        assert tx.count("SELECT count(*) FROM counts_told") == 0, "nothing is kept of processes that are gone"
    one.count(answered(1))
    one.write(at_once=True)
    assert figures(home, observations)[name] == 4


def test_a_process_writes_once_a_second(home: Home) -> None:
    counts = ApiUsage(home.pulses)
    counts.count(answered(1))
    counts.write()
    assert files_of(usage.PREFIX, home.pulses) == []
    counts._written -= 1.0
    counts.write()
    assert len(files_of(usage.PREFIX, home.pulses)) == 1


def test_there_are_so_many_names_and_no_more(home: Home, observations: Observations) -> None:
    counts = ApiUsage(home.pulses)
    for number in range(MOST_NAMES):
        counts.count(answered(number))
    counts.write(at_once=True)
    found = figures(home, observations)
    assert len(found) <= MOST_NAMES + 2
    others = labelled(REQUESTS, client="others", operation="others", status="2xx")
    requests = {name: count for name, count in found.items() if name.startswith(REQUESTS)}
    assert sum(requests.values()) == MOST_NAMES and requests[others] == MOST_NAMES // 2


def test_names_that_are_none_of_ours_are_left_out(home: Home) -> None:
    home.pulses.mkdir(parents=True)
    told = {'requests client-x" a 2xx': 1, "requests unknown token 2xx": 2, "passwords": 3, "microseconds a": -1}
    (home.pulses / "api-1-a").write_text(json.dumps(told))
    [(_, counts)] = read_usage(home.pulses, files_of(usage.PREFIX, home.pulses))
    assert counts == {"requests unknown token 2xx": 2}


def test_invented_names_do_not_fill_the_disk(observations: Observations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_NAMES", 10)
    with observations.database().transaction() as tx:
        store.add_counts(tx, "api-1-a", {f"n{number}": 1 for number in range(50)})
        store.add_counts(tx, "api-1-a", {f"n{number}": 2 for number in range(50)})
        assert store.count_sums(tx) == {f"n{number}": 2 for number in range(10)}


def test_processes_that_fork_keep_to_one_limit_together() -> None:
    counts = SharedCounts()
    reader, writer = os.pipe()
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            limits = RateLimits(250, counts=counts)
            taken = sum(not limits.count("client one").spent for _ in range(100))
            os.write(writer, taken.to_bytes(2))
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children] == [0] * 4
    told = os.read(reader, 8)
    os.close(reader)
    os.close(writer)
    assert sum(int.from_bytes(told[at : at + 2]) for at in range(0, 8, 2)) == 250
    assert RateLimits(250, counts=counts).count("client one").spent
    assert not RateLimits(250, counts=counts).count("client two").spent


def test_a_process_that_is_killed_holds_up_nobody() -> None:
    counts = SharedCounts()
    child = os.fork()
    if child == 0:
        with counts._alone():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert not RateLimits(1, counts=counts).count("one").spent


def test_with_more_than_there_are_places_for_the_oldest_minutes_go() -> None:
    now, counts = [0.0], SharedCounts()
    limits = RateLimits(1, lambda: now[0], counts)
    for number in range(PLACES):
        now[0] += 0.001
        limits.count(str(number))
    newest = range(PLACES - TOGETHER // 2, PLACES)
    assert all(limits.count(str(number)).spent for number in newest)
