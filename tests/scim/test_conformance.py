"""What scim2-tester, which knows RFC 7643 and RFC 7644, says of the server, over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from appliance.directories.provisioning import Provisioning
from appliance.model.provisioning import ResourceKind
from tests.api.programs import Programs
from tests.remote_signing.served import served
from tests.scim.pushing import IDP

pytestmark = pytest.mark.processes


def counts(provisioning: Provisioning) -> list[int]:
    return [provisioning.page(kind, skip=0, limit=1)[0] for kind in ResourceKind]


@pytest.fixture(scope="module")
def before(provisioning: Provisioning) -> list[int]:
    """What other tests have left."""
    return counts(provisioning)


@pytest.fixture(scope="module")
def results(portal: Flask, known: Programs, before: list[int]) -> Iterator[list[CheckResult]]:
    with served(portal) as address:
        headers = {"Authorization": f"Bearer {IDP}.{known.secrets[IDP]}"}
        with Client(base_url=f"{address}/scim/v2", headers=headers) as client:
            yield check_server(SyncSCIMClient(client))


def test_every_check_passes(results: list[CheckResult]) -> None:
    bad = (Status.ERROR, Status.CRITICAL, Status.DEVIATION)
    assert [each for each in results if each.status in bad] == []


def test_nothing_is_left_out(results: list[CheckResult]) -> None:
    counted = Counter(each.status for each in results)
    skipped = [(each.title, each.resource_type, each.reason) for each in results if each.status is Status.SKIPPED]
    assert skipped == []
    assert counted[Status.SUCCESS] >= 135, counted
    assert {each.resource_type for each in results} == {None, "User", "Group"}


def test_what_it_made_it_has_removed(
    results: list[CheckResult], provisioning: Provisioning, before: list[int]
) -> None:
    assert counts(provisioning) == before
