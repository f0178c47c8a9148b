"""What signers fill in: defined and placed by the sender, filled in by the signer, confirmed with the signature,
shown to those who sign later, and changed by nobody."""

from __future__ import annotations

import itertools
import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts import draft_rules, sending
from appliance.contracts.drafting import DraftTerms
from appliance.contracts.signer_inputs import accepted_value
from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, InputKind, Placement, SignerInput
from appliance.model.intent import SigningOrigin
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.errors import ActivationRefused
from hsm.intents import SigningIntent, signing_intent_from_wire
from tests.pdf import judges
from tests.portal import signing_visits as visits
from tests.portal.drafts import Wizard
from tests.portal.test_signing_together import words
from tests.portal.visitors import signed_in
from tests.world import OURS, World, confirm, contract_now, sample_document, sequenced

ACCOUNT = "6222 0200 1234 Müller 𠮷野"
PLACE = Placement(0, 20.0, 30.0, 40.0, 3.0)
TEXT = SignerInput("", 0, InputKind.TEXT, "银行账号 <b>", most=60)
DAY = SignerInput("", 0, InputKind.DATE, "交货日期")
WAY = SignerInput("", 0, InputKind.CHOICE, "运输方式", choices=("陆运", "海运"))
NOTE = SignerInput("", 0, InputKind.TEXT, "备注", required=False, most=500)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def li(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])


def drafted(appliance: Appliance) -> Contract:
    drafting, by = appliance.drafting, ZHANG.subject
    draft = drafting.draft(sample_document(2), DraftTerms("采购", "采购", "采购", by))
    for subject in (by, LI.subject):
        drafting.add_person(draft.id, subject=subject, by=by)
    return contract_now(appliance, draft.id)


def sent(appliance: Appliance) -> Contract:
    """Zhang fills in four fields, Li one."""
    draft, by = drafted(appliance), ZHANG.subject
    first, second = draft.parties
    for party, field, y in (
        (first, TEXT, 20),
        (first, DAY, 30),
        (first, WAY, 40),
        (first, NOTE, 50),
        (second, NOTE, 60),
    ):
        draft = appliance.signer_inputs.add(draft.id, party.id, field, by=by)
        added = draft.require_party(party.id).inputs[-1]
        appliance.signer_inputs.place(draft.id, added.id, [replace(PLACE, y=float(y))], by=by)
    return appliance.sending.send(draft.id, by=by)


def filled(contract: Contract, *values: str, position: int = 0) -> dict[str, str]:
    inputs = contract.parties[position].inputs
    return {f"input-{field.id}": value for field, value in zip(inputs, values, strict=True)}


def fill(client: FlaskClient, contract: Contract, *values: str) -> TestResponse:
    address = f"/contracts/{contract.id}/fill"
    fields = visits.hidden(client.get(address).text)
    return client.post(address, data={**fields, **filled(contract, *values)})


def test_the_sender_defines_and_places_them(appliance: Appliance, zhang: FlaskClient) -> None:
    wizard = Wizard(zhang, drafted(appliance).id)
    party = contract_now(appliance, wizard.contract).parties[1]

    def define(**changes: str) -> TestResponse:
        typed = {
            "input_party": party.id,
            "input_kind": "choice",
            "input_label": "运输方式",
            "input_choices": "陆运\n海运",
        }
        return wizard.send("fields", wizard.form("fields"), **{"act": "define", **typed, **changes})

    for changes, sentence in (
        ({"input_label": ""}, "请写明要填写什么"),
        ({"input_label": "甲" * 101}, "不超过 100 个字"),
        ({"input_label": "账号：6222；备注"}, "请勿使用冒号"),
        ({"input_choices": "陆运"}, "选项应有 2 至 30 个"),
        ({"input_kind": "text", "input_most": "x"}, "请用数字填写最多字数"),
        ({"input_kind": "text", "input_most": "501"}, "文字长度为 1 至 500 个字"),
        ({"input_party": "x"}, "请选择由谁填写"),
    ):
        answer = define(**changes)
        assert answer.status_code == 422 and sentence in words(answer.text), sentence
    assert define().status_code == 303
    [field] = contract_now(appliance, wizard.contract).parties[1].inputs
    assert field.choices == ("陆运", "海运") and not field.places
    answer = define(input_label="运输 方式：")
    assert answer.status_code == 422 and "请换一个名称" in words(answer.text), "two rows that read the same"
    assert "还没有位置" in words(wizard.step("check"))
    assert wizard.send("fields", wizard.form("fields"), act=f"add:{field.id}").status_code == 303
    [field] = contract_now(appliance, wizard.contract).parties[1].inputs
    assert len(field.places) == 1 and "还没有位置" not in words(wizard.step("check"))
    page = wizard.step("fields")
    assert f'data-party="{field.id}"' in page and f'name="party" value="{field.id}"' in page
    copied = appliance.drafting.duplicate(wizard.contract, by=ZHANG.subject)
    assert copied.parties[1].inputs == (replace(field, id=copied.parties[1].inputs[0].id),)
    assert wizard.send("fields", wizard.form("fields"), act=f"undefine:{field.id}").status_code == 303
    assert not contract_now(appliance, wizard.contract).parties[1].inputs


