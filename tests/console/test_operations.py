"""Actions as forms, and the second person: what is done is what was read, once, by whom the registry allows."""

from __future__ import annotations

import html
import re

import pytest

from appliance.administration.action import ArgumentKind
from appliance.administration.actions import REGISTRY, may_approve, may_ask
from appliance.model.administration import ROOT, AdministratorRole, AdminRequestState, NewAdministrator
from tests.administration.conftest import opened_site
from tests.console.conftest import PEOPLE, Console, id_of, post
from webui.console.requests import CHOICES

OTHER = "九月的桂花落在旧信封上 & 四只白鹭"


def effect(text: str) -> str:
    """The sentence on a page that says exactly what will be done."""
    found = re.search(r'<p class="effect">(.*?)</p>', text, re.DOTALL)
    assert found is not None, text
    return html.unescape(re.sub(r"<[^>]+>", "", found[1]))


def effect_markup(text: str) -> str:
    found = re.search(r'<p class="effect">(.*?)</p>', text, re.DOTALL)
    assert found is not None
    return found[1]


def test_every_action_has_its_place_on_the_page(console: Console) -> None:
    text = console.browser("sun").get("/operations").text
    for action in REGISTRY.values():
        assert action.title in html.unescape(text), action.name
    assert "Other acts" not in text, "a first word of actions' names that no heading has"


@pytest.mark.parametrize("login", ["sun", "zhou", "wu"])
def test_each_kind_is_offered_exactly_what_it_may_ask_for(console: Console, login: str) -> None:
    browser, actor = console.browser(login), console.site.actor(login)
    offered = set(re.findall(r'href="/operations/([a-z._]+)"', browser.get("/operations").text))
    assert offered == {action.name for action in REGISTRY.values() if may_ask(actor, action)}
    for action in REGISTRY.values():
        allowed = action.name in offered
        assert browser.get(f"/operations/{action.name}").status_code == (200 if allowed else 403), action.name


def test_what_is_confirmed_is_what_will_be_done(console: Console) -> None:
    browser = console.browser("sun")
    read = post(browser, "/operations/release.upgrade", {"version": "1.4.0"})
    assert read.status_code == 200
    told = effect(read.text)
    assert "1.4.0" in told
    answer = console.act("sun", "release.upgrade", version="1.4.0")
    act = console.site.administration.requests.find_request(id_of(answer))
    assert (act.effect, act.state) == (told, AdminRequestState.WAITING)
    page = html.unescape(browser.get(answer.headers["Location"]).text)
    assert effect(page) == told
    # No mail server is set here: who asked has to know that nobody hears of it.
    assert "No mail is sent to" in page and "tell them yourself" in page


def test_one_person_alone_does_what_takes_one(console: Console) -> None:
    console.site.set_up("xu")
    answer = console.act("zhou", "administrators.suspend", login="xu")
    page = console.browser("zhou").get(answer.headers["Location"]).text
    assert "Done" in page
    assert "xu is suspended." in page
    assert console.browser("xu").get("/").status_code == 303


def test_a_link_is_shown_once_and_kept_nowhere(console: Console) -> None:
    new = NewAdministrator("he", "何示例", "he@ops.example", AdministratorRole.SYSTEM)
    console.site.administration.administrators.add(new, by=console.site.actor("zhou"))
    act = id_of(console.act("zhou", "administrators.link", login="he"))
    answer = console.approve("zheng", act)
    link = re.search(r"/welcome/([\w-]{20,})", answer.text)
    assert link is not None, answer.text
    again = (
        console.browser("zhou").get(f"/requests/{act}").text
        + console.browser("zheng").get(f"/requests/{act}").text
    )
    assert link[1] not in again + console.browser("zhou").get("/history").text


def test_one_person_has_the_link_and_another_the_code(console: Console) -> None:
    new = NewAdministrator("hua", "华示例", "hua@ops.example", AdministratorRole.SYSTEM)
    console.site.administration.administrators.add(new, by=console.site.actor("zhou"))
    act = id_of(console.act("zhou", "administrators.link", login="hua"))
    approved = console.approve("zheng", act).text
    link = re.search(r"/welcome/[\w-]{20,}", approved)
    seen = {who: console.browser(who).get(f"/requests/{act}").text for who in ("zhou", "zheng", "wu")}
    code = re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}", seen["zhou"])
    assert link is not None and code is not None
    assert code[0] not in approved + seen["zheng"] + seen["wu"]
    chosen = {"password": OTHER, "again": OTHER}
    newcomer = console.browser()
    for wrong in ({}, {"code": "AAAA-AAAA"}):
        refused = post(newcomer, link[0], {**chosen, **wrong})
        assert (refused.status_code, "not the code" in refused.text) == (422, True)
    further = post(newcomer, link[0], {**chosen, "code": code[0].lower().replace("-", " ")})
    assert further.status_code == 303
    assert further.headers["Location"] != link[0], "who gave the link cannot go on with it"
    assert console.browser().get(link[0]).status_code == 404
    assert "A code beside the password" in newcomer.get(further.headers["Location"]).text


