"""Two companies conclude their first and their second contract: two people and one seal on each side, on two
phones and two desktops, and how many human actions that takes (decision 67).

**An action** is a touch of an authenticator, or a click that by itself decides something: registering and
inviting, sending. A click that leads somewhere, fills in or chooses is none, and neither is one that only opens
the prompt of the authenticator: without the touch nothing comes of it, so the act counts once, where it happens.
:data:`LEADS` and :data:`DECIDES` name every click of the story; one that neither of them has stops it. The second
figure counts all clicks and all touches. Typing, choosing in lists, opening a letter's link and reading are not
counted.

**The first contract** begins when the house does not know the other company: its own people have accounts and are
signed in, and its seal is there. It ends with four signatures, two of people and two of seals, and the timestamp.
The officer of the house, who confirms both people of the other company and makes its seal, is counted as well.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, OFFICER, PEOPLE, ZHANG
from appliance.language import Language
from appliance.model.contract import ContractState
from tests.browser import making, newcomers
from tests.browser.house import house
from tests.browser.people import PATIENCE, Actor, Stage
from tests.browser.test_first_contract import package_verifies_itself, results, verified
from tests.browser.troupe import AUDITOR, WANG, ZHOU, Troupe, troupe
from tests.browser.visitor import Visitor, arriving
from tests.partners.conftest import code_of
from tests.sweeps import first_of
from tests.world import contract_now

DECIDES = {"Register and invite", "Send and sign"}
"""Clicks after which something is done that others hear of."""

LEADS = {
    # to a page, or to the prompt of the authenticator
    *("New partner", "Make a seal", "Continue", "Continue to the passkey", "Confirm with passkey"),
    *("Set up a passkey", "Accept and sign", "Sign", "Ask for the seal", "Use the seal", "Approve and seal"),
    *("an enrolment request", "a request for a seal"),
    # what a draft says, which only its initiator sees
    *("Upload and continue", "Duplicate as a new draft", "Continue to the parties", "Add myself as a signer"),
    *("Add a company seal", "Add the seal", "Add a colleague, or a representative of a partner", "Search"),
    *("Add {name}", "in {days} days", "Continue to the fields", "Continue to the check"),
    "Put the missing fields at the foot of the last page",
    "a choice",
}
"""Clicks that by themselves decide nothing."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the story's people type. ``titles``: of both contracts."""

    company: str
    code: int
    administrator: str
    keeper: str
    titles: tuple[str, str]
    kind: str
    purpose: str
    seen: str
    reason: str


WORDS = {
    Language.CHINESE: Words(
        "丁公司示例贸易有限公司",
        701,
        "陈经办",
        "林保管",
        ("年度采购框架合同", "第二批采购合同"),
        "采购",
        "采购示例设备。",
        "身份证原件，视频核对",
        "采购合同，一式一份",
    ),
    Language.ENGLISH: Words(
        "Delta Sample Trading Ltd",
        702,
        "Dora Director",
        "Kim Keeper",
        ("Framework purchase", "Second purchase"),
        "Purchase",
        "Fictional goods.",
        "Identity card seen by video",
        "Purchase, one copy",
    ),
}


