"""What is internal to one side of a contract is seen by nobody of another: every address that can be asked for, by
each role of each side, in both languages, with what lies inside the files that come back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

import pytest
from werkzeug.test import TestResponse

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import APPLIANCE, ContractActor, Permission
from appliance.evidence.exporting import Export, Exporting
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.ledger import Sequencer
from appliance.ledger.disclosure import Audience
from appliance.model.listing import ContractBucket, ContractFilter
from appliance.model.people import Against, IdentityDocument
from hsm.client import AuthorityClient
from tests.portal.both_sides import GAMMA, MARKERS, ONE, OTHER, SHARED, Stage, built
from tests.portal.conftest import form_token, portal_of
from tests.portal.reading import words_in
from tests.portal.routes import GET
from tests.world import shared_world

CONTRACTS = ("contract", "completed", "draft", "inviting", "elsewhere", "reviewing")
"""Places of addresses that take any contract: those of both sides are tried in each."""

OF_NO_CONTRACT = {
    "text",
    "template",
    "publishing",
    "deposit",
    "deposits",
    "act",
    "request",
    "destroyed",
    "passkey",
    "picture",
}
OF_NO_CONTRACT |= {"recover_link", "welcome_link", "log_size", "batch", "merge", "anchor", "remote", "embedded"}
"""Places of addresses of what people keep for themselves, and of the registration office."""

PICTURES = (".png", ".svg")
"""Addresses without words; who may see the pages of a contract is tried below."""

LANGUAGES = ("zh", "en")
ALL_MARKERS = re.compile("|".join(sorted(frozenset[str]().union(*MARKERS.values()), key=len, reverse=True)))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with shared_world() as world, world.opened() as appliance, pytest.MonkeyPatch.context() as patch:
        stage = built(appliance, portal_of(appliance, appliance.authority))
        with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
            Sequencer(appliance.database, scheduler).run_once()
        patch.setattr(Exporting, "export", _once_for_each(Exporting.export))
        yield stage


def _once_for_each(export: Callable[[Exporting, str, Audience], Export]) -> Callable[..., Export]:
    """Typesetting a package takes seconds: it is made once for each audience, for all who may export it."""
    made: dict[tuple[str, Audience], Export] = {}

    def kept(self: Exporting, contract_id: str, audience: Audience, *, by: ContractActor = APPLIANCE) -> Export:
        sources = self._sources
        sources.database.query(admit, Command(contract_id, Permission.EXPORT, by, sources.now()))
        if (contract_id, audience) not in made:
            made[contract_id, audience] = export(self, contract_id, audience)
        return made[contract_id, audience]

    return kept


def addresses(stage: Stage) -> list[str]:
    """Every address of the table, with everything that can stand in its places."""
    known = stage.ids | dict.fromkeys(CONTRACTS, set().union(*(stage.ids[each] for each in CONTRACTS)))
    found = []
    for row in GET.values():
        places = re.findall(r"\{(\w+)\}", row.path)
        if OF_NO_CONTRACT.isdisjoint(places) and not row.path.endswith(PICTURES):
            for values in product(*(sorted(known[place]) for place in places)):
                found.append(row.path.format(**dict(zip(places, values, strict=True))))
    return found


def said(answer: TestResponse) -> str:
    """What the page itself says, without its frame."""
    found = re.search(r"<main.*?</main>", answer.text, re.S)
    assert found is not None
    return found[0]


def markers_in(answer: TestResponse) -> set[str]:
    return set(ALL_MARKERS.findall(words_in(answer.get_data())))


def test_of_what_is_internal_the_other_sides_auditor_reads_nothing(stage: Stage) -> None:
    """Who may read most, in one language; everybody else, and the other language, come with `make test-long`."""
    seen = seen_by(stage, [each for each in stage.visitors if each[1] == "auditor"], ("en",))
    assert all(seen[side.name] for side in (ONE, OTHER)), "each reads its own"


@pytest.mark.long
def test_nobody_reads_what_is_internal_to_another_side(stage: Stage) -> None:
    seen = seen_by(stage, stage.visitors, LANGUAGES)
    assert {side: seen[side] for side in MARKERS} == MARKERS, "what is shown to its own side could not be missed"


def seen_by(stage: Stage, visitors: Iterable[tuple[str, str]], languages: Iterable[str]) -> Mapping[str, set[str]]:
    """What *visitors* of each side read of what is internal on all pages in these *languages*: only their own."""
    seen: dict[str, set[str]] = {side: set() for side in (*MARKERS, "gamma", "nobody")}
    wrong: list[tuple[str, str, str, str]] = []
    for side, role in visitors:
        client, shown = stage.visitors[side, role], addresses(stage)
        for language in languages:
            stage.speak(language)
            answers = {address: client.get(address, buffered=True) for address in shown}
            assert all(answer.status_code < 500 for answer in answers.values())
            shown = [address for address in shown if answers[address].status_code == 200]
            tag = f'lang="{Language(language).tag}"'.encode()
            assert any(tag in answers[each].get_data()[:99] for each in shown), (side, role, language)
            for address, answer in answers.items():
                found = markers_in(answer)
                seen[side] |= found
                wrong += [(side, role, address, each) for each in found - MARKERS.get(side, set())]
    assert not wrong, "\n".join(map(str, sorted(set(wrong))))
    return seen


def test_what_is_told_to_everybody_reaches_both_sides(stage: Stage) -> None:
    for side, contract in product((ONE, OTHER), stage.completed.values()):
        client = stage.visitors[side.name, "initiator"]
        assert SHARED in client.get(f"/contracts/{contract.id}").text
        assert SHARED in words_in(client.get(f"/contracts/{contract.id}/evidence.zip").get_data())


def test_of_what_is_internal_others_do_not_even_learn_that_it_is_there(stage: Stage) -> None:
    """The same words as for something that does not exist."""
    theirs = stage.completed[OTHER.name]
    for role in ("initiator", "auditor"):
        client = stage.visitors[ONE.name, role]
        absent, answer = (client.get(f"/contracts/{each}/review") for each in ("0000", theirs.id))
        assert answer.status_code == absent.status_code == 404
        assert said(answer).replace(theirs.id, "0000") == said(absent), role
    draft = stage.unsent[OTHER.name]
    for (side, role), client in stage.visitors.items():
        own = side == OTHER.name and role in ("initiator", "auditor")
        for path in ("", "/document.pdf", "/pages/1.png", "/revisions", "/history.json"):
            answer = client.get(f"/contracts/{draft.id}{path}", buffered=True)
            assert (answer.status_code == 200) is own or answer.status_code in (303, 401), (side, role, path)


def test_drafts_of_others_are_not_in_what_an_auditor_counts_searches_and_pages(stage: Stage) -> None:
    appliance = stage.appliance
    for side, other in ((ONE, OTHER), (OTHER, ONE)):
        client = stage.visitors[side.name, "auditor"]
        assert side.marker("kind") in client.get("/").text and other.marker("kind") not in client.get("/").text
        audience, drafts = Audience.of("", "", side.organisation), ContractFilter(bucket=ContractBucket.DRAFT)
        listing, own = appliance.listing, {stage.unsent[side.name].id}
        assert {row.id for row in listing.list_page("*", drafts, audience=audience).rows} == own
        assert listing.count_buckets("*", audience).draft == len(own)
        for words in (other.marker("draft"), "-only-draft", "af"):
            for wanted in (ContractFilter(query=words), ContractFilter(query=words, bucket=ContractBucket.DRAFT)):
                page = listing.list_page("*", wanted, audience=audience, limit=1)
                assert {row.id for row in page.rows} <= own and page.next is None, words
    assert appliance.listing.count_buckets("*").draft == 0, "of no organisation"


def test_a_guest_s_identity_is_the_business_of_who_invited(stage: Stage) -> None:
    [guest] = stage.ids["guest"]
    check = IdentityCheck(IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=ONE.reviewer)
    record = stage.appliance.identity.record(guest, check, by=ONE.reviewer)
    page = f"/identity/{guest}"
    for (side, role), client in stage.visitors.items():
        if role in ("initiator", "colleague", "custodian and reviewer", "reviewer", "officer", "auditor"):
            absent, answer = client.get("/identity/person-guest-0"), client.get(page)
            assert absent.status_code == 404
            assert answer.status_code == (200 if side == ONE.name else 404), (side, role)
            if side != ONE.name:
                assert said(answer).replace(guest, "person-guest-0") == said(absent)
    for role in ("initiator", "reviewer", "officer"):
        client = stage.visitors[OTHER.name, role]
        form = {"form_token": form_token(client), "once": "x" * 24, "reason": "示例", "number": "E87654321"}
        form |= {"document": "passport", "against": "original"}
        assert client.post(page, data=form).status_code == 404
        assert client.post(f"{page}/{record.id}/withdraw", data=form).status_code == 404
    assert [each.withdrawn for each in stage.appliance.identity.checks_of(guest)] == [None]
    for side, shown in ((ONE, True), (OTHER, False)):
        assert (page in stage.visitors[side.name, "officer"].get(f"/office/people/{guest}").text) is shown


def test_others_do_not_learn_from_mails_who_answers_for_a_seal(stage: Stage) -> None:
    stage.speak("en")
    contract = stage.completed[ONE.name]
    for side, own in ((ONE, True), (OTHER, False)):
        page = stage.visitors[side.name, "auditor"].get(f"/contracts/{contract.id}/mail").text
        assert ("Asked to release a seal" in page, "Seal refused" in page) == (own, own), side.name
        assert "Asked to sign" in page and "Completed" in page, side.name


def test_what_may_be_signed_is_shown_to_the_side_that_would_sign(stage: Stage) -> None:
    contract, intent = stage.prepared
    for side, role, status in (
        (ONE, "initiator", 200),
        (ONE, "auditor", 200),
        (OTHER, "initiator", 404),
        (OTHER, "auditor", 404),
    ):
        answer = stage.visitors[side.name, role].get(f"/contracts/{contract}/pages/1.png?intent={intent}")
        assert answer.status_code == status, role


def test_the_log_that_everybody_reads_has_no_internal_words(stage: Stage) -> None:
    with stage.appliance.database.reading() as tx:
        leaves = [bytes(row[0]).decode() for row in tx.execute("SELECT leaf FROM ledger")]
    assert not [leaf for leaf in leaves if ALL_MARKERS.search(leaf)]
    internal = [leaf for leaf in leaves if '"content-checked"' in leaf or '"clause-waived"' in leaf]
    assert internal
    assert not [leaf for leaf in internal if "liability" in leaf]


def test_a_package_is_made_for_one_organisation_and_says_so(stage: Stage) -> None:
    contract = stage.completed[ONE.name]
    outside = Audience.of("person-guest-0", GAMMA.name, GAMMA.organisation)
    for audience in (Audience.of("person-zhang", "", ONE.organisation), outside):
        package = Exporting(stage.appliance).export(contract.id, audience).package
        report = stage.appliance.verifier.verify(package)
        assert report.indication == "TOTAL-PASSED", report.reasons
        own = audience.name == ONE.organisation
        words = words_in(package)
        assert (set(ALL_MARKERS.findall(words)) != set()) is own
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            names = set(archive.namelist())
            said = [archive.read(f"README.{language}.txt").decode() for language in LANGUAGES]
            told = [words_in(archive.read(f"history/history.{language}.pdf")) for language in LANGUAGES]
        assert all(audience.name in each for each in (*said, *told))
        assert f'"made_for":"{audience.name}"' in words
        assert {"review/check.json", "review/sign-off.json"} & names == (
            {"review/check.json", "review/sign-off.json"} if own else set()
        )
