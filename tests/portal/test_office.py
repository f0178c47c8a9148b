"""``/office``: the refusals first, then what officers do there, each with a passkey that the authority checks."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration import participants
from appliance.language import Language
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, AccountState
from appliance.model.contract import Deadline
from appliance.model.office import EnrolmentRequestState, OfficerDecisionState
from appliance.model.people import Person
from appliance.wiring import Appliance
from tests.portal import signing_visits as visits
from tests.portal import visitors
from tests.portal.office_visits import (
    AUDITOR,
    SIGNER,
    account_of,
    act_of,
    activated,
    asked_for,
    posted,
    signed_in,
    token_in,
)
from tests.world import sample_document, send

HOUR = timedelta(hours=1)
VERIFIED = "身份证原件，当面核对"
_numbers = itertools.count(1)


def asking(appliance: Appliance, name: str = "赵示例") -> tuple[str, str]:
    """Subject and request id of a newcomer who wants to sign."""
    subject = f"person-office-{next(_numbers)}"
    person = Person(
        subject, name, participants.ALPHA, f"{subject}@example.test", Language.CHINESE, participants.ZONE
    )
    appliance.registry.add_person(person, None, by=participants.OFFICER)
    return subject, asked_for(appliance, subject).id


@pytest.mark.parametrize("address", ["/office", "/office/people/new", "/office/seals/new", "/office/acts/ff"])
def test_who_is_signed_out_is_led_to_the_door(browser: FlaskClient, address: str) -> None:
    answer = browser.get(address)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


def test_who_signs_has_no_business_here(portal: Flask, appliance: Appliance, cast_here: None) -> None:
    signer = signed_in(portal, appliance, SIGNER)
    for address in ("/office", "/office/people/new", "/office/seals/new", f"/office/people/{SIGNER}"):
        assert signer.get(address).status_code == 403
    token = token_in(signer.get("/verify").text)
    for address in (f"/office/people/{SIGNER}/roles", f"/office/people/{SIGNER}/leave", "/office/seals/new"):
        assert signer.post(address, data={"form_token": token}).status_code == 403


def test_auditors_read_and_change_nothing(portal: Flask, appliance: Appliance, cast_here: None) -> None:
    auditor = signed_in(portal, appliance, AUDITOR)
    _, request = asking(appliance)
    shown = auditor.get(f"/office/requests/{request}")
    assert shown.status_code == 200 and "<textarea" not in shown.text
    assert auditor.get("/office").status_code == 200
    assert auditor.get("/office/people/new").status_code == 403
    token = token_in(auditor.get("/verify").text)
    refused = auditor.post(f"/office/requests/{request}/refuse", data={"form_token": token, "reason": "x"})
    assert refused.status_code == 403
    assert appliance.office.requests.find_request(request).state is EnrolmentRequestState.OPEN


def test_a_request_is_approved_with_a_passkey(appliance: Appliance, officer: FlaskClient) -> None:
    subject, request = asking(appliance, name="<b>𠮷野</b>")
    page = officer.get(f"/office/requests/{request}").text
    assert "&lt;b&gt;𠮷野&lt;/b&gt;" in page and "<b>𠮷野" not in page

    answer = posted(
        officer, f"/office/requests/{request}", f"/office/requests/{request}/approve", verified=VERIFIED
    )
    act = act_of(appliance, answer)
    assert "&lt;b&gt;𠮷野" in officer.get(act).text and VERIFIED in officer.get(act).text
    done = activated(appliance, officer, act)

    assert done.status_code == 303 and "in the log" in officer.get(act).text
    assert appliance.registry.certificate(subject)


@pytest.mark.parametrize("answer", ["approved", "refused"])
def test_no_notice_asks_for_what_an_officer_has_decided(
    appliance: Appliance, officer: FlaskClient, answer: str
) -> None:
    def told() -> int:
        return officer.get("/notices").text.count("An enrolment for signing waits for your decision")

    def unread() -> int:
        return appliance.reminders.inbox.count_unseen(participants.OFFICER)

    before, (_, request) = (told(), unread()), asking(appliance)
    assert (told(), unread()) == (before[0] + 1, before[1] + 1)
    page = f"/office/requests/{request}"
    if answer == "approved":
        act = act_of(appliance, posted(officer, page, f"{page}/approve", verified=VERIFIED))
        activated(appliance, officer, act)
    else:
        posted(officer, page, f"{page}/refuse", reason="照片与本人不符")
    assert (told(), unread()) == before


def test_whoever_prepares_a_decision_is_at_its_confirmation_at_once(
    portal: Flask, appliance: Appliance, officer: FlaskClient
) -> None:
    """Two pages for one decision, not three; who cancels finds the portal's page, where it can be refused."""
    seal = f"/office/seals/{participants.CONTRACT_SEAL.subject}"
    member = f"/office/people/{participants.LI.subject}"
    visitors.signed_in(portal, appliance, participants.ZHANG.subject, PEOPLES_ROLES)
    custodian = {"custodian": participants.ZHANG.subject}
    for page, what, fields in (
        (seal, "custodians/add", custodian),
        (seal, "destroy", {"destroyed_because": "示例"}),
        (member, "leave", {}),
    ):
        answer = posted(officer, page, f"{page}/{what}", **fields)
        act = act_of(appliance, answer)
        back = officer.get(f"{act}/activated")
        assert (back.status_code, back.headers["Location"]) == (303, act), "nothing was confirmed"
        shown = officer.get(act).text
        assert f'action="{act}"' in shown and f'action="{act}/refuse"' in shown
        posted(officer, act, f"{act}/refuse", reason="示例")
        decided = appliance.office.decisions.find_decision(act.rpartition("/")[2])
        assert decided.state is OfficerDecisionState.REFUSED
    assert appliance.registry.seal(participants.CONTRACT_SEAL.subject).destroyed is None