@dataclass(slots=True)
class Counted(Actor):
    """Somebody whose clicks are named."""

    clicked: list[str] = field(default_factory=list)

    def press(self, sentence: str, within: Locator | None = None, **values: object) -> None:
        self.clicked.append(sentence)
        Actor.press(self, sentence, within, **values)

    def follow(self, sentence: str, **values: object) -> None:
        self.clicked.append(sentence)
        Actor.follow(self, sentence, **values)

    def unfold(self, sentence: str) -> None:
        self.clicked.append(sentence)
        Actor.unfold(self, sentence)

    def choose(self, what: Locator) -> None:
        """A box or a round button."""
        self.clicked.append("a choice")
        self.visitor.touch(what)

    def touch(self, *, again: bool = False) -> None:
        """Reads the act at the activation service and confirms it with the passkey; the next act comes at once
        where *again*, otherwise the portal."""
        service = f"{self.house.settings.activation.origin}/act/"
        assert self.page.url.startswith(service), self.page.url
        self.study()
        self.press("Confirm with passkey")
        assert self.page.url.startswith(service if again else f"{self.house.address}/"), self.page.url


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part: of the house an initiator, who signs, the keeper of its seal and an officer; of the other
    company its administrator, who signs, and the keeper of its seal."""

    initiator: Counted
    custodian: Counted
    officer: Counted
    administrator: Counted
    keeper: Counted

    @property
    def everybody(self) -> tuple[Counted, ...]:
        return self.initiator, self.custodian, self.officer, self.administrator, self.keeper


@dataclass(frozen=True, slots=True)
class Figures:
    """``actions`` by the rule above; ``everything``: all clicks and touches."""

    actions: int
    everything: int


BOUNDS = (14, 6)
"""Most actions for the first contract and the second."""

TAKEN = (Figures(14, 60), Figures(6, 21))
"""What both take today; decision 67 has them in its table."""


@pytest.mark.parametrize(
    "language", first_of((Language.CHINESE, Language.ENGLISH)), ids=lambda language: language.value
)
def test_two_companies_two_contracts(
    language: Language, chromium: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = WORDS[language]
    with house(language) as running, troupe(running, chromium) as people, gathered(people, language) as cast:
        before = counted(cast)
        others_come(cast, words)
        first = first_is_drafted(cast, words)
        all_sign(cast, words, first, accept=True)
        is_complete(people, cast, first)
        between = counted(cast)
        second = second_is_drafted(cast, words, first)
        all_sign(cast, words, second, accept=False)
        is_complete(people, cast, second)
        figures = difference(between, before), difference(counted(cast), between)
        with capsys.disabled():
            sys.stdout.write(told(language, *figures))
        evidence_says_who(cast, words, second, tmp_path)
    assert figures == TAKEN
    assert all(each.actions <= most for each, most in zip(figures, BOUNDS, strict=True))


def told(language: Language, first: Figures, second: Figures) -> str:
    """Both contracts' figures, for whoever runs the story."""
    lines = [
        f"{which} contract ({language}): {each.actions} actions, {each.everything} clicks and touches"
        for which, each in (("first", first), ("second", second))
    ]
    return "\n" + "\n".join(lines) + "\n"


@contextmanager
def gathered(people: Troupe, language: Language) -> Iterator[Cast]:
    """Everybody at a browser of their own; the house's people are signed in, the others unknown."""
    words, running = WORDS[language], people.house
    called = [each.name for each in (*PEOPLE, ZHOU, AUDITOR, WANG)] + [words.administrator, words.keeper]
    known = {*called, "王见证", ALPHA, BETA, words.company}  # as the ceremony of a demonstration calls the officer
    known |= {words.seen, words.reason, words.kind, words.purpose, *words.titles, "Helvetica", "甲公司示例"}
    known |= SEALS
    stage = Stage(running, language, known)

    def someone(visitor: Visitor, login: str) -> Counted:
        return Counted(visitor, running, language, login, stage.names, stage.studied)

    with ExitStack() as open_browsers:

        def of_house(subject: str, *, phone: bool = False) -> Counted:
            visitor = open_browsers.enter_context(people.at(subject, language=language.value, phone=phone))
            return someone(visitor, subject)

        def of_other(login: str, *, phone: bool = False) -> Counted:
            stage.names.update((login, f"{login}@mail.example"))
            at = arriving(people.browser, running.address, language=language.value, phone=phone)
            return someone(open_browsers.enter_context(at), login)

        yield Cast(
            initiator=of_house(ZHANG.subject),
            custodian=of_house(CUSTODIAN.subject, phone=True),
            officer=of_house(OFFICER),
            administrator=of_other(f"dora{language}", phone=True),
            keeper=of_other(f"kim{language}"),
        )


SEALS = {"合同专用章", "企业印章"}
"""What seals of a contract are called in certificates, whatever the reader's language."""


def counted(cast: Cast) -> tuple[int, int]:
    """Actions, and clicks with touches, until now. Every click has a name that is known."""
    for each in cast.everybody:
        assert len(each.clicked) == each.visitor.clicks
        assert set(each.clicked) <= DECIDES | LEADS, set(each.clicked) - DECIDES - LEADS
    prompts = sum(each.visitor.prompts for each in cast.everybody)
    deciding = sum(sentence in DECIDES for each in cast.everybody for sentence in each.clicked)
    return prompts + deciding, prompts + sum(each.visitor.clicks for each in cast.everybody)


