"""The first contract of a new organisation, in each language: from `make up ORG=…` to evidence that others
check."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import APIRequestContext, Browser

from appliance.demonstration.new_home import NewHome
from appliance.evidence import log_files
from appliance.language import Language
from hsm.merkle import leaf_hash, root_from_inclusion
from hsm.note import parse_vkey, verify_note
from tests.browser import making, newcomers, signing
from tests.browser.house import House, enterprise, text_of
from tests.browser.people import PATIENCE, Actor, Stage, acting
from tests.browser.steps import within
from tests.pdf.judges import valid_by_poppler
from tests.sweeps import first_of

VERMILION = Path(sys.executable).parent / "vermilion"
CODE = re.compile(r"\b(?:[A-Z2-7]{4}-){7}[A-Z2-7]{4}\b")


@dataclass(frozen=True, slots=True)
class Company:
    """The people of one story: what they are called, and at which browsers they sit."""

    officer: Actor
    second_officer: Actor
    initiator: Actor
    custodian: Actor
    outsider: Actor
    named: tuple[str, str, str, str]
    guest: making.Outsider


HOMES = {
    Language.CHINESE: NewHome(
        "明德示例科技（集团）股份有限公司华东区域运营与合同管理中心第三分公司",
        language=Language.CHINESE,
        zone="Asia/Shanghai",
    ),
    # Browsers are in another zone than the house: whatever is shown says which one it means.
    Language.ENGLISH: NewHome(
        'O\'Neil & "Sons" International Sample Manufacturing and Trading Company of the Northern Provinces Ltd',
        language=Language.ENGLISH,
        zone="Europe/Berlin",
    ),
}
"""Both are longer than the 64 characters, or octets, that certificates have for a name."""

CALLED = {
    Language.CHINESE: ("周登记", "孙登记", "钱发起", "吴保管"),
    Language.ENGLISH: ("Olga Officer", "Otto Officer", "Ivan Sample", "Kurt Keeper"),
}
GUESTS = {
    # They read another language than the house, as the initiator knows and their browsers do not say.
    Language.CHINESE: making.Outsider(
        "Gina Outside",
        "Gamma Sample Ltd",
        "gina@mail.example",
        "+44 20 7946 0000",
        Language.ENGLISH,
        "Europe/London",
    ),
    Language.ENGLISH: making.Outsider(
        "郑外人", "丙公司示例有限公司", "gina@mail.example", "+86 138 0000 0000", Language.CHINESE, "Asia/Shanghai"
    ),
}
WORDS = {
    Language.CHINESE: ("设备采购合同", "采购", "采购十台示例设备。", "身份证原件，当面核对"),
    Language.ENGLISH: (
        "Sample services",
        "Services",
        "Ten days of fictional advice.",
        "Identity card seen in person",
    ),
}


@pytest.mark.parametrize(
    "language", first_of((Language.CHINESE, Language.ENGLISH)), ids=lambda language: language.value
)
def test_from_a_new_home_to_evidence(language: Language, chromium: Browser, tmp_path: Path) -> None:
    with enterprise(HOMES[language]) as running, gathered(running, language, chromium) as company:
        first_steps_are_told(running)
        codes = CODE.findall(running.told)
        tell(company, codes, tmp_path)


def first_steps_are_told(running: House) -> None:
    """Whoever ran the command knows where to go, with what, and what becomes of mail."""
    for told in (
        f"{running.address}/setup",
        "127.0.0.1",
        str(running.settings.mail.port),
        running.settings.organisation.name,
    ):
        assert told in running.told, running.told
    assert running.settings.console.public_url in running.told
    assert running.settings.activation.public_url in running.told
    assert len(CODE.findall(running.told)) == 2


@contextmanager
def gathered(running: House, language: Language, chromium: Browser) -> Iterator[Company]:
    """The people of the story, each at a browser of their own, before the first of them has come."""
    named, guest = CALLED[language], GUESTS[language]
    known = {*named, guest.name, guest.organisation, *WORDS[language], running.settings.organisation.name}
    with ExitStack() as browsers:
        stage = Stage(running, language, known)

        def at_a_browser(login: str) -> Actor:
            return browsers.enter_context(acting(chromium, stage, login))

        yield Company(
            officer=at_a_browser("olga"),
            second_officer=at_a_browser("otto"),
            initiator=at_a_browser("ivan"),
            custodian=at_a_browser("kurt"),
            outsider=browsers.enter_context(acting(chromium, stage, "gina", phone=True, reads=guest.language)),
            named=named,
            guest=guest,
        )


def tell(company: Company, codes: list[str], folder: Path) -> None:
    """The whole story; what is downloaded lies in *folder*."""
    title, _, purpose, seen = WORDS[company.initiator.language]
    people_come(company, codes, seen)
    contract = contract_is_sent(company)
    people_sign(company, contract, seen)
    seal_is_released(company, contract, purpose)
    signed, evidence = results(company.initiator, contract, folder)
    assert verified(signed, company.initiator.house.home.trust / "ca.pem", folder)["indication"] == "TOTAL-PASSED"
    assert signed.name == f"{title}.pdf"
    assert valid_by_poppler(signed.read_bytes(), folder) == 3
    package_verifies_itself(evidence, folder / "evidence")
    timeline_is_proven(company.initiator, contract)


def people_come(company: Company, codes: list[str], seen: str) -> None:
    """Accounts, second factors, enrolment, and the company's seal."""
    officer, second = company.officer, company.second_officer
    with within(officer.visitor, "first officer"):
        newcomers.register_officer(officer, company.named[0], codes[0], first=True)
    newcomers.register_officer(second, company.named[1], codes[1], first=False)
    arriving = (
        (officer, company.initiator, ("initiator", "signer"), newcomers.arrive_with_passkey, "newcomer"),
        (second, company.custodian, ("custodian", "signer"), newcomers.arrive_with_codes, "newcomer by codes"),
    )
    for name, (by, someone, roles, arrive, way) in zip(company.named[2:], arriving, strict=True):
        newcomers.invite(by, name, someone, roles)
        with within(someone.visitor, way):
            fingerprint = arrive(someone)
        newcomers.approve(by, name, seen, fingerprint)
        someone.open_mail()
    newcomers.make_company_seal(officer, company.custodian)