def test_missing_words_stay_at_the_form_with_what_was_typed(appliance: Appliance, officer: FlaskClient) -> None:
    _, request = asking(appliance)
    page = f"/office/requests/{request}"
    empty = posted(officer, page, f"{page}/approve", verified="  ")
    assert empty.status_code == 409 and "Say how the identity was verified" in empty.text
    long = posted(officer, page, f"{page}/approve", verified="长" * 600)
    assert long.status_code == 409 and "长" * 600 in long.text
    assert posted(officer, page, f"{page}/refuse", reason="").status_code == 409


def test_a_request_that_was_decided_meanwhile(appliance: Appliance, officer: FlaskClient) -> None:
    _, request = asking(appliance)
    page = f"/office/requests/{request}"
    token = token_in(officer.get(page).text)
    appliance.office.requests.refuse_request(request, reason="证件过期", by=participants.OFFICER)

    late = officer.post(f"{page}/approve", data={"form_token": token, "verified": VERIFIED})

    assert late.status_code == 409 and "in the meantime" in late.text and "证件过期" in late.text
    assert officer.get("/office/requests/ffff").status_code == 404


@pytest.mark.parametrize("credential", ["", "{", "[]", '{"rawId": 1, "response": {}}', "x" * 30_000])
def test_an_answer_that_is_none_does_nothing(appliance: Appliance, officer: FlaskClient, credential: str) -> None:
    _, request = asking(appliance)
    page = f"/office/requests/{request}"
    act = act_of(appliance, posted(officer, page, f"{page}/approve", verified=VERIFIED))

    asked = posted(officer, act, act)
    answer = visits.confirm(officer, appliance, participants.OFFICER, asked, credential=credential)

    assert answer.status_code in (403, 409, 422)
    assert appliance.office.decisions.find_decision(act.rsplit("/", 1)[-1]).state is OfficerDecisionState.OPEN


def test_the_second_press_is_told_that_it_is_done(appliance: Appliance, officer: FlaskClient) -> None:
    _, request = asking(appliance)
    page = f"/office/requests/{request}"
    act = act_of(appliance, posted(officer, page, f"{page}/approve", verified=VERIFIED))
    token = token_in(officer.get(act).text)
    activated(appliance, officer, act)

    again = officer.post(act, data={"form_token": token, "credential": "{}"})
    refused = officer.post(f"{act}/refuse", data={"form_token": token, "reason": "x"})

    assert again.status_code == 409
    assert refused.status_code == 409 and "in the meantime" in refused.text


def invitation(officer: FlaskClient, **changes: object) -> object:
    shown = officer.get("/office/people/new").text
    form: dict[str, object] = {
        "form_token": token_in(shown),
        "once": token_in(shown, "once"),
        "name": "孙样本",
        "organisation": participants.ALPHA,
        "email": f"sun{next(_numbers)}@example.test",
        "login": f"sun{next(_numbers)}",
        "kind": "person",
        "role": ["signer"],
    }
    return officer.post("/office/people/new", data={**form, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "in 1 to 100 characters"),
        ({"name": "长" * 300}, "at most 100 characters; this one has 300"),
        ({"login": "No Spaces"}, "A login has"),
        ({"email": "nobody"}, "no e-mail address"),
        ({"role": []}, "at least one role"),
        ({"role": ["signer", "operator"]}, "each duty is an account"),
        ({"organisation": "没有的公司"}, "one of the organisations"),
    ],
)
def test_invitations_that_are_refused(officer: FlaskClient, changes: dict[str, object], said: str) -> None:
    answer = invitation(officer, **changes)
    assert answer.status_code == 422 and said in answer.text