def difference(now: tuple[int, int], then: tuple[int, int]) -> Figures:
    return Figures(now[0] - then[0], now[1] - then[1])


def others_come(cast: Cast, words: Words) -> None:
    """The other company is registered and its two people are invited; they come, an officer confirms both, and
    makes the seal of their company."""
    invite_the_company(cast.initiator, cast, words)
    for someone, name in ((cast.administrator, words.administrator), (cast.keeper, words.keeper)):
        fingerprint = newcomers.arrive_with_passkey(someone)
        confirm_person(cast.officer, name, words.seen, fingerprint)
    make_their_seal(cast.officer, words)


def invite_the_company(initiator: Counted, cast: Cast, words: Words) -> None:
    initiator.go("/partners")
    initiator.follow("New partner")
    initiator.fill("Name of the company", words.company)
    initiator.fill("Unified social credit code", code_of(words.code))
    initiator.choose(initiator.page.locator("input[name=means][value=licence]"))
    people = ("administrator", words.administrator, cast.administrator), ("colleague", words.keeper, cast.keeper)
    for place, name, someone in people:
        part = initiator.page.locator(f"#field-{place}")
        initiator.fill("Name", name, part)
        initiator.fill("E-mail", someone.email, part)
    initiator.page.locator("#field-language").select_option(initiator.language.value)
    initiator.study()
    initiator.press("Register and invite")
    initiator.study()


def confirm_person(officer: Counted, name: str, how: str, fingerprint: str) -> None:
    """The officer has met the person, who reads the *fingerprint*, and approves it."""
    request = newcomers.waiting_request(officer, name)
    officer.clicked.append("an enrolment request")
    officer.visitor.touch(request)
    officer.look()
    officer.study()
    officer.fill("How the identity was verified", how)
    officer.press("Continue to the passkey")
    officer.fill("Fingerprint that the applicant reads to you", fingerprint)
    officer.touch()
    officer.page.locator(".callout.good").wait_for()


def make_their_seal(officer: Counted, words: Words) -> None:
    """The seal of the other company, which its second person alone keeps."""
    officer.go("/office")
    officer.follow("Make a seal")
    officer.page.locator("#field-organisation").select_option(words.company)
    officer.choose(officer.page.locator("input[name=kind][value=CONTRACT]"))
    officer.choose(officer.page.get_by_label(words.keeper))
    officer.study()
    officer.press("Continue to the passkey")
    officer.touch()
    officer.page.locator(".callout.good").wait_for()


def first_is_drafted(cast: Cast, words: Words) -> str:
    """The contract's address, once it is out for signing."""
    initiator, page = cast.initiator, cast.initiator.page
    making.upload(initiator, words.titles[0])
    making.describe(initiator, words.kind, words.purpose)
    initiator.press("Add myself as a signer")
    add_seal(initiator, ALPHA, ZHANG.name)
    initiator.unfold("Add a colleague, or a representative of a partner")
    initiator.fill("Name, organisation, department or e-mail", words.company)
    initiator.press("Search")
    initiator.press("Add {name}", name=words.administrator)
    add_seal(initiator, words.company, words.keeper)
    initiator.press("in {days} days", days=7)
    initiator.study()
    initiator.press("Continue to the fields")
    initiator.press("Put the missing fields at the foot of the last page")
    assert page.locator(".box").count() == 4
    initiator.press("Continue to the check")
    return sent(initiator)


def add_seal(initiator: Counted, company: str, requester: str) -> None:
    """A seal of *company*, which *requester* asks for."""
    page = initiator.page
    initiator.unfold("Add a company seal")
    for field_name, text in (("seal", company), ("requester", requester)):
        offered = page.locator(f"#field-{field_name} option", has_text=text).first
        page.locator(f"#field-{field_name}").select_option(offered.get_attribute("value"))
    initiator.press("Add the seal")


def second_is_drafted(cast: Cast, words: Words, first: str) -> str:
    """From the first one: the same parties, fields and document, another title."""
    initiator = cast.initiator
    initiator.go(first)
    initiator.press("Duplicate as a new draft")
    initiator.fill("Title", words.titles[1])
    initiator.press("Continue to the parties")
    initiator.press("in {days} days", days=7)
    initiator.press("Continue to the fields")
    initiator.press("Continue to the check")
    return sent(initiator)


