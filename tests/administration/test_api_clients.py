"""Actions on API clients: what is asked for is what is made; what does not fit is refused, and nothing is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from appliance.administration.action import ActionContext
from appliance.administration.actions import find_action
from appliance.api_clients import ApiClients, new_secret, secret_digest
from appliance.errors import ClientRefused, NotFound, PreconditionRefused, StateRefused
from appliance.model.administration import ROOT, Actor, AdministratorRole
from appliance.model.api_clients import ClientState, Scope
from appliance.store.database import Database
from appliance.wiring import Appliance
from tests.administration.conftest import Site, opened_site

SHI = Actor("shi", AdministratorRole.SECURITY)
ALPHA, BETA = "Alpha Sample Co., Ltd", "甲公司示例有限公司"
DIGEST = secret_digest("示例").hex()
GIVEN = {"name": "ERP", "scopes": "contracts:read log:read", "organisations": ALPHA, "secret_digest": DIGEST}


@dataclass(frozen=True, slots=True)
class OnlyClients:
    """What these actions use of the appliance."""

    api_clients: ApiClients


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Performs actions as the scheduler does."""

    parts: ActionContext
    clients: ApiClients

    def perform(self, name: str, given: Mapping[str, str], by: Actor = ROOT) -> str:
        action = find_action(name)
        outcome = action.perform(self.parts, action.checked(given), by)
        return outcome.template.format(**outcome.values)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with opened_site(tmp_path) as site:
        yield site


@pytest.fixture
def scheduler(site: Site) -> Iterator[Scheduler]:
    database = Database(site.settings.home.database)
    clients = ApiClients(database, lambda: site.at, house=ALPHA)
    parts = site.administration.executor._parts
    opened = cast("Appliance", OnlyClients(clients))
    yield Scheduler(replace(parts, opened=opened), clients)
    database.close()


def test_a_client_is_made_as_it_was_asked_for(site: Site, scheduler: Scheduler) -> None:
    given = {**GIVEN, "kinds": "采购；租赁; ", "client": "client-0123456789abcdef"}
    said = scheduler.perform("api.create_client", given, SHI)
    assert said == "ERP can use the API, as client-0123456789abcdef."
    made = scheduler.clients.with_secret("client-0123456789abcdef", "示例")
    assert made.organisations == {ALPHA} and made.kinds == {"采购", "租赁"}
    assert made.scopes == {Scope.CONTRACTS_READ, Scope.LOG_READ}
    assert site.logged()[-1]["actor"] == "administrator-shi"


def test_the_sentence_names_scopes_organisations_and_types() -> None:
    action = find_action("api.create_client")
    effect = action.effect_in_english(action.checked({**GIVEN, "kinds": "采购"}))
    assert all(f"“{each}”" in effect for each in ("contracts:read log:read", ALPHA, "采购", DIGEST))
    assert action.persons == 2


def test_a_certificate_is_registered_and_changed_as_it_is_approved(site: Site, scheduler: Scheduler) -> None:
    colons = ":".join(["A1"] * 32)
    given = {name: value for name, value in GIVEN.items() if name != "secret_digest"}
    given |= {"certificate": colons, "certificate_expires": "2027-11-26T08:00+08:00"}
    action = find_action("api.create_client")
    effect = action.effect_in_english(action.checked(given))
    assert colons in effect and "“2027-11-26T00:00:00Z” at most" in effect
    scheduler.perform("api.create_client", given)
    [made] = scheduler.clients.list_clients()
    assert scheduler.clients.with_certificate(made.id, "a1" * 32) == made
    assert made.certificate_expires == datetime(2027, 11, 26, tzinfo=UTC)
    after = {"client": made.id, "certificate": "b2" * 32, "certificate_expires": "2028-11-26T00:00Z"}
    assert scheduler.perform("api.change_certificate", after) == "ERP has a new certificate."
    assert scheduler.clients.with_certificate(made.id, "b2" * 32).certificate == "b2" * 32
    with pytest.raises(ClientRefused):
        scheduler.clients.with_certificate(made.id, "a1" * 32)
    assert find_action("api.change_certificate").persons == 2


def test_without_an_id_a_new_one_is_made(scheduler: Scheduler) -> None:
    scheduler.perform("api.create_client", GIVEN)
    [made] = scheduler.clients.list_clients()
    assert made.kinds == frozenset()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scopes": "contracts:sign"}, "no scope"),
        ({"organisations": BETA}, "no organisation"),
        ({"secret_digest": "none"}, "64 hexadecimal"),
        ({"certificate": "a1" * 32}, "one of these"),
        ({"keys": "{}"}, "one of these"),
        ({"secret_digest": "", "certificate": "a1" * 32}, "with the moment"),
        ({"client": "client-1"}, "16 hexadecimal"),
    ],
)
def test_what_does_not_fit_is_refused(scheduler: Scheduler, changed: Mapping[str, str], said: str) -> None:
    with pytest.raises(PreconditionRefused, match=said):
        scheduler.perform("api.create_client", {**GIVEN, **changed})
    assert scheduler.clients.list_clients() == []


def test_one_suspends_and_two_resume(scheduler: Scheduler) -> None:
    scheduler.perform("api.create_client", GIVEN)
    [made] = scheduler.clients.list_clients()
    scheduler.perform("api.suspend_client", {"client": made.id})
    assert scheduler.clients.find(made.id).state is ClientState.SUSPENDED
    with pytest.raises(StateRefused, match="already"):
        scheduler.perform("api.suspend_client", {"client": made.id})
    scheduler.perform("api.resume_client", {"client": made.id})
    assert scheduler.clients.find(made.id).state is ClientState.ACTIVE
    persons = {name: find_action(f"api.{name}").persons for name in ("suspend_client", "resume_client")}
    assert persons == {"suspend_client": 1, "resume_client": 2}
    with pytest.raises(NotFound):
        scheduler.perform("api.suspend_client", {"client": "client-0000000000000000"})


def test_a_new_secret_may_overlap(site: Site, scheduler: Scheduler) -> None:
    scheduler.perform("api.create_client", GIVEN)
    [made] = scheduler.clients.list_clients()
    after = new_secret()
    given = {"client": made.id, "secret_digest": secret_digest(after).hex()}
    scheduler.perform("api.rotate_secret", {**given, "old_until": "2026-11-26T00:00+00:00"})
    assert scheduler.clients.with_secret(made.id, "示例") == scheduler.clients.with_secret(made.id, after)
    site.later(hours=16)
    with pytest.raises(ClientRefused):
        scheduler.clients.with_secret(made.id, "示例")
