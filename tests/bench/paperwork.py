"""What stands around contracts, as rows: mail, dates, powers, identity checks, content checks and reviews."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from appliance.demonstration.participants import BETA, CUSTODIAN, LI, OFFICER
from appliance.model.contract import Contract, ContractState
from appliance.store.database import Transaction
from hsm.intents import instant

NOTHING = "0" * 64
TERM = timedelta(days=365)


def write_paperwork(tx: Transaction, contracts: Sequence[Contract]) -> None:
    """For each contract that went out its mails, dates and a check; for one of ten a power and a review."""
    out = [each for each in contracts if each.state is not ContractState.DRAFT]
    _write_mail(tx, out)
    _write_dates(tx, out)
    _write_checks(tx, out)
    _write_reviews(tx, contracts[::10])
    _write_powers(tx, contracts[::10])
    _write_identity_records(tx, contracts[::10])


def _write_mail(tx: Transaction, contracts: Sequence[Contract]) -> None:
    told = [
        (each, person, kind)
        for each in contracts
        for person, kind in (
            (each.initiator, "party-signed"),
            (each.initiator, "completed"),
            (LI.subject, "your-turn"),
        )
    ]
    tx.executemany(
        "INSERT INTO outbox (contract, recipient, kind, due, state, message_id, retry_at, settled)"
        " VALUES (?1, ?2, ?3, ?4, 'sent', ?5, ?4, ?4)",
        [(each.id, person, kind, instant(each.created), f"{each.id}-{kind}") for each, person, kind in told],
    )


def _write_dates(tx: Transaction, contracts: Sequence[Contract]) -> None:
    tx.executemany(
        "INSERT INTO contract_dates (contract, kind, day, set_by, set_at) VALUES (?, 'expiry', ?, ?, ?)",
        [
            (each.id, (each.created + TERM).date().isoformat(), each.initiator, instant(each.created))
            for each in contracts
        ],
    )


def _write_checks(tx: Transaction, contracts: Sequence[Contract]) -> None:
    """Results that say what a real one says, if there is one."""
    known = tx.execute("SELECT rules, record, digest FROM content_checks LIMIT 1").fetchone()
    tx.executemany(
        "INSERT INTO content_checks (contract, document, rules, record, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(each.id, each.original.digest, *known, instant(each.created)) for each in contracts if known],
    )


def _write_reviews(tx: Transaction, contracts: Sequence[Contract]) -> None:
    tx.executemany(
        "INSERT INTO review_requests (id, contract, document, asked_by, asked, state, decided, decided_by, answer)"
        " VALUES (?, ?, ?, ?, ?, 'returned', ?, ?, '示例答复')",
        [
            (
                *(_digest(each)[:32], each.id, each.original.digest, each.initiator, instant(each.created)),
                *(instant(each.created + timedelta(hours=1)), CUSTODIAN.subject),
            )
            for each in contracts
        ],
    )


def _write_powers(tx: Transaction, contracts: Sequence[Contract]) -> None:
    tx.executemany(
        "INSERT INTO powers (id, basis, grantor, principal, agent, kinds, counterparties, seals, since, until,"
        " replaces, document, size, registered_by, registered, verified_by, verified)"
        " VALUES (?, 'letter', ?, '示例', ?, '[]', '[]', '[]', ?, ?, 0, ?, 1000, ?, ?, ?, ?)",
        [
            (
                *(f"power-{each.id}", BETA, _second(each), instant(each.created), instant(each.created + TERM)),
                *(_digest(each), each.initiator, instant(each.created), OFFICER, instant(each.created)),
            )
            for each in contracts
        ],
    )


def _write_identity_records(tx: Transaction, contracts: Sequence[Contract]) -> None:
    tx.executemany(
        "INSERT INTO identity_records (id, person, document, salt, commitment, ending, against, note, checked_by,"
        " answers, since, until, entry) VALUES (?, ?, 'id-card', ?, ?, '0000', 'original', '', ?, ?, ?, ?, 0)",
        [
            (
                *(f"identity-{each.id}", _second(each), NOTHING, NOTHING, OFFICER, OFFICER),
                *(instant(each.created), instant(each.created + TERM)),
            )
            for each in contracts
        ],
    )


def _second(contract: Contract) -> str:
    """Whose signature the second one is, but Li's: a person has few powers, an enterprise many."""
    return next(party.subject for party in contract.parties[1:] if party.subject != LI.subject)


def _digest(contract: Contract) -> str:
    return hashlib.sha256(contract.id.encode()).hexdigest()
