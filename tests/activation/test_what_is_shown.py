"""The document or record that is shown is the one that is activated: anything else shows nothing at all."""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from PIL import Image

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import ALPHA, BETA, LI, ZHANG
from appliance.model.contract import AgreementSide
from hsm import canonical
from hsm.codec import encode
from hsm.errors import BadRequest
from tests.activation.conftest import PAGES, Desk
from tests.activation.shown import shows_nothing, words_of

# A document.


def test_the_page_shows_the_document_and_what_the_authority_signs(desk: Desk) -> None:
    request = desk.document()
    page = desk.page(request)
    words, intent = words_of(page), request.intent
    assert intent.digest.hex() in words and intent.contract in words and intent.field in words  # type: ignore[union-attr]  # it signs
    assert f"{ZHANG.name}·{ZHANG.organisation}" in words
    assert "Sample &lt;b&gt;contract&lt;/b&gt;" in page and "<b>contract" not in page
    assert f'datetime="{intent.expires.isoformat()}"' in page
    code = intent.challenge().hex()[:20]
    groups = " ".join(code[start : start + 4] for start in range(0, 20, 4))
    assert f"the code {groups}" in page, "the short code of a second device"


def test_title_parties_and_reason_are_those_of_the_intent(desk: Desk) -> None:
    contract = desk.appliance.contracts.read_contract(desk.document().intent.contract, ZHANG.subject)  # type: ignore[union-attr]  # it signs
    assert desk.document().intent.parties == (ZHANG.organisation,) == contract.party_names  # type: ignore[union-attr]  # it signs
    words = {"title": "Other title", "parties": ("丙公司", "某人"), "reason": "两份，年度采购"}
    page = desk.page(desk.document(words))
    assert "<h1>Sign “Other title”</h1>" in page and contract.title not in html.unescape(page)
    assert "<dt>Parties</dt><dd>丙公司<br>某人</dd>" in page
    assert "<dt>What the seal is for</dt><dd>两份，年度采购</dd>" in page


def test_an_intent_of_before_there_were_titles_is_shown_by_its_number(desk: Desk) -> None:
    request = desk.document({"title": "", "parties": ()})
    assert f"<h1>Sign “{request.intent.contract}”</h1>" in desk.page(request)  # type: ignore[union-attr]  # it signs
    assert desk.confirm(ZHANG.subject, desk.put(request)).status_code == 303
    assert desk.given(request) == (ZHANG.subject,)


@pytest.mark.parametrize(
    "words",
    [
        {"title": "a\nb"},
        {"title": "a\u202eb"},
        {"parties": ("甲", "甲\u3164")},
        {"reason": "x" * 501},
        {"title": "", "contract": "Lease\u202e 2026"},
        {"title": "", "contract": "x" * 201},
        {"party": "party-1\u200b"},
        {"contract": ""},
    ],
    ids=str,
)
def test_words_that_cannot_be_seen_as_they_are_show_nothing(desk: Desk, words: dict[str, Any]) -> None:
    """The request is none: an intent has no such words."""
    request = desk.document(words)
    path = desk.put(request)
    assert desk.get(path).status_code == 404
    assert desk.confirm_anyway(request, path).status_code == 404
    with pytest.raises(BadRequest, match="visible characters"):
        desk.given(request)


