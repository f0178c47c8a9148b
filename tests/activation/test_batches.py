"""Several documents under one activation: what the page lists, that one touch activates all of them, and the one
sentence when a single document stops them."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from appliance.activation_requests import ActivationRequest, BatchedDocument, BatchRequest
from appliance.demonstration.participants import (
    ALPHA,
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from hsm.authenticator import SoftwareAuthenticator
from hsm.batches import SigningBatch
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from tests.activation.conftest import BACK, PORTAL, Desk
from tests.activation_service import posted
from tests.authority import soon
from tests.world import confirm_by
from webui.shared.room import Room

Documents = Callable[[], list[ActivationRequest]]
TITLES = ("Framework <b>agreement</b>", "采购合同", "Lease")


@pytest.fixture(scope="module")
def documents(desk: Desk) -> Documents:
    """Three contracts of 1, 2 and 3 pages that Zhang signs; each time new acts."""
    made = [desk.prepared(title, pages) for pages, title in enumerate(TITLES, 1)]

    def again() -> list[ActivationRequest]:
        return [replace(each, intent=replace(each.intent, nonce=secrets.token_bytes(16))) for each in made]  # type: ignore[type-var]  # it signs

    return again


def put(desk: Desk, members: Sequence[ActivationRequest], **changes: Any) -> tuple[str, list[str]]:
    """Writes the requests and the batch, as the portal does; the paths of the batch and of each member."""
    paths = [desk.put(each) for each in members]
    listed = tuple(
        BatchedDocument(path[5:], getattr(each.intent, "title", "") or "Another kind")
        for path, each in zip(paths, members, strict=True)
    )
    asked = replace(BatchRequest(ZHANG.subject, listed, BACK, "en", ZONE), **changes)
    return f"/batch/{desk.appliance.activation_requests.add(asked)}", paths


def challenge_of(members: Sequence[ActivationRequest]) -> bytes:
    return SigningBatch(tuple(each.intent for each in members)).challenge()  # type: ignore[misc]  # they sign


def given(desk: Desk, members: Sequence[ActivationRequest]) -> list[tuple[str, ...]]:
    return [desk.given(each) for each in members]


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def alert(page: str) -> str:
    """What the page says instead of offering a button."""
    [found] = re.findall(r'role="alert" tabindex="-1" data-problems>(.*?)</div>', page, re.S)
    return words(found)


def require_stopped(desk: Desk, path: str, title: str, why: str) -> None:
    """The page at *path* says that *title* stops the batch and *why*, and offers nothing to confirm."""
    shown = desk.get(path)
    assert shown.status_code >= 400 and "<form" not in shown.text
    assert f"because of “{title}”. Go back to the portal" in alert(shown.text) and why in alert(shown.text)
    assert f'href="{PORTAL}{BACK}"' in shown.text


def test_the_page_lists_every_document_with_its_own_page(desk: Desk, documents: Documents) -> None:
    members = documents()
    path, own = put(desk, members)
    page = desk.get(path).text
    for pages, (title, address, each) in enumerate(zip(TITLES, own, members, strict=True), 1):
        link = f"{address}/{each.intent.challenge().hex()}"
        row = page[page.index(f'href="{link}"') :].partition("</li>")[0]
        assert words(row).startswith(f'href="{link}" target="_blank">{title}')
        assert f"Pages: {pages}" in words(row) and ZHANG.organisation in words(row)
        for name in each.intent.parties:  # type: ignore[union-attr]  # it signs
            assert f"<bdi>{name}</bdi>" in row, "each is read by itself, whichever way it is written"
        assert each.intent.field in row  # type: ignore[union-attr]  # it signs
        assert "Fonts are not embedded (Helvetica)" in words(row), "what intake would warn of"
        assert desk.get(link).status_code == 200
    facts = words(page[page.index('<dl class="facts">') : page.index("</dl>")])
    assert f"Documents 3 Pages altogether 6 Signs as {ZHANG.name}" in facts
    assert " ".join(re.findall("....", challenge_of(members).hex())[:5]) in words(page)
    assert page.count("<button") == 1


def test_one_touch_activates_all_and_leads_back(desk: Desk, documents: Documents) -> None:
    members = documents()
    path, _ = put(desk, members)
    form = desk.form(path)
    credential = desk.answer(ZHANG.subject, form)
    answer = desk.send(form, credential=credential)
    assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
    assert given(desk, members) == [(ZHANG.subject,)] * 3
    batch = desk.appliance.authority.approvals(members[2].intent).together[ZHANG.subject]
    assert (batch.count, batch.index) == (3, 2)

    page = desk.get(path).text
    assert "You have confirmed this." in page and "<form" not in page
    assert desk.send(form, credential=credential).status_code == 303, "sent twice, done once"
    for each in members:
        assert desk.appliance.authority.sign_document(each.intent)  # type: ignore[arg-type]  # it signs


def of_seal(each: ActivationRequest, reason: str) -> ActivationRequest:
    intent = replace(each.intent, signer=CONTRACT_SEAL.subject, reason=reason)  # type: ignore[type-var]  # it signs
    return replace(each, intent=intent)


def test_the_list_shows_all_that_a_custodian_decides_by(desk: Desk, documents: Documents) -> None:
    """Who asks signs another document and asks for two seals by one touch, the custodian approves them by one."""
    own, *others = documents()
    asked = [of_seal(each, f"Delivery {number}") for number, each in enumerate(others)]
    path, _ = put(desk, [own, *asked])
    page = desk.get(path).text
    assert "Seal on 2 Your own signature on 1 You" in words(page)
    assert words(page).count("Confirmed so far by nobody; you ask for it") == 2
    assert desk.confirm(ZHANG.subject, path).status_code == 303
    assert given(desk, [own, *asked]) == [(ZHANG.subject,)] * 3

    for_custodian = [replace(each, subject=CUSTODIAN.subject) for each in asked]
    path, links = put(desk, for_custodian, subject=CUSTODIAN.subject)
    page = desk.get(path).text
    for number, (each, link) in enumerate(zip(for_custodian, links, strict=True)):
        row = words(page[page.index(f'href="{link}/') :].partition("</li>")[0])
        assert f"What the seal is for Delivery {number}" in row and f"Confirmed so far by {ZHANG.name}" in row
        assert f"Seal {ALPHA}" in row and "Custodians needed as many as the seal requires" in row
        assert desk.get(f"{link}/{each.intent.challenge().hex()}").status_code == 200
    assert f"Documents 2 Pages altogether 5 Seal on 2 You {CUSTODIAN.name}" in words(page)
    stolen = desk.send(desk.form(path), credential=desk.answer(ZHANG.subject, desk.form(path)))
    assert stolen.status_code == 403
    assert desk.confirm(CUSTODIAN.subject, path).status_code == 303
    assert given(desk, asked) == [(ZHANG.subject, CUSTODIAN.subject)] * 2
    for each in asked:
        assert desk.appliance.authority.sign_document(each.intent)  # type: ignore[arg-type]  # it signs


def test_who_keeps_another_companys_seal_uses_it_on_all_by_one_touch(desk: Desk, documents: Documents) -> None:
    """The page of each says whose seal it is, and that the keeper who asks counts."""
    director, seal = enrolled_from_outside(desk)
    members = [
        replace(each, subject=director, intent=replace(of_seal(each, "Delivery").intent, signer=seal))  # type: ignore[type-var]  # it signs
        for each in documents()
    ]
    path, links = put(desk, members, subject=director)
    assert "Seal on 3 You" in words(desk.get(path).text)
    page = words(desk.get(f"{links[0]}/{members[0].intent.challenge().hex()}").text)
    assert "The seal “" in page and "who keeps it and asks for it counts as one" in page
    assert desk.confirm(director, path).status_code == 303
    for each in members:
        assert desk.appliance.authority.sign_document(each.intent)  # type: ignore[arg-type]  # it signs


def enrolled_from_outside(desk: Desk) -> tuple[str, str]:
    """An outside signer, and the seal of that company that they keep."""
    settings, company = desk.appliance.settings, "丁公司外部有限公司"
    director, seal = f"person-guest-{secrets.token_hex(6)}", f"seal-guest-{secrets.token_hex(4)}"
    people, web = DemonstrationAuthenticators(settings.home), settings.web
    made = people.register(director, rp_id=web.relying_party, origin=settings.activation.origin)
    by_kind = {
        "enrol_person": {"subject": director, "name": "钱外部", "credentials": [made]},
        "enrol_seal": {
            "subject": seal,
            "name": f"{company}公章",
            "kind": "公章",
            "custodians": [director],
            "needed": 1,
        },
    }
    with AuthorityClient(settings.home.authority_socket("operator")) as operator:
        for kind, details in by_kind.items():
            act = OfficerIntent(kind, {**details, "organisation": company}, soon(), secrets.token_bytes(16))
            people.confirm(OFFICER, act)
            getattr(operator, kind)(act)
    return director, seal


def test_whose_approval_does_not_count_stops_all(desk: Desk, documents: Documents) -> None:
    """Li's organisation has no part in the seal; the authority says so, and which document it is about."""
    members = [replace(of_seal(each, "Delivery"), subject=LI.subject) for each in documents()]
    path, _ = put(desk, members, subject=LI.subject)
    answer = desk.confirm(LI.subject, path)
    assert answer.status_code == 409 and f"because of “{TITLES[0]}”" in alert(answer.text)
    assert given(desk, members) == [(), (), ()]


