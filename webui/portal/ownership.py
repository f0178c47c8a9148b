"""``/ownership``: digests of files are deposited, dated and certified; the files stay where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.deposits import (
    CREATIONS,
    HOLDER_KINDS,
    WORK_KINDS,
    Creation,
    Deposit,
    DepositedFile,
    HolderKind,
    RightsHolder,
    WorkDetails,
    WorkKind,
    readable_name,
)
from appliance.ownership import DepositOrder, load_declaration, read_sums
from appliance.ownership.declaration import VERSION
from appliance.ownership.deposits import SHOWN
from appliance.ownership.manifest import MOST_FILES
from appliance.ownership.orders import MOST_AT_ONCE
from hsm.errors import RefusalError
from webui.portal.access import require_person, visitor
from webui.portal.pages import appliance, saved_file
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, status_in_workflow
from webui.shared.language import current_language, translate

LISTED: Final = 100
"""Files that the page of a deposit shows; the manifest has all."""

FIELDS: Final = (
    *("title", "kind", "creation", "holder_kind", "holder", "completed", "description"),
    *("declaration", "listed", "sums", "apart", "predecessor"),
)
"""The form's fields."""

_PLACES: Final = (
    ("rights holder", "holder"),
    ("completion date", "completed"),
    ("description", "description"),
    ("declaration", "declaration"),
    ("title stands", "title"),
    ("The title", "title"),
    ("one by one", "apart"),
    ("one deposit;", "apart"),
    ("exactly this", ""),
    ("version", ""),
)
"""By words of a refusal, the field that it is about; all others are about the files."""

W = TypeVar("W", WorkKind, Creation, HolderKind)

pages = Blueprint("ownership", __name__, url_prefix="/ownership")


def _mine(deposit_id: str) -> Deposit:
    return appliance.ownership.get(deposit_id, by=require_person())


@pages.get("")
def all_of_mine() -> Answer:
    after = request.args.get("after", "")
    deposits = appliance.ownership.of_person(require_person(), after=after, limit=SHOWN + 1)
    more = deposits[SHOWN - 1].id if len(deposits) > SHOWN else None
    return render("ownership/list.html", deposits=deposits[:SHOWN], more=more, first=not after)


@pages.get("/new")
def new() -> Answer:
    by = require_person()
    typed = {name: request.form.get(name, "") for name in FIELDS}
    asked = typed["predecessor"] if request.method == "POST" else request.args.get("after", "")
    before = _before(asked, by)
    if before is not None and request.method == "GET":
        typed |= _as_before(before)
    return render(
        "ownership/new.html",
        typed=typed,
        before=before,
        kinds=_choices(WORK_KINDS),
        creations=_choices(CREATIONS),
        holders=_choices(HOLDER_KINDS),
        version=VERSION,
        declaration=load_declaration().words[current_language()].split("\n"),
        most=MOST_FILES,
        at_once=MOST_AT_ONCE,
    )


def _choices(words: Mapping[W, str]) -> list[tuple[str, str]]:
    say = translate()
    return [(each.value, say(text)) for each, text in words.items()]


def _before(asked: str, by: str) -> Deposit | None:
    """The deposit of *by* whose next version is asked for; none where there is none, which posting says."""
    try:
        return appliance.ownership.get(asked, by=by) if asked else None
    except NotFound:
        if request.method == "GET":
            raise
        return None


def _as_before(before: Deposit) -> dict[str, str]:
    """What was said of the version before, but for the declaration, which is made anew."""
    said = {"title": before.title, "predecessor": before.id}
    work = before.work
    if work is not None:
        said |= {"kind": work.kind.value, "creation": work.creation.value, "description": work.description}
        said |= {"holder_kind": work.holder.kind.value, "holder": work.holder.name}
    return said


def _place(refusal: RefusalError) -> str:
    return next((field for words, field in _PLACES if words in refusal.template), "sums")


