"""The page on which somebody signs for other software: who asks, every digest, the document where it is there."""

from __future__ import annotations

import hashlib
import html
import io
import re
from dataclasses import replace
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import LI, OFFICER, ZHANG
from hsm import cms
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent, SigningIntent
from hsm.remote import remote_use_in
from tests.activation.conftest import BACK, PORTAL, Desk
from tests.activation.shown import shows_nothing, words_of
from tests.world import sample_document

PDF = sample_document(2)
CLIENT = "Office <b>suite</b>"


def named(content: bytes, label: str = "报价.pdf", **more: Any) -> dict[str, Any]:
    return {"digest": hashlib.sha256(content).hexdigest(), "label": label, **more}


def asked(
    desk: Desk, *documents: dict[str, Any], use: str = "document", content: bytes = b"", **changes: Any
) -> ActivationRequest:
    """Zhang is asked to sign *documents* for other software."""
    given = list(documents) or [named(b"one", "first <i>one</i>.pdf"), named(b"two", "second.pdf")]
    details = {"subject": ZHANG.subject, "use": use, "client": CLIENT, "documents": given, **changes}
    return replace(desk.decision("sign_remotely", content=content, **details), subject=ZHANG.subject)


def signing_remotely(desk: Desk) -> ActivationRequest:
    """Zhang is asked to sign a document that other software has handed in."""
    return asked(desk, named(PDF, shown=True), content=PDF)


@pytest.fixture(scope="module")
def key(desk: Desk, operator: AuthorityClient) -> str:
    """Zhang's key for documents."""
    request = desk.decision("add_remote_key", subject=ZHANG.subject, use="document")
    desk.confirm(OFFICER, desk.put(request))
    assert isinstance(request.intent, OfficerIntent)
    operator.add_remote_key(request.intent)
    return f"{ZHANG.subject}.document"


def test_who_asks_and_every_digest_are_shown_in_both_languages(desk: Desk) -> None:
    request = asked(desk)
    assert isinstance(request.intent, OfficerIntent)
    english, chinese = desk.page(request), desk.page(replace(request, language="zh"))
    assert "<h1>Sign documents for “Office &lt;b&gt;suite&lt;/b&gt;”</h1>" in english
    assert "<h1>为“Office &lt;b&gt;suite&lt;/b&gt;”签署文件</h1>" in chinese
    assert "nobody here can check them" in english and "本系统无法核对" in chinese
    for page in (english, chinese):
        for each in request.intent.details["documents"]:
            assert html.escape(each["label"]) in page and each["digest"] in words_of(page)
        assert f"{ZHANG.subject}.document" in page and "<img src" not in page
        assert 'name="pin"' not in page


@pytest.mark.parametrize("use", ["document", "hash"])
def test_what_software_calls_itself_and_documents_is_quoted_and_names_no_row(desk: Desk, use: str) -> None:
    words = {"en": ("Valid until", "Nothing is signed"), "zh": ("有效期至", "未签署任何内容")}
    for language, (row, sentence) in words.items():
        request = asked(desk, named(b"one", row), named(b"two", "ש"), use=use, client=sentence)
        page = desk.page(replace(request, language=language))
        assert f'“<bdi lang="">{row}</bdi>”' in page and '“<bdi lang="">ש</bdi>”' in page
        assert len(re.findall(rf"<dt[^>]*>{row}</dt>", page)) <= 1, "the page's own"
        assert len(re.findall(sentence, page)) == len(re.findall(f"“(<[^>]*>)?{sentence}(<[^>]*>)?”", page))


def test_unseen_documents_are_called_that_before_anything_else(desk: Desk) -> None:
    request = asked(desk, use="hash")
    english, chinese = desk.page(request), desk.page(replace(request, language="zh"))
    assert "<h1>Sign unseen documents for “Office" in english and "Nobody here has seen what you sign" in english
    assert "签署未见内容的文件</h1>" in chinese and "此处无人见过您所签署的内容" in chinese
    assert english.index("callout warning") < english.index("Confirm with passkey")
    assert f"{ZHANG.subject}.hash" in english


def test_hashes_that_are_off_are_not_activated(desk: Desk) -> None:
    request = asked(desk, use="hash")
    answer = desk.confirm(ZHANG.subject, desk.put(request))
    assert answer.status_code == 403 and "not signed for other software" in answer.text
    assert desk.given(request) == ()


def test_a_document_that_was_handed_in_is_shown_and_signed(desk: Desk, key: str) -> None:
    request = signing_remotely(desk)
    path = desk.put(request)
    page = desk.get(path).text
    assert "has handed in this document" in page and "<h1>Sign “报价.pdf” for “Office" in page
    pictures = re.findall(r'<img src="([^"]+)"', page)
    assert len(pictures) == 2
    assert all(desk.get(each).mimetype == "image/png" for each in pictures)
    answer = desk.confirm(ZHANG.subject, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, PORTAL + BACK)
    assert "You have confirmed your signature on “报价.pdf”" in desk.get(path).text
    assert isinstance(request.intent, OfficerIntent)
    [message] = desk.appliance.authority.sign_remotely(request.intent)
    signer = cms.verify(cms.parse(message), content=None, digest=hashlib.sha256(PDF).digest())
    assert remote_use_in(signer) == "document" and key.endswith(".document")


