"""ETSI's validation report: as its schema wants it, and with the same verdicts."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest

from appliance.language import Language
from appliance.verification import Level, VerificationReport
from appliance.verification.etsi_report import NoValidationReport, render_xml
from appliance.verification.model import FileKind, SubIndication, failed, undecided
from tests.attacks import registry
from tests.attacks.judging import in_process
from tests.sweeps import first_of
from tests.verification.authorities import World
from tests.verification.conftest import Verify
from tests.verification.documents import plain, signed
from tests.verification.etsi_schema import VR, indications, require_valid


@pytest.mark.parametrize("level", list(Level))
def test_every_level(level: Level, good: World, verify: Verify) -> None:
    report = verify(signed(good, level=level.value))
    root = require_valid(render_xml(report))
    assert indications(root) == [each.verdict.indication.value for each in report.signatures]
    certificates = root.findall(f".//{VR}base64")
    assert len(certificates) == len({each for one in report.signatures for each in one.path})


def test_a_timestamp_is_an_object_that_the_signature_refers_to(good: World, verify: Verify) -> None:
    root = require_valid(render_xml(verify(signed(good, level="B-T"))))
    proofs = root.findall(f".//{VR}BestSignatureTime/{VR}POEObject")
    assert len(proofs) == 2
    assert all(each.get("VOReference").startswith("T-") for each in proofs)


def test_a_timestamp_that_another_signature_copied_is_not_good_there(good: World, verify: Verify) -> None:
    report = verify(signed(good, level="B-T"))
    first, second = report.signatures
    broken = replace(first.stamps[0], verdict=failed(SubIndication.HASH_FAILURE, "Of other data."))
    copied = replace(second, stamps=(broken, *second.stamps))
    root = require_valid(render_xml(replace(report, signatures=(first, copied))))
    parts = root.findall(f"{VR}SignatureValidationReport")
    said = [_stamps_of(root, part) for part in parts]
    assert said[0] == ["total-passed"]
    assert said[1] == ["total-failed", "total-passed"]


def test_the_best_time_is_not_that_of_a_bad_timestamp(good: World, verify: Verify) -> None:
    report = verify(signed(good, level="B-T"))
    first = report.signatures[0]
    bad = replace(
        first.stamps[0], digest="00" * 32, verdict=undecided(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "Unknown.")
    )
    one = replace(first, stamps=(bad, *first.stamps))
    root = require_valid(render_xml(replace(report, signatures=(one,))))
    [proof] = root.findall(f".//{VR}BestSignatureTime/{VR}POEObject")
    assert proof.get("VOReference").startswith(f"T-{first.stamps[0].digest}")


def _stamps_of(root: Element, part: Element) -> list[str]:
    """What is said of the timestamps to which *part*, about one signature, refers."""
    objects = {each.get("id"): each for each in root.iter(f"{VR}ValidationObject")}
    referred = part.findall(f".//{VR}SignatureTimeStamp/{VR}AttributeObject")
    found = (objects[each.get("VOReference")].findtext(f".//{VR}MainIndication") for each in referred)
    return [str(each).rpartition(":")[2] for each in found]


def test_no_signature(verify: Verify) -> None:
    root = require_valid(render_xml(verify(plain())))
    assert indications(root) == ["INDETERMINATE"]
    assert root.find(f".//{VR}SubIndication").text.endswith(":NO_SIGNATURE_FOUND")


def test_no_signature_is_better_than_the_file(good: World, verify: Verify) -> None:
    """What is wrong with the file and with none of its signatures fails them all: readers look at nothing else."""
    report = replace(verify(signed(good, level="B-B")), verdict=failed(SubIndication.FORMAT_FAILURE, "Appended."))
    assert all(each.passed for each in report.signatures)
    assert set(indications(require_valid(render_xml(report)))) == {"TOTAL-FAILED"}


def test_a_name_with_characters_that_xml_has_not(good: World, verify: Verify) -> None:
    report = verify(signed(good, level="B-B"))
    named = replace(report.signatures[0], field="one\x00\x1b[2J\ufffe<&>\ud800", signer="\x08")
    root = require_valid(render_xml(replace(report, signatures=(named,))))
    assert root.find(f".//{VR}DAIdentifier").text == "one[2J<&>"


def test_an_evidence_package_has_none(good: World, verify: Verify) -> None:
    report = replace(verify(signed(good, level="B-B")), kind=FileKind.EVIDENCE)
    with pytest.raises(NoValidationReport, match=r"contract/contract\.signed\.pdf"):
        render_xml(report)


@pytest.mark.parametrize("name", first_of(sorted(registry.attacks())[::10]))
def test_every_attack_has_a_report_that_is_no_better(name: str) -> None:
    report: VerificationReport = in_process(registry.attacks()[name].attempt())
    found = indications(require_valid(render_xml(report, Language.CHINESE)))
    order = ["TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"]
    assert max(map(order.index, found)) >= order.index(report.indication.value)
    for each in report.signatures:
        assert each.verdict.subindication in {None, *SubIndication}