def sent(initiator: Counted) -> str:
    """Sends the draft; its initiator is on the page for signing, or on that of the agreement."""
    contract = initiator.page.url.partition(initiator.house.address)[2].partition("/draft")[0]
    making.check_and_send(initiator)
    return contract


def all_sign(cast: Cast, words: Words, contract: str, *, accept: bool) -> None:
    """One after the other: initiator, the house's seal, the other company's signer, and its seal. Where they
    *accept*, the agreement on electronic signing comes first."""
    initiator, title = cast.initiator, words.titles[0 if accept else 1]
    if accept:
        initiator.press("Accept and sign")
        initiator.touch(again=True)
        initiator.touch()
        initiator.go(f"{contract}/sign")
        initiator.fill("What the seal is for", words.reason)
        initiator.press("Ask for the seal")
        initiator.touch()
    else:
        initiator.page.locator("#reason").fill(words.reason)  # its request comes straight after the signature
        initiator.press("Sign")
        initiator.touch(again=True)
        initiator.touch()
    custodian = cast.custodian
    custodian.go("/seals/requests")
    custodian.clicked.append("a request for a seal")
    with custodian.page.expect_navigation():
        custodian.visitor.touch(custodian.page.locator(".rows a", has_text=title).first)
    custodian.look()
    custodian.study()
    custodian.press("Approve and seal")
    custodian.touch()
    custodian.see("Signed, dated by the timestamp authority, and verified.")
    signer = cast.administrator
    signer.open_mail(subject=signer.say("“{title}” waits for your signature", title=title))
    signer.study()
    signer.press("Accept and sign" if accept else "Sign")
    if accept:
        signer.touch(again=True)
    signer.touch()
    signer.see("You have signed")
    keeper = cast.keeper
    keeper.open_mail(subject=keeper.say("“{title}” waits for its seal, which you ask for", title=title))
    keeper.study()
    keeper.fill("What the seal is for", words.reason)
    keeper.press("Use the seal")
    keeper.touch()


def is_complete(people: Troupe, cast: Cast, contract: str) -> None:
    """Four signatures and the timestamp, as the initiator sees and the records say."""
    initiator = cast.initiator
    initiator.go(contract)
    initiator.page.get_by_text(initiator.say("Completed"), exact=True).first.wait_for(timeout=PATIENCE)
    initiator.look()
    now = contract_now(people.appliance, contract.rpartition("/")[2])
    assert now.state is ContractState.COMPLETED
    signed = [each.party for each in now.revisions if each.party is not None]
    assert signed == [each.id for each in now.parties]
    assert [each.subject for each in now.parties[:2]] == [ZHANG.subject, CONTRACT_SEAL.subject]
    assert now.parties[3].subject.startswith("seal-guest-")


def evidence_says_who(cast: Cast, words: Words, contract: str, folder: Path) -> None:
    """The package of the second contract proves itself, and says who vouched for whom."""
    _, evidence = results(cast.initiator, contract, folder)
    verdict = verified(evidence, cast.initiator.house.home.trust / "ca.pem", folder)
    assert verdict["indication"] == "TOTAL-PASSED"
    package_verifies_itself(evidence, folder / "evidence")
    seal = re.compile(rf"seals of other companies.*: {words.company}.*officers of the house vouch for")
    remarks = verdict["remarks"]
    assert isinstance(remarks, list) and any(seal.search(each) for each in remarks), remarks
    for language, sentences in VOUCHED.items():
        text = closed((folder / "evidence" / f"README.{language}.txt").read_text(encoding="utf-8"))
        for who, sentence in zip((words.administrator, words.company), sentences, strict=True):
            assert re.search(f"0[34]{re.escape(closed(who))}.*?{re.escape(closed(sentence))}", text), (who, text)


def closed(text: str) -> str:
    """Without blanks, so that where lines are broken does not matter."""
    return "".join(text.split())


VOUCHED = {
    Language.CHINESE: (
        "外部签署人。其身份由本系统所在单位的登记员核验",
        "该印章属于该单位，由本系统所在单位的登记员核实",
    ),
    Language.ENGLISH: (
        "Registration officers of the house that runs the appliance have verified who this is",
        "registration officers of the house that runs the appliance vouch for",
    ),
}
"""What a package says below the signatures of the other company's person and seal."""
