"""A compromised portal writes what is shown: whatever it cannot make people see, they do not activate."""

from __future__ import annotations

import hashlib
import html
import io
import os
import re
import secrets
import time
import zlib
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from appliance.activation_requests import ActivationRequest, RegistrationPurpose, RegistrationRequest
from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, OFFICER, ZHANG
from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.records import LONGEST_AGREEMENT
from tests.activation.conftest import ORIGIN, Desk
from tests.activation.shown import picture, shows_nothing, words_of
from tests.activation_service import passkey_form, posted_registration
from webui.activation import application

FINGERPRINT = "0123 4567 89ab cdef 0123"


def heading(page: str) -> str:
    [found] = re.findall(r"<h1>(.*?)</h1>", page, re.S)
    return html.unescape(found)


# What officers decide.


def test_a_decoy_in_the_place_of_the_fingerprint_shows_nothing(desk: Desk) -> None:
    made, other = desk.register(ZHANG.subject), desk.register(ZHANG.subject)
    for decoy in ([], [other], [made], other, None):
        shows_nothing(
            desk, desk.decision("add_credential", subject=ZHANG.subject, credential=made, credentials=decoy)
        )
    who: dict[str, Any] = {"subject": "person-new", "name": "孙示例", "organisation": ZHANG.organisation}
    shows_nothing(desk, desk.decision("enrol_person", **who, credentials=[made], credential=other))


def test_arguments_of_other_kinds_are_shown_as_they_are(desk: Desk) -> None:
    seal = {"subject": "seal-new", "name": "示例公章", "organisation": ZHANG.organisation, "kind": "公章"}
    asked = desk.decision("enrol_seal", **seal, needed=1, custodians=57)
    assert '<dd lang="">57</dd>' in desk.page(asked)


@pytest.mark.parametrize(
    "named",
    ["", FINGERPRINT.upper(), FINGERPRINT[:-1], f"{FINGERPRINT}\n", f" {FINGERPRINT}", [FINGERPRINT], None, 7, {}],
)
def test_what_has_not_the_form_of_a_fingerprint_shows_nothing(desk: Desk, named: Any) -> None:
    shows_nothing(desk, desk.decision("add_credential", subject=ZHANG.subject, credential=named))
    who: dict[str, Any] = {"subject": "person-new", "name": "孙示例", "organisation": ZHANG.organisation}
    for credentials in ([], FINGERPRINT, [FINGERPRINT, named] if named != [FINGERPRINT] else [named]):
        shows_nothing(desk, desk.decision("enrol_person", **who, credentials=credentials))


def test_an_act_with_other_arguments_than_its_own_shows_nothing(desk: Desk) -> None:
    seal = CONTRACT_SEAL.subject
    for request in (
        desk.decision("resume_seal", subject=seal, note="x"),
        desk.decision("resume_seal"),
        desk.decision("retire", subject=ZHANG.subject, reason="superseded", name="Li who left"),
        desk.decision("unlock", reason="maintenance"),
        desk.decision("suspend_seal", subject=seal),
    ):
        shows_nothing(desk, request)


def test_somebody_who_is_enrolled_is_called_by_that_name(desk: Desk) -> None:
    acts_about: tuple[tuple[str, dict[str, Any]], ...] = (
        ("retire", {"reason": "cessation_of_operation"}),
        ("add_credential", {"credential": FINGERPRINT}),
    )
    for kind, more in acts_about:
        page = desk.page(desk.decision(kind, subject=ZHANG.subject, **more))
        assert ZHANG.name in heading(page)


def test_a_name_that_looks_like_somebodys_identifier_is_not_theirs(desk: Desk) -> None:
    who: dict[str, Any] = {
        "subject": "person-new",
        "name": CUSTODIAN.subject,
        "organisation": CONTRACT_SEAL.subject,
    }
    page = desk.page(desk.decision("enrol_person", **who, credentials=[FINGERPRINT]))
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page, re.DOTALL))
    for label, text in (("Full name", CUSTODIAN.subject), ("Organisation", CONTRACT_SEAL.subject)):
        assert words_of(facts[label]) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "superseded\u202e",
        "super\u200bseded",
        "superseded\n",
        "\x00",
        "a\u2028b",
        " superseded",
        "x" * 301,
        "e\u0301",
        "super\u3164seded",
        "superseded\u2800",
    ],
)
def test_an_argument_that_cannot_be_seen_as_it_is_shows_nothing(desk: Desk, hidden: str) -> None:
    shows_nothing(desk, desk.decision("retire", subject=ZHANG.subject, reason=hidden))
    custodians = [CUSTODIAN.subject, hidden]
    who: dict[str, Any] = {
        "subject": "seal-new",
        "name": "合同专用章",
        "organisation": ZHANG.organisation,
        "kind": "合同专用章",
    }
    shows_nothing(desk, desk.decision("enrol_seal", **who, custodians=custodians, needed=1))


