"""Comments on drafts, with whom drafts are shared, and kept versions of texts. Every function runs in the caller's
transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import StateRefused
from appliance.model.discussion import Comment, DraftKind, KeptVersion, SharedDraft
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_COMMENTS = Query(
    Comment, "SELECT id, answers, place, quote, words, author, at, resolved, resolved_by FROM comments"
)
_VERSION = (
    "SELECT number, at, author, html, base, rest, words, accepted, rejected, decided, withdrawn FROM text_versions"
)
_VERSIONS = Query(KeptVersion, _VERSION)
_WITHOUT_WORDING = Query(
    KeptVersion,
    _VERSION.replace(
        "html, base, rest", "'' AS html, iif(base IS NULL, NULL, '') AS base, iif(rest IS NULL, NULL, '') AS rest"
    ),
)
_SHARED = Query(SharedDraft)


def share(tx: Transaction, kind: DraftKind, draft: str, person: str, at: datetime) -> bool:
    """*person* may read and discuss the draft; False when that was so already."""
    return tx.insert_if_new("draft_colleagues", {kind.value: draft, "person": person, "at": at})


def unshare(tx: Transaction, kind: DraftKind, draft: str, person: str) -> bool:
    """*person* may no longer; False when that was so already."""
    return tx.delete("draft_colleagues", **{kind.value: draft}, person=person)


def end_sharing_of_text(tx: Transaction, contract: str) -> None:
    """Nobody but its owner reads the text any more that went into the contract."""
    tx.execute("DELETE FROM draft_colleagues WHERE text IN (SELECT id FROM texts WHERE contract = ?)", (contract,))


def colleagues(tx: Transaction, kind: DraftKind, draft: str) -> tuple[str, ...]:
    """With whom the draft is shared, in the order in which it was."""
    query = f"SELECT person FROM draft_colleagues WHERE {kind.value} = ? ORDER BY at, person"  # noqa: S608
    return tuple(tx.column(str, query, (draft,)))


def is_shared(tx: Transaction, kind: DraftKind, draft: str, person: str) -> bool:
    """Whether *person* may discuss the draft now, as :func:`shared_with` says."""
    return any((each.kind, each.id) == (kind, draft) for each in shared_with(tx, person, -1))


def shared_with(tx: Transaction, person: str, limit: int) -> list[SharedDraft]:
    """The drafts that *person* may discuss now, the last shared first."""
    return _SHARED.all(
        tx,
        "SELECT 'text' AS kind, t.id, t.title, t.owner AS by, d.at FROM draft_colleagues AS d"
        " JOIN texts AS t ON t.id = d.text WHERE d.person = ?1"
        " UNION ALL SELECT 'contract', c.id, c.title, c.initiator, d.at FROM draft_colleagues AS d"
        " JOIN contracts AS c ON c.id = d.contract WHERE d.person = ?1 AND c.state = 'draft'"
        " ORDER BY 5 DESC LIMIT ?2",
        (person, limit),
    )


def insert_comment(tx: Transaction, kind: DraftKind, draft: str, comment: Comment) -> None:
    tx.insert(
        "comments",
        {kind.value: draft} | fields_of(comment, "id answers place quote words author at resolved resolved_by"),
    )


def comments_of(tx: Transaction, kind: DraftKind, draft: str) -> list[Comment]:
    """All comments and answers, in the order in which they were written."""
    return _COMMENTS.all(tx, f"WHERE {kind.value} = ? ORDER BY at, rowid", (draft,))


def resolve(tx: Transaction, comment: str, *, by: str | None, at: datetime | None) -> bool:
    """Resolves a comment, or opens it again (*by* and *at* None); False when it was so already."""
    condition = "resolved IS NOT NULL" if at is None else "resolved IS NULL"
    query = f"UPDATE comments SET resolved = ?, resolved_by = ? WHERE id = ? AND {condition}"  # noqa: S608
    return tx.changed(query, (at, by, comment))


def unresolved(tx: Transaction, contract: str) -> int:
    """How many comments on the contract, and on the text that went into it, are not resolved, and how many changes
    proposed to that text not decided."""
    return tx.count(
        "SELECT (SELECT count(*) FROM comments WHERE answers IS NULL AND resolved IS NULL AND (contract = ?1"
        " OR text IN (SELECT id FROM texts WHERE contract = ?1))) + (SELECT count(*) FROM text_versions"
        " WHERE base IS NOT NULL AND decided IS NULL AND text IN (SELECT id FROM texts WHERE contract = ?1))",
        (contract,),
    )


def insert_version(tx: Transaction, text: str, version: KeptVersion) -> None:
    row = fields_of(version, "number at author html base rest words accepted rejected decided")
    tx.insert("text_versions", {"text": text} | row)


def decide(tx: Transaction, text: str, before: KeptVersion, after: KeptVersion) -> None:
    """Puts what is left of a proposal in the place of *before*. Raises :class:`StateRefused` when somebody else
    decided meanwhile."""
    seen = {"text": text, "number": before.number, "accepted": before.accepted, "rejected": before.rejected}
    if not tx.update("text_versions", fields_of(after, "base rest accepted rejected decided withdrawn"), **seen):
        raise StateRefused("This change has been decided already; look at what is left of the proposal.")


def versions(tx: Transaction, text: str) -> list[KeptVersion]:
    """The kept versions and proposals without their wordings, the newest first."""
    return _WITHOUT_WORDING.all(tx, "WHERE text = ? ORDER BY number DESC", (text,))


def version(tx: Transaction, text: str, number: int) -> KeptVersion | None:
    return _VERSIONS.first(tx, "WHERE text = ? AND number = ?", (text, number))


def last_kept(tx: Transaction, text: str) -> KeptVersion | None:
    """The newest kept version that is no proposal."""
    return _VERSIONS.first(tx, "WHERE text = ? AND base IS NULL ORDER BY number DESC LIMIT 1", (text,))


def remove_version(tx: Transaction, text: str, number: int) -> None:
    tx.delete("text_versions", text=text, number=number)