def test_an_invited_person_and_what_an_officer_does_about_them(appliance: Appliance, officer: FlaskClient) -> None:
    answer = invitation(officer, name="<i>孙</i>", login="sun-office", role=["signer", "initiator"])
    page, _, done = answer.headers["Location"].partition("?")
    subject = page.rsplit("/", 1)[-1]
    assert "&lt;i&gt;孙&lt;/i&gt;" in officer.get(page).text
    invited = officer.get(f"{page}?{done}").text
    assert "No mail is sent from here. Hand the link over yourself." in invited
    assert "/welcome/" in invited
    assert invitation(officer, login="sun-office").status_code == 409

    assert posted(officer, page, f"{page}/invite").status_code == 303
    assert posted(officer, page, f"{page}/suspend").status_code == 409
    assert posted(officer, page, f"{page}/roles", role=["custodian"]).status_code == 303
    assert appliance.accounts.administration.account(subject).roles == {AccountRole.CUSTODIAN}
    refused = posted(officer, page, f"{page}/roles", role=["custodian", "officer"])
    assert refused.status_code == 409 and "each duty is an account" in refused.text
    left = posted(officer, page, f"{page}/leave")
    assert left.headers["Location"].endswith(page)
    assert appliance.accounts.administration.account(subject).state is AccountState.LEFT


def test_suspending_ends_the_sessions(portal: Flask, appliance: Appliance, officer: FlaskClient) -> None:
    subject = "person-office-suspended"
    account_of(appliance, subject, PEOPLES_ROLES)
    theirs = signed_in(portal, appliance, subject)
    page = f"/office/people/{subject}"
    assert theirs.get("/office").status_code == 403

    assert posted(officer, page, f"{page}/suspend").status_code == 303

    assert theirs.get("/office").status_code == 303
    assert posted(officer, page, f"{page}/resume").status_code == 303
    assert posted(officer, page, f"{page}/recover").status_code == 303


def test_nobody_does_it_to_themselves(officer: FlaskClient) -> None:
    page = f"/office/people/{participants.OFFICER}"
    token = token_in(officer.get(page).text)
    for what in ("suspend", "recover", "leave", "roles"):
        answer = officer.post(f"{page}/{what}", data={"form_token": token, "role": "officer"})
        assert answer.status_code == 409 and "another officer" in answer.text
    assert officer.get("/office/people/person-nobody").status_code == 404


def test_a_credential_is_revoked_and_the_person_leaves(appliance: Appliance, officer: FlaskClient) -> None:
    subject, request = asking(appliance, name="钱示例")
    asked = f"/office/requests/{request}"
    approved = posted(officer, asked, f"{asked}/approve", verified=VERIFIED)
    activated(appliance, officer, act_of(appliance, approved))
    page = f"/office/people/{subject}"
    [known] = appliance.authority.credentials(subject)
    assert known.credential_id is not None
    wrong = posted(officer, page, f"{page}/credential", credential="zz")
    assert wrong.status_code == 409 and "no such credential" in wrong.text

    revoked = posted(officer, page, f"{page}/credential", credential=known.credential_id.hex())
    activated(appliance, officer, act_of(appliance, revoked))

    assert appliance.authority.credentials(subject) == []


def test_an_officer_learns_what_waits_for_somebody_but_nothing_of_their_drafts(
    appliance: Appliance, officer: FlaskClient
) -> None:
    page = f"/office/people/{participants.ZHANG.subject}"
    account_of(appliance, participants.ZHANG.subject, PEOPLES_ROLES)
    deadline = Deadline(appliance.now() + HOUR, participants.ZONE)
    terms = DraftTerms("收购意向书", "采购", "示例", participants.ZHANG.subject, deadline)
    appliance.drafting.draft(sample_document(1), terms)
    sent = send(appliance, sample_document(1))

    shown = officer.get(page).text

    assert terms.title not in shown and re.search(r"never sent: [1-9]", shown)
    assert sent.title in shown
    addresses = set(re.findall(r'href="(/[^"]*)"', shown))
    assert not {each for each in addresses if officer.get(each, follow_redirects=True).status_code != 200}


def test_the_list_finds_people(officer: FlaskClient) -> None:
    found = officer.get("/office?search=张示").text
    assert participants.ZHANG.subject in found and participants.CUSTODIAN.subject not in re.sub(
        r"seals.*", "", found
    )
    assert "Nobody was found" in officer.get("/office?search=%3Cscript%3E").text
    assert "<script>alert" not in officer.get("/office?search=<script>alert").text


@pytest.mark.parametrize("address", ["/office", "/office/people/new", "/office/seals/new"])
def test_the_pages_are_whole_in_chinese(
    portal: Flask, appliance: Appliance, cast_here: None, address: str
) -> None:
    chinese = signed_in(portal, appliance, participants.OFFICER, language="zh").get(address).text
    text = re.sub(
        r"<(script|style|svg|head).*?</\1>|<[^>]+>|\S+@\S+|\b(person|seal)-\S+", " ", chinese, flags=re.S
    )
    assert not re.search(r"\b(the|and|with|who|seal|person|invite)\b", text, flags=re.I), text