def test_only_their_person_activates_them(desk: Desk, documents: Documents) -> None:
    members = documents()
    path, _ = put(desk, members)
    form = desk.form(path)
    for subject in (LI.subject, OFFICER):
        answer = desk.send(form, credential=desk.answer(subject, form))
        assert answer.status_code == 403 and "Nothing is signed." in alert(answer.text)
        assert 'data-passkey="get"' in answer.text, "it can be tried again"
    at_portal = desk.send(form, credential=desk.answer(ZHANG.subject, form, origin=PORTAL))
    assert at_portal.status_code == 403
    assert desk.send(form, credential="").status_code == 409
    assert desk.send(form, pin="246810", code="123456").status_code == 403
    assert given(desk, members) == [(), (), ()]


def test_a_form_of_another_page_or_another_list_is_not_taken(desk: Desk, documents: Documents) -> None:
    members, others = documents(), documents()
    path, own = put(desk, members)
    form = desk.form(path)
    credential = desk.answer(ZHANG.subject, form)
    sent = {"data": {**form.fields, "credential": credential}, "headers": {"Origin": PORTAL}}
    assert desk.browser.post(path, base_url="http://localhost:8083", **sent).status_code == 403
    desk.swap(own[1], others[1])
    answer = desk.send(form, credential=credential)
    assert answer.status_code == 409 and "too old" in answer.text
    assert given(desk, [*members, *others]) == [()] * 6


