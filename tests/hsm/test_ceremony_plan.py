"""Ceremony files and PINs: what is wrong in them is named before anything is done."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hsm.ceremony import CeremonyPins, CeremonyPlan, load
from hsm.ceremony.plan import PROFILES, parse
from hsm.certificates import Profile
from hsm.errors import ConfigurationRefused
from hsm.signer import SignatureAlgorithm
from tests.pure import ROOT

DEVELOPMENT = resources.files("hsm.ceremonies").joinpath("development.toml")


def tables() -> dict[str, Any]:
    return tomllib.loads(DEVELOPMENT.read_text(encoding="utf-8"))


def test_the_development_ceremony_is_a_good_plan() -> None:
    plan = parse(CeremonyPlan, tables(), bytes(32))
    assert plan.name == "development"
    assert plan.key(Profile.LOG).algorithm is SignatureAlgorithm.ED25519
    assert plan.tokens.root == "vermilion-root"
    assert [officer.subject for officer in plan.officers] == ["officer-wang"]
    assert plan.officers_required == 1, "as it says itself"


def test_the_installers_file_has_every_key() -> None:
    template = (ROOT / "provisioning/roles/hsm/templates/ceremony.toml.j2").read_text(encoding="utf-8")
    named = re.findall(r"\('(\w+)', '", template) + re.findall(r'^profile = "(\w+)"', template, re.M)
    assert sorted(named) == sorted(PROFILES)


def test_two_officers_decide_where_the_file_says_nothing() -> None:
    plan = tables()
    del plan["officers_required"]
    assert parse(CeremonyPlan, plan, bytes(32)).officers_required == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda plan: plan.update(surprise=1), "surprise"),
        (lambda plan: plan.pop("purpose"), "purpose"),
        (lambda plan: plan.update(country=86), "country"),
        (lambda plan: plan.update(keys=[]), "keys"),
        (lambda plan: plan.update(tokens="vermilion-root"), "tokens"),
        (lambda plan: plan["tokens"].update(reuse="yes"), "reuse"),
        (lambda plan: plan["keys"].pop(), "evidence"),
        (lambda plan: plan["keys"].append(plan["keys"][2]), "tsa"),
        (lambda plan: plan["keys"][2].update(subject="tsa-2"), "tsa"),
        (lambda plan: plan["keys"][2].update(profile="person"), "person"),
        (lambda plan: plan["keys"][2].update(algorithm="ECDSA_SHA1"), "ECDSA_SHA1"),
        (lambda plan: plan["keys"][3].update(algorithm="RSA_SHA256"), "log"),
        (lambda plan: plan["keys"][2].update(hands=[]), "tsa"),
        (lambda plan: plan["keys"][2].update(hands=["nobody"]), "tsa"),
        (lambda plan: plan["wrapping"].update(hands=["nobody"]), "wrapping"),
        (lambda plan: plan["wrapping"].update(subject="wrap"), "wrapping"),
        (lambda plan: plan["officers"][0].update(hands=["nobody"]), "officer-wang"),
        (lambda plan: plan["officers"][0].pop("credential"), "credential"),
        (lambda plan: plan["appointment"].update(codes=0), "appointment"),
        (lambda plan: plan["appointment"].update(hours=721), "appointment"),
        (lambda plan: plan["appointment"].update(hands=["nobody"]), "appointment"),
        (lambda plan: [plan.pop("officers"), plan.pop("appointment")], "officers"),
        (lambda plan: plan.update(officers_required=0), "from 1 to 4"),
        (lambda plan: plan.update(officers_required=5), "from 1 to 4"),
        (lambda plan: plan.update(officers_required=True), "officers_required"),
        (lambda plan: plan.update(officers_required=3), "has 2 first officers, but a decision takes 3"),
        (lambda plan: [plan.pop("officers_required"), plan.pop("officers")], "has 1 first officers"),
        (lambda plan: [plan.pop("officers_required"), plan.pop("appointment")], "has 1 first officers"),
    ],
)
def test_plans_that_are_refused(change: Any, named: str) -> None:
    plan = tables()
    change(plan)
    with pytest.raises(ConfigurationRefused, match=named):
        parse(CeremonyPlan, plan, bytes(32))


def test_files_that_are_no_plan(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="cannot be read"):
        load(CeremonyPlan, tmp_path / "absent.toml")
    (tmp_path / "plan.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(ConfigurationRefused, match="cannot be read"):
        load(CeremonyPlan, tmp_path / "plan.toml")


def write_pin(path: Path, pin: str, *, mode: int = 0o600) -> None:
    path.write_text(f"{pin}\n", encoding="utf-8")
    path.chmod(mode)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    write_pin(tmp_path / "so.pin", "123456")
    write_pin(tmp_path / "user.pin", "234567")
    return tmp_path


def test_a_root_pin_in_parts(secrets: Path) -> None:
    write_pin(secrets / "root.pin.2", "bbbb")
    write_pin(secrets / "root.pin.1", "aaaa")
    pins = CeremonyPins.read(secrets)
    assert (pins.root.pin, pins.root.parts) == ("aaaabbbb", 2)
    assert "aaaa" not in repr(pins)
    assert "123456" not in repr(pins)


def test_pins_that_are_refused(secrets: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="cannot be read"):
        CeremonyPins.read(secrets)
    write_pin(secrets / "root.pin", "123")
    with pytest.raises(ConfigurationRefused, match="less than 6"):
        CeremonyPins.read(secrets)
    write_pin(secrets / "root.pin", "345678", mode=0o640)
    with pytest.raises(ConfigurationRefused, match="read by others"):
        CeremonyPins.read(secrets)


def test_codes_can_stand_for_the_first_officers() -> None:
    plan = tables()
    del plan["officers"]

    parsed = parse(CeremonyPlan, plan, bytes(32))
    assert parsed.officers == ()
    assert parsed.appointment is not None
