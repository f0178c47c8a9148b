"""Many who would be gone at once wait for two administrators; answers stay true to what the client has set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.api_clients import ApiClients
from appliance.config import DirectorySettings
from appliance.demonstration.participants import ALPHA
from appliance.model.accounts import AccountState
from appliance.model.api_clients import Scope
from appliance.model.directories import HeldKind
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.api.programs import Programs
from tests.scim.pushing import IDP, Pusher, require_refused
from tests.scim.test_accounts import stored, subject_of
from tests.world import World, shared_world, with_parts
from webui.portal.application import create_app


@pytest.fixture
def appliance() -> Iterator[Appliance]:
    with shared_world() as world:
        directory = DirectorySettings(most_removed=3, most_removed_percent=50)
        with World(world.home, replace(world.settings, directory=directory)).opened() as appliance:
            yield with_parts(appliance, api_clients=ApiClients(appliance.database, appliance.now, house=ALPHA))


def test_many_who_are_taken_away_wait(appliance: Appliance) -> None:
    known = Programs(appliance.api_clients)
    known.add(IDP, scopes=frozenset({Scope.DIRECTORY_WRITE}))
    portal = create_app(appliance, form_key=bytes(range(32)))
    idp = Pusher(portal.test_client(), f"Bearer {known.token(IDP)}")
    made = [idp.person() for _ in range(12)]
    disable = {"op": "Replace", "path": "active", "value": "False"}
    for each in made[:6]:
        answer = idp.patch(f"/Users/{each['id']}", disable)
        assert answer.status_code == 200 and answer.json["active"] is False
        assert idp.found(f"/Users/{each['id']}")["active"] is False
    for each in made[6:9]:
        assert idp.send("DELETE", f"/Users/{each['id']}").status_code == 204
        require_refused(idp.get(f"/Users/{each['id']}"), 404)

    def suspended() -> int:
        states = [appliance.database.query(accounts.account, subject_of(appliance, each)).state for each in made]
        return states.count(AccountState.SUSPENDED)

    [held] = appliance.directory_accounts.report().held
    assert (suspended(), held.kind, held.count) == (3, HeldKind.REMOVAL, 6)
    back = {"op": "Replace", "path": "active", "value": True}
    idp.patch(f"/Users/{made[5]['id']}", back)
    assert stored(appliance, made[5]).held is None, "who is there again waits for nothing"
    [held] = appliance.directory_accounts.report().held
    appliance.directory_accounts.release(HeldKind.REMOVAL, count=5, digest=held.digest, by="one, two")
    assert suspended() == 8 and appliance.directory_accounts.report().held == ()
