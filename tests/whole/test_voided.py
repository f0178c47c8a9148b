"""A contract from its signatures to its voiding: nobody is told to act who need not, and its evidence says that
it is void."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts import endings
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, ZHANG, ZONE
from appliance.evidence import container
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from appliance.model.contract import Contract, ContractState, Deadline
from appliance.model.intent import SigningOrigin
from appliance.model.people import Person
from appliance.wiring import Appliance
from hsm import canonical
from tests.evidence.unpacked import ENVIRONMENT, unpack
from tests.portal.conftest import portal_of
from tests.portal.visitors import signed_in
from tests.sweeps import first_of
from tests.world import World, confirm, sample_document, sequenced, shared_world

HERE = SigningOrigin("192.0.2.7")
BOTH = (ZHANG, LI)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened, sequenced(opened, world):
        yield opened


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def sent(appliance: Appliance) -> Contract:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("设备采购合同", "采购", "示例", ZHANG.subject, deadline)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for person in BOTH:
        appliance.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def sign(appliance: Appliance, contract: Contract, person: Person) -> Contract:
    party = next(each for each in contract.parties if each.subject == person.subject)
    opened = appliance.signing.open(contract.id, party.id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def declare(appliance: Appliance, contract: Contract, person: Person) -> Contract:
    declaration = appliance.voiding.prepare(contract.id, by=person.subject)
    confirm(appliance, declaration.intent)
    return appliance.voiding.declare(contract.id, declaration.id)


def asks(appliance: Appliance, person: Person) -> list[str]:
    """The titles in the person's list of notices that ask for something."""
    entries = appliance.reminders.inbox.list_entries(person.subject, Language.ENGLISH)
    return [each.title for each in entries if "your signature" in each.title or "asked for" in each.title]


def completed(appliance: Appliance) -> Contract:
    contract = sent(appliance)
    for person in BOTH:
        contract = sign(appliance, contract, person)
    return appliance.finalisation.finalise(contract.id)


@pytest.fixture(scope="module")
def voided(appliance: Appliance) -> Contract:
    """What is asked of each is in the list of notices, and counted, until it is done and no longer."""
    contract = sent(appliance)
    told = []
    for person in BOTH:
        told.append(asks(appliance, person))
        contract = sign(appliance, contract, person)
        assert not asks(appliance, person), person
    contract = appliance.finalisation.finalise(contract.id)
    before = [appliance.reminders.inbox.count_unseen(person.subject) for person in BOTH]
    contract = appliance.voiding.propose(contract.id, reason="双方协商一致", by=ZHANG.subject)
    told.append(asks(appliance, LI))
    assert appliance.reminders.inbox.count_unseen(LI.subject) == before[1] + 1
    for person in BOTH:
        contract = declare(appliance, contract, person)
        assert not asks(appliance, person), person
    assert all(told[1:]), "what is asked has to be told first"
    return contract


@pytest.mark.parametrize("person", first_of(BOTH), ids=["initiator", "other side"])
def test_its_page_offers_a_package_that_says_so(
    voided: Contract, appliance: Appliance, portal: Flask, person: Person, tmp_path: Path
) -> None:
    assert voided.state is ContractState.VOIDED
    client: FlaskClient = signed_in(portal, appliance, person.subject)
    assert f"/contracts/{voided.id}/evidence.zip" in client.get(f"/contracts/{voided.id}").text
    answer = client.get(f"/contracts/{voided.id}/evidence.zip")
    assert answer.status_code == 200
    package = answer.get_data()
    report = appliance.verifier.verify(package)
    assert report.indication == "TOTAL-PASSED", report.reasons
    assert "The parties have declared this contract void." in [str(each) for each in report.remarks]
    folder = unpack(package, tmp_path / "package")
    assert len(list((folder / "voiding").glob("*.p7s"))) == len(BOTH)
    assert "VOID" in (folder / "README.en.txt").read_text("utf-8")
    assert "已作废" in (folder / "README.zh.txt").read_text("utf-8")
    for command in (["sh", "check.sh"], [sys.executable, "-I", "check.py"]):
        status, said = checked(command, folder)
        assert (status, "VOID" in said) == (0, True), said


def test_a_package_without_the_declarations_fails(
    voided: Contract, appliance: Appliance, portal: Flask, tmp_path: Path
) -> None:
    client = signed_in(portal, appliance, ZHANG.subject)
    package = client.get(f"/contracts/{voided.id}/evidence.zip").get_data()
    packed = read_zip(package).files
    files = {path: bytes(data) for path, data in packed.items() if "voiding/" not in path}
    assert appliance.verifier.verify(container.write_container(files)).indication == "TOTAL-FAILED"
    folder = unpack(package, tmp_path / "package")
    for path in (folder / "voiding").glob("02.*"):
        path.unlink()
    for command in (["sh", "check.sh"], [sys.executable, "-I", "check.py"]):
        assert checked(command, folder)[0] == 1


@pytest.mark.parametrize("entry", first_of(["contract", "voiding", "person"]))
def test_declarations_about_something_else_void_nothing(
    appliance: Appliance, portal: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """People have declared another contract void, or in answer to another proposal, or somebody else has; the log
    says that they meant this one."""
    true = endings._record

    def other(*arguments: Any) -> bytes:
        record = canonical.decode(true(*arguments))
        return canonical.encode(record | {entry: LI.subject if entry == "person" else f"{record[entry]}0"})

    contract = appliance.voiding.propose(completed(appliance).id, reason="双方协商一致", by=ZHANG.subject)
    for person in BOTH:
        with monkeypatch.context() as patch:
            patch.setattr(endings, "_record", other)
            contract = declare(appliance, contract, person)
    package = signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{contract.id}/evidence.zip").get_data()
    report = appliance.verifier.verify(package)
    assert report.indication == "TOTAL-FAILED"
    assert "declarations by which the contract was voided" in str(report.reasons)
    if entry == "person":
        folder = unpack(package, tmp_path / "package")
        for command in (["sh", "check.sh"], [sys.executable, "-I", "check.py"]):
            status, said = checked(command, folder)
            assert (status, "signed by somebody else" in said) == (1, True), said


def checked(command: list[str], folder: Path) -> tuple[int, str]:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False, timeout=120)
    return done.returncode, (done.stdout + done.stderr).decode()