@pytest.mark.parametrize("more", [{"note": "x"}, {"kind": "pin-totp"}, {"rp_id": None}])
def test_a_passkey_with_another_entry_shows_nothing(desk: Desk, more: dict[str, Any]) -> None:
    passkey = {"kind": "webauthn", "credential_id": "00", "public_key": "00", "rp_id": "localhost"} | more
    if passkey["rp_id"] is None:
        del passkey["rp_id"]
    who: dict[str, Any] = {"subject": "keeper-new", "name": "孙示例", "organisation": ZHANG.organisation}
    shows_nothing(desk, desk.decision("enrol_keeper", **who, credentials=[passkey]))


# The agreement.


def signed(request: ActivationRequest, **changes: Any) -> ActivationRequest:
    """The request with these entries of the record, and an intent that signs them."""
    content = canonical.encode(canonical.decode(request.content) | changes)
    digest = hashlib.sha256(content).digest()
    intent = replace(request.intent, digest=digest, nonce=secrets.token_bytes(16))  # type: ignore[arg-type]  # it signs
    return replace(request, content=content, intent=intent)


def with_texts(request: ActivationRequest, text: str, other: str) -> ActivationRequest:
    digests = [hashlib.sha256(each.encode()).hexdigest() for each in (text, other)]
    shown = canonical.decode(request.content)["language"]
    names = [shown, "zh" if shown == "en" else "en"]
    return signed(replace(request, text=text, other_text=other), texts=dict(zip(names, digests, strict=True)))


def test_the_whole_text_of_an_agreement_is_shown(desk: Desk) -> None:
    text = (
        "# Agreement\n\nSee [the conditions](https://x.example/terms 'The signer owes 1,000,000').\n\n"
        "```The signer also guarantees all debts\nok\n```\n"
    )
    page = words_of(desk.page(with_texts(desk.agreement(), text, "# 协议\n\n另一种文字")))
    assert "https://x.example/terms" in page and "Thesignerowes1,000,000" in page
    assert "Thesigneralsoguaranteesalldebts" in page


NESTED = "- " * 10
"""Lists within lists, of which a reader of Markdown looks at so many and no more."""


@pytest.mark.parametrize(
    "unseen",
    [
        f"{NESTED}owes a million",
        f"{NESTED}x\n\nOwes a million.\n",
        f"{'1. ' * 10}owes\n\n   a million\n",
        f"{'- ' * 9}seen\n{' ' * 18}- owes a million\n",
    ],
)
def test_an_agreement_that_is_not_shown_whole_shows_nothing(desk: Desk, unseen: str) -> None:
    """In either language: what follows a list within too many others would be signed and not seen."""
    fair = "# Title\n\nFair words.\n\n"
    for texts in ((fair + unseen, fair), (fair, fair + unseen)):
        shows_nothing(desk, with_texts(desk.agreement(), *texts))
    page = desk.page(with_texts(desk.agreement(), fair + unseen.replace("- ", "", 5).replace("1. ", "", 5), fair))
    assert "owes" in page.lower() and "a million" in page


def test_the_clauses_of_an_agreement_have_the_numbers_that_are_signed(desk: Desk) -> None:
    page = desk.page(with_texts(desk.agreement(), "# One\n\n4. a\n7. b\n8. c\n8. d\n", "# Two"))
    assert '<ol start="4">\n<li>a</li>\n<li value="7">b</li>\n<li>c</li>\n<li value="8">d</li>\n</ol>' in page


def test_an_agreement_whose_numbers_do_not_fit_beside_it_shows_nothing(desk: Desk) -> None:
    """On a telephone, "123456789. euro" was "456789. euro"; nobody scrolls to the left of a page."""
    assert "data-passkey" in desk.page(with_texts(desk.agreement(), "# One\n\n999. words\n", "# Two"))
    for clause in ("1000. euro is the fee", "- a\n    - 123456789. euro is the fee", "0000. euro"):
        for texts in ((f"# One\n\n{clause}\n", "# Two"), ("# Two", f"# One\n\n{clause}\n")):
            shows_nothing(desk, with_texts(desk.agreement(), *texts))


