"""The list of evidence and the guide: everything is listed once, and everybody is told the limits."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.evidence import court_pages, manifest
from appliance.evidence.evidence_list import AIDS, key_of, list_of
from appliance.evidence.extraction import extract
from appliance.evidence.law import ARTICLES, OWN_LIST
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build, package_files
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.forger import Forger


def words(pdf: bytes | memoryview, folder: Path) -> str:
    (folder / "read.pdf").write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", folder / "read.pdf", "-"], capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def test_every_file_is_listed_once_with_its_digest(package: bytes) -> None:
    files = read_zip(package).files
    said = json.loads(bytes(files[court_pages.LIST_JSON]))
    stated = [each for one in said["evidence"] for each in one["files"]]
    made_later = {*map(court_pages.list_path, Language), *map(court_pages.guide_path, Language)}
    paths = [each["path"] for each in stated]
    assert sorted(paths) == sorted(set(files) - made_later - {court_pages.LIST_JSON})
    for each in stated:
        if each["path"] not in manifest.SEALS:
            data = files[each["path"]]
            assert each["size"] == len(data)
            assert each["sha256"] == hashlib.sha256(data).hexdigest()
    assert [each["number"] for each in said["evidence"]] == list(range(1, len(said["evidence"]) + 1))
    assert said["evidence"][0]["files"][0]["path"] == "contract/contract.signed.pdf"
    assert said["evidence"][0]["pages"] == 1


def test_no_folder_of_evidence_is_called_an_aid(package: bytes) -> None:
    aids = {path for path in read_zip(package).files if key_of(path) == AIDS}
    assert not {path for path in aids if "/" in path} - {"verification/report.json"}


def test_articles_name_evidence_that_there_is(evidence: EvidenceInput) -> None:
    extraction = extract(evidence)
    keys = {each.kind.key for each in list_of(evidence, extraction, package_files(evidence, extraction))}
    named = {key for each in ARTICLES for key in each.evidence} - {OWN_LIST}
    assert named <= keys
    assert [each.place.template for each in ARTICLES].count("Article 14") == 2


def test_what_is_missing_is_said_to_be(authority: TestAuthority, evidence: EvidenceInput, tmp_path: Path) -> None:
    bare = replace(evidence, records=(), documents={}, number="采购-2026-017", earlier=("Old",))
    files = read_zip(build(bare, contract.seals(authority))).files
    said = json.loads(bytes(files[court_pages.LIST_JSON]))
    assert "agreement" not in [each["kind"] for each in said["evidence"]]
    [article] = [each for each in said["articles"] if each["article"]["en"] == "Article 13, paragraph 2"]
    assert article["evidence"] == []
    shown = words(files[court_pages.list_path(Language.CHINESE)], tmp_path)
    assert "本包未收录" in shown
    assert "采购-2026-017" in shown
    assert "文件提交签署前已带有1个签名，本包不为其作证" in shown


@pytest.mark.parametrize(
    ("language", "limits"),
    [
        (
            Language.CHINESE,
            (
                "签署依据所载核验以外的身份事实",
                "签署人的真实意图",
                "合同、附件和记录所述内容属实",
                "仅由平台自行记录",
                "不是依法设立的电子认证服务提供者",
                "不作此主张：本系统不是中立第三方平台",
            ),
        ),
        (
            Language.ENGLISH,
            (
                "Whosomebodyis,beyondthecheck",
                "Whatthesignersintended",
                "licensedelectroniccertificationservice",
                "Notclaimed:",
            ),
        ),
    ],
)
def test_the_limits_are_stated(
    package: bytes, tmp_path: Path, language: Language, limits: tuple[str, ...]
) -> None:
    shown = words(read_zip(package).files[court_pages.list_path(language)], tmp_path)
    for each in limits:
        assert each in shown


def test_a_void_contract_is_called_void_at_the_top(forger: Forger, tmp_path: Path) -> None:
    evidence = forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest())
    files = read_zip(forger.built(evidence)).files
    shown = words(files[court_pages.list_path(Language.CHINESE)], tmp_path)
    assert "各方已声明本合同作废" in shown.partition("一、证据及证明目的")[0]
    kinds = [each["kind"] for each in json.loads(bytes(files[court_pages.LIST_JSON]))["evidence"]]
    assert "voiding" in kinds


def test_a_title_is_text_and_no_markup(authority: TestAuthority, evidence: EvidenceInput, tmp_path: Path) -> None:
    hostile = replace(evidence, title="合同<b>甲</b>&amp;{{ 7 * 7 }}")
    files = read_zip(build(hostile, contract.seals(authority))).files
    shown = words(files[court_pages.list_path(Language.CHINESE)], tmp_path)
    assert "合同<b>甲</b>&amp;{{7*7}}" in shown
