"""Content checks, requests for reviews, waivers and sign-offs; every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import StateRefused
from appliance.model import review as codec
from appliance.model.review import ContentCheck, ReviewApproval, ReviewRequest, ReviewRequestState, SignOff, Waiver
from appliance.store.database import Transaction
from hsm import canonical
from hsm.rows import Query, columns, fields_of, refusing

_CHECK = "SELECT contract, document, rules, record, digest, at FROM content_checks"
_CHECKS = Query(
    ContentCheck,
    _CHECK,
    result=columns(lambda record: codec.decode_result(canonical.decode(record)["result"]), "record"),
)
_REQUEST = (
    "SELECT id, contract, document, asked_by AS by, asked AS at, state, decided, decided_by, answer"
    " FROM review_requests"
)
_REQUESTS = Query(ReviewRequest, _REQUEST)
_WAIVERS = Query(Waiver, "SELECT item, reason, by, at FROM review_waivers")
_APPROVALS = Query(ReviewApproval, "SELECT department, by, at FROM review_approvals")
_SIGN_OFF = 'SELECT contract, document, check_digest AS "check", kind, by, at, record FROM review_sign_offs'
_SIGN_OFFS = Query(SignOff, _SIGN_OFF)


def keep_check(tx: Transaction, check: ContentCheck) -> bool:
    """Keeps *check*; False when there is one of this contract, document and rules already."""
    row = fields_of(check, "contract document rules record digest at")
    return tx.insert_if_new("content_checks", row)


def check_of(tx: Transaction, contract: str, document: str, rules: str) -> ContentCheck | None:
    """The check of this document by these rules, if it was made."""
    return _CHECKS.first(tx, "WHERE contract = ? AND document = ? AND rules = ?", (contract, document, rules))


def checks_of(tx: Transaction, contract: str, document: str) -> tuple[ContentCheck, ...]:
    """All checks of the document, the newest first."""
    return tuple(
        _CHECKS.all(tx, "WHERE contract = ? AND document = ? ORDER BY at DESC, rowid DESC", (contract, document))
    )


def ask(tx: Transaction, request: ReviewRequest) -> None:
    """A new request. Raises :class:`StateRefused` while one is open."""
    with refusing(StateRefused("A review of this contract has been asked for already.")):
        tx.insert(
            "review_requests",
            fields_of(request, "id contract document")
            | {"asked_by": request.by, "asked": request.at, "state": "open"},
        )


def answer(
    tx: Transaction,
    request: ReviewRequest,
    state: ReviewRequestState,
    at: datetime,
    *,
    by: str | None,
    words: str | None,
) -> None:
    """open → *state*, by one only. Raises :class:`StateRefused`."""
    if not tx.update(
        "review_requests",
        {"state": state, "decided": at, "decided_by": by, "answer": words},
        id=request.id,
        state="open",
    ):
        raise StateRefused("This review has been answered already; look at what became of it.")


def last_request(tx: Transaction, contract: str) -> ReviewRequest | None:
    """The contract's newest request."""
    return _REQUESTS.first(tx, "WHERE contract = ? ORDER BY asked DESC, rowid DESC LIMIT 1", (contract,))


def queue(tx: Transaction) -> tuple[ReviewRequest, ...]:
    """The open requests, the oldest first."""
    return tuple(_REQUESTS.all(tx, "WHERE state = 'open' ORDER BY asked, rowid"))


def decided_by(tx: Transaction, reviewer: str, *, limit: int) -> tuple[ReviewRequest, ...]:
    """What *reviewer* has answered, the newest first."""
    return tuple(
        _REQUESTS.all(tx, "WHERE decided_by = ? ORDER BY decided DESC, rowid DESC LIMIT ?", (reviewer, limit))
    )


def waive(tx: Transaction, contract: str, document: str, waiver: Waiver) -> None:
    """Keeps the waiver. Raises :class:`StateRefused` when the item is waived already."""
    row = {"contract": contract, "document": document} | fields_of(waiver, "item reason by at")
    with refusing(StateRefused("This finding is waived already."), only=["UNIQUE"]):
        tx.insert("review_waivers", row)


def waivers(tx: Transaction, contract: str, document: str) -> tuple[Waiver, ...]:
    """What is waived for this document, in the order of time."""
    return tuple(_WAIVERS.all(tx, "WHERE contract = ? AND document = ? ORDER BY at, item", (contract, document)))


def approve_step(tx: Transaction, request: str, approval: ReviewApproval) -> None:
    """Keeps the approval of a step. Raises :class:`StateRefused` when somebody else has just taken it."""
    row = fields_of(approval, "department by at") | {"request": request}
    taken = StateRefused("This step was approved in the meantime; look at the review again.")
    with refusing(taken, only=["UNIQUE"]):
        tx.insert("review_approvals", row)


def approvals(tx: Transaction, request: str) -> list[ReviewApproval]:
    """The steps of a request that were approved, in the order of time."""
    return _APPROVALS.all(tx, "WHERE request = ? ORDER BY at", (request,))


def sign_off(tx: Transaction, given: SignOff) -> None:
    """Keeps the sign-off. Raises :class:`StateRefused` when the check is signed off already."""
    row = fields_of(given, "contract document kind by at record") | {"check_digest": given.check}
    with refusing(StateRefused("This check is signed off already."), only=["UNIQUE"]):
        tx.insert("review_sign_offs", row)


def sign_offs(tx: Transaction, contract: str, document: str) -> tuple[SignOff, ...]:
    """The sign-offs of this document, the newest first."""
    return tuple(
        _SIGN_OFFS.all(
            tx, "WHERE contract = ? AND document = ? ORDER BY at DESC, rowid DESC", (contract, document)
        )
    )