def test_an_agreement_of_no_such_length_shows_nothing(desk: Desk) -> None:
    """Its text is read in the process that shows everybody's acts."""
    longest = "# One\n\n" + "x" * (LONGEST_AGREEMENT - 7)
    assert "data-passkey" in desk.page(with_texts(desk.agreement(), longest, "# Two"))
    for texts in ((f"{longest}x", "# Two"), ("# Two", f"{longest}x")):
        shows_nothing(desk, with_texts(desk.agreement(), *texts))
    shows_nothing(desk, signed(desk.agreement(), counterparties=[ORGANISATION] * 10_000))


def test_both_texts_of_an_agreement_are_shown(desk: Desk) -> None:
    page = desk.page(with_texts(desk.agreement(), "# One\n\nfirst words", "# Two\n\nsecond words"))
    assert "first words" in page and "second words" in page
    assert page.index("first words") < page.index("<details") < page.index("second words")


def test_an_agreement_whose_other_text_is_not_shown_shows_nothing(desk: Desk) -> None:
    request = desk.agreement()
    for other in ("", f"{request.other_text} ", request.text):
        shows_nothing(desk, replace(request, other_text=other))
    texts = canonical.decode(request.content)["texts"]
    named: Any
    language: Any
    for named in (texts | {"fr": texts["en"]}, {"en": texts["en"]}, {}, [], "x"):
        shows_nothing(desk, signed(request, texts=named))
    for language in ("fr", "", None, ["en"], {}):
        shows_nothing(desk, signed(request, language=language))


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\x08", "\u3164", "\u2800"])
def test_a_text_with_hidden_characters_shows_nothing(desk: Desk, character: str) -> None:
    request = desk.agreement()
    shows_nothing(desk, with_texts(request, f"# One\n\nfirst{character} words", "# Two"))
    shows_nothing(desk, with_texts(request, "# One", f"# Two\n\nsecond{character} words"))


def test_a_record_in_another_name_or_of_another_form_shows_nothing(desk: Desk) -> None:
    request = desk.agreement()
    for changes in ({"name": "Somebody else"}, {"format": "vermilion-agreement/1"}, {"person": OFFICER}):
        shows_nothing(desk, signed(request, **changes))
    shows_nothing(desk, signed(request, party={"name": "甲公司\u202e示例"}))
    named = {"kind": "person", "name": "张示例"}
    assert "data-passkey" in desk.page(signed(request, party=named | {"subject": ZHANG.subject}))
    shows_nothing(desk, signed(request, party=named | {"subject": OFFICER}))


ORGANISATION = {"kind": "organisation", "name": "丁公司"}
ODD = [
    {"party": ORGANISATION | {"guarantees": "all debts"}},
    {"party": ORGANISATION | {"kind": "guarantor of all debts"}},
    {"party": ORGANISATION | {"name": ""}},
    {"party": {"kind": "person", "name": "丁某"}},
    {"party": "丁公司"},
    {"counterparties": [ORGANISATION | {"subject": "person-x"}]},
    {"counterparties": [{"kind": "person", "name": "丁某", "subject": "丁某 (person-x)"}]},
    *({"party": ORGANISATION | {"name": f"丁{hidden}公司"}} for hidden in ("\x00", "\x07", "\x1b", "\r")),
    {"counterparties": ORGANISATION},
    {"counterparties": None},
    {"contract": "and the next one"},
    {"contract": "0" * 24, "for": None},
    {"contract": None, "for": ["0" * 24]},
    {"proposed": "by everybody"},
    {"proposed": None},
    {"version": "3, and I pay"} | {"for": "x"},
    {"version": 3},
    {"version": "3" * 81},
]


@pytest.mark.parametrize("changes", ODD, ids=str)
def test_a_record_with_an_entry_of_another_form_shows_nothing(desk: Desk, changes: dict[str, Any]) -> None:
    """What is said in words says all of it: nobody hides anything in what is folded away."""
    shows_nothing(desk, signed(desk.agreement(), **changes))


