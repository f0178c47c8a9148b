"""Names, as long and as odd as people type them: refused at the form, or good up to a signed contract."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import timedelta
from zoneinfo import available_timezones

import pytest
from flask import Flask

from appliance.contracts.agreement import AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, OFFICER, ZHANG, ZONE
from appliance.language import Language
from appliance.language.characters import with_organisation
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState, Deadline, Party, Placement, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.verification.model import Indication
from appliance.wiring import Appliance
from tests.portal.drafts import Wizard
from tests.portal.estate import once
from tests.portal.office_visits import asked_for, performed, token_in
from tests.portal.visitors import known_person, signed_in
from tests.world import confirm, contract_now, sample_document
from webui.portal.drafting.parties import offered_zones

HERE = SigningOrigin("192.0.2.7")
TYPED = {
    "64": "A" * 64,
    "65": "B" * 65,
    "80 letters": "Maria-Theresia Walburga Amalia Christina von Hohenberg-Schwarzenau, geborene Eck",
    "100 ideographs": "甲" * 100,
    "101": "C" * 101,
    "200 ideographs": "乙" * 200,
    "201": "D" * 201,
    "beyond the basic plane": "𠮷野家",
    "umlauts in two parts": unicodedata.normalize("NFD", "Jürgen Müßigmann"),
    "wide blanks": " 山田\u3000太郎\u00a0",
    "right to left": "abc\u202efdp",
    "a mark of direction": "Alpha\u200f Ltd",
    "control": "a\x07b",
    "a line break": "a\nb",
    "no typeface": "ܫܘܪܝܐ",
    "variation selectors alone": "\ufe0f\U000e0100",
}
NOT_SHOWN = (TYPED["no typeface"], TYPED["variation selectors alone"])
LIMITS = {"guest-name": 100, "guest-organisation": 200, "name": 100}
"""The fields of the portal's forms that end in a certificate, and the characters of each."""


def refusable(typed: str, most: int) -> bool:
    visible = all(unicodedata.category(each)[0] not in "C" for each in typed.strip())
    return len(typed.strip()) > most or not visible or typed in NOT_SHOWN


def status(typed: str) -> int:
    """Of a refusal: no form takes control characters, which nobody types."""
    return 400 if "\x07" in typed else 422


def kept(page: str, typed: str) -> bool:
    """Whether what was typed stands in the form again, with a problem beside it."""
    return status(typed) == 400 or ('class="problem' in page and html.escape(typed.strip()) in page)


@pytest.fixture(scope="module")
def draft(appliance: Appliance) -> Contract:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("咨询合同", "服务", "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
    return appliance.drafting.draft(sample_document(2), terms)


def test_what_cannot_be_certified_is_refused_where_it_is_typed(
    portal: Flask, appliance: Appliance, draft: Contract
) -> None:
    """The rest is what the next test signs with."""
    zhang = Wizard(signed_in(portal, appliance, ZHANG.subject), draft.id)
    for number, typed in enumerate(TYPED.values()):
        for place in ("guest-name", "guest-organisation"):
            guest = {
                "guest-name": "外来者",
                "guest-organisation": f"公司 {number}",
                "guest-email": f"{place}-{number}@example.test",
                "guest-phone": "+86 138 0000 0000",
            }
            before = len(contract_now(appliance, draft.id).parties)
            answer = zhang.save("parties", act="guest", **guest | {place: typed})
            added = len(contract_now(appliance, draft.id).parties) - before
            refused = refusable(typed, LIMITS[place])
            assert (answer.status_code, added) == ((status(typed), 0) if refused else (303, 1)), (place, typed)
            if refused:
                assert kept(answer.text, typed), (place, typed)


def test_people_and_profiles_have_the_same_rule(portal: Flask, appliance: Appliance) -> None:
    known_person(appliance, OFFICER, "王登记")
    officer = signed_in(portal, appliance, OFFICER, [AccountRole.OFFICER])
    token = token_in(officer.get("/office/people/new").text)
    known_person(appliance, "person-renamed", "某人")
    browser = signed_in(portal, appliance, "person-renamed")
    profile = {"language": "en", "zone": ZONE, "form_token": token_in(browser.get("/settings").text)}
    for number, typed in enumerate(TYPED.values()):
        form = {
            "kind": "person",
            "login": f"long-{number}",
            "organisation": ALPHA,
            "role": "signer",
            "once": once(),
        }
        form |= {"email": f"long-{number}@alpha.example", "name": typed, "form_token": token}
        answer = officer.post("/office/people/new", data=form)
        refused = refusable(typed, LIMITS["name"])
        assert answer.status_code == (status(typed) if refused else 303), typed
        if refused:
            assert kept(answer.text, typed), typed
        changed = browser.post("/settings/profile", data=profile | {"name": typed})
        assert changed.status_code == (status(typed) if refused else 303), typed
        assert not refused or kept(changed.text, typed), typed


def test_a_zone_outside_the_list_stays_chosen_when_something_else_is_saved(
    portal: Flask, appliance: Appliance
) -> None:
    known_person(appliance, "person-of-utc", "某人")
    appliance.accounts.own.prefer("person-of-utc", Language.ENGLISH, zone="Etc/UTC")
    page = signed_in(portal, appliance, "person-of-utc").get("/settings").text
    chosen = re.findall(r'<option value="([^"]+)"[^>]* selected', page.partition('name="zone"')[2])
    assert chosen == ["Etc/UTC"]


def enrolled(appliance: Appliance, party: Party) -> None:
    """The guest of *party* has an authenticator and a certificate, by the officer's own."""
    request = asked_for(appliance, party.subject)
    act = appliance.office.drafts.draft_enrolment(request.id, verified="示例", by=OFFICER)
    performed(appliance, act)


def test_what_was_taken_is_signed_and_verified_in_full(appliance: Appliance, draft: Contract) -> None:
    parties = contract_now(appliance, draft.id).parties
    for position, party in enumerate(parties):
        place = Placement(0, 5 + 30 * (position % 3), 3 + 5 * (position // 3), 28, 4.5)
        appliance.drafting.place(draft.id, party.id, [place], by=ZHANG.subject)
    sent = appliance.sending.send(draft.id, by=ZHANG.subject)
    for party in sent.parties:
        enrolled(appliance, party)
        between = AgreementSides(party.side, sent.other_sides(party))
        proposal = appliance.agreements.propose(party.subject, between)
        confirm(appliance, proposal.intent)
        appliance.agreements.accept(proposal.id, by=party.subject)
    for party in sent.parties:
        opened = appliance.signing.open(sent.id, party.id, HERE)
        confirm(appliance, opened.intent.intent)
        appliance.signing.sign(opened.intent.id, HERE)
    completed = appliance.finalisation.finalise(sent.id)
    assert completed.state is ContractState.COMPLETED
    report = appliance.verifier.verify_pdf(appliance.contracts.document(completed))
    assert {each.verdict.indication for each in report.signatures} == {Indication.PASSED}
    signers = {each.signer for each in report.signatures}
    assert {with_organisation(party.name, party.organisation) for party in completed.parties} <= signers


def test_the_zones_of_a_deadline_reach_every_continent_and_name_none_twice() -> None:
    offered = offered_zones("Etc/UTC")
    assert {zone.partition("/")[0] for zone in offered} >= {"Africa", "America", "Asia", "Australia", "Europe"}
    assert offered[0] == "Etc/UTC" and "UTC" not in offered and "America/Sao_Paulo" in offered
    assert offered_zones("UTC").count("UTC") == offered_zones("Asia/Shanghai").count("UTC") == 1
    assert set(offered) <= available_timezones()