def test_the_pages_are_counted_and_drawn_here(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    page = desk.get(path).text
    assert f"<dt>Pages</dt><dd>{PAGES}</dd>" in page
    pictures = re.findall(r'<img src="([^"]+)"', page)
    assert len(pictures) == PAGES
    drawn = set()
    for each in pictures:
        answer = desk.get(each)
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        assert abs(Image.open(io.BytesIO(answer.data)).width - 1000) <= 1
        drawn.add(answer.data)
    assert len(drawn) == PAGES
    for number in (0, PAGES + 1, 10**30):
        assert desk.get(f"{path}/{request.intent.challenge().hex()}/{number}.png").status_code == 404


def test_a_page_is_opened_larger(desk: Desk) -> None:
    request = desk.document()
    path, seen = desk.put(request), request.intent.challenge().hex()
    page = desk.get(path).text
    opened = re.findall(r'<a href="([^"]+)" target="_blank"', page)
    assert opened == [f"{path}/{seen}/large/{number}.png" for number in range(1, PAGES + 1)]
    answer = desk.get(opened[0])
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert abs(Image.open(io.BytesIO(answer.data)).width - 2000) <= 1
    assert desk.get(f"{path}/{seen}/large/{PAGES + 1}.png").status_code == 404
    assert desk.get(f"{path}/{'0' * 64}/large/1.png").status_code == 409
    assert desk.get(opened[0].replace("large", "3000")).status_code == 404


def test_what_intake_warns_of_is_found_here_too(desk: Desk) -> None:
    warning = "Fonts are not embedded (Helvetica); the text may look different on another machine."
    assert warning in desk.page(desk.document())
    assert "Fonts are not embedded" not in desk.page(desk.agreement())


def test_a_number_of_pages_cannot_be_claimed(desk: Desk) -> None:
    """A request with one more field is none."""
    path = desk.put(desk.document())
    claimed = {**encode(desk.document()), "pages": 1}
    (desk.folder / path[5:]).write_bytes(cbor2.dumps(claimed))
    assert desk.get(path).status_code == 404


def hidden_in_the_gap(request: ActivationRequest) -> ActivationRequest:
    start, _ = request.gap
    content = bytearray(request.content)
    content[start + 1 : start + 5] = b"BEEF"
    return replace(request, content=bytes(content))


def with_one_byte_changed(request: ActivationRequest) -> ActivationRequest:
    content = bytearray(request.content)
    content[100] ^= 1
    return replace(request, content=bytes(content))


def with_a_wider_gap(request: ActivationRequest) -> ActivationRequest:
    start, length = request.gap
    return replace(request, gap=(start - 10, length + 20))


def with_something_behind(request: ActivationRequest) -> ActivationRequest:
    return replace(request, content=request.content + b"\n%%EOF\n")


def with_another_digest(request: ActivationRequest) -> ActivationRequest:
    intent = replace(request.intent, digest=hashlib.sha256(b"another document").digest())  # type: ignore[type-var]  # it signs
    return replace(request, intent=intent)


WRONG: list[Callable[[ActivationRequest], ActivationRequest]] = [
    hidden_in_the_gap,
    with_one_byte_changed,
    with_a_wider_gap,
    with_something_behind,
    with_another_digest,
    lambda request: replace(request, content=b""),
    lambda request: replace(request, content=request.content[: request.base]),
    lambda request: replace(request, base=0),
    lambda request: replace(request, base=-1),
    lambda request: replace(request, base=1 << 70),
    lambda request: replace(request, base=len(request.content) + 1),
    lambda request: replace(request, base=request.gap[0] + 1),
    lambda request: replace(request, gap=()),
    lambda request: replace(request, gap=(1, 2, 3)),
    lambda request: replace(request, gap=(-5, 5)),
]


@pytest.mark.parametrize("change", WRONG)
def test_a_document_that_is_not_the_one_shows_nothing(
    desk: Desk, change: Callable[[ActivationRequest], ActivationRequest]
) -> None:
    shows_nothing(desk, change(desk.document()))


@pytest.mark.parametrize("field", ["agreement", "void-declaration"])
def test_a_document_is_not_passed_off_as_a_record(desk: Desk, field: str) -> None:
    request = desk.document()
    shows_nothing(desk, replace(request, intent=replace(request.intent, field=field)))  # type: ignore[type-var]  # it signs


# A record.


def test_the_agreement_and_the_contract_after_it_say_which_of_both_they_are(desk: Desk) -> None:
    agreement, contract = desk.agreement("zh"), replace(desk.document(), paired=True)
    assert "请先接受协议，随后签署合同" in desk.page(replace(agreement, paired=True))
    assert "请先接受协议" not in desk.page(agreement), "who asks for a seal alone signs no contract after it"
    assert "The agreement is accepted; now the contract itself" in desk.page(contract)
    assert "now the contract itself" not in desk.page(desk.document())


def test_the_agreement_is_shown_with_every_entry_of_its_record(desk: Desk) -> None:
    request = desk.agreement()
    page = desk.page(request)
    words = words_of(page)
    assert words_of(request.intent.digest.hex()) in words  # type: ignore[union-attr]  # it signs
    record = canonical.decode(request.content)
    facts = page[page.index('<dl class="facts record">') :].partition("</dl>")[0]
    assert facts.count("<dt>") >= len(record)
    for value in (each for each in record.values() if isinstance(each, str)):
        assert words_of(value) in words, value
    assert all(words_of(each["name"]) in words for each in (record["party"], *record["counterparties"]))
    assert all(digest in words for digest in record["texts"].values())
    heading = request.text.lstrip("# ").splitlines()[0]
    assert words_of(heading) in words


@pytest.mark.parametrize(
    ("language", "named"),
    [
        ("en", {"You accept it for": ALPHA, "With": "丁公司", "Signs as": ZHANG.name, "Shown in": "English"}),
        ("zh", {"接受方": ALPHA, "相对方": "丁公司", "签署身份": ZHANG.name, "显示语言": "中文"}),
    ],
)
def test_the_agreement_is_said_in_words(desk: Desk, language: str, named: dict[str, str]) -> None:
    """What is signed word by word is folded away below them."""
    request = desk.agreement(language)
    page = desk.page(request)
    spoken = page[page.index('<dl class="facts">') :].partition("</dl>")[0]
    for label, words in named.items():
        assert re.search(rf"<dt>{label}</dt><dd[^>]*>{words}", spoken), (label, spoken)
    assert "<code>" not in spoken and "organisation" not in spoken and "person-" not in spoken
    assert not re.search(r"[0-9a-f]{24}|\dZ", spoken)
    folded = page[page.index('<details class="more"><summary>', page.index(spoken)) :].partition("</details>")[0]
    assert "vermilion-agreement/" in folded and ZHANG.subject in folded


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            f"Your certificate names {ALPHA}, not {BETA}: your acceptance covers your own signatures only.",
        ),
        ("zh", f"您的证书所载单位为{ALPHA}，并非{BETA}：您的接受仅可作为您本人签名的依据。"),
    ],
)
def test_the_agreement_says_under_which_organisation_somebody_is_certified(
    desk: Desk, language: str, said: str
) -> None:
    """As the authority knows it, where somebody accepts for another one."""
    assert said in desk.page(desk.agreement(language, AgreementSide(BETA)))
    assert said.partition(ALPHA)[0] not in desk.page(desk.agreement(language))


