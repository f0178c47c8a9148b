"""``/verify``: a file is uploaded, the report comes back as page, PDF or data; the file is not stored."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage

from appliance.errors import ConfigurationError
from appliance.evidence.common_files import read_verifier, verifier_digest, verifier_policy
from appliance.language import instants
from appliance.model.contract import ContractState
from appliance.model.document_codes import show_code
from appliance.verification import VerificationReport, etsi_report, report
from appliance.verification.model import ReportRow, RowAnswer
from appliance.verification.verifier import named_anchors, verify_trusting
from hsm.errors import Sentence
from webui.portal.pages import appliance, saved_file
from webui.shared.form_pages import Answer, render
from webui.shared.forms import sentence
from webui.shared.headers import policy
from webui.shared.language import current_language, translate
from webui.shared.room import PATIENCE, Checks, place_in, verification_room

MEBIBYTE = 1024 * 1024
FORMS: Final = {
    "page": "A page in this window",
    "pdf": "PDF",
    "etsi": "Validation report for programs (ETSI TS 119 102-2, XML)",
    "json": "Data for programs (JSON)",
}
"""How the report can be had, with the words on the page."""
_SAME = "This file is, byte for byte, the contract with the document code {code}."
_VOID = "The parties have declared the contract with the document code {code} void."
_OTHER = (
    "This file is not the contract with the document code {code}: that has other bytes. The verdict is about the"
    " file that you gave alone; ask for the contract as it was completed."
)
_DEPOSITED = (
    "This file was deposited here: the first time at {time}, log entry {entry}. Who deposited it is for its"
    " depositor to show."
)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


pages = Blueprint("verify", __name__)


@cache
def room_for(threads: int) -> tuple[Checks, BoundedSemaphore]:
    """Who may have a file judged by so many *threads*, and who may have a report typeset, which takes longer: half
    of what may be typeset at once is for other pages."""
    return verification_room(threads), BoundedSemaphore()


@pages.post("/verify")
def verify() -> Answer:
    given = request.files.get("file")
    if given is None or not given.filename:
        return form(translate()("Choose the file that is to be verified."))
    try:
        trust = named_anchors(_contents("trust"))
    except ConfigurationError as refusal:
        return form(sentence(refusal))
    data = _content(request.files.get("data"))
    judging, setting = room_for(appliance.settings.web.threads)
    with judging.of(b""):
        content = given.read()
        found = verify_trusting(appliance.verifier, trust, content, given.filename, data)
        return _answer(_compared(found, content), setting)


@pages.get("/verify")
def form(problem: str = "") -> Answer:
    largest = appliance.settings.documents.largest // MEBIBYTE
    status, digest = 400 if problem else 200, verifier_digest()
    return render(
        "verify.html", status=status, largest=largest, problem=problem, verifier_digest=digest, forms=FORMS
    )


@pages.get("/verify.html")
def offline() -> Answer:
    """The verifier for computers without a network, which works here too; its policy allows it no connection."""
    policies = {"Content-Security-Policy": f"{verifier_policy()}; frame-ancestors 'none'"}
    answer = Response(read_verifier(), content_type="text/html; charset=utf-8", headers=policies)
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.set_etag(verifier_digest())
    answer.make_conditional(request)
    return answer


def _compared(found: VerificationReport, content: bytes) -> VerificationReport:
    """*found* with what else is known here of the very file."""
    digest = hashlib.sha256(content).hexdigest()
    return replace(found, compared=(*_of_code(digest), *_of_deposits(digest)))


def _of_code(digest: str) -> Iterator[ReportRow]:
    """What is said of the document code from whose page the file came; nothing before the contract is complete,
    for until then no file is it."""
    known = appliance.document_codes.find(request.form.get("code", ""))
    if known is None or not known.digests:
        return
    values = {"code": show_code(known.code)}
    same = digest in known.digests
    yield _row(RowAnswer.YES, _SAME, values) if same else _row(RowAnswer.NO, _OTHER, values)
    if known.state is ContractState.VOIDED:
        yield _row(RowAnswer.NO, _VOID, values)


def _of_deposits(digest: str) -> Iterator[ReportRow]:
    """When the file was deposited, alone or among others; by whom is not for everybody."""
    for first in appliance.ownership.of_digest(digest)[:1]:
        values = {"time": instants.second(first.at, "UTC"), "entry": f"{first.entry:,}"}
        yield _row(RowAnswer.YES, _DEPOSITED, values)


def _row(answer: RowAnswer, template: str, values: Mapping[str, str]) -> ReportRow:
    return ReportRow("code", answer, Sentence(template, values))


def _contents(field: str) -> list[bytes]:
    """The bytes of each file that was chosen."""
    return [content for upload in request.files.getlist(field) if (content := _content(upload)) is not None]


def _answer(found: VerificationReport, setting: BoundedSemaphore) -> Answer:
    wanted = request.form.get("form", "page")
    if wanted == "pdf":
        with place_in(setting, patience=PATIENCE):
            paper = report.render_pdf(found, current_language())
        return saved_file(paper, "application/pdf", "report.pdf")
    if wanted == "etsi":
        try:
            raw = etsi_report.render_xml(found, current_language())
        except etsi_report.NoValidationReport as refusal:
            return form(sentence(refusal))
        return saved_file(raw, "application/xml", "report.xml")
    if wanted == "json":
        raw = (json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n").encode()
        return saved_file(raw, "application/json", "report.json")
    return _page(report.render_html(found, current_language(), back=request.path))


def _page(html: str) -> Response:
    """The report as it is saved elsewhere too, whole in itself: its one style sheet is named by its digest."""
    style = _STYLE.search(html)
    digest = base64.b64encode(hashlib.sha256(style[1].encode() if style else b"").digest()).decode()
    headers = {"Content-Security-Policy": policy(style=f"'sha256-{digest}'", image="data:")}
    return Response(html, content_type="text/html; charset=utf-8", headers=headers)


def _content(upload: FileStorage | None) -> bytes | None:
    """The bytes of a file that was chosen, or None: browsers send an empty part for an empty choice."""
    return upload.read() if upload is not None and upload.filename else None
