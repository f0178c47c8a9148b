"""``/ownership``: digests of files are deposited, dated and certified; the files stay where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request

from appliance.errors import ConfinementFailed, DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.model.deposits import (
    CREATIONS,
    HOLDER_KINDS,
    WORK_KINDS,
    BatchedState,
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
from appliance.ownership.orders import MOST_AT_ONCE, TOO_MANY, refused_part
from appliance.ownership.tables import CheckedDeposits
from hsm.errors import RefusalError
from webui.portal.access import require_person, visitor
from webui.portal.pages import appliance, saved_file
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, status_in_workflow
from webui.shared.forms import whole_number
from webui.shared.language import current_language, translate

LISTED: Final = 100
"""Files that the page of a deposit shows, the manifest has all; rows and faults of a batch on one page."""

_WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FIELDS: Final = (
    *("title", "kind", "creation", "holder_kind", "holder", "completed", "description"),
    *("declaration", "listed", "sums", "apart", "predecessor"),
)
"""The form's fields."""

STATES: Final = {
    BatchedState.WAITING: "not deposited yet",
    BatchedState.MADE: "deposited",
    BatchedState.FAILED: "not deposited",
}
"""What the state of a row of a batch is called, message ids."""

_LOOK_AGAIN: Final = "3"
"""Seconds between two looks while the scheduler works on a batch."""

_PLACES: Final = {"predecessor": "", **dict.fromkeys(("files", "name", "size"), "sums")}
"""Fields of the form by what of an order a refusal is about, where they are not called the same."""

W = TypeVar("W", WorkKind, Creation, HolderKind)

pages = Blueprint("ownership", __name__, url_prefix="/ownership")


def _mine(deposit_id: str) -> Deposit:
    return appliance.ownership.get(deposit_id, by=require_person())


@pages.get("")
def all_of_mine() -> Answer:
    after = request.args.get("after", "")
    deposits = appliance.ownership.of_person(require_person(), after=after, limit=SHOWN + 1)
    more = deposits[SHOWN - 1].id if len(deposits) > SHOWN else None
    batches = [] if after else appliance.deposit_batches.mine(require_person())
    return render("ownership/list.html", deposits=deposits[:SHOWN], more=more, first=not after, batches=batches)


@pages.get("/new")
def new(found: CheckedDeposits | None = None) -> Answer:
    by = require_person()
    typed = {name: request.form.get(name, "") for name in FIELDS}
    asked = typed["predecessor"] if request.method == "POST" else request.args.get("after", "")
    before = _before(asked, by)
    if before is not None and request.method == "GET":
        typed |= _as_before(before)
    return render(
        "ownership/new.html",
        status=None if found is None else 422,
        found=found,
        shown=LISTED,
        typed=typed,
        before=before,
        kinds=_choices(WORK_KINDS),
        creations=_choices(CREATIONS),
        holders=_choices(HOLDER_KINDS),
        text_version=VERSION,
        declaration=_declaration(),
        most=MOST_FILES,
        at_once=MOST_AT_ONCE,
    )


def _declaration() -> list[str]:
    return load_declaration().words[current_language()].split("\n")


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
    part = refused_part(refusal)
    return _PLACES.get(part, part)


@pages.post("")
@form(new, require_person, _place, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def deposit(by: str) -> Answer:
    order = _ordered({name: request.form.get(name, "") for name in FIELDS})
    if request.form.get("apart") and len(order.files) > 1:
        found = appliance.deposit_batches.check_files(order, by=by)
        return new(found) if found.problems else _kept(found, by)
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
    return DepositOrder(typed["title"], _files(typed), work, typed["predecessor"] or None)


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


def _files(typed: Mapping[str, str]) -> tuple[DepositedFile, ...]:
    return _listed(typed["listed"]) if typed.get("listed") else read_sums(typed.get("sums", ""))


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


@pages.get("/table")
def table_form(found: CheckedDeposits | None = None) -> Answer:
    """How many works are deposited by a table, step by step; with what is wrong with one that was *found* to
    have faults."""
    require_person()
    return render(
        "ownership/table.html",
        status=None if found is None else 422,
        found=found,
        shown=LISTED,
        at_once=MOST_AT_ONCE,
        text_version=VERSION,
        declaration=_declaration(),
    )


@pages.post("/table.xlsx")
@form(table_form, require_person, "sums", refusals=(PreconditionRefused,), status=status_in_workflow)
def table(by: str) -> Answer:
    """The table to fill in, with a row for each of the chosen files; none needs to be chosen."""
    files = _files(request.form)
    if len(files) > MOST_AT_ONCE:
        raise PreconditionRefused(TOO_MANY, most=MOST_AT_ONCE, count=len(files))
    versions, language = "versions" in request.form, current_language()
    made = appliance.deposit_batches.table(files, versions=versions, language=language, by=by)
    return saved_file(made, _WORKBOOK, "deposits.xlsx")


@pages.post("/table")
@form(
    table_form,
    require_person,
    lambda refusal: "declaration" if refused_part(refusal) == "declaration" else "list",
    refusals=(DocumentRefused, ConfinementFailed, PreconditionRefused, StateRefused),
    status=status_in_workflow,
)
def upload_table(by: str) -> Answer:
    content = b""
    if given := request.files.get("list"):
        content = given.read()
        given.close()
    if not content:
        raise FormProblems({"list": translate()("Choose the file that you have filled in.")})
    declaration, language = request.form.get("declaration", ""), current_language()
    found = appliance.deposit_batches.check_table(content, declaration, language=language, by=by)
    return table_form(found) if found.problems else _kept(found, by)


def _kept(found: CheckedDeposits, by: str) -> Answer:
    return see_other("ownership.batch", batch_id=appliance.deposit_batches.keep(found, by=by).id)


@pages.get("/batches/<batch_id>")
def batch(batch_id: str) -> Answer:
    by, batches = require_person(), appliance.deposit_batches
    done = batches.progress(batch_id, by=by)
    after = whole_number(request.args.get("after", ""), 9) or 0
    rows = batches.rows(batch_id, by=by, after=after, limit=LISTED + 1)
    response = render(
        "ownership/batch.html",
        done=done,
        waiting=done.counts.get(BatchedState.WAITING, 0),
        failures=done.counts.get(BatchedState.FAILED, 0),
        failed=batches.rows(batch_id, by=by, limit=LISTED, state=BatchedState.FAILED),
        rows=rows[:LISTED],
        further=rows[LISTED - 1].number if len(rows) > LISTED else None,
        later=after > 0,
        states=STATES,
        readable=readable_name,
        own=done.batch.owner == by,
        client=None if done.batch.client is None else appliance.api_clients.find(done.batch.client).name,
    )
    if done.busy and not after:
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


@pages.post("/batches/<batch_id>/retry")
@form(batch, require_person, refusals=(StateRefused,), status=status_in_workflow)
def retry(by: str, batch_id: str) -> Answer:
    """The rows that were not deposited wait once more."""
    appliance.deposit_batches.retry(batch_id, by=by)
    return see_other("ownership.batch", batch_id=batch_id)


@pages.get("/batches/<batch_id>/deposits.zip")
def archive(batch_id: str) -> Answer:
    """The list of what was deposited, with all timestamps."""
    say = translate()
    states = {state: say(words) for state, words in STATES.items()}
    made = appliance.deposit_batches.archive(batch_id, states, say, by=require_person())
    return saved_file(made, "application/zip", f"deposits-{batch_id[:8]}.zip")


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
