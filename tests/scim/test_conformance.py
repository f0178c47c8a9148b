"""What scim2-tester, which knows RFC 7643 and RFC 7644, says of the server, over HTTP."""

from __future__ import annotations

from collections import Counter

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


def counted(provisioning: Provisioning) -> list[int]:
    return [provisioning.page(kind, skip=0, limit=1)[0] for kind in ResourceKind]


@pytest.fixture(scope="module")
def results(portal: Flask, known: Programs, provisioning: Provisioning) -> list[CheckResult]:
    before = counted(provisioning)
    with served(portal) as address:
        headers = {"Authorization": f"Bearer {IDP}.{known.secrets[IDP]}"}
        with Client(base_url=f"{address}/scim/v2", headers=headers) as client:
            found = check_server(SyncSCIMClient(client))
    assert counted(provisioning) == before, "what was made is removed"
    return found


def test_every_check_passes(results: list[CheckResult]) -> None:
    bad = (Status.ERROR, Status.CRITICAL, Status.DEVIATION)
    assert [each for each in results if each.status in bad] == []


def test_nothing_is_left_out(results: list[CheckResult]) -> None:
    found = Counter(each.status for each in results)
    skipped = [(each.title, each.resource_type, each.reason) for each in results if each.status is Status.SKIPPED]
    assert skipped == []
    assert found[Status.SUCCESS] >= 135, found
    assert {each.resource_type for each in results} == {None, "User", "Group"}