def test_a_link_that_root_asked_for_is_not_whole_either(console: Console) -> None:
    """Who approves in the console is alone before the screen; root has the code, on the machine."""
    new = NewAdministrator("qiu", "邱示例", "qiu@ops.example", AdministratorRole.SYSTEM)
    console.site.administration.administrators.add(new, by=ROOT)
    with opened_site(console.site.settings.home.root.parent) as machine:
        machine.clock[0] = console.site.at
        act = machine.administration.requests.submit_request("administrators.link", {"login": "qiu"}, by=ROOT)
    approved = console.approve("zheng", act.id).text
    link = re.search(r"/welcome/[\w-]{20,}", approved)
    assert link is not None, approved
    chosen = {"password": OTHER, "again": OTHER}
    assert "not the code" in post(console.browser(), link[0], chosen).text
    code = console.site.administration.account_setup.code_for(act.id)
    assert code not in approved + console.browser("zheng").get(f"/requests/{act.id}").text
    assert post(console.browser(), link[0], {**chosen, "code": code}).status_code == 303


def test_a_link_ends_after_some_wrong_codes(console: Console) -> None:
    new = NewAdministrator("gao", "高示例", "gao@ops.example", AdministratorRole.SYSTEM)
    console.site.administration.administrators.add(new, by=console.site.actor("zhou"))
    approved = console.approve("zheng", id_of(console.act("zhou", "administrators.link", login="gao"))).text
    link = re.search(r"/welcome/[\w-]{20,}", approved)
    assert link is not None
    for _ in range(5):
        post(console.browser(), link[0], {"password": OTHER, "again": OTHER, "code": "AAAAAAAA"})
    assert "ask for another" in console.browser().get(link[0]).text