def test_records_of_agreements_between_all_kinds_of_sides_are_shown(desk: Desk) -> None:
    person, number = {"kind": "person", "name": "丁某", "subject": "person-guest-1"}, "0123456789abcdef01234567"
    own = person | {"subject": ZHANG.subject}
    for changes in ({"party": own}, {"counterparties": []}, {"counterparties": [person, ORGANISATION]}):
        assert "data-passkey" in desk.page(signed(desk.agreement(), **changes, contract=number, **{"for": number}))


def test_a_declaration_has_no_other_title_than_its_intent(desk: Desk) -> None:
    own = desk.declaration(title="采购合同\u3000第一号")
    for title in ("", "采购合同 第一号"):
        assert "采购合同" in desk.page(replace(own, intent=replace(own.intent, title=title)))  # type: ignore[type-var]  # it signs
    for words in ({"title": "别的合同"}, {"title": "采购合同 第一号", "reason": "x"}):
        shows_nothing(desk, replace(own, intent=replace(own.intent, **words)))  # type: ignore[arg-type]  # it signs


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": "c-1"},
        {"voiding": None},
        {"parties": "0123456789abcdef01234567"},
        {"parties": ["甲公司"]},
        {"digest": "00"},
        {"declared": "yesterday"},
        {"proposed": 1},
        {"proposed_by": [ZHANG.subject]},
        {"proposed_by": f"{ZHANG.name} · {ZHANG.organisation} ({ZHANG.subject})"},
        {"reason": "双方协商\x08一致"},
        {"reason": {"zh": "双方协商一致"}},
        {"title": ["x"]},
        {"organisation": None},
        {"format": "vermilion-voiding/3"},
        {"more": "x"},
    ],
    ids=str,
)
def test_a_declaration_with_an_entry_of_another_form_shows_nothing(desk: Desk, changes: dict[str, Any]) -> None:
    request = desk.declaration(**changes)
    shows_nothing(desk, replace(request, intent=replace(request.intent, title="")))  # type: ignore[type-var]  # it signs


def test_an_agreement_has_no_title_or_parties_besides_its_record(desk: Desk) -> None:
    request = desk.agreement()
    for words in ({"title": "x"}, {"parties": ("甲公司",)}):
        shows_nothing(desk, replace(request, intent=replace(request.intent, **words)))  # type: ignore[arg-type]  # it signs


# Whoever has only the address.


def test_a_mistake_without_the_officers_passkey_counts_for_nothing(desk: Desk) -> None:
    made = desk.register(ZHANG.subject)
    request = desk.decision("add_credential", subject=ZHANG.subject, credential=made)
    path = desk.put(request)
    form = desk.form(path)
    others = desk.answer(ZHANG.subject, desk.form(desk.put(desk.document())))
    elsewhere = desk.answer(OFFICER, form, origin="http://localhost:8080")
    another = desk.answer(
        OFFICER, desk.form(desk.put(desk.decision("resume_seal", subject=CONTRACT_SEAL.subject)))
    )
    for given in ("", "{}", others, elsewhere, another):
        answer = desk.send(form, fingerprint="x", credential=given)
        assert answer.status_code in (403, 409) and 'name="fingerprint"' in answer.text
    for _ in range(3):
        assert desk.send(form, fingerprint="x", pin="246810", code="123456").status_code == 403
    assert desk.confirm(OFFICER, path, fingerprint=made).status_code == 303
    assert desk.given(request) == (OFFICER,)


def test_the_code_of_an_act_has_eighty_bits(desk: Desk) -> None:
    code = application.short_code(bytes(range(32)))
    assert code == "0001 0203 0405 0607 0809"
    request = desk.decision("resume_seal", subject=CONTRACT_SEAL.subject)
    assert application.short_code(request.intent.challenge()) in desk.page(request)


# What the authority signs of an act, but no page of the document says.


@pytest.mark.parametrize(("custodians", "said"), [(1, "as many as the seal requires"), (2, "2")])
def test_the_party_and_the_custodians_of_a_signature_are_shown(desk: Desk, custodians: int, said: str) -> None:
    own = desk.document()
    assert f"<dt>Party number</dt><dd><code>{own.intent.party}</code></dd>" in desk.page(own)  # type: ignore[union-attr]  # it signs
    intent = replace(own.intent, signer=CONTRACT_SEAL.subject, party="p&q", custodians=custodians)  # type: ignore[arg-type]  # it signs
    page = desk.page(replace(own, intent=intent, subject=CUSTODIAN.subject))
    assert f"<dt>Custodians needed</dt><dd>{said}</dd>" in page
    assert "<code>p&amp;q</code>" in page


