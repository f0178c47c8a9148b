"""Holds, disposals and doomed documents, and what disposal and erasure take out of the tables. A test holds
the lists against the schema: every table of a contract or a person is named here, or among those that stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.errors import NotFound, StateRefused
from appliance.model.retention import Disposal, DisposalState, EndedContract, LegalHold
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.rows import Query, columns, fields_of, refusing


@dataclass(frozen=True, slots=True)
class RetainedKind:
    """What is retained: the tables of holds and of disposals, of one form for all kinds, and the column that names
    what they are about."""

    holds: str
    disposals: str
    key: str

    def hold_query(self) -> Query[LegalHold]:
        columns = f"{self.key} AS about, reason, placed, placed_by, lifted, lifted_by, lifted_because"
        return Query(LegalHold, f"SELECT {columns} FROM {self.holds}")  # noqa: S608  # names of this module

    def disposal_query(self) -> Query[Disposal]:
        columns = f"{self.key} AS about, reason, state, proposed, proposed_by, ended, ended_by, entry"
        return Query(Disposal, f"SELECT {columns} FROM {self.disposals}")  # noqa: S608  # as above


CONTRACTS: Final = RetainedKind("holds", "disposals", "contract")
CAPTURES: Final = RetainedKind("capture_holds", "capture_disposals", "capture")
_ENDED = Query(EndedContract, until=columns(lambda: None))
_THERE = "NOT EXISTS (SELECT 1 FROM disposals AS d WHERE d.contract = c.id AND d.state = 'done')"
_OVER = "c.state IN ('completed', 'voided', 'declined', 'recalled', 'expired', 'discarded')"
_ACTS = (
    "(c.initiator = ?1 OR EXISTS (SELECT 1 FROM parties AS p"
    " WHERE p.contract = c.id AND (p.subject = ?1 OR p.requester = ?1)))"
)


def place_hold(tx: Transaction, hold: LegalHold, *, of: RetainedKind = CONTRACTS) -> None:
    """Raises :class:`StateRefused` when one stands already."""
    with refusing(StateRefused("{number} is under a legal hold already.", number=hold.about)):
        tx.insert(of.holds, {of.key: hold.about} | fields_of(hold, "reason placed placed_by"))


def lift_hold(
    tx: Transaction, number: str, *, at: datetime, by: str, because: str, of: RetainedKind = CONTRACTS
) -> None:
    """Raises :class:`StateRefused` when none stands."""
    row = {"lifted": at, "lifted_by": by, "lifted_because": because}
    if not tx.update(of.holds, row, **{of.key: number}, lifted=None):
        raise StateRefused("{number} is under no legal hold.", number=number)


def open_holds(tx: Transaction, *, of: RetainedKind = CONTRACTS) -> list[LegalHold]:
    """The holds that stand, the newest first."""
    return of.hold_query().all(tx, "WHERE lifted IS NULL ORDER BY placed DESC, id DESC LIMIT 200")


def is_held(tx: Transaction, number: str, *, of: RetainedKind = CONTRACTS) -> bool:
    """Whether a legal hold stands on it."""
    return tx.exists(f"SELECT 1 FROM {of.holds} WHERE {of.key} = ? AND lifted IS NULL", (number,))  # noqa: S608


def propose(tx: Transaction, disposal: Disposal, *, of: RetainedKind = CONTRACTS) -> None:
    """Raises :class:`StateRefused` when the disposal is proposed already."""
    with refusing(StateRefused("The disposal of {number} is proposed already.", number=disposal.about)):
        tx.insert(
            of.disposals, {of.key: disposal.about} | fields_of(disposal, "reason state proposed proposed_by")
        )


def end(
    tx: Transaction,
    number: str,
    state: DisposalState,
    *,
    at: datetime,
    by: str,
    entry: int | None = None,
    of: RetainedKind = CONTRACTS,
) -> None:
    """proposed → *state*. Raises :class:`StateRefused` when it was answered already."""
    row = {"state": state, "ended": at, "ended_by": by, "entry": entry}
    if not tx.update(of.disposals, row, **{of.key: number}, state="proposed"):
        raise StateRefused("This proposal has been answered already; look at what became of it.")


def disposal(tx: Transaction, number: str, *, of: RetainedKind = CONTRACTS) -> Disposal:
    """The newest proposal about it. Raises :class:`NotFound`."""
    missing = NotFound("Nobody has proposed to dispose of {number}.", number=number)
    rest = f"WHERE {of.key} = ? ORDER BY id DESC LIMIT 1"
    return of.disposal_query().one(tx, rest, (number,), missing=missing)


def disposals(
    tx: Transaction, state: DisposalState, *, limit: int = 200, of: RetainedKind = CONTRACTS
) -> list[Disposal]:
    """Those in *state*: what waits the oldest first, what has ended the newest first."""
    order = "proposed" if state is DisposalState.PROPOSED else "ended DESC"
    return of.disposal_query().all(tx, f"WHERE state = ? ORDER BY {order}, id LIMIT ?", (state, limit))


def require_there(tx: Transaction, number: str, *, of: RetainedKind = CONTRACTS) -> None:
    """Raises :class:`StateRefused` when it was disposed of."""
    query = f"SELECT 1 FROM {of.disposals} WHERE {of.key} = ? AND state = 'done'"  # noqa: S608  # as above
    if tx.exists(query, (number,)):
        raise StateRefused("{number} was disposed of already.", number=number)


def ended(
    tx: Transaction, before: datetime, *, after: tuple[str, str], limit: int
) -> list[tuple[tuple[str, str], EndedContract]]:
    """Contracts whose last change was at *before* or earlier, the oldest first from *after* on, with their places.

    Without those that are held, disposed of, or proposed for it.
    """
    return [
        ((instant(each.since), each.contract), each)
        for each in _ENDED.all(
            tx,
            "SELECT c.touched AS since, c.id AS contract, c.kind, c.state FROM contracts AS c"  # noqa: S608  # literals of this module
            f" WHERE {_OVER} AND c.touched <= ?1 AND (c.touched, c.id) > (?2, ?3)"
            " AND NOT EXISTS (SELECT 1 FROM disposals AS d WHERE d.contract = c.id AND d.state <> 'refused')"
            " AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.contract = c.id AND h.lifted IS NULL)"
            " ORDER BY c.touched, c.id LIMIT ?4",
            (before, *after, limit),
        )
    ]


def one_ended(tx: Transaction, contract_id: str) -> EndedContract:
    """The contract as retention sees it. Raises :class:`NotFound`."""
    missing = NotFound("There is no contract {contract}.", contract=contract_id)
    return _ENDED.one(
        tx,
        "SELECT touched AS since, id AS contract, kind, state FROM contracts WHERE id = ?",
        (contract_id,),
        missing=missing,
    )


def ended_of(tx: Transaction, subject: str) -> list[EndedContract]:
    """Contracts at their end, not disposed of, in which *subject* acted."""
    return _ENDED.all(
        tx,
        "SELECT c.touched AS since, c.id AS contract, c.kind, c.state FROM contracts AS c"  # noqa: S608  # literals of this module
        f" WHERE {_OVER} AND {_THERE} AND {_ACTS} ORDER BY c.touched, c.number",
        (subject,),
    )


def running_of(tx: Transaction, subject: str) -> list[str]:
    """Contracts not at their end in which *subject* acts."""
    return tx.column(
        str,
        "SELECT c.id FROM contracts AS c"  # noqa: S608 -- literals of this file
        f" WHERE c.state IN ('draft', 'sent', 'signed') AND {_ACTS} ORDER BY c.number",
        (subject,),
    )


def held_captures_of(tx: Transaction, subject: str) -> list[str]:
    """Web captures that *subject* ordered, or has taken over, and that are under a legal hold."""
    return tx.column(
        str,
        "SELECT h.capture FROM capture_holds AS h JOIN captures AS c ON c.id = h.capture"
        " WHERE h.lifted IS NULL AND ?1 IN (c.owner, c.orderer) ORDER BY h.id",
        (subject,),
    )


def entries_about(tx: Transaction, subject: str) -> list[int]:
    """Log entries with private fields that name *subject* and belong to no contract. Reads every opening."""
    return tx.column(
        int,
        "SELECT o.entry FROM openings AS o JOIN ledger AS l ON l.number = o.entry"
        " WHERE instr(l.leaf, ?) > 0 AND NOT EXISTS (SELECT 1 FROM contract_events AS e WHERE e.entry = o.entry)",
        (f'"{subject}"'.encode(),),
    )


def carries_power(tx: Transaction, contract_id: str) -> bool:
    """Whether the contract is the instrument of a power of attorney."""
    return tx.exists("SELECT 1 FROM powers WHERE contract = ?", (contract_id,))


def mark_for_removal(tx: Transaction, digests: Iterable[str], *, since: datetime) -> None:
    """The documents may be removed, unless something else needs them."""
    tx.executemany(
        "INSERT INTO doomed_documents (digest, since) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        [(digest, since) for digest in digests],
    )


def marked_for_removal(tx: Transaction, *, limit: int) -> list[str]:
    """Digests of documents that may be removed."""
    return tx.column(str, "SELECT digest FROM doomed_documents ORDER BY since LIMIT ?", (limit,))


def unmark_for_removal(tx: Transaction, digest: str) -> None:
    """The document is gone, or is needed again."""
    tx.execute("DELETE FROM doomed_documents WHERE digest = ?", (digest,))


def is_needed(tx: Transaction, digest: str) -> bool:
    """Whether anything that was not disposed of has the document."""
    return tx.exists(
        "SELECT 1 FROM revisions AS r JOIN contracts AS c ON c.id = r.contract"  # noqa: S608 -- a literal above
        f" WHERE r.digest = ?1 AND {_THERE}"
        " UNION ALL SELECT 1 FROM annexes WHERE digest = ?1"
        " UNION ALL SELECT 1 FROM template_documents WHERE digest = ?1"
        " UNION ALL SELECT 1 FROM powers WHERE document = ?1"
        " UNION ALL SELECT 1 FROM partner_documents WHERE digest = ?1"
        " UNION ALL SELECT 1 FROM capture_files WHERE digest = ?1"
        " UNION ALL SELECT 1 FROM deposit_certificates WHERE digest = ?1 LIMIT 1",
        (digest,),
    )


def needed(tx: Transaction) -> Iterator[str]:
    """Every document that :func:`is_needed`."""
    yield from (
        digest
        for (digest,) in tx.execute(
            "SELECT r.digest FROM revisions AS r JOIN contracts AS c ON c.id = r.contract"  # noqa: S608 -- as above
            f" WHERE {_THERE} UNION SELECT document FROM powers WHERE document IS NOT NULL"
            " UNION SELECT digest FROM annexes UNION SELECT digest FROM partner_documents"
            " UNION SELECT digest FROM template_documents UNION SELECT digest FROM deposit_certificates"
            " UNION SELECT digest FROM capture_files"
        )
    )


def newest_signed(tx: Transaction, limit: int) -> list[tuple[str, str]]:
    """Contract and digest of the last revision of the contracts that were completed last, at most *limit*."""
    return [
        (contract, digest)
        for contract, digest in tx.execute(
            "SELECT r.contract, r.digest FROM revisions AS r JOIN contracts AS c ON c.id = r.contract"  # noqa: S608
            f" WHERE r.kind = 'archive' AND c.state = 'completed' AND {_THERE} AND r.number ="
            " (SELECT max(number) FROM revisions WHERE contract = r.contract)"
            " ORDER BY r.at DESC LIMIT ?",
            (limit,),
        )
    ]


GONE: Final = "—"
"""What the statements below put where a name or words stood."""

_NUMBER: Final = "(SELECT number FROM contracts WHERE id = ?1)"


def _deletion(table: str, condition: str = "contract = ?1") -> tuple[str, str]:
    return table, f"DELETE FROM {table} WHERE {condition}"  # noqa: S608  # names of this module


OF_A_CONTRACT: Final = (
    _deletion("openings", "entry IN (SELECT entry FROM contract_events WHERE contract = ?1)"),
    _deletion("seal_approvals", "request IN (SELECT id FROM seal_requests WHERE contract = ?1)"),
    _deletion("seal_requests"),
    _deletion("signing_grounds", "intent IN (SELECT id FROM intents WHERE contract = ?1)"),
    _deletion("batch_members", "intent IN (SELECT id FROM intents WHERE contract = ?1)"),
    _deletion("review_approvals", "request IN (SELECT id FROM review_requests WHERE contract = ?1)"),
    *map(_deletion, ("intents", "keeping", "content_checks", "review_requests", "review_waivers")),
    *map(_deletion, ("review_sign_offs", "sessions", "embedded_links", "guest_invitations")),
    *map(_deletion, ("contract_dates", "reminder_plans", "document_codes")),
    _deletion("text_versions", "text IN (SELECT id FROM texts WHERE contract = ?1)"),
    *map(_deletion, ("reminders", "outbox", "texts", "vouchings", "annexes", "copies", "own_signatures")),
    *map(_deletion, ("readings", "mail_merge_rows", "draft_colleagues", "comments")),
    ("handovers", "UPDATE handovers SET reason = '—' WHERE contract = ?1"),
    _deletion("void_declarations", "voiding IN (SELECT id FROM voidings WHERE contract = ?1)"),
    _deletion("voidings"),
    _deletion("signer_inputs", "party IN (SELECT id FROM parties WHERE contract = ?1)"),
    _deletion("placements", "party IN (SELECT id FROM parties WHERE contract = ?1)"),
    (
        "parties",
        "UPDATE parties SET name = '—', organisation = '—', phone = NULL, reason = NULL WHERE contract = ?1",
    ),
    _deletion("contract_search", f"rowid = {_NUMBER}"),
    _deletion("contract_grams", f"rowid = {_NUMBER}"),
    _deletion("involvements", f"number = {_NUMBER}"),
    (
        "contracts",
        "UPDATE contracts SET title = '—', purpose = '—', amount = NULL, currency = NULL,"
        " department = '' WHERE id = ?1",
    ),
)
"""Table and statement, in an order that foreign keys allow; ``?1`` is the contract."""

KEPT_OF_A_CONTRACT: Final = frozenset(
    {
        "contract_changes",
        "contract_events",
        "revisions",
        "holds",
        "disposals",
        "powers",
        "successions",
        "amendments",
    }
)
"""Which act came when, the digests of what there was, which contract replaced or changed which, the record of the
disposal itself: no names, no words.
A contract that a power of attorney rests on is not disposed of."""

OF_A_PERSON: Final = (
    *(_deletion(table, "subject = ?1") for table in ("passkeys", "account_links", "account_roles", "sessions")),
    (
        "accounts",
        "UPDATE accounts SET login = 'erased-' || lower(hex(handle)), password = NULL, totp = NULL"
        " WHERE subject = ?1",
    ),
    *(
        _deletion(table, "person = ?1")
        for table in ("identity_records", "signature_choices", "signature_pictures")
    ),
    *(_deletion(table, "person = ?1") for table in ("reminder_wishes", "reminder_touched", "inbox_marks")),
    *(_deletion(table, "person = ?1") for table in ("calendar_feeds", "copies", "draft_colleagues")),
    *(_deletion(table, "person = ?1") for table in ("capture_readers", "captures_told")),
    _deletion("absences", "person = ?1 OR deputy = ?1"),
    _deletion("ledger_views", "owner = ?1"),
    _deletion("mail_merge_rows", "merge IN (SELECT id FROM mail_merges WHERE owner = ?1)"),
    _deletion("mail_merge_faults", "merge IN (SELECT id FROM mail_merges WHERE owner = ?1)"),
    _deletion("mail_merges", "owner = ?1"),
    _deletion("deposit_batch_rows", "batch IN (SELECT id FROM deposit_batches WHERE owner = ?1)"),
    _deletion("deposit_batches", "owner = ?1"),
    _deletion("sign_on_identities", "subject = ?1"),
    _deletion("departures", "subject = ?1"),
    _deletion("directory_held", "user IN (SELECT id FROM directory_users WHERE subject = ?1)"),
    _deletion("scim_members", "member IN (SELECT id FROM directory_users WHERE subject = ?1)"),
    _deletion("scim_users", "id IN (SELECT id FROM directory_users WHERE subject = ?1)"),
    _deletion("directory_users", "subject = ?1"),
    ("representatives", "UPDATE representatives SET phone = '' WHERE subject = ?1"),
    _deletion("texts", "owner = ?1 AND contract IS NULL AND template IS NULL"),
    ("people", "UPDATE people SET email = 'erased-' || subject || '@invalid' WHERE subject = ?1"),
)
"""What of a person goes although contracts that are kept still name them."""

NAME_OF_A_PERSON: Final = (
    "UPDATE people SET name = '—', organisation = '—', department = '', directory_name = NULL WHERE subject = ?1"
)
"""What goes once no contract is kept that names the person."""


def is_in_directory(tx: Transaction, subject: str) -> bool:
    """Whether the organisation's directory has somebody, who would come back with the next reading."""
    return tx.exists("SELECT 1 FROM directory_users WHERE subject = ? AND removed IS NULL", (subject,))


def forget_contract(tx: Transaction, contract_id: str) -> None:
    """Takes out the names, the words and the prepared bytes of a contract whose disposal is done."""
    for _, statement in OF_A_CONTRACT:
        tx.execute(statement, (contract_id,))


def overwrite_words(tx: Transaction) -> None:
    """Writes the index of short words anew: a contentless one only marks what was deleted (SQLite FTS5, 4.4.3)."""
    tx.execute("INSERT INTO contract_grams (contract_grams) VALUES ('optimize')")


def forget_openings(tx: Transaction, entries: Sequence[int]) -> int:
    """Erases the private fields of *entries*; how many had any. The tree stays as it is."""
    return sum(tx.execute("DELETE FROM openings WHERE entry = ?", (entry,)).rowcount for entry in entries)


def forget_person(tx: Transaction, subject: str, *, name_too: bool) -> None:
    """Takes out what is personal of *subject*; the name only with *name_too*."""
    for _, statement in OF_A_PERSON:
        tx.execute(statement, (subject,))
    if name_too:
        tx.execute(NAME_OF_A_PERSON, (subject,))
