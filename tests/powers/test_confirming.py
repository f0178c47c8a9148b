"""Officers confirm powers at the authority: what they are shown is what counts, and what came first decides."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from importlib import resources

import pysqlite3
import pytest

from appliance.demonstration.participants import CUSTODIAN, LI, OFFICER, ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Money
from appliance.model.office import OfficerDecision, OfficerDecisionState
from appliance.model.powers import Power, PowerScope, PowerState
from appliance.powers.coverage import CoverageOutcome, decide_coverage
from appliance.wiring import Appliance
from hsm.schema import apply_script
from tests.powers import samples
from tests.powers.conftest import BROKER, LETTER, Office
from tests.world import World, confirm_by, confirm_power, know_officer


def prepared(appliance: Appliance, power: Power) -> OfficerDecision:
    know_officer(appliance)
    return appliance.office.drafts.powers.draft_confirmation(power.id, by=OFFICER)


def activated(appliance: Appliance, act: OfficerDecision) -> None:
    confirm_by(appliance, OFFICER, appliance.office.decisions.to_activate(act))


def test_what_was_confirmed_is_kept_with_the_power(office: Office, appliance: Appliance) -> None:
    scope = PowerScope(kinds=("采购合同",), limit=Money(100, "CNY"))
    power = confirm_power(appliance, office.registered(scope=scope).id)
    stated = appliance.powers.stated(power)
    assert stated is not None and power.confirmed is not None and power.confirmed.statement is not None
    said = json.loads(stated.statement)
    assert (said["power"]["id"], said["power"]["letter"]) == (power.id, power.document)
    assert (said["power"]["kinds"], said["power"]["limit"]) == (["采购合同"], 100)
    assert said["agent_name"] == ZHANG.name
    with appliance.database.reading() as tx:
        leaf = tx.execute("SELECT leaf FROM ledger WHERE number = ?", (power.entries[-1],)).fetchone()[0]
    public = json.loads(leaf)["public"]
    assert (public["statement"], public["actor"]) == (power.confirmed.statement, OFFICER)


def test_nothing_counts_before_the_officer_has_confirmed_it(office: Office, appliance: Appliance) -> None:
    act = prepared(appliance, office.registered())
    with pytest.raises(StateRefused, match="was not confirmed"):
        appliance.office.decisions.perform_decision(act.id, by=OFFICER)
    assert appliance.powers.get(act.subject).state is PowerState.REGISTERED


def test_revoked_or_refused_meanwhile(office: Office, appliance: Appliance) -> None:
    decisions = appliance.office.decisions
    for end in (appliance.powers.revoke, appliance.powers.refuse):
        act = prepared(appliance, office.registered())
        activated(appliance, act)
        end(act.subject, reason="不再授权", by=LI.subject)
        with pytest.raises(StateRefused, match="has been decided on already"):
            decisions.open_decision(act.id)
        with pytest.raises(StateRefused, match="has been decided on already"):
            decisions.perform_decision(act.id, by=OFFICER)


def test_an_act_about_another_entry_is_refused(office: Office, appliance: Appliance) -> None:
    """No program of ours changes a power; whoever writes the database could."""
    act = prepared(appliance, office.registered())
    activated(appliance, act)
    with appliance.database.transaction() as tx:
        trigger = tx.execute("SELECT sql FROM sqlite_schema WHERE name = 'powers_say_the_same'").fetchone()[0]
        tx.execute("DROP TRIGGER powers_say_the_same")
        tx.execute("UPDATE powers SET amount = 1, currency = 'CNY' WHERE id = ?", (act.subject,))
        tx.execute(trigger)
    with pytest.raises(StateRefused, match="has changed since it was shown"):
        appliance.office.decisions.perform_decision(act.id, by=OFFICER)


def test_after_its_time_it_is_prepared_again(office: Office, appliance: Appliance, world: World) -> None:
    act = prepared(appliance, office.registered())
    with world.opened(ahead=timedelta(minutes=16)) as later, pytest.raises(StateRefused, match="has run out"):
        later.office.decisions.perform_decision(act.id, by=OFFICER)
    assert appliance.powers.get(act.subject).state is PowerState.REGISTERED
    assert confirm_power(appliance, act.subject).state is PowerState.VERIFIED


def test_a_confirmation_survives_the_death_of_the_portal(office: Office, appliance: Appliance) -> None:
    """The authority has stated it, and we died before we kept that."""
    act = prepared(appliance, office.registered())
    activated(appliance, act)
    appliance.authority.confirm_power(appliance.office.decisions.to_activate(act))
    done = appliance.office.decisions.perform_decision(act.id, by=OFFICER)
    assert done.state is OfficerDecisionState.DONE
    assert appliance.powers.get(act.subject).state is PowerState.VERIFIED


def test_an_agent_who_cannot_sign_yet_is_enrolled_first(office: Office, appliance: Appliance) -> None:
    power = appliance.powers.register(office.draft(agent=BROKER.subject), LETTER, by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match=f"{BROKER.name} is not enrolled yet"):
        prepared(appliance, power)
    appliance.powers.revoke(power.id, reason="示例", by=CUSTODIAN.subject)


def test_who_registered_it_is_somebody_whom_officers_have_enrolled(office: Office, appliance: Appliance) -> None:
    power = appliance.powers.register(office.draft(), LETTER, by=BROKER.subject)
    with pytest.raises(PreconditionRefused, match=f"{BROKER.name}, who registered this power of attorney"):
        prepared(appliance, power)
    appliance.powers.revoke(power.id, reason="示例", by=CUSTODIAN.subject)


def test_the_database_verifies_nothing_without_a_statement(office: Office, appliance: Appliance) -> None:
    power = office.registered()
    know_officer(appliance)
    update = "UPDATE powers SET verified_by = ?, verified = '2026-01-01T00:00:00Z' WHERE id = ?"
    insert = "INSERT INTO power_confirmations (power) VALUES (?)"
    for change, values in ((update, (OFFICER, power.id)), (insert, (power.id,))):
        with pytest.raises(pysqlite3.IntegrityError), appliance.database.transaction() as tx:
            tx.execute(change, values)


def test_what_was_verified_without_a_confirmation_covers_nothing() -> None:
    found = decide_coverage(samples.matter(), [samples.power(confirmed=None)])
    assert found.outcome is CoverageOutcome.REFUSED
    assert "without an officer's confirmation" in str(found.words)


def test_powers_from_before_the_upgrade_go_on_counting() -> None:
    """Those that were verified, and no others; none is added later."""
    folder = resources.files("appliance.store").joinpath("migrations")
    scripts = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".sql")}
    insert = (
        "INSERT INTO powers (id, basis, grantor, principal, agent, kinds, counterparties, seals, since, until,"
        " replaces, document, size, registered_by, registered, verified_by, verified)"
        " VALUES (?, 'letter', 'x', 'y', 'person-a', '[]', '[]', '[]', '2026', '2027', 0, ?, 1,"
        " 'person-b', '2026-01-01T00:00:00Z', ?, ?)"
    )
    with closing(pysqlite3.connect(":memory:", isolation_level=None)) as store:
        for name in sorted(scripts):
            if name.startswith("0041"):
                for power, by in (("power-1", "person-c"), ("power-2", None)):
                    store.execute(insert, (power, "0" * 64, by, by and "2026-01-01T00:00:00Z"))
            apply_script(store, scripts[name])
        assert store.execute("SELECT power, statement FROM power_confirmations").fetchall() == [("power-1", None)]
        with pytest.raises(pysqlite3.IntegrityError):
            store.execute("INSERT INTO power_confirmations (power) VALUES ('power-2')")
