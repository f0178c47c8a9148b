"""Powers of attorney at the authority: what officers confirm it states, once, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm import canonical, cms
from hsm.authenticator import SoftwareAuthenticator
from hsm.certificates import is_evidence_service
from hsm.errors import BadRequest, CertificateRefused, NotPermitted, UnknownKey
from hsm.intents import OfficerIntent
from hsm.operation_types import SignedStatement
from hsm.schema import apply_script
from tests.authority import OFFICER, ORGANISATION, RunningAuthority, running_authority
from tests.powers_of_attorney import details

AGENT, REGISTRAR = "person-empowered", "person-zhao"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as own:
        for subject in (AGENT, REGISTRAR):
            own.enrol_person(subject)
        yield own


def act_of(authority: RunningAuthority, **changes: Any) -> OfficerIntent:
    given = {"subject": f"power-{next(_numbers):012x}", "agent": AGENT, **changes}
    return authority.officer_act("confirm_power", **details(**given))


def confirmed(authority: RunningAuthority, act: OfficerIntent) -> SignedStatement:
    return authority.officer_does(authority.client("web").confirm_power, act)


def test_the_statement_says_what_the_officer_activated(authority: RunningAuthority) -> None:
    act = act_of(authority)
    made = confirmed(authority, act)
    said = canonical.decode(made.statement)
    power = said.pop("power")
    assert power.pop("id") == act.details["subject"]
    assert power == {name: value for name, value in act.details.items() if name != "subject"}
    assert (said["format"], said["act"]) == ("vermilion-power/1", act.challenge().hex())
    assert (said["agent_name"], said["agent_organisation"]) == ("张示例", ORGANISATION)
    assert [each["subject"] for each in said["confirmed_by"]] == [OFFICER]
    signer = cms.verify(cms.parse(made.cms), content=made.statement)
    assert is_evidence_service(signer)
    assert authority.client("web").power_statement(act.details["subject"]) == made


def test_without_a_limit_the_statement_has_none(authority: RunningAuthority) -> None:
    made = confirmed(authority, act_of(authority, limit=None, currency=None))
    power = canonical.decode(made.statement)["power"]
    assert (power["limit"], power["currency"]) == (None, None)


def test_a_power_is_confirmed_once(authority: RunningAuthority) -> None:
    act = act_of(authority)
    made = confirmed(authority, act)
    again = act_of(authority, subject=act.details["subject"], limit=None, currency=None)
    with pytest.raises(CertificateRefused, match="confirmed before"):
        confirmed(authority, again)
    assert authority.client("web").power_statement(act.details["subject"]) == made


BOUNDLESS: dict[str, Any] = {"kinds": [], "counterparties": [], "seals": [], "limit": None, "currency": None}


def test_a_legal_representative_has_no_bounds(authority: RunningAuthority) -> None:
    """Bounds that the page showed would not count: what the law gives has none."""
    act = act_of(authority, basis="legal-representative", **BOUNDLESS)
    said = canonical.decode(confirmed(authority, act).statement)
    assert said["power"]["basis"] == "legal-representative" and said["power"]["limit"] is None


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "contract-1"},
        {"agent": "officer-other"},
        {"agent": "seal-alpha"},
        {"basis": "word"},
        *(
            {"basis": "legal-representative", **BOUNDLESS, **bound}
            for bound in (
                {"kinds": ["采购合同"]},
                {"counterparties": ["乙公司"]},
                {"seals": ["seal-alpha"]},
                {"replaces": 1},
                {"limit": 0, "currency": "CNY"},
            )
        ),
        {"grantor": ""},
        {"grantor": "%PDF" + "x" * 300},
        {"grantor": "two\nlines"},
        {"principal": "\u3164"},
        {"letter": "0" * 63},
        {"letter": "A" * 64},
        {"kinds": "采购合同"},
        {"kinds": [""]},
        {"kinds": ["x"] * 51},
        {"kinds": [1]},
        {"counterparties": [["x"]]},
        {"seals": ["person-zhang"]},
        {"since": "2027-10-31T16:00:00Z"},
        {"since": "2026-11-01"},
        {"until": "2026-11-01T16:00:00+00:00"},
        {"replaces": 2},
        {"replaces": True},
        {"limit": -1},
        {"limit": "1"},
        {"limit": None},
        {"currency": None},
        {"currency": "yuan"},
        {"registered_by": "somebody"},
    ],
)
def test_nothing_of_a_callers_choice_is_signed(authority: RunningAuthority, changed: dict[str, Any]) -> None:
    act = act_of(authority, **changed)
    with pytest.raises(BadRequest):
        confirmed(authority, act)
    with pytest.raises(UnknownKey):
        authority.client("web").power_statement(str(act.details["subject"]))


def test_an_agent_whom_nobody_enrolled_is_refused(authority: RunningAuthority) -> None:
    with pytest.raises(CertificateRefused, match="not enrolled yet"):
        confirmed(authority, act_of(authority, agent="person-nobody"))


def test_a_registrar_whom_nobody_enrolled_is_refused(authority: RunningAuthority) -> None:
    """A second account of an officer's would hide who registered the power that they confirm."""
    for nobody in ("person-nobody", "officer-nobody"):
        act = act_of(authority, registered_by=nobody)
        with pytest.raises(CertificateRefused, match=f"{nobody}, who registered this power of attorney"):
            confirmed(authority, act)
        with pytest.raises(UnknownKey):
            authority.client("web").power_statement(act.details["subject"])