def test_a_link_of_the_list_shows_nothing_but_the_listed_act(desk: Desk, documents: Documents) -> None:
    """Whoever writes the requests shows a harmless document while the list is read, and puts back the listed one
    for the form."""
    members, harmless = documents(), documents()[0]
    path, own = put(desk, members)
    form = desk.form(path)
    [link] = re.findall(rf'href="({own[2]}[^"]*)"', desk.get(path).text)
    desk.swap(own[2], harmless)
    shown = desk.get(link)
    assert shown.status_code == 409 and "too old" in shown.text
    assert "<img" not in shown.text and "<form" not in shown.text
    desk.swap(own[2], members[2])
    shown = desk.get(link)
    assert shown.status_code == 200 and "Pages 3" in words(shown.text)
    assert desk.send(form, credential=desk.answer(ZHANG.subject, form)).status_code == 303


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda each: replace(each, content=each.content[:-1] + b" "), "not what would be confirmed"),
        (lambda each: replace(each, intent=replace(each.intent, digest=bytes(32))), "not what would be confirmed"),
        (lambda each: replace(each, subject=LI.subject), "no document that you sign for yourself"),
        (
            lambda each: replace(each, intent=replace(each.intent, signer=LI.subject)),
            "no document that you sign for yourself",
        ),
        (
            lambda each: replace(each, intent=replace(each.intent, reason="Waives every claim")),
            "no seal is used on it",
        ),
        (lambda each: replace(each, intent=replace(each.intent, signer="person-nobody")), "not enrolled"),
    ],
    ids=["other bytes", "another digest", "asked of another", "another signer", "a reason", "nobody"],
)
def test_a_document_that_is_not_what_it_says_stops_all(
    desk: Desk, documents: Documents, change: Callable[[ActivationRequest], ActivationRequest], why: str
) -> None:
    members = documents()
    members[1] = change(members[1])
    require_stopped(desk, put(desk, members)[0], TITLES[1], why)


def test_a_record_and_a_decision_are_in_no_batch(desk: Desk, documents: Documents) -> None:
    first = documents()[0]
    for other in (desk.agreement(), desk.decision("resume_seal", subject="seal-alpha-contract")):
        path, _ = put(desk, [first, other])
        require_stopped(desk, path, "Another kind", "no document that can be confirmed together with others")


def test_a_document_whose_page_is_gone_stops_all(desk: Desk, documents: Documents) -> None:
    path, own = put(desk, documents())
    form = desk.form(path)
    credential = desk.answer(ZHANG.subject, form)
    (desk.folder / own[2][5:]).unlink()
    require_stopped(desk, path, TITLES[2], "nothing to confirm at this address any more")
    answer = desk.send(form, credential=credential)
    assert answer.status_code == 409 and f"because of “{TITLES[2]}”" in alert(answer.text)


def expire(_desk: Desk, each: ActivationRequest) -> ActivationRequest:
    return replace(each, intent=replace(each.intent, expires=soon(-1)))  # type: ignore[type-var]  # it signs


def use(desk: Desk, each: ActivationRequest) -> ActivationRequest:
    """Signed, and then asked for once more under the same nonce."""
    confirm_by(desk.appliance, ZHANG.subject, each.intent)
    desk.appliance.authority.sign_document(each.intent)  # type: ignore[arg-type]  # it signs
    return each


