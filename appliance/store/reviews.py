"""Content checks, requests for reviews, waivers and sign-offs; every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import StateRefused
from appliance.model import review_record as codec
from appliance.model.review import ContentCheck, ReviewRequest, ReviewRequestState, SignOff, Waiver
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored
from hsm import canonical

_CHECK = "SELECT contract, document, rules, record, digest, at FROM content_checks"
_REQUEST = (
    "SELECT id, contract, document, asked_by, asked, state, decided, decided_by, answer FROM review_requests"
)
_SIGN_OFF = "SELECT contract, document, check_digest, kind, by, at, record FROM review_sign_offs"


def keep_check(tx: Transaction, check: ContentCheck) -> bool:
    """Keeps *check*; False when there is one of this contract, document and rules already."""
    kept = tx.execute(
        "INSERT INTO content_checks (contract, document, rules, record, digest, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (check.contract, check.document, check.rules, check.record, check.digest, stored(check.at)),
    )
    return bool(kept.rowcount == 1)


def check_of(tx: Transaction, contract: str, document: str, rules: str) -> ContentCheck | None:
    """The check of this document by these rules, if it was made."""
    row = tx.execute(
        f"{_CHECK} WHERE contract = ? AND document = ? AND rules = ?", (contract, document, rules)
    ).fetchone()
    return None if row is None else _check(row)


def checks_of(tx: Transaction, contract: str, document: str) -> tuple[ContentCheck, ...]:
    """All checks of the document, the newest first."""
    rows = tx.execute(f"{_CHECK} WHERE contract = ? AND document = ? ORDER BY at DESC", (contract, document))
    return tuple(_check(row) for row in rows)


def ask(tx: Transaction, request: ReviewRequest) -> None:
    """A new request. Raises :class:`StateRefused` while one is open."""
    try:
        tx.execute(
            "INSERT INTO review_requests (id, contract, document, asked_by, asked, state)"
            " VALUES (?, ?, ?, ?, ?, 'open')",
            (request.id, request.contract, request.document, request.by, stored(request.at)),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("A review of this contract has been asked for already.") from error


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
    decided = tx.execute(
        "UPDATE review_requests SET state = ?, decided = ?, decided_by = ?, answer = ?"
        " WHERE id = ? AND state = 'open'",
        (state, stored(at), by, words, request.id),
    )
    if decided.rowcount != 1:
        raise StateRefused("This review has been answered already; look at what became of it.")


def last_request(tx: Transaction, contract: str) -> ReviewRequest | None:
    """The contract's newest request."""
    row = tx.execute(
        f"{_REQUEST} WHERE contract = ? ORDER BY asked DESC, rowid DESC LIMIT 1", (contract,)
    ).fetchone()
    return None if row is None else _request(row)


def queue(tx: Transaction) -> tuple[ReviewRequest, ...]:
    """The open requests, the oldest first."""
    rows = tx.execute(f"{_REQUEST} WHERE state = 'open' ORDER BY asked")
    return tuple(_request(row) for row in rows)


def decided_by(tx: Transaction, reviewer: str, *, limit: int) -> tuple[ReviewRequest, ...]:
    """What *reviewer* has answered, the newest first."""
    rows = tx.execute(f"{_REQUEST} WHERE decided_by = ? ORDER BY decided DESC LIMIT ?", (reviewer, limit))
    return tuple(_request(row) for row in rows)


def waive(tx: Transaction, contract: str, document: str, waiver: Waiver) -> None:
    """Keeps the waiver. Raises :class:`StateRefused` when the item is waived already."""
    try:
        tx.execute(
            "INSERT INTO review_waivers (contract, document, item, reason, by, at) VALUES (?, ?, ?, ?, ?, ?)",
            (contract, document, waiver.item, waiver.reason, waiver.by, stored(waiver.at)),
        )
    except pysqlite3.IntegrityError as error:
        if "UNIQUE" not in str(error):
            raise
        raise StateRefused("This finding is waived already.") from error


def waivers(tx: Transaction, contract: str, document: str) -> tuple[Waiver, ...]:
    """What is waived for this document, in the order of time."""
    rows = tx.execute(
        "SELECT item, reason, by, at FROM review_waivers WHERE contract = ? AND document = ? ORDER BY at, item",
        (contract, document),
    )
    return tuple(Waiver(item, reason, by, loaded(at)) for item, reason, by, at in rows)


def sign_off(tx: Transaction, given: SignOff) -> None:
    """Keeps the sign-off. Raises :class:`StateRefused` when the check is signed off already."""
    try:
        tx.execute(
            "INSERT INTO review_sign_offs (contract, document, check_digest, kind, by, at, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (given.contract, given.document, given.check, given.kind, given.by, stored(given.at), given.record),
        )
    except pysqlite3.IntegrityError as error:
        if "UNIQUE" not in str(error):
            raise
        raise StateRefused("This check is signed off already.") from error


def sign_offs(tx: Transaction, contract: str, document: str) -> tuple[SignOff, ...]:
    """The sign-offs of this document, the newest first."""
    rows = tx.execute(f"{_SIGN_OFF} WHERE contract = ? AND document = ? ORDER BY at DESC", (contract, document))
    return tuple(
        SignOff(contract, document, check, kind, by, loaded(at), bytes(record))
        for contract, document, check, kind, by, at, record in rows
    )


def _check(row: tuple[Any, ...]) -> ContentCheck:
    contract, document, rules, record, digest, at = row
    result = codec.result(canonical.decode(bytes(record))["result"])
    return ContentCheck(contract, document, rules, result, bytes(record), digest, loaded(at))


def _request(row: tuple[Any, ...]) -> ReviewRequest:
    identifier, contract, document, by, asked, state, decided, decided_by_, words = row
    when = None if decided is None else loaded(decided)
    return ReviewRequest(
        identifier, contract, document, by, loaded(asked), ReviewRequestState(state), when, decided_by_, words
    )
