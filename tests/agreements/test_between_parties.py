"""Before the first contract between the same parties, each has accepted the agreement on electronic signing: the
workflow itself refuses otherwise, at prepare and at complete, whatever the pages allowed."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest

from appliance.contracts.agreement import AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, BETA, CUSTODIAN, LI, ZHANG
from appliance.errors import ConfigurationError, NotFound, PreconditionRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from appliance.model.contract import Contract, Party
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm import canonical
from tests.agreements.conftest import Text
from tests.pdf import documents
from tests.world import OURS, World, confirm, sample_document, send, sequenced

_texts = itertools.count(1)


def text() -> str:
    """Words that nobody has accepted."""
    return f"Version {next(_texts)} of our own words."


def accept(appliance: Appliance, contract: Contract, party: Party) -> None:
    proposal = appliance.agreements.propose_for(contract, party.id)
    confirm(appliance, proposal.intent)
    appliance.agreements.accept(proposal.id, by=party.responsible)


def sign(appliance: Appliance, contract: Contract, party: Party) -> Contract:
    prepared = appliance.cycle.prepare(contract.id, party.id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


def test_nobody_signs_before_the_own_side_has_agreed(opened: Text) -> None:
    with opened(text()) as appliance:
        contract = send(appliance, sample_document())
        zhang, li, seal = contract.parties
        with pytest.raises(PreconditionRefused, match=f"{ALPHA} has not accepted .* with {BETA}"):
            appliance.cycle.prepare(contract.id, zhang.id)
        accept(appliance, contract, zhang)
        sign(appliance, contract, zhang)
        with pytest.raises(PreconditionRefused, match=f"{BETA} has not accepted"):
            appliance.cycle.prepare(contract.id, li.id)
        accept(appliance, contract, li)
        sign(appliance, contract, li)
        sign(appliance, contract, seal)  # the seal's company has agreed, by whoever represented it


def test_a_text_that_changes_between_prepare_and_complete_ends_the_signature(opened: Text) -> None:
    with opened(text()) as appliance:
        contract = send(appliance, sample_document())
        zhang = contract.parties[0]
        accept(appliance, contract, zhang)
        prepared = appliance.cycle.prepare(contract.id, zhang.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
    with opened(text()) as appliance:
        with pytest.raises(PreconditionRefused, match="has not accepted"):
            appliance.cycle.complete(prepared.id)
        assert appliance.contracts.signatures(contract) == ()


def test_the_same_parties_are_asked_once_and_a_changed_text_asks_again(opened: Text) -> None:
    words = text()
    with opened(words) as appliance:
        first = send(appliance, sample_document())
        accept(appliance, first, first.parties[0])
        second = send(appliance, sample_document())
        assert appliance.agreements.is_accepted_for(second, second.parties[0].id)
        assert appliance.agreements.is_accepted_for(second, second.parties[2].id)
        with pytest.raises(StateRefused, match="accepted this agreement already"):
            appliance.agreements.propose_for(second, second.parties[2].id)
    with opened(text()) as appliance:
        assert not appliance.agreements.is_accepted_for(second, second.parties[0].id)
    with opened(words) as appliance:
        assert appliance.agreements.is_accepted_for(second, second.parties[0].id)


def test_it_is_signed_in_the_readers_language_with_the_text_in_both(opened: Text) -> None:
    """The record names the language that was shown, and binds what the text says in each; the document is signed
    in the contract's own language, whatever the signers read."""
    with opened(text()) as appliance:
        terms = DraftTerms("Framework", "Services", "Example", ZHANG.subject, language=Language.ENGLISH)
        draft = appliance.drafting.draft(sample_document(1), terms)
        for subject in (ZHANG.subject, LI.subject):
            appliance.drafting.add_person(draft.id, subject=subject, by=ZHANG.subject)
        contract = appliance.sending.send(draft.id, by=ZHANG.subject)
        zhang, li = contract.parties
        for party, language in ((zhang, Language.ENGLISH), (li, Language.CHINESE)):
            proposal = appliance.agreements.propose_for(contract, party.id, language)
            assert proposal.text == appliance.agreements.text(language)
            record = canonical.decode(proposal.record)
            assert record["language"] == language.value
            assert record["texts"] == {
                each.value: hashlib.sha256(appliance.agreements.text(each).encode()).hexdigest()
                for each in Language
            }
            confirm(appliance, proposal.intent)
            appliance.agreements.accept(proposal.id, by=party.responsible)
            contract = sign(appliance, contract, party)
        shown = appliance.workshop.text(documents.flattened(appliance.contracts.document(contract)))[0]
        assert shown.count("signed electronically") == 2
        assert "电子签名" not in shown


def test_only_who_acts_for_a_party_accepts_for_it(opened: Text) -> None:
    with opened(text()) as appliance:
        contract = send(appliance, sample_document())
        proposal = appliance.agreements.propose_for(contract, contract.parties[0].id)
        confirm(appliance, proposal.intent)
        with pytest.raises(NotFound):
            appliance.agreements.accept(proposal.id, by=LI.subject)
        with pytest.raises(StateRefused, match="no longer be accepted"):
            appliance.agreements.propose(
                LI.subject,
                AgreementSides(proposal.between.own, proposal.between.others, contract.id, proposal.between.party),
            )
        appliance.handing_over.hand_over(
            contract.id, contract.parties[0].id, to=CUSTODIAN.subject, reason="on leave", by=ZHANG.subject
        )
        with pytest.raises(StateRefused, match="no longer be accepted"):
            appliance.agreements.accept(proposal.id, by=ZHANG.subject)


def test_the_evidence_has_what_every_party_accepted(world: World, opened: Text) -> None:
    words = text()
    with opened(words) as appliance:
        contract = send(appliance, sample_document())
        for party in contract.parties:
            if not appliance.agreements.is_accepted_for(contract, party.id):
                accept(appliance, contract, party)
            sign(appliance, contract, party)
        appliance.finalisation.finalise(contract.id)
    with opened(text()) as appliance, sequenced(appliance, world):  # other words since; those accepted are kept
        package = Exporting(appliance).export(contract.id, OURS).package
        assert appliance.verifier.verify(package).indication is Indication.PASSED
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    records = [canonical.decode(files[f"agreement/{number:02}.json"]) for number in (1, 2)]
    named = [(each["party"]["name"], each["counterparties"][0]["name"], each["contract"]) for each in records]
    assert named == [(ALPHA, BETA, contract.id), (BETA, ALPHA, contract.id)]
    accepted = files[f"agreement/electronic-signing-{records[0]['version']}.zh.md"].decode()
    assert accepted == f"# 本企业的协议\n\n{words}\n"
    events = json.loads(files["history/history.json"])["events"]
    rests = [event["public"]["agreement"] for event in events if event["kind"] == "party-signed"]
    told = [str(event["entry"]) for event in events if event["kind"] == "agreement-accepted"]
    assert rests == [told[0], told[1], told[0]]


def test_a_text_in_one_language_stops_the_start(world: World, opened: Text) -> None:
    with opened(text()):
        pass
    (world.home.agreement / "en.md").unlink()
    with pytest.raises(ConfigurationError, match=r"en\.md cannot be read"), world.opened():
        pass
    (world.home.agreement / "zh.md").unlink()
