"""The certificate on paper: its pages in both languages, and the timestamp that somebody scans off it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from pypdfium2 import PdfDocument

from appliance.demonstration.participants import ZHANG
from appliance.language import Language
from appliance.model.deposits import Deposit, HolderKind, RightsHolder
from appliance.ownership import CertificateFacts, DepositOrder, certificate_pdf, load_declaration
from appliance.ownership.certificate import MOST_LISTED, PER_CODE, codes_of
from appliance.wiring import Appliance
from tests.deposits import file_of, work
from tests.pdf import judges
from tests.world import World, shared_world

QR = zxingcpp.barcode_formats_from_str("QRCode")
FILES = (file_of("图.png", b"one"), file_of("文.txt", b"two"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def deposit(appliance: Appliance) -> Deposit:
    return appliance.ownership.deposit(DepositOrder("作品", FILES, work(description="两个文件")), by=ZHANG.subject)


def scanned(document: bytes) -> list[str]:
    """What a code reader finds on the pages, drawn as a printer at 200 dots per inch draws them."""
    found = []
    with PdfDocument(document) as pdf:
        for page in pdf:
            found += [
                each.text for each in zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil(), formats=QR)
            ]
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


def commands(text: str, *beginnings: str) -> list[str]:
    """The commands that stand on the certificate, the breaks of its lines taken out."""
    joined = " ".join(text.split())
    found = []
    for each in beginnings:
        start = joined.index(each)
        end = joined.find("ca.pem" if "openssl" in each else "token.tsr", start)
        found.append(joined[start:end] + ("ca.pem" if "openssl" in each else "token.tsr"))
    return found


def test_the_timestamp_is_scanned_off_the_paper_and_openssl_verifies_it(
    appliance: Appliance, world: World, deposit: Deposit, tmp_path: Path
) -> None:
    """As a stranger does it: with a code reader, the commands that are printed, and the root certificate."""
    document = appliance.ownership.certificate(deposit)
    codes = scanned(document)
    assert len(codes) > 1
    (tmp_path / "codes.txt").write_text("\n".join(reversed(codes)) + "\n")
    (tmp_path / "ca.pem").write_bytes((world.home.trust / "ca.pem").read_bytes())
    text = "\n".join(appliance.workshop.text(document))
    unpack, verify = commands(text, "sort -t /", "openssl ts -verify -in token.tsr -digest")
    unpacked = run(unpack, tmp_path)
    assert unpacked.returncode == 0, unpacked.stderr
    assert (tmp_path / "token.tsr").read_bytes() == appliance.ownership.reply(deposit)
    verified = run(verify, tmp_path)
    assert "Verification: OK" in verified.stdout, verify + verified.stderr
    other = verify.replace(deposit.digest, "0" * 64)
    assert other != verify
    assert run(other, tmp_path).returncode != 0


def test_the_text_of_the_timestamp_can_be_copied(appliance: Appliance, deposit: Deposit, tmp_path: Path) -> None:
    document = appliance.ownership.certificate(deposit)
    pages = appliance.workshop.text(document)
    [page] = [each for each in pages if "base64 -d token.txt" in each]
    lines = [each.strip() for each in page.splitlines() if re.fullmatch(r"[A-Za-z0-9+/=]+", each.strip())]
    (tmp_path / "token.txt").write_text("\n".join(lines) + "\n")
    assert run("base64 -d token.txt > token.tsr", tmp_path).returncode == 0
    assert (tmp_path / "token.tsr").read_bytes() == appliance.ownership.reply(deposit)


def test_what_proves_it_is_in_it_once(appliance: Appliance, deposit: Deposit) -> None:
    assert judges.brought_twice(appliance.ownership.certificate(deposit)) == []


@pytest.mark.parametrize("size", [1, 5, 600, 2392, 6144, 12000])
def test_codes_hold_replies_of_any_size(size: int, tmp_path: Path) -> None:
    reply = bytes(number * 7 % 256 for number in range(size))
    codes = codes_of(reply)
    assert all(len(each) <= PER_CODE for each in codes)
    (tmp_path / "codes.txt").write_text("\n".join(codes[::-1]) + "\n")
    assert run("sort -t / -k 2n codes.txt | sed 's/.*://' | base32 -d > token.tsr", tmp_path).returncode == 0
    assert (tmp_path / "token.tsr").read_bytes() == reply


def facts(appliance: Appliance, deposit: Deposit) -> CertificateFacts:
    return CertificateFacts(
        number=deposit.id,
        title=deposit.title,
        depositor=ZHANG.name,
        organisation=ZHANG.organisation,
        work=work(description="两个文件"),
        files=FILES,
        at=deposit.at,
        zone="Asia/Shanghai",
        serial="1f",
        reply=appliance.ownership.reply(deposit),
        issuer="甲公司示例有限公司",
        address="https://sign.alpha.example",
    )


@pytest.mark.parametrize("language", Language)
def test_both_languages_have_everything(appliance: Appliance, deposit: Deposit, language: Language) -> None:
    made = certificate_pdf(facts(appliance, deposit), language)
    text = "".join("".join(appliance.workshop.text(made)).split())
    headings = {Language.CHINESE: "电子数据存证证明", Language.ENGLISH: "Certificateofdeposit"}
    whole = [headings[language], "2026-11-01", "两个文件", "图.png", *(each.digest for each in FILES)]
    whole += [deposit.digest, load_declaration("1").digest]
    declared = "".join(load_declaration("1").words[language].split())
    for each in (*whole, declared):
        assert each in text
    assert headings[language.other] not in text


def test_the_enterprise_words_the_heading(appliance: Appliance, deposit: Deposit) -> None:
    made = certificate_pdf(replace(facts(appliance, deposit), heading="存证证书"), Language.CHINESE)
    text = "".join("".join(appliance.workshop.text(made)).split())
    assert "存证证书" in text
    assert "电子数据存证证明" not in text


def test_what_is_long_has_further_pages_and_loses_nothing(appliance: Appliance, deposit: Deposit) -> None:
    wide = replace(
        facts(appliance, deposit),
        title="题" * 200,
        depositor="名" * 80,
        organisation="司" * 80,
        work=work(holder=RightsHolder(HolderKind.PERSON, "权" * 200), description="长" * 2000),
        files=(file_of("档" * 1000, b"0"),),
        heading="证" * 60,
    )
    made = certificate_pdf(wide, Language.CHINESE)
    text = "".join("".join(appliance.workshop.text(made)).split())
    for letter, count in {"题": 200, "名": 80, "权": 200, "长": 2000, "档": 1000}.items():
        assert text.count(letter) >= count
    assert sorted(scanned(made)) == sorted(codes_of(wide.reply))


def test_of_many_files_the_first_are_listed(appliance: Appliance, deposit: Deposit) -> None:
    files = tuple(file_of(f"{number:05}.txt", b"%d" % number) for number in range(MOST_LISTED + 5))
    made = certificate_pdf(replace(facts(appliance, deposit), files=files), Language.ENGLISH)
    text = "".join(appliance.workshop.text(made))
    assert files[MOST_LISTED - 1].name in text
    assert files[MOST_LISTED].name not in text
    assert "Listed here: 300 of 305" in text


def test_of_long_names_fewer_are_listed_and_a_certificate_stays_short(
    appliance: Appliance, deposit: Deposit
) -> None:
    files = tuple(file_of(f"{number:05}" + "档" * 75, b"%d" % number) for number in range(MOST_LISTED))
    made = certificate_pdf(replace(facts(appliance, deposit), files=files), Language.ENGLISH)
    pages = appliance.workshop.text(made)
    assert 10 < len(pages) < 25
    assert "Listed here: 150 of 300" in "".join(pages)


def test_of_a_long_name_in_the_list_both_ends_are_shown(appliance: Appliance, deposit: Deposit) -> None:
    files = tuple(file_of(f"{number:04}" + "档" * 990 + ".docx", b"%d" % number) for number in range(3))
    made = certificate_pdf(replace(facts(appliance, deposit), files=files), Language.CHINESE)
    text = "".join("".join(appliance.workshop.text(made)).split())
    assert "0002档" in text
    assert text.count("档.docx") == 3
    assert text.count("档") < 3 * 210