# The picture of a seal.


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def test_only_one_still_picture_is_taken_for_a_seal(desk: Desk) -> None:
    png = picture()
    first = png.index(b"IDAT") - 4
    animated = png[:first] + chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4)) + png[first:]
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 8)).save(jpeg, "JPEG")
    for content in (
        animated,
        png + b"more",
        png[:-4],
        png[:-12],
        png[:first] + chunk(b"iCCP", b"x\0\0") + png[first:],
        jpeg.getvalue(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ):
        named = hashlib.sha256(content).hexdigest()
        request = desk.decision("change_picture", content=content, subject=CONTRACT_SEAL.subject, picture=named)
        shows_nothing(desk, request)
    named = hashlib.sha256(png).hexdigest()
    assert "seal.png" in desk.page(
        desk.decision("change_picture", content=png, subject=CONTRACT_SEAL.subject, picture=named)
    )


# Registration.


@pytest.fixture
def registering() -> RegistrationRequest:
    return RegistrationRequest(
        subject=f"person-{secrets.token_hex(6)}",
        purpose=RegistrationPurpose.SIGNING,
        back="/settings/signing/registered",
        language="en",
        zone="Asia/Shanghai",
        login="sun",
        name="孙示例",
        organisation=ZHANG.organisation,
        handle=secrets.token_bytes(16),
    )


def put_registration(desk: Desk, asked: RegistrationRequest) -> str:
    return f"/register/{desk.appliance.activation_requests.add(asked)}"


def test_the_organisation_of_an_officer_is_shown_whatever_the_name(
    desk: Desk, registering: RegistrationRequest
) -> None:
    appointed = replace(registering, purpose=RegistrationPurpose.APPOINTMENT, name=registering.login)
    assert ZHANG.organisation in words_of(desk.get(put_registration(desk, appointed)).text)


@pytest.mark.parametrize(
    "changes", [{"name": "Mallory"}, {"organisation": "x"}, {"reference": "another form"}, {"back": "/"}]
)
def test_a_registration_that_was_exchanged_behind_the_page_is_not_made(
    desk: Desk, registering: RegistrationRequest, changes: dict[str, Any]
) -> None:
    path = put_registration(desk, registering)
    shown = passkey_form(desk.get(path).text, "create")
    device = SoftwareAuthenticator.create("localhost", ORIGIN)
    made = posted_registration(device, device.register(bytes.fromhex(shown.fields["challenge"])))
    other = put_registration(desk, replace(registering, **changes))
    kept = (desk.folder / path[10:]).read_bytes()
    (desk.folder / other[10:]).replace(desk.folder / path[10:])
    for fields in (shown.fields, shown.fields | {"seen": ""}, shown.fields | {"seen": "0" * 64}):
        answer = desk.send(replace(shown, fields=fields), credential=made)
        assert answer.status_code == 409 and "too old" in answer.text
    assert desk.appliance.authority.pending_credentials(registering.subject) == []
    (desk.folder / path[10:]).write_bytes(kept)
    assert desk.send(shown, credential=made).status_code == 200, "nothing of it was used up"


def test_an_officer_is_not_appointed_under_another_name_than_the_page_showed(desk: Desk) -> None:
    asked = RegistrationRequest(
        f"officer-{secrets.token_hex(6)}", RegistrationPurpose.APPOINTMENT, "/", "en", "Asia/Shanghai", "wang",
        "王示例", ZHANG.organisation, secrets.token_bytes(16),
    )  # fmt: skip
    path = put_registration(desk, asked)
    shown = passkey_form(desk.get(path).text, "create")
    other = put_registration(desk, replace(asked, name="Mallory", reference="another form"))
    (desk.folder / other[10:]).replace(desk.folder / path[10:])
    answer = desk.send(shown, setup_code="x", credential="{}")
    assert answer.status_code == 409 and "too old" in answer.text


@pytest.mark.parametrize("minutes", [16, 60 * 24 * 365])
def test_a_request_from_the_future_is_none(desk: Desk, minutes: int) -> None:
    path = desk.put(desk.document())
    assert desk.get(path).status_code == 200
    later = time.time() + 60 * minutes
    os.utime(desk.folder / path[5:], (later, later))
    assert desk.get(path).status_code == 404
    desk.put(desk.document())
    assert not (desk.folder / path[5:]).exists()