@pages.post("")
@form(new, require_person, _place, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def deposit(by: str) -> Answer:
    order = _ordered({name: request.form.get(name, "") for name in FIELDS})
    if request.form.get("apart") and len(order.files) > 1:
        appliance.ownership.deposit_each(order, by=by)
        return see_other("ownership.all_of_mine")
    return see_other("ownership.show", deposit_id=appliance.ownership.deposit(order, by=by).id)


def _ordered(typed: Mapping[str, str]) -> DepositOrder:
    problems: dict[str, str] = {}
    kind = _chosen(WorkKind, typed, "kind", problems)
    creation = _chosen(Creation, typed, "creation", problems)
    holder_kind = _chosen(HolderKind, typed, "holder_kind", problems)
    completed = _day(typed, problems)
    if kind is None or creation is None or holder_kind is None or problems:
        raise FormProblems(problems)
    work = WorkDetails(
        kind=kind,
        creation=creation,
        holder=RightsHolder(holder_kind, typed["holder"]),
        declaration=typed["declaration"],
        completed=completed,
        description=typed["description"],
    )
    files = _listed(typed["listed"]) if typed["listed"] else read_sums(typed["sums"])
    return DepositOrder(typed["title"], files, work, typed["predecessor"] or None)


def _chosen(words: type[W], typed: Mapping[str, str], field: str, problems: dict[str, str]) -> W | None:
    try:
        return words(typed[field])
    except ValueError:
        problems[field] = translate()("Choose one of these.")
        return None


def _day(typed: Mapping[str, str], problems: dict[str, str]) -> date | None:
    text = typed["completed"].strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems["completed"] = translate()("Write the day like 2026-11-30.")
        return None


def _listed(text: str) -> tuple[DepositedFile, ...]:
    """The files as the page's script lists them: name, digest and size of each."""
    try:
        rows: Any = json.loads(text)
        found = tuple(DepositedFile(name, digest, size) for name, digest, size in rows)
        if all(isinstance(each.name, str) and isinstance(each.digest, str) for each in found) and all(
            type(each.size) is int for each in found
        ):
            return found
    except (ValueError, TypeError, RecursionError):
        pass
    raise PreconditionRefused("The list of files was damaged on its way; choose the files again.")


@pages.get("/<deposit_id>")
def show(deposit_id: str) -> Answer:
    found = _mine(deposit_id)
    versions = appliance.ownership.versions(found)
    return render(
        "ownership/show.html",
        deposit=found,
        files=appliance.ownership.files(found, limit=LISTED),
        versions=versions,
        place=next(number for number, each in enumerate(versions, 1) if each.id == found.id),
        readable=readable_name,
        kinds=WORK_KINDS,
        creations=CREATIONS,
        holder_kinds=HOLDER_KINDS,
        client=None if found.client is None else appliance.api_clients.find(found.client).name,
        declarer=None if found.declared is None else appliance.registry.person(found.declared.declarer).name,
        own=found.depositor == visitor().subject,
    )


@pages.get("/<deposit_id>/certificate.pdf")
def certificate(deposit_id: str) -> Answer:
    found = _mine(deposit_id)
    return saved_file(appliance.ownership.certificate(found), "application/pdf", f"deposit-{found.id[:8]}.pdf")


@pages.get("/<deposit_id>/token.tsr")
def token(deposit_id: str) -> Answer:
    return saved_file(appliance.ownership.reply(_mine(deposit_id)), "application/timestamp-reply", "token.tsr")


@pages.get("/<deposit_id>/manifest.json")
def manifest(deposit_id: str) -> Answer:
    return saved_file(appliance.ownership.manifest(_mine(deposit_id)), "application/json", "manifest.json")


@pages.get("/find")
def find() -> Answer:
    digest = "".join(request.args.get("digest", "").split()).lower()
    return render("ownership/find.html", digest=digest, found=appliance.ownership.of_digest(digest))


@pages.get("/declarations/<version>.json")
def declaration(version: str) -> Answer:
    """The text of a declaration, byte for byte as its digest is of."""
    return Response(load_declaration(version).encode(), content_type="application/json")
