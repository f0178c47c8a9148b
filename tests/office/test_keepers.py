"""Keepers of the PIN: an administrator asks, officers activate within a day; ended the same way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.errors import StateRefused
from appliance.model.office import ActState, NewKeeper
from appliance.office import Office, words_of
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from tests.office.conftest import by_officer
from tests.office.test_service_keys import ADMINISTRATOR

CONSOLE = "http://localhost:8082"


def test_a_keeper_is_made_by_officers_and_ended_by_them(appliance: Appliance, office: Office) -> None:
    device = SoftwareAuthenticator.create("localhost", CONSOLE)
    passkey = (device.credential_id, bytes.fromhex(device.credential()["public_key"]))
    keeper = NewKeeper("keeper-sun.wei", "孙示例", (passkey,), "localhost")
    services = office.preparing.services
    organisation = appliance.authority.organisations()[0]

    act = services.keeper(keeper, organisation=organisation, by=ADMINISTRATOR)
    assert act.expires - act.prepared == timedelta(hours=24)
    assert "孙示例" in str(words_of(act, {})) and "two keepers" in str(words_of(act, {}))
    assert appliance.authority.credentials(keeper.subject) == []

    done = office.performing.activate(act.id, by_officer(appliance, act))
    assert done.state is ActState.DONE
    [known] = appliance.authority.credentials(keeper.subject)
    assert known.credential_id == device.credential_id
    with pytest.raises(StateRefused, match="already"):
        services.keeper(keeper, organisation=organisation, by=ADMINISTRATOR)

    ending = services.keeper_end(keeper.subject, by=ADMINISTRATOR)
    assert str(words_of(ending, {})) == "From then on keeper-sun.wei unlocks the HSM no more."
    assert office.performing.activate(ending.id, by_officer(appliance, ending)).state is ActState.DONE
    assert appliance.authority.credentials(keeper.subject) == []
    with pytest.raises(StateRefused, match="no keeper"):
        services.keeper_end(keeper.subject, by=ADMINISTRATOR)
