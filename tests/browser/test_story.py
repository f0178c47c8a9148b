"""The whole story in each language: from a machine that nobody has used to evidence that others can check."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import APIRequestContext, Browser

from appliance.demonstration import cast
from appliance.evidence import proofs
from appliance.language import Language
from hsm.merkle import leaf_hash, root_from_inclusion
from hsm.note import parse_vkey, verify_note
from tests.browser import making, newcomers, signing
from tests.browser.house import House, house
from tests.browser.people import PATIENCE, Actor, Stage, acting
from tests.pdf.judges import valid_by_poppler

VERMILION = Path(sys.executable).parent / "vermilion"


@dataclass(frozen=True, slots=True)
class Company:
    """The people of one story: what they are called, and at which browsers they sit."""

    officer: Actor
    initiator: Actor
    colleague: Actor
    custodian: Actor
    outsider: Actor
    named: tuple[str, str, str, str]
    guest: making.Outsider


CALLED = {
    Language.CHINESE: ("周登记", "钱发起", "孙同事", "吴保管", "郑外人", "丙公司示例有限公司"),
    Language.ENGLISH: (
        "Olga Officer",
        "Ivan Sample",
        "Cora Sample",
        "Kurt Keeper",
        "Gina Outside",
        "Gamma Sample Ltd",
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


@pytest.fixture(params=list(Language), ids=lambda language: language.value)
def company(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Company]:
    with house(request.param) as running, gathered(running, request.param, chromium) as people:
        yield people


@contextmanager
def gathered(running: House, language: Language, chromium: Browser) -> Iterator[Company]:
    """The people of the story, each at a browser of their own, before the first of them has come."""
    *named, guest, organisation = CALLED[language]
    known = {*CALLED[language], *WORDS[language], cast.ALPHA, cast.BETA}
    known.update(person.name for person in cast.PEOPLE)
    with ExitStack() as browsers:
        stage = Stage(running, language, known)

        def at_a_browser(login: str, *, phone: bool = False) -> Actor:
            return browsers.enter_context(acting(chromium, stage, login, phone=phone))

        yield Company(
            officer=at_a_browser("olga"),
            initiator=at_a_browser("ivan"),
            colleague=at_a_browser("cora"),
            custodian=at_a_browser("kurt"),
            outsider=at_a_browser("gina", phone=True),
            named=(named[0], named[1], named[2], named[3]),
            guest=making.Outsider(guest, organisation, "gina@mail.example", "+86 138 0000 0000"),
        )


def test_from_a_new_machine_to_evidence(company: Company, tmp_path: Path) -> None:
    tell(company, tmp_path)


def tell(company: Company, folder: Path) -> None:
    """The whole story; what is downloaded lies in *folder*."""
    title, _, purpose, seen = WORDS[company.officer.language]
    people_come(company, seen)
    contract = contract_is_sent(company)
    people_sign(company, contract, seen)
    seal_is_released(company, contract, purpose)
    signed, evidence = results(company.initiator, contract, folder)
    trust = company.initiator.house.home.trust / "ca.pem"
    for file in (signed, evidence):
        assert verified(file, trust, folder)["indication"] == "TOTAL-PASSED"
    assert signed.name == f"{title}.pdf"
    assert valid_by_poppler(signed.read_bytes(), folder) == 4
    timeline_is_proven(company.initiator, contract)


def people_come(company: Company, seen: str) -> None:
    """Accounts, second factors, enrolment, and the company's seal."""
    officer = company.officer
    newcomers.register_first_officer(officer, company.named[0])
    arriving = (
        (company.initiator, ("initiator", "signer"), newcomers.arrive_with_passkey),
        (company.colleague, ("signer",), newcomers.arrive_with_passkey),
        (company.custodian, ("custodian", "signer"), newcomers.arrive_with_codes),
    )
    for name, (someone, roles, arrive) in zip(company.named[1:], arriving, strict=True):
        newcomers.invite(officer, name, someone, roles)
        arrive(someone)
        newcomers.approve(officer, name, seen)
        someone.open_mail()
    newcomers.make_company_seal(officer, company.custodian)


def contract_is_sent(company: Company) -> str:
    """The contract's address, once it is out for signing."""
    initiator, (_, mine, colleague, _) = company.initiator, company.named
    title, kind, purpose, _ = WORDS[initiator.language]
    newcomers.sign_out(initiator, mine)
    newcomers.sign_in_with_passkey(initiator)
    initiator.study()
    make = making.upload if initiator.language is Language.CHINESE else making.write
    make(initiator, title)
    making.describe(initiator, kind, purpose)
    making.name_parties(initiator, colleague, company.guest, mine)
    making.place_fields(initiator, (mine, colleague, company.guest.name))
    contract = initiator.page.url.partition(initiator.house.address)[2].partition("/draft")[0]
    making.check_and_send(initiator)
    return contract


def people_sign(company: Company, contract: str, seen: str) -> None:
    """The initiator, the colleague, and the outsider on a phone, each told when it is their turn."""
    initiator, outsider = company.initiator, company.outsider
    signing.agree_and_sign(initiator)
    stands(initiator, contract, signed=1)
    company.colleague.open_mail()
    signing.sign(company.colleague)
    code = signing.tell_the_code(initiator, contract, company.guest.name)
    signing.come_in_from_outside(outsider, code)
    newcomers.approve(company.officer, company.guest.name, seen)
    outsider.open_mail()
    signing.agree_and_sign(outsider)
    stands(initiator, contract, signed=3)


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
    assert page.get_by_text(initiator.say("{signed} of {all} have signed", signed=signed, all=4)).is_visible()
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


def timeline_is_proven(initiator: Actor, contract: str) -> None:
    """Every event's proof leads to the root of a checkpoint that the log's key has signed."""
    page, running = initiator.go(contract), initiator.house
    key = parse_vkey((running.home.trust / "log.vkey").read_text(encoding="utf-8").strip())
    links = [link.get_attribute("href") for link in page.locator(".timeline a[href^='/log/proof/file']").all()]
    assert len(links) == page.locator(".timeline > li").count() > 15
    for link in links:
        proof = proofs.parse(fetched(page.request, running, str(link)))
        note = verify_note(proof.checkpoint, [key])
        size, root = note.text.split("\n")[1:3]
        leaf = leaf_hash(fetched(page.request, running, f"/log/entry?index={proof.index}"))
        assert base64.b64encode(root_from_inclusion(proof.index, int(size), leaf, proof.hashes)).decode() == root


def fetched(request: APIRequestContext, running: House, address: str) -> bytes:
    """What the portal answers at *address*."""
    answer = request.get(f"{running.address}{address}")
    assert answer.ok, (address, answer.status)
    return answer.body()