def test_a_second_person_approves_and_nobody_else(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    own = post(console.browser("sun"), f"/requests/{act}/approve", {"credential": "{}"})
    auditor = post(console.browser("wu"), f"/requests/{act}/approve")
    assert (own.status_code, auditor.status_code) == (403, 403)
    assert "another person does" in own.text
    assert console.site.administration.requests.find_request(act).state is AdminRequestState.WAITING
    assert "approve it" not in console.browser("sun").get(f"/requests/{act}").text
    assert "Sign and approve it" in console.browser("zhou").get(f"/requests/{act}").text
    done = console.approve("zhou", act)
    assert done.status_code == 303
    decided = console.site.administration.requests.find_request(act)
    assert (decided.decided_by, decided.state is AdminRequestState.WAITING) == ("zhou", False)


def test_a_session_alone_approves_nothing(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    other = id_of(console.act("sun", "release.rollback"))
    elsewhere = console.signed("zhou", console.browser("zhou").get(f"/requests/{other}"))
    for given in ({}, {"credential": "{}"}, elsewhere):
        answer = post(console.browser("zhou"), f"/requests/{act}/approve", given)
        assert (answer.status_code, "exactly this act" in answer.text) == (409, True)
    assert console.site.administration.requests.find_request(act).state is AdminRequestState.WAITING


def test_who_has_no_passkey_is_told_what_to_do(console: Console) -> None:
    console.site.set_up("tang")
    act = id_of(console.act("sun", "release.rollback"))
    console.site.set_up("tian", AdministratorRole.SECURITY)
    asking = post(console.browser("tang"), "/operations/release.rollback", {})
    approving = console.browser("tian").get(f"/requests/{act}")
    for page in (asking, approving):
        assert "You have no passkey that counts" in page.text
        assert 'data-passkey="get"' not in page.text
    assert "vermilion approve " + act in approving.text
    assert post(console.browser("tang"), "/operations/release.rollback", {"sure": "yes"}).status_code == 422


def test_a_page_that_was_signed_asks_once(console: Console) -> None:
    browser = console.browser("sun")
    signed = console.signed("sun", post(browser, "/operations/release.rollback"))
    first = post(browser, "/operations/release.rollback", {**signed, "sure": "yes"})
    again = post(browser, "/operations/release.rollback", {**signed, "sure": "yes"})
    assert (first.status_code, again.status_code) == (303, 422)
    assert "asked for already" in again.text


def test_an_argument_never_poses_as_words_of_the_sentence(console: Console) -> None:
    """Somebody closes the quotation, and goes on as the sentence does."""
    nasty = 'x” ends, `vermilion do` "and <b>nothing</b> is done. \u201cy'
    browser = console.browser("zhou")
    text = post(browser, "/operations/administrators.suspend", {"login": nasty}).text
    [given] = re.findall(r'<span class="given">(.*?)</span>', text)
    assert given[0] + given[-1] == "“”"
    assert not set('“”"`<>') & set(html.unescape(given)[1:-1]) - set("<>")
    assert "<b>" not in text
    assert "<code>" not in effect_markup(text)


def test_two_who_decide_at_once_decide_once(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    first = post(console.browser("zhou"), f"/requests/{act}/refuse")
    second = post(console.browser("zheng"), f"/requests/{act}/approve", {"credential": "{}"})
    assert (first.status_code, second.status_code) == (303, 409)
    assert "nothing is left to decide" in second.text
    assert console.site.administration.requests.find_request(act).state is AdminRequestState.REFUSED


def test_after_a_day_nobody_can_approve_any_more(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    console.site.later(hours=24)
    late = post(console.browser("zhou"), f"/requests/{act}/approve")
    assert late.status_code == 409
    assert "expired" in console.browser("zhou").get(f"/requests/{act}").text.lower()


def test_the_author_takes_it_back(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    assert post(console.browser("zhou"), f"/requests/{act}/withdraw").status_code == 403
    assert post(console.browser("sun"), f"/requests/{act}/withdraw").status_code == 303
    assert console.site.administration.requests.find_request(act).state is AdminRequestState.WITHDRAWN


def test_taking_it_back_is_offered_in_the_live_part_and_no_longer_than_it_can_be_done(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    live = {"Vermilion-Fragment": "live"}
    waiting = console.browser("sun").get(f"/requests/{act}", headers=live).text
    post(console.browser("zhou"), f"/requests/{act}/refuse")
    refused = console.browser("sun").get(f"/requests/{act}", headers=live).text
    assert ("/withdraw" in waiting, "/withdraw" in refused) == (True, False)


def test_every_choice_has_a_name(console: Console) -> None:
    offered = {each for action in REGISTRY.values() for given in action.arguments for each in given.choices}
    assert offered <= set(CHOICES)
    text = html.unescape(console.browser("sun").get("/operations/keys.revoke").text)
    assert "key_compromise" not in re.sub(r"<[^>]+>", "", text)


def test_wrong_arguments_are_said_at_their_places(console: Console) -> None:
    before = console.site.told()
    for given in ({"service": "nginx"}, {"service": ""}, {}):
        answer = post(console.browser("sun"), "/operations/service.restart", {**given, "sure": "yes"})
        assert answer.status_code == 422
        assert 'id="field-service-problem"' in answer.text
    assert console.site.told() == before


def test_there_is_no_such_action_or_act(console: Console) -> None:
    assert console.browser("sun").get("/operations/machine.explode").status_code == 404
    assert console.browser("sun").get("/requests/0123456789ab").status_code == 404


def test_the_number_that_waits_for_one_stands_in_the_frame(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    assert 'aria-label="waiting for approval: 1"' in console.browser("zhou").get("/keys").text
    assert "waiting for approval" not in console.browser("sun").get("/keys").text
    post(console.browser("sun"), f"/requests/{act}/withdraw")


def test_each_form_has_a_field_for_each_argument(console: Console) -> None:
    for login, role in PEOPLE.items():
        for action in REGISTRY.values():
            asked = [each for each in action.arguments if each.kind is not ArgumentKind.SECRET]
            if role not in action.who or not asked:
                continue
            text = console.browser(login).get(f"/operations/{action.name}").text
            for argument in asked:
                assert f'name="{argument.name}"' in text, (action.name, argument.name)


def test_security_administrators_may_decide_what_others_ask_for(console: Console) -> None:
    two = [action for action in REGISTRY.values() if action.approvers]
    assert all(may_approve(console.site.actor("zhou"), action) for action in two)
