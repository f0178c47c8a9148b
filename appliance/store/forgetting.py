"""What disposal and erasure take out of the tables. A test holds the lists against the schema: every table that
belongs to a contract or a person is named here, or among those that stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.store.database import Transaction

GONE: Final = "—"
"""What the statements below put where a name or words stood."""

OF_A_CONTRACT: Final[tuple[tuple[str, str], ...]] = (
    ("openings", "DELETE FROM openings WHERE entry IN (SELECT entry FROM contract_events WHERE contract = ?1)"),
    (
        "seal_approvals",
        "DELETE FROM seal_approvals WHERE request IN (SELECT id FROM seal_requests WHERE contract = ?1)",
    ),
    ("seal_requests", "DELETE FROM seal_requests WHERE contract = ?1"),
    (
        "signing_grounds",
        "DELETE FROM signing_grounds WHERE intent IN (SELECT id FROM intents WHERE contract = ?1)",
    ),
    ("intents", "DELETE FROM intents WHERE contract = ?1"),
    ("keeping", "DELETE FROM keeping WHERE contract = ?1"),
    ("content_checks", "DELETE FROM content_checks WHERE contract = ?1"),
    ("review_requests", "DELETE FROM review_requests WHERE contract = ?1"),
    ("review_waivers", "DELETE FROM review_waivers WHERE contract = ?1"),
    ("review_sign_offs", "DELETE FROM review_sign_offs WHERE contract = ?1"),
    ("guest_invitations", "DELETE FROM guest_invitations WHERE contract = ?1"),
    ("sessions", "DELETE FROM sessions WHERE contract = ?1"),
    ("contract_dates", "DELETE FROM contract_dates WHERE contract = ?1"),
    ("reminder_plans", "DELETE FROM reminder_plans WHERE contract = ?1"),
    ("reminders", "DELETE FROM reminders WHERE contract = ?1"),
    ("outbox", "DELETE FROM outbox WHERE contract = ?1"),
    ("texts", "DELETE FROM texts WHERE contract = ?1"),
    ("handovers", "UPDATE handovers SET reason = '—' WHERE contract = ?1"),
    (
        "void_declarations",
        "DELETE FROM void_declarations WHERE voiding IN (SELECT id FROM voidings WHERE contract = ?1)",
    ),
    ("voidings", "DELETE FROM voidings WHERE contract = ?1"),
    ("placements", "DELETE FROM placements WHERE party IN (SELECT id FROM parties WHERE contract = ?1)"),
    (
        "parties",
        "UPDATE parties SET name = '—', organisation = '—', phone = NULL, reason = NULL WHERE contract = ?1",
    ),
    (
        "contract_search",
        "DELETE FROM contract_search WHERE rowid = (SELECT number FROM contracts WHERE id = ?1)",
    ),
    (
        "contract_grams",
        "DELETE FROM contract_grams WHERE rowid = (SELECT number FROM contracts WHERE id = ?1)",
    ),
    (
        "involvements",
        "DELETE FROM involvements WHERE number = (SELECT number FROM contracts WHERE id = ?1)",
    ),
    (
        "contracts",
        "UPDATE contracts SET title = '—', purpose = '—', amount = NULL, currency = NULL WHERE id = ?1",
    ),
)
"""Table and statement, in an order that foreign keys allow; ``?1`` is the contract."""

KEPT_OF_A_CONTRACT: Final = frozenset(
    {"contract_changes", "contract_events", "revisions", "holds", "disposals", "powers", "successions"}
)
"""Which act came when, the digests of what there was, which contract replaced which, the record of the disposal
itself: no names, no words.
A contract that a power of attorney rests on is not disposed of."""

OF_A_PERSON: Final[tuple[tuple[str, str], ...]] = (
    ("passkeys", "DELETE FROM passkeys WHERE subject = ?1"),
    ("account_links", "DELETE FROM account_links WHERE subject = ?1"),
    ("account_roles", "DELETE FROM account_roles WHERE subject = ?1"),
    ("sessions", "DELETE FROM sessions WHERE subject = ?1"),
    (
        "accounts",
        "UPDATE accounts SET login = 'erased-' || lower(hex(handle)), password = NULL, totp = NULL"
        " WHERE subject = ?1",
    ),
    ("identity_records", "DELETE FROM identity_records WHERE person = ?1"),
    ("signature_choices", "DELETE FROM signature_choices WHERE person = ?1"),
    ("signature_pictures", "DELETE FROM signature_pictures WHERE person = ?1"),
    ("reminder_wishes", "DELETE FROM reminder_wishes WHERE person = ?1"),
    ("reminder_touched", "DELETE FROM reminder_touched WHERE person = ?1"),
    ("inbox_marks", "DELETE FROM inbox_marks WHERE person = ?1"),
    ("calendar_feeds", "DELETE FROM calendar_feeds WHERE person = ?1"),
    ("texts", "DELETE FROM texts WHERE owner = ?1 AND contract IS NULL AND template IS NULL"),
    ("people", "UPDATE people SET email = 'erased-' || subject || '@invalid' WHERE subject = ?1"),
)
"""What of a person goes although contracts that are kept still name them."""

NAME_OF_A_PERSON: Final = "UPDATE people SET name = '—', organisation = '—' WHERE subject = ?1"
"""What goes once no contract is kept that names the person."""


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