def test_a_prepared_pdf_is_shown_with_its_field(desk: Desk, key: str) -> None:
    known = desk.document()
    assert isinstance(known.intent, SigningIntent)
    document = {"digest": known.intent.digest.hex(), "label": "a.pdf", "shown": True, "field": known.intent.field}
    request = replace(asked(desk, document, content=known.content), base=known.base, gap=known.gap)
    page = desk.page(request)
    assert len(re.findall(r"<img src=", page)) == 3 and known.intent.field in page
    wrong = asked(desk, {**document, "field": "AnotherField"}, content=known.content)
    assert desk.get(desk.put(replace(wrong, base=known.base, gap=known.gap))).status_code == 409
    shows_nothing(desk, replace(request, gap=(known.gap[0] + 2, known.gap[1] - 2)))
    assert desk.confirm(ZHANG.subject, desk.put(request)).status_code == 303


def test_what_is_said_to_be_shown_is_shown_or_nothing_is(desk: Desk) -> None:
    request = asked(desk, named(PDF, shown=True), content=PDF)
    shows_nothing(desk, replace(request, content=b""))
    shows_nothing(desk, replace(request, content=sample_document(3)))
    shows_nothing(desk, replace(asked(desk, named(PDF)), content=PDF))
    answer = desk.get(desk.put(asked(desk, named(b"text", shown=True), content=b"text")))
    assert answer.status_code == 409 and "not a PDF" in answer.text


def with_subject(subject: str) -> bytes:
    """A plain PDF that says in its properties what it is about."""
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=1)
    canvas.setSubject(subject)
    canvas.drawString(72, 700, "Nothing is owed.")
    canvas.save()
    return stream.getvalue()


def test_a_document_that_its_signature_would_turn_into_another_is_not_shown(desk: Desk) -> None:
    """Whoever puts the signature into a gap in it moves everything behind: its tables lead to other objects."""
    for name in ("/ByteRange", "/Byte#52ange", "/ByteRange %"):
        written = f"/Contents {name} [0 0600 9000 {{}}]"
        size = len(with_subject(written.format("0000")))
        moving = with_subject(written.format(f"{size - 600:04}"))
        signed = moving[:600] + bytes(9000 - 600) + moving[600:]
        covered = signed[:600] + signed[9000:]
        assert len(moving) == size and covered == moving, "signed as a PDF, it has the digest of what is shown"
        request = asked(desk, named(moving, shown=True), content=moving)
        answer, path = desk.get(desk.put(request)), f"{desk.put(request)}/{request.intent.challenge().hex()}/1.png"
        assert answer.status_code == desk.get(path).status_code == 409
        assert "would turn it into another" in answer.text and "<form" not in answer.text
    for other in ("/ByteRange [0 0600 0700 0100]", "a ByteRange"):
        content = with_subject(other)
        page = desk.page(asked(desk, named(content, shown=True), content=content))
        assert "has handed in this document" in page


@pytest.mark.parametrize(
    "changed",
    [
        {"documents": []},
        {"documents": [{"digest": "ab" * 32, "label": "\u3164"}]},
        {"documents": [{"digest": "ab" * 32, "label": "a.pdf", "pages": 1}]},
        {"client": "a\u202eb"},
        {"use": "raw"},
        {"note": "free text"},
        {"subject": LI.subject},
        {"subject": OFFICER},
    ],
)
def test_anything_that_the_authority_would_not_take_shows_nothing(desk: Desk, changed: dict[str, Any]) -> None:
    answer = desk.get(desk.put(asked(desk, **changed)))
    assert answer.status_code == 409 and "<form" not in answer.text


def test_nobody_else_is_asked_or_activates(desk: Desk) -> None:
    request = asked(desk)
    assert desk.get(desk.put(replace(request, subject=LI.subject))).status_code == 409
    assert desk.confirm(LI.subject, desk.put(request)).status_code == 403
    assert desk.given(request) == ()


def test_it_is_no_member_of_a_batch_nor_is_another_act_put_in_its_place(desk: Desk) -> None:
    request = asked(desk)
    path = desk.put(request)
    form = desk.form(path)
    desk.swap(path, asked(desk, named(b"three")))
    answer = desk.send(form, credential=desk.answer(ZHANG.subject, form))
    assert answer.status_code == 409 and "too old" in answer.text
    assert desk.given(request) == ()


def test_officers_read_what_a_key_for_other_software_is(desk: Desk) -> None:
    page = desk.page(desk.decision("add_remote_key", subject=LI.subject, use="hash"))
    assert "Give a key for other software" in page and LI.name in page and "hash" in page