def test_it_covers_no_other_field(appliance: Appliance) -> None:
    """Else it would be written over a signature that was made before."""
    draft, by = drafted(appliance), ZHANG.subject
    first, second = draft.parties
    for party, field in ((second, TEXT), (second, DAY)):
        draft = appliance.signer_inputs.add(draft.id, party.id, field, by=by)
    text, day = draft.require_party(second.id).inputs

    def problems() -> list[str]:
        return [each.template for each in appliance.sending.problems(contract_now(appliance, draft.id))]

    def place(*each: tuple[SignerInput, Placement]) -> None:
        for field, where in each:
            appliance.signer_inputs.place(draft.id, field.id, [where], by=by)

    place((text, PLACE), (day, replace(PLACE, y=60.0)))
    assert not any("cover each other" in each for each in problems())
    place((day, replace(PLACE, y=31.0)))
    assert any("Two fields of {name} cover" in each for each in problems())
    place((day, first.places[0]))
    assert any("{name} and {other} cover" in each for each in problems())
    with pytest.raises(PreconditionRefused, match="at most 20 places"):
        appliance.signer_inputs.place(draft.id, text.id, [PLACE] * 21, by=by)


def test_what_covers_is_found_among_many(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each place were compared with every other one, which takes minutes where there are thousands."""
    draft, chance, compared = drafted(appliance), random.Random(1), itertools.count()  # noqa: S311
    cover = draft_rules._cover

    def counted(one: Placement, other: Placement) -> bool:
        next(compared)
        return cover(one, other)

    monkeypatch.setattr(draft_rules, "_cover", counted)

    def crowd(parties: int, places: Iterator[Placement], of_each: int) -> Contract:
        each = replace(draft.parties[0], inputs=())
        made = [tuple(itertools.islice(places, of_each)) for _ in range(parties)]
        return replace(
            draft,
            parties=tuple(replace(each, id=f"{n}", placement=at[0], more=at[1:]) for n, at in enumerate(made)),
        )

    by_chance = (
        Placement(page, *(chance.uniform(1, 9) * each for each in (10, 10, 1, 1)))
        for page in itertools.cycle((0, 1))
    )
    contract = crowd(12, by_chance, 10)
    expected = {
        (one.id, other.id)
        for number, one in enumerate(contract.parties)
        for other in contract.parties[number:]
        for place, under in itertools.product(one.places, other.places)
        if (one is not other or place is not under) and cover(place, under)
    }
    assert draft_rules.covering(contract) == expected != set()
    before = next(compared)
    rows = (Placement(n % 20, 5.0 * (n // 20 % 20), n // 400 * 4.0, 4.0, 3.0) for n in itertools.count())
    assert not draft_rules.covering(crowd(50, rows, 100))
    assert next(compared) - before < 5_000 * 20


def test_the_places_of_a_contract_are_bounded(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, by = drafted(appliance), ZHANG.subject
    draft = appliance.signer_inputs.add(draft.id, draft.parties[0].id, TEXT, by=by)
    [field] = draft.parties[0].inputs
    fields = [replace(PLACE, y=10.0 + 5 * n) for n in range(4)]
    monkeypatch.setattr(draft_rules, "MOST_PLACES_IN_ALL", 5)
    monkeypatch.setattr(sending, "MOST_PLACES_IN_ALL", 5)
    with pytest.raises(PreconditionRefused, match="together have at most 5 places"):
        appliance.signer_inputs.place(draft.id, field.id, fields, by=by)
    appliance.signer_inputs.place(draft.id, field.id, fields[:3], by=by)
    appliance.signer_inputs.place(draft.id, field.id, fields[1:], by=by)
    with pytest.raises(PreconditionRefused, match="together have at most 5 places"):
        appliance.drafting.place(draft.id, draft.parties[1].id, fields[:2], by=by)
    monkeypatch.setattr(sending, "MOST_PLACES_IN_ALL", 4)
    with pytest.raises(PreconditionRefused, match="together have at most 4 places"):
        appliance.sending.send(draft.id, by=by)


def test_no_seal_fills_anything_in(appliance: Appliance) -> None:
    draft, by = drafted(appliance), ZHANG.subject
    seal = appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=by, by=by)
    with pytest.raises(PreconditionRefused, match="seal fills nothing in"):
        appliance.signer_inputs.add(draft.id, seal.id, TEXT, by=by)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("", "2026-12-31", "陆运", ""), "必填"),
        (("字" * 10_000, "2026-12-31", "陆运", ""), "不超过 60 个字符"),
        (("a\u200bb", "2026-12-31", "陆运", ""), "不可见的字符"),
        (("a\u202eb", "2026-12-31", "陆运", ""), "不可见的字符"),
        (("مرحبا", "2026-12-31", "陆运", ""), "无法显示字符"),
        (("6222", "2026-02-30", "陆运", ""), "2026-12-31"),
        (("6222", "1026-12-31", "陆运", ""), "1900 年至 2199 年"),
        (("6222", "2026-12-31", "空运", ""), "请从列表中选择"),
        (("6222", "2026-12-31", "陆运", "字" * 490), "放不下"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    appliance: Appliance, zhang: FlaskClient, contract: Contract, values: tuple[str, ...], sentence: str
) -> None:
    answer = fill(zhang, contract, *values)
    assert answer.status_code == 422 and sentence in words(answer.text), words(answer.text)
    assert not contract_now(appliance, contract.id).parties[0].filled, "nothing is kept"


@pytest.fixture(scope="module")
def contract(appliance: Appliance) -> Contract:
    """For what is refused alone."""
    return sent(appliance)


def test_it_is_confirmed_and_signed_and_later_signers_see_it(
    world: World, appliance: Appliance, zhang: FlaskClient, li: FlaskClient, tmp_path: Path
) -> None:
    contract = sent(appliance)
    address = f"/contracts/{contract.id}/sign"
    assert zhang.get(address).headers["Location"].endswith("/fill")
    page = zhang.get(f"/contracts/{contract.id}/fill").text
    assert "银行账号 &lt;b&gt;" in page and 'type="date"' in page and "海运" in page
    assert fill(zhang, contract, ACCOUNT, "2026年12月31日", "海运", "").status_code == 303
    sheet = zhang.get(address)
    assert sheet.status_code == 200 and ACCOUNT in words(sheet.text) and "2026-12-31" in words(sheet.text)
    assert f"备注 · {LI.name}" in words(sheet.text), "what somebody else can write after this signature"
    form = visits.sheet_form(sheet.text)
    asked = visits.send(zhang, form)
    answer = visits.confirm(zhang, appliance, ZHANG.subject, asked, says=ACCOUNT)
    assert answer.status_code == 303 and "/signed" in answer.headers["Location"]
    now = contract_now(appliance, contract.id)
    assert appliance.contracts.document(now).startswith(appliance.contracts.document(now, 1))
    assert zhang.get(f"/contracts/{contract.id}/fill").status_code == 303, "nothing is filled in any more"
    with pytest.raises((PreconditionRefused, StateRefused)):
        appliance.signer_inputs.fill(contract.id, now.parties[0].id, {}, by=ZHANG.subject)
    assert ACCOUNT in words(li.get(f"/contracts/{contract.id}").text)
    by_li(appliance, now)
    done = appliance.finalisation.finalise(contract.id)
    document = appliance.contracts.document(done)
    report = appliance.verifier.verify_pdf(document)
    assert report.indication is Indication.PASSED, report.reasons
    judges.assert_lasting(document, x509.load_pem_x509_certificate((world.home.trust / "ca.pem").read_bytes()))
    assert judges.valid_by_poppler(document, tmp_path) == 2
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS).package
    assert appliance.verifier.verify(package).indication is Indication.PASSED
    (tmp_path / "package.zip").write_bytes(package)
    ZipFile(tmp_path / "package.zip").extractall(tmp_path / "unpacked")
    done_well = subprocess.run(["sh", "check.sh"], cwd=tmp_path / "unpacked", capture_output=True, check=False)
    assert done_well.returncode == 0, done_well.stdout + done_well.stderr
    files = [each.read_text(errors="replace") for each in (tmp_path / "unpacked").rglob("*.json")]
    assert any(ACCOUNT in each for each in files), "what was filled in is in the evidence"


def by_li(appliance: Appliance, contract: Contract) -> None:
    opened = appliance.signing.open(contract.id, contract.parties[1].id, SigningOrigin())
    assert opened.intent.intent.values == (), "the optional one stays empty"
    confirm(appliance, opened.intent.intent)
    appliance.signing.sign(opened.intent.id, SigningOrigin())


def test_the_portal_swaps_nothing_after_the_confirmation(appliance: Appliance) -> None:
    """Another value is another act, and another document: for neither is there an approval."""
    contract = sent(appliance)
    party = contract.parties[0]
    typed = {
        field.id: value for field, value in zip(party.inputs, (ACCOUNT, "2026-12-31", "陆运", ""), strict=True)
    }
    assert not appliance.signer_inputs.fill(contract.id, party.id, typed, by=ZHANG.subject)
    opened = appliance.signing.open(contract.id, party.id, SigningOrigin())
    confirm(appliance, opened.intent.intent)
    label, _ = opened.intent.intent.values[0]
    for swapped in (
        replace(opened.intent.intent, values=((label, "6222 9999"), *opened.intent.intent.values[1:])),
        replace(opened.intent.intent, values=()),
    ):
        with pytest.raises(ActivationRefused):
            appliance.authority.sign_document(swapped)
    other = typed | {party.inputs[0].id: "6222 9999"}
    assert not appliance.signer_inputs.fill(contract.id, party.id, other, by=ZHANG.subject)
    with pytest.raises(StateRefused):
        appliance.signing.sign(opened.intent.id, SigningOrigin())
    anew = appliance.signing.open(contract.id, party.id, SigningOrigin())
    assert anew.intent.id != opened.intent.id and anew.intent.intent.values[0] == (label, "6222 9999")
    with pytest.raises(ActivationRefused):
        appliance.signing.sign(anew.intent.id, SigningOrigin())


def test_an_act_says_its_values_in_one_form(appliance: Appliance) -> None:
    contract = sent(appliance)
    party = contract.parties[0]
    typed = {field.id: value for field, value in zip(party.inputs, ("1", "2026-12-31", "陆运", ""), strict=True)}
    appliance.signer_inputs.fill(contract.id, party.id, typed, by=ZHANG.subject)
    intent: SigningIntent = appliance.signing.open(contract.id, party.id, SigningOrigin()).intent.intent
    assert signing_intent_from_wire(intent.fields()) == intent
    assert "values" not in replace(intent, values=()).fields(), "the hash of before"


@pytest.mark.parametrize(("typed", "kept"), [("  a\t b ", "a b"), ("ａ１", "ａ１"), ("é", "é"), ("𠮷", "𠮷")])
def test_a_text_has_one_form(typed: str, kept: str) -> None:
    assert accepted_value(TEXT, typed) == kept