def test_a_record_with_another_digest_shows_nothing(desk: Desk) -> None:
    request = desk.agreement()
    changed = canonical.decode(request.content) | {"name": "某人"}
    shows_nothing(desk, replace(request, content=canonical.encode(changed)))


def test_a_record_about_another_contract_than_its_intent_shows_nothing(desk: Desk) -> None:
    """What the authority keeps of the act, and the log of the signature, names the intent's contract."""
    request = desk.agreement()
    version = canonical.decode(request.content)["version"]
    assert request.intent.contract == f"agreement-electronic-signing-{version}"  # type: ignore[union-attr]  # it signs
    other = replace(request.intent, contract="contract-1")  # type: ignore[type-var]  # it signs
    shows_nothing(desk, replace(request, intent=other))
    declaration = desk.declaration()
    number = canonical.decode(declaration.content)["contract"]
    for contract in (number, f"voiding-{number[::-1]}", f"agreement-electronic-signing-{number}"):
        other = replace(declaration.intent, contract=contract)  # type: ignore[type-var]  # it signs
        shows_nothing(desk, replace(declaration, intent=other))
    assert number in desk.page(declaration)


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("en", ("Contract", "Parties", "Reason", "Proposed by", "Declared by")),
        ("zh", ("合同名称", "签署方", "原因", "提出人", "声明人")),
    ],
)
def test_a_declaration_is_said_in_words(desk: Desk, language: str, labels: tuple[str, ...]) -> None:
    """What is declared void: title, parties by name, reason, who proposed it and who declares. The record, which
    names people and numbers as programs do, is folded away below them, with each of its entries."""
    request = desk.declaration(language)
    page = desk.page(request)
    spoken = page[page.index('<dl class="facts">') :].partition("</dl>")[0]
    record = page[page.index('<dl class="facts record">') :].partition("</dl>")[0]
    found = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", spoken, re.S))
    parties = "<br>".join(dict.fromkeys((ZHANG.organisation, LI.organisation)))
    said = ("设备采购合同", parties, "双方协商一致", LI.name, f"{ZHANG.name} · {ZHANG.organisation}")
    for label, words in zip(labels, said, strict=True):
        assert words in found[label], label
    entries = canonical.decode(request.content)
    assert not any(name in spoken for name in (entries["format"], entries["voiding"], *entries["parties"]))
    assert record.count("<dt>") == len(entries) + 1
    assert words_of(request.intent.digest.hex()) in words_of(record)  # type: ignore[union-attr]  # it signs


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"b": 1, "a": 2}', b"\xff", b"null"])
def test_what_is_no_record_shows_nothing(desk: Desk, content: bytes) -> None:
    request = desk.agreement()
    intent = replace(request.intent, digest=hashlib.sha256(content).digest())  # type: ignore[type-var]  # it signs
    for field in ("agreement", "void-declaration"):
        shows_nothing(desk, replace(request, content=content, intent=replace(intent, field=field)))


def test_a_record_of_another_kind_shows_nothing(desk: Desk) -> None:
    """An agreement is not declared void, and what has one more entry is no agreement."""
    request = desk.agreement()
    shows_nothing(desk, replace(request, intent=replace(request.intent, field="void-declaration")))  # type: ignore[type-var]  # it signs
    longer = canonical.encode(canonical.decode(request.content) | {"more": "x"})
    intent = replace(request.intent, digest=hashlib.sha256(longer).digest())  # type: ignore[type-var]  # it signs
    shows_nothing(desk, replace(request, content=longer, intent=intent))


def test_a_text_that_the_record_does_not_name_shows_nothing(desk: Desk) -> None:
    request = desk.agreement()
    for text in ("", request.text + " ", "# Another text\n\nYou pay."):
        shows_nothing(desk, replace(request, text=text))
