"""Signatures with two timestamps, and with one when the authority outside fails: every judge is content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from appliance.config import OutsideSettings
from appliance.evidence.exporting import Exporting
from appliance.health import Condition
from appliance.health.check_context import open_check_context
from appliance.health.contract_checks import outside_timestamps
from appliance.ledger.timeline import Timeline
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.intent import OutsideStamp
from appliance.store import intents
from appliance.verification import Indication, Level, TrustAnchors
from appliance.wiring import Appliance
from hsm import cms
from hsm.timestamp import parse_token
from tests.hsm.memory import openssl
from tests.outside.hostile import ways
from tests.outside.openssl_authority import OutsideTsa, outside_tsa
from tests.outside.stranger import signed_by
from tests.pdf import judges
from tests.world import OURS, World, confirm, sample_document, send, sequenced, shared_world

DOCUMENT = sample_document()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideTsa]:
    with outside_tsa(tmp_path_factory.mktemp("outside")) as running:
        yield running


@pytest.fixture(scope="module")
def world(tsa: OutsideTsa) -> Iterator[World]:
    with shared_world() as running:
        yield with_outside(running, tsa, seconds=60)  # more than a setting allows: the machine may be busy


def with_outside(world: World, tsa: OutsideTsa, *, seconds: int) -> World:
    outside = OutsideSettings(url=tsa.url, trust=[str(tsa.root)], seconds=seconds)
    return World(world.home, replace(world.settings, outside=outside))


@pytest.fixture
def appliance(world: World) -> Iterator[Appliance]:
    """Anew for each test, so that no pause of the one before counts."""
    with world.opened() as opened:
        yield opened


def sign_next(appliance: Appliance, contract: Contract) -> Contract:
    party = next(party for party in contract.parties if party.state is PartyState.WAITING)
    prepared = appliance.cycle.prepare(contract.id, party.id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


def outcomes(appliance: Appliance, contract: Contract) -> list[OutsideStamp | None]:
    with appliance.database.reading() as tx:
        return [record.outside for record in intents.of_contract(tx, contract.id)]


def facts(appliance: Appliance, contract: Contract) -> set[str]:
    """The labels of what the contract's page shows of its signatures."""
    events = Timeline(appliance.database).of(contract.id, OURS)
    return {fact.label for event in events if event.kind == "party-signed" for fact in event.facts}


def test_two_timestamps_in_each_signature_and_every_judge_is_content(
    world: World, appliance: Appliance, tsa: OutsideTsa, tmp_path: Path
) -> None:
    tsa.answering = tsa.answer_well
    contract = send(appliance, DOCUMENT)
    while contract.state is not ContractState.SIGNED:
        contract = sign_next(appliance, contract)
    contract = appliance.finalisation.finalise(contract.id)
    assert outcomes(appliance, contract) == [OutsideStamp.DATED] * 3
    assert "Second timestamp, by an authority outside" in facts(appliance, contract)
    document = appliance.contracts.document(contract)

    ours = (world.home.trust / "ca.pem").read_bytes()
    judges.assert_lasting(document, x509.load_pem_x509_certificate(ours))
    assert judges.valid_by_poppler(document, tmp_path) == 3
    for record in appliance.contracts.signatures(contract):
        require_openssl(record.cms, world, tsa, tmp_path)

    report = appliance.verifier.verify_pdf(document)
    assert report.indication is Indication.PASSED, report.reasons
    for signature in report.signatures:
        if not signature.document_timestamp:
            assert signature.level is Level.LTA
            assert [row.subject for row in signature.rows].count("timestamp") == 2
            told = signature.to_json()["timestamps"]
            assert [stamp["indication"] for stamp in told] == ["TOTAL-PASSED"] * 2
            assert len({stamp["authority"] for stamp in told}) == 2

    stranger = appliance.verifier.verify_pdf(document, trust=TrustAnchors.from_bytes(ours))
    assert stranger.indication is Indication.PASSED, "who does not know the authority outside loses nothing"
    assert {signature.level for signature in stranger.signatures if not signature.document_timestamp} == {
        Level.LTA
    }
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS).package
    assert appliance.verifier.verify(package).indication is Indication.PASSED


def require_openssl(message: bytes, world: World, tsa: OutsideTsa, folder: Path) -> None:
    """OpenSSL reads the CMS, and verifies each timestamp over its value to the root of its own authority."""
    (folder / "signature.der").write_bytes(message)
    status, said = openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", folder / "signature.der")
    assert status == 0, said
    parsed = cms.parse(message)
    (folder / "value").write_bytes(parsed.signature)
    trusted = []
    for token in parsed.timestamps():
        (folder / "token").write_bytes(token)
        for root in (world.home.trust / "ca.pem", tsa.root):
            verify = ("ts", "-verify", "-data", folder / "value", "-in", folder / "token", "-token_in")
            trusted += [root] if openssl(*verify, "-CAfile", root)[0] == 0 else []
    assert trusted[0] == tsa.root, "the outside one is the first here: the harder case"
    assert sorted(trusted) == sorted([world.home.trust / "ca.pem", tsa.root])


def test_its_root_vouches_for_no_signature(appliance: Appliance, tsa: OutsideTsa) -> None:
    """Believed for timestamps alone: a document that its authority signed is of a stranger."""
    document = signed_by(tsa, appliance.confinement)
    assert appliance.verifier.verify_pdf(document).indication is Indication.INDETERMINATE
    trusting = appliance.verifier.verify_pdf(document, trust=TrustAnchors.from_files([tsa.root]))
    assert trusting.indication is Indication.PASSED, trusting.reasons


@pytest.mark.parametrize("way", ["silent", "huge", "another imprint and nonce"])
def test_whatever_it_does_the_signature_is_completed_and_the_page_says_what_is_missing(
    world: World, tsa: OutsideTsa, way: str
) -> None:
    tsa.answering, word = ways(tsa)[way]
    with with_outside(world, tsa, seconds=2).opened() as appliance:
        contract = sign_next(appliance, send(appliance, DOCUMENT))
        assert outcomes(appliance, contract)[0] in (word, OutsideStamp.LATE)  # late on a machine that is busy
        (record,) = appliance.contracts.signatures(contract)
        (token,) = cms.parse(record.cms).timestamps()
        assert parse_token(token).gen_time.replace(microsecond=0) == record.stamped
        assert any(label.startswith("No second timestamp: ") for label in facts(appliance, contract))
        report = appliance.verifier.verify_pdf(appliance.contracts.document(contract))
        assert report.indication is Indication.PASSED
    settings = world.home.settings
    before = settings.read_text(encoding="utf-8")
    settings.write_text(f'{before}\n[outside]\nurl = "{tsa.url}"\ntrust = ["{tsa.root}"]\n', encoding="utf-8")
    with open_check_context(world.home, role="operator", now=datetime.now(UTC)) as asked:
        finding = outside_timestamps(asked)
    settings.write_text(before, encoding="utf-8")
    assert finding.condition is Condition.ATTENTION
    assert tsa.url in finding.advice


def test_without_the_setting_nothing_is_asked_and_nothing_said(world: World, tsa: OutsideTsa) -> None:
    asked = tsa.asked
    plain = World(world.home, replace(world.settings, outside=OutsideSettings()))
    with plain.opened() as appliance:
        contract = sign_next(appliance, send(appliance, DOCUMENT))
        assert outcomes(appliance, contract) == [None]
        assert not any("second timestamp" in label.lower() for label in facts(appliance, contract))
    assert tsa.asked == asked