def contract_is_sent(company: Company) -> str:
    """The contract's address, once it is out for signing."""
    initiator, mine = company.initiator, company.named[2]
    title, kind, purpose, _ = WORDS[initiator.language]
    newcomers.sign_out(initiator, mine)
    newcomers.sign_in_with_passkey(initiator)
    initiator.study()
    make = making.upload if initiator.language is Language.CHINESE else making.write
    make(initiator, title)
    making.describe(initiator, kind, purpose)
    making.name_parties(initiator, company.guest, mine)
    making.place_fields(initiator, (mine, company.guest.name))
    contract = initiator.page.url.partition(initiator.house.address)[2].partition("/draft")[0]
    making.check_and_send(initiator)
    return contract


def people_sign(company: Company, contract: str, seen: str) -> None:
    """The initiator, then the outsider on a phone, who is told when it is their turn."""
    initiator, outsider = company.initiator, company.outsider
    signing.agree_and_sign_later(initiator)
    stands(initiator, contract, signed=1)
    code = signing.tell_the_code(initiator, contract, company.guest.name)
    with within(outsider.visitor, "guest"):
        signing.come_in_from_outside(outsider, code)
        fingerprint = newcomers.read_fingerprint(outsider)
    assert not [
        each for each in outsider.house.mail.arrived if code.replace(" ", "") in text_of(each).replace(" ", "")
    ]
    newcomers.approve(company.officer, company.guest.name, seen, fingerprint)
    outsider.open_mail()  # the letter leads on; the page with the fingerprint was the last that had to be seen
    signing.agree_and_sign(outsider)
    stands(initiator, contract, signed=2)
    mails_say_who(company)