@pytest.mark.parametrize(
    ("stale", "why"), [(expire, "The permission has expired."), (use, "on its own")], ids=["expired", "used"]
)
def test_one_stale_document_stops_all_and_is_named(
    desk: Desk, documents: Documents, stale: Callable[[Desk, ActivationRequest], ActivationRequest], why: str
) -> None:
    members = documents()
    path, own = put(desk, members)
    form = desk.form(path)
    credential = desk.answer(ZHANG.subject, form)
    members[1] = stale(desk, members[1])
    if stale is expire:
        desk.swap(own[1], members[1])
        form = desk.form(path)
        credential = desk.answer(ZHANG.subject, form)
    answer = desk.send(form, credential=credential)
    assert answer.status_code == 409 and f"because of “{TITLES[1]}”" in alert(answer.text)
    assert why in alert(answer.text) and "<form" not in answer.text
    assert given(desk, [members[0], members[2]]) == [(), ()]


def test_a_document_that_was_confirmed_alone_stops_the_others(desk: Desk, documents: Documents) -> None:
    members = documents()
    path, own = put(desk, members)
    assert desk.confirm(ZHANG.subject, own[0]).status_code == 303
    require_stopped(desk, path, TITLES[0], "on its own")
    rest, _ = put(desk, members[1:])
    assert desk.confirm(ZHANG.subject, rest).status_code == 303
    assert given(desk, members) == [(ZHANG.subject,)] * 3


def test_what_the_authority_alone_knows_is_named_as_well(desk: Desk, documents: Documents) -> None:
    """A batch over the limit and one that was prepared for longer than is allowed."""
    members = documents()
    members[2] = replace(members[2], intent=replace(members[2].intent, expires=soon(60)))  # type: ignore[type-var]  # it signs
    path, _ = put(desk, members)
    answer = desk.confirm(ZHANG.subject, path)
    assert answer.status_code == 409 and f"because of “{TITLES[2]}”" in alert(answer.text)
    assert "15 minutes at most" in alert(answer.text)


def test_a_list_that_is_none_is_refused_in_a_sentence(desk: Desk, documents: Documents) -> None:
    first = documents()[0]
    lists = [([], "From 2 to 100"), ([first], "From 2 to 100"), ([first, first], "there twice")]
    for members, said in lists:
        shown = desk.get(put(desk, members)[0])
        assert shown.status_code == 400 and said in words(shown.text)
    assert desk.get("/batch/" + desk.put(first)[5:]).status_code == 404
    assert desk.get("/act/" + put(desk, documents())[0][7:]).status_code == 404


def test_the_room_knows_of_every_document(
    desk: Desk, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, own = put(desk, documents())
    asked, enter = [], Room.for_list
    monkeypatch.setattr(Room, "for_list", lambda room, sizes: asked.append(list(sizes)) or enter(room, sizes))
    form = desk.form(path)
    assert desk.send(form, credential="").status_code == 409
    assert asked == [[(desk.folder / each[5:]).stat().st_size for each in own]] * 2


def test_who_has_no_passkey_is_told_so(desk: Desk, documents: Documents) -> None:
    """PIN and code, which are bound to no document, are not even offered."""
    members = documents()
    path, _ = put(desk, members)
    page = desk.get(path).text
    assert 'name="pin"' not in page
    stranger = SoftwareAuthenticator.create("localhost", "http://localhost:8083")
    answer = desk.send(desk.form(path), credential=posted(stranger.activate(ZHANG.subject, members[0].intent)))
    assert answer.status_code == 403 and given(desk, members) == [(), (), ()]


@pytest.mark.parametrize("title", ["", "Lease\u202etnemeerga", "Lease\nSigned", "x" * 201, " "], ids=ascii)
def test_a_title_that_cannot_be_seen_as_it_is_lists_nothing(desk: Desk, documents: Documents, title: str) -> None:
    """That of a document that is gone is the portal's alone, and printed where the page says why it stops."""
    path, own = put(desk, documents())
    listed = [BatchedDocument(each[5:], title) for each in own]
    hostile, _ = put(desk, [], documents=tuple(listed))
    for gone in (False, True):
        if gone:
            (desk.folder / own[1][5:]).unlink()
        shown = desk.get(hostile)
        assert shown.status_code == 404 and "<form" not in shown.text
    require_stopped(desk, path, TITLES[1], "nothing to confirm at this address any more")


def test_the_page_speaks_chinese(desk: Desk, documents: Documents) -> None:
    path, own = put(desk, documents(), language="zh")
    page = desk.get(path).text
    for said in ("待签署文件：3 份", "文件数 3", "总页数 6"):
        assert said in words(page), words(page)
    (desk.folder / own[0][5:]).unlink()
    assert f"“{TITLES[0]}”" in alert(desk.get(path).text) and "返回门户" in alert(desk.get(path).text)