def test_an_officer_confirms_no_power_of_the_own(authority: RunningAuthority) -> None:
    """Officers who sign have a second subject: by the same name in the same organisation they are known. And who
    registered a power does not confirm it."""
    confirm = authority.client("web").confirm_power
    name = authority.client("activation").known_subject(OFFICER).name
    enrolled_as(authority, "person-own", name)
    for changed, said in (
        ({"agent": "person-own"}, "is for"),
        ({"registered_by": OFFICER}, "has registered"),
        ({"registered_by": "person-own"}, "has registered"),
    ):
        act = act_of(authority, **changed)
        assert said in authority.refuses(confirm, act, authority.officer.activate(OFFICER, act))
    for number, alike in enumerate((f"{name}\ufe00", f"{name[0]} {name[1:]}")):
        enrolled_as(authority, f"person-own-{number}", alike)
        act = act_of(authority, agent=f"person-own-{number}")
        assert "is for" in authority.refuses(confirm, act, authority.officer.activate(OFFICER, act)), alike
    enrolled_as(authority, "person-guest-namesake", name, organisation="乙公司示例有限公司")
    assert confirmed(authority, act_of(authority, agent="person-guest-namesake"))


def enrolled_as(authority: RunningAuthority, subject: str, name: str, *, organisation: str = ORGANISATION) -> None:
    device = SoftwareAuthenticator.create("localhost", authority.officer.origin)
    named = {"subject": subject, "name": name, "organisation": organisation}
    act = authority.officer_act("enrol_person", **named, credentials=[authority.register(subject, device)])
    authority.officer_does(authority.client("operator").enrol_person, act)


def test_people_confirm_nothing(authority: RunningAuthority) -> None:
    act, web = act_of(authority), authority.client("web")
    device = authority.enrol_person("person-curious")
    assert "Only officers" in authority.refuses(web.confirm_power, act, device.activate("person-curious", act))
    for role in ("tsa", "scheduler", "console", "activation"):
        with pytest.raises(NotPermitted):
            authority.client(role).confirm_power(act)


def test_statements_begin_where_the_log_ended_when_they_came() -> None:
    """A new store demands them from the first entry on; one of the release before from its last checkpoint on."""
    folder = resources.files("hsm.store").joinpath("migrations")
    files = [each for each in folder.iterdir() if each.name.endswith(".sql")]
    scripts = sorted((each.name, each.read_text(encoding="utf-8")) for each in files)
    for sizes, expected in (((), 0), ((3, 41), 41)):
        with closing(sqlite.connect(":memory:", isolation_level=None)) as store:
            for name, script in scripts:
                if name.startswith("0011"):
                    for size in sizes:
                        store.execute("INSERT INTO checkpoints (size, root) VALUES (?, ?)", (size, bytes(32)))
                apply_script(store, script)
            assert store.execute("SELECT since FROM powers_stated").fetchall() == [(expected,)]
            with pytest.raises(sqlite.IntegrityError):
                store.execute("UPDATE powers_stated SET since = 99")
