"""Requests of other software for signatures, and blocked clients, in the caller's transaction."""

from __future__ import annotations

import json
from datetime import datetime

from appliance.errors import NotFound
from appliance.model.remote_signing import (
    BlockedClient,
    PdfLevel,
    PdfOrder,
    PreparedPdf,
    RemoteRequest,
    RemoteRequestState,
)
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of


def _prepared(text: str | None) -> PreparedPdf | None:
    if text is None:
        return None
    handed_in, level, certifies, base, start, length = json.loads(text)
    return PreparedPdf(handed_in, PdfOrder(PdfLevel(level), certifies), base, (start, length))


def _written(pdf: PreparedPdf | None) -> str | None:
    if pdf is None:
        return None
    return json.dumps([pdf.handed_in, pdf.order.level, pdf.order.certifies, pdf.base, *pdf.gap])


_REQUESTS = Query(
    RemoteRequest,
    "SELECT id, client, client_name, person, use, documents, nonce, asked, expires, secret, state, ended,"
    " signatures, pdf FROM remote_requests",
    documents=columns(lambda text: tuple(json.loads(text)), "documents"),
    signatures=columns(lambda text: None if text is None else tuple(json.loads(text)), "signatures"),
    pdf=columns(_prepared, "pdf"),
)
_BLOCKED = Query(BlockedClient, "SELECT person, client, name, since FROM remote_blocks")


def insert_request(tx: Transaction, request: RemoteRequest, content: bytes) -> None:
    names = "id client client_name person use nonce asked expires secret state"
    documents = json.dumps(list(request.documents), ensure_ascii=False)
    said = {"documents": documents, "content": content or None, "pdf": _written(request.pdf)}
    tx.insert("remote_requests", fields_of(request, names) | said)


def load_request(tx: Transaction, request_id: str) -> RemoteRequest:
    """The request with this id. Raises :class:`NotFound`."""
    return _REQUESTS.one(tx, "WHERE id = ?", (request_id,), missing=_missing())


def request_of_secret(tx: Transaction, client: str, secret: str) -> RemoteRequest:
    """The request of *client* with this digest of its secret. Raises :class:`NotFound`."""
    return _REQUESTS.one(tx, "WHERE secret = ? AND client = ?", (secret, client), missing=_missing())


def content_of(tx: Transaction, request_id: str) -> bytes:
    """The document that was handed in with a request; empty for none, and once the request is over."""
    return tx.value(bytes, "SELECT content FROM remote_requests WHERE id = ?", (request_id,)) or b""


def waiting_for(tx: Transaction, person: str, now: datetime) -> list[RemoteRequest]:
    """The requests that *person* can activate or refuse, oldest first."""
    condition = "WHERE person = ? AND state = 'open' AND expires > ? ORDER BY asked, id"
    return _REQUESTS.all(tx, condition, (person, now))


def count_open(tx: Transaction, person: str, client: str, now: datetime) -> int:
    """How many requests of *client* wait for *person*."""
    query = (
        "SELECT count(*) FROM remote_requests WHERE person = ? AND client = ? AND state IN ('open', 'signing')"
        " AND expires > ?"
    )
    return tx.count(query, (person, client, now))


def count_since(tx: Transaction, person: str, client: str, since: datetime) -> int:
    """How often *client* has asked *person* since *since*."""
    query = "SELECT count(*) FROM remote_requests WHERE person = ? AND client = ? AND asked >= ?"
    return tx.count(query, (person, client, since))


def overdue(tx: Transaction, now: datetime, limit: int) -> list[RemoteRequest]:
    """At most *limit* that nobody has ended in time."""
    condition = "WHERE state IN ('open', 'signing') AND expires <= ? ORDER BY expires LIMIT ?"
    return _REQUESTS.all(tx, condition, (now, limit))


def claim(tx: Transaction, request_id: str) -> bool:
    """open → signing; False when somebody else was faster."""
    return tx.update("remote_requests", {"state": RemoteRequestState.SIGNING}, id=request_id, state="open")


def release(tx: Transaction, request_id: str) -> None:
    """signing → open: nothing was signed."""
    tx.update("remote_requests", {"state": RemoteRequestState.OPEN}, id=request_id, state="signing")


def sign(tx: Transaction, request_id: str, signatures: list[str], *, at: datetime) -> None:
    """signing → signed. The document is kept no longer."""
    row = {"state": RemoteRequestState.SIGNED, "signatures": json.dumps(signatures), "ended": at, "content": None}
    tx.update("remote_requests", row, id=request_id, state="signing")


def end(tx: Transaction, request: RemoteRequest, state: RemoteRequestState, *, at: datetime) -> bool:
    """*request* → *state*, without signatures; False when it has changed since it was read."""
    row = {"state": state, "ended": at, "content": None}
    return tx.update("remote_requests", row, id=request.id, state=request.state)


def forget_signatures(tx: Transaction, now: datetime) -> None:
    """Signatures that were not fetched in time are kept no longer."""
    tx.execute(
        "UPDATE remote_requests SET signatures = NULL WHERE signatures IS NOT NULL AND expires <= ?", (now,)
    )


def forget_requests(tx: Transaction, before: datetime) -> None:
    """Requests that were made before *before* are kept no longer, a hundred at a time."""
    tx.forget_oldest("remote_requests", "id", "asked", before=before)


def block(tx: Transaction, blocked: BlockedClient) -> bool:
    """False when it was blocked before."""
    return tx.insert_if_new("remote_blocks", fields_of(blocked, "person client name since"))


def unblock(tx: Transaction, person: str, client: str) -> bool:
    """False when it was not blocked."""
    return tx.delete("remote_blocks", person=person, client=client)


def is_blocked(tx: Transaction, person: str, client: str) -> bool:
    return tx.exists("SELECT 1 FROM remote_blocks WHERE person = ? AND client = ?", (person, client))


def blocked_by(tx: Transaction, person: str) -> list[BlockedClient]:
    """Whom *person* lets ask no more, the newest first."""
    return _BLOCKED.all(tx, "WHERE person = ? ORDER BY since DESC, client", (person,))


def _missing() -> NotFound:
    return NotFound("There is no such request for a signature.")