def mails_say_who(company: Company) -> None:
    """Who is asked to sign reads by whom, and can answer; who sent it reads who waits and who has signed."""
    mail, initiator = company.initiator.house.mail, company.initiator
    asked = next(each for each in mail.arrived if company.outsider.email in str(each["To"]))
    assert company.named[2] in text_of(asked)
    assert initiator.email in str(asked["Reply-To"])
    told = [str(each["Subject"]) for each in mail.arrived if initiator.email in str(each["To"])]
    assert any(company.guest.name in subject for subject in told), (
        told
    )  # the guest has come, and waits for the code
    who = initiator.say(
        "{name} ({organisation})", name=company.guest.name, organisation=company.guest.organisation
    )
    signed = initiator.say("“{title}” was signed by {who}", title=WORDS[initiator.language][0], who=who)
    mail.wait_for(initiator.email, subject=signed)


def seal_is_released(company: Company, contract: str, reason: str) -> None:
    """The initiator asks, the custodian signs in and approves; then the contract completes by itself."""
    initiator, custodian = company.initiator, company.custodian
    newcomers.sign_out(custodian, company.named[3])
    signing.ask_for_the_seal(initiator, reason)
    newcomers.sign_in_with_code(custodian)
    signing.release_the_seal(custodian)
    initiator.go(contract)
    complete = initiator.page.get_by_text(initiator.say("Completed"), exact=True).first
    complete.wait_for(timeout=PATIENCE)  # the page looks by itself
    initiator.look()
    initiator.study()


def stands(initiator: Actor, contract: str, *, signed: int) -> None:
    """The contract's page says how many have signed, and promises nothing that is not there."""
    page = initiator.go(contract)
    assert page.get_by_text(initiator.say("{signed} of {all} have signed", signed=signed, all=3)).is_visible()
    for early in ("Completed", "The signed contract", "Evidence package", "Download the evidence package"):
        assert page.get_by_text(initiator.say(early), exact=True).count() == 0
    initiator.study()


def results(initiator: Actor, contract: str, folder: Path) -> tuple[Path, Path]:
    """The signed PDF and the evidence package, downloaded."""
    page = initiator.go(contract)
    files = []
    for link in ("The signed contract", "Evidence package"):
        with page.expect_download() as started:
            page.get_by_role("link", name=initiator.say(link), exact=True).click()
        files.append(folder / started.value.suggested_filename)
        started.value.save_as(files[-1])
    return files[0], files[1]


def verified(file: Path, trust: Path, folder: Path) -> dict[str, object]:
    """What ``vermilion verify`` says, somewhere without a home of its own."""
    told = subprocess.run(
        [VERMILION, "--home", folder / "nothing", "verify", file, "--trust", trust, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    verdict: dict[str, object] = json.loads(told.stdout)
    return verdict


def package_verifies_itself(evidence: Path, into: Path) -> None:
    """Unpacked on any computer, its own check passes, with OpenSSL alone."""
    with zipfile.ZipFile(evidence) as package:
        package.extractall(into)
    told = subprocess.run(["sh", "check.sh"], cwd=into, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def timeline_is_proven(initiator: Actor, contract: str) -> None:
    """Every event's proof leads to the root of a checkpoint that the log's key has signed."""
    page, running = initiator.go(contract), initiator.house
    key = parse_vkey((running.home.trust / "log.vkey").read_text(encoding="utf-8").strip())
    links = [link.get_attribute("href") for link in page.locator(".timeline a[href^='/log/proof/file']").all()]
    assert len(links) == page.locator(".timeline > li").count() > 12
    for link in links:
        proof = log_files.parse_proof(fetched(page.request, running, str(link)))
        note = verify_note(proof.checkpoint, [key])
        size, root = note.text.split("\n")[1:3]
        leaf = leaf_hash(fetched(page.request, running, f"/log/entry?index={proof.index}"))
        assert base64.b64encode(root_from_inclusion(proof.index, int(size), leaf, proof.hashes)).decode() == root


def fetched(request: APIRequestContext, running: House, address: str) -> bytes:
    """What the portal answers at *address*."""
    answer = request.get(f"{running.address}{address}")
    assert answer.ok, (address, answer.status)
    return answer.body()
