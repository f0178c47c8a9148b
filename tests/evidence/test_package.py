from __future__ import annotations

import time
from dataclasses import replace

import pytest

from appliance.errors import EvidenceIncomplete
from appliance.evidence import manifest
from appliance.evidence.model import EvidenceInput, ManifestSignature, PackageRefused
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from hsm.errors import AuthorityError, ModuleUnavailable
from hsm.note import NoteKey
from tests.evidence import contract
from tests.evidence.authority import TestAuthority


def test_everything_is_listed_and_nothing_else_is_there(package: bytes) -> None:
    files = read_zip(package).files
    listed = manifest.decode(bytes(files[manifest.MANIFEST]))
    assert {file.path for file in listed.files} | manifest.SEALS == set(files)
    manifest.require_same(listed, files)


@pytest.mark.long
@pytest.mark.usefixtures("typeset_anew")
def test_the_same_values_give_the_same_bytes(authority: TestAuthority, evidence: EvidenceInput) -> None:
    fixed = contract.seals(authority)
    kept: dict[bytes, bytes] = {}

    def once(request: bytes) -> bytes:
        if request not in kept:
            kept[request] = fixed.timestamp(request)
        return kept[request]

    seals = ManifestSignature(sign=fixed.sign, timestamp=once)
    assert build(evidence, seals) == build(evidence, seals)
    assert len(kept) == 1


def test_it_is_made_in_two_seconds(authority: TestAuthority, evidence: EvidenceInput) -> None:
    seals = contract.seals(authority)
    took = []
    for _ in range(3):
        start = time.process_time()
        build(evidence, seals)
        took.append(time.process_time() - start)
    assert min(took) < 2.0


def test_a_signed_contract_that_does_not_begin_with_the_original_is_refused(
    authority: TestAuthority, evidence: EvidenceInput
) -> None:
    with pytest.raises(EvidenceIncomplete, match="does not begin"):
        build(replace(evidence, original=b"%PDF-1.4 another"), contract.seals(authority))


def test_a_signature_that_is_not_in_the_pdf_is_refused(authority: TestAuthority, evidence: EvidenceInput) -> None:
    other = authority.sign(authority.evidence, b"something else")
    signatures = (*evidence.signatures[:2], replace(evidence.signatures[2], cms=other))
    with pytest.raises(EvidenceIncomplete, match="0 signatures"):
        build(replace(evidence, signatures=signatures), contract.seals(authority))


def test_a_record_whose_signature_is_over_something_else_is_refused(
    authority: TestAuthority, evidence: EvidenceInput
) -> None:
    record = replace(evidence.records[0], record=b"{}")
    with pytest.raises(EvidenceIncomplete, match="agreement/01"):
        build(replace(evidence, records=(record,)), contract.seals(authority))


def test_a_private_field_that_the_log_does_not_commit_to_is_refused(
    authority: TestAuthority, evidence: EvidenceInput
) -> None:
    opening = {"title": {"salt": "0" * 64, "value": "another title"}}
    drafted = next(each for each in evidence.log.entries if each.opening)
    entries = tuple(replace(each, opening=opening) if each is drafted else each for each in evidence.log.entries)
    with pytest.raises(EvidenceIncomplete, match="commits to"):
        build(replace(evidence, log=replace(evidence.log, entries=entries)), contract.seals(authority))


def test_a_checkpoint_of_another_log_is_refused(authority: TestAuthority, evidence: EvidenceInput) -> None:
    key = NoteKey.from_public_key(contract.ORIGIN, TestAuthority().log_key.public_key())
    log = replace(evidence.log, vkey=key.vkey())
    with pytest.raises(AuthorityError):
        build(replace(evidence, log=log), contract.seals(authority))


@pytest.mark.parametrize("path", ["notes.txt", "contract/x.pdf", "agreement/../x", "manifest.json"])
def test_documents_stay_in_their_folders(authority: TestAuthority, evidence: EvidenceInput, path: str) -> None:
    with pytest.raises((EvidenceIncomplete, PackageRefused)):
        build(replace(evidence, documents={path: b""}), contract.seals(authority))


def test_no_package_without_signature_or_timestamp(authority: TestAuthority, evidence: EvidenceInput) -> None:
    def unavailable(_: bytes) -> bytes:
        raise ModuleUnavailable("The token does not answer.")

    good = contract.seals(authority)
    for seals in (replace(good, sign=unavailable), replace(good, timestamp=unavailable)):
        with pytest.raises(ModuleUnavailable):
            build(evidence, seals)
    stale = authority.reply(evidence.exchange.request)
    with pytest.raises(AuthorityError):
        build(evidence, replace(good, timestamp=lambda _: stale))
