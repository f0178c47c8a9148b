"""PIN custodians: an administrator asks, officers activate within a day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.administration.action import ActionContext
from appliance.administration.actions import REGISTRY
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import AdministratorRole
from appliance.model.office import NewPinCustodian, OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.office import Office, describe_decision
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from hsm.operation_types import Approvals
from tests.administration.conftest import opened_site
from tests.office.conftest import office_with, perform
from tests.office.test_service_keys import ADMINISTRATOR

CONSOLE = "http://localhost:8082"


def test_a_keeper_is_made_by_officers(appliance: Appliance, office: Office) -> None:
    device = SoftwareAuthenticator.create("localhost", CONSOLE)
    passkey = (device.credential_id, bytes.fromhex(device.credential()["public_key"]))
    custodian = NewPinCustodian("keeper-sun.wei", "孙示例", (passkey,), "localhost")
    services = office.drafts.services
    organisation = appliance.authority.organisations()[0]

    act = services.draft_pin_custodian(custodian, organisation=organisation, by=ADMINISTRATOR)
    assert act.expires - act.prepared == timedelta(hours=24)
    assert "孙示例" in str(describe_decision(act, {})) and "two keepers" in str(describe_decision(act, {}))
    assert appliance.authority.credentials(custodian.subject) == []

    done = perform(appliance, act)
    assert done.state is OfficerDecisionState.DONE
    [known] = appliance.authority.credentials(custodian.subject)
    assert known.credential_id == device.credential_id
    with pytest.raises(StateRefused, match="already"):
        services.draft_pin_custodian(custodian, organisation=organisation, by=ADMINISTRATOR)


def test_who_is_ended_while_an_officer_activates_does_not_become_a_keeper(
    appliance: Appliance, office: Office
) -> None:
    """The act is refused after the officer's yes has gone to the authority, and before the authority did it."""
    device = SoftwareAuthenticator.create("localhost", CONSOLE)
    custodian = NewPinCustodian(
        "keeper-wu.hou",
        "吴示例",
        ((device.credential_id, bytes.fromhex(device.credential()["public_key"])),),
        "localhost",
    )
    organisation = appliance.authority.organisations()[0]
    act = office.drafts.services.draft_pin_custodian(custodian, organisation=organisation, by=ADMINISTRATOR)

    class Interrupted:
        def __getattr__(self, name: str) -> Any:
            return getattr(appliance.authority, name)

        def approvals(self, asked: OfficerIntent) -> Approvals:
            given = appliance.authority.approvals(asked)
            office.decisions.refuse_decision(act.id, reason="已撤销", by=ADMINISTRATOR)
            return given

    interrupted = office_with(appliance, Interrupted())  # type: ignore[arg-type]
    with pytest.raises(StateRefused):
        perform(appliance, act, interrupted)
    assert appliance.authority.credentials(custodian.subject) == []


def test_a_keeper_who_lost_a_passkey_gets_others_in_its_place(appliance: Appliance, office: Office) -> None:
    services, organisation = office.drafts.services, appliance.authority.organisations()[0]
    lost, kept, new = (SoftwareAuthenticator.create("localhost", CONSOLE) for _ in range(3))

    def made(*devices: SoftwareAuthenticator) -> OfficerDecision:
        passkeys = [(each.credential_id, bytes.fromhex(each.credential()["public_key"])) for each in devices]
        custodian = NewPinCustodian("keeper-qian", "钱示例", tuple(passkeys), "localhost")
        return services.draft_pin_custodian(custodian, organisation=organisation, by=ADMINISTRATOR)

    first = made(lost, kept)
    perform(appliance, first)

    again = made(kept, new)
    assert "with none from before" in str(describe_decision(again, {})) and "钱示例" in str(
        describe_decision(again, {})
    )
    assert perform(appliance, again).state is OfficerDecisionState.DONE

    known = {each.credential_id for each in appliance.authority.credentials("keeper-qian")}
    assert known == {kept.credential_id, new.credential_id}
    with pytest.raises(StateRefused, match="these very passkeys"):
        made(new, kept)


def test_who_prepares_it_is_the_scheduler(appliance: Appliance) -> None:
    """Which asks the authority through its own socket."""
    with AuthorityClient(appliance.settings.home.authority_socket("scheduler")) as authority:
        assert authority.credentials("keeper-nobody") == []


def test_who_is_to_keep_a_part_has_a_passkey_that_root_confirmed(appliance: Appliance, tmp_path: Path) -> None:
    """As the scheduler performs it: it reads what root confirmed, not what the console registered."""
    with opened_site(tmp_path) as site:
        site.set_up_with_key("sun", AdministratorRole.SYSTEM)
        site.set_up("zhou", AdministratorRole.SECURITY)
        site.set_up_with_key("wu", AdministratorRole.AUDITOR)
        parts = ActionContext(
            site.settings, site.administration.administrators, appliance.authority, appliance.now, appliance
        )
        action, by = REGISTRY["keys.keeper"], site.actor("sun")

        outcome = action.perform(parts, {"login": "sun"}, by)

        assert outcome.values == {"hours": 24}
        waiting = [
            act
            for act in appliance.office.decisions.waiting_decisions()
            if act.kind is OfficerDecisionKind.ENROL_PIN_CUSTODIAN
        ]
        [credential] = waiting[-1].details["credentials"]
        assert credential["credential_id"] == site.devices["sun"].inside.credential_id.hex()
        assert waiting[-1].subject == "keeper-sun"
        for login, why in (("zhou", "no passkey that root"), ("wu", "Auditors keep")):
            with pytest.raises((StateRefused, PreconditionRefused), match=why):
                action.perform(parts, {"login": login}, by)
