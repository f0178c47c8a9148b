"""Contracts that wait for a seal, those who ask for it and approve, and what was written of it."""

from __future__ import annotations

from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, ZHANG
from appliance.model.contract import Contract, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.people import SealRequest
from appliance.store import intents
from appliance.wiring import Appliance
from hsm.intents import SigningIntent
from tests.world import confirm, confirm_by, sample_document, send

DOCUMENT = sample_document()

HERE = SigningOrigin("192.0.2.7")


def act_of(appliance: Appliance, intent_id: str) -> SigningIntent:
    with appliance.database.reading() as tx:
        return intents.load_intent(tx, intent_id).intent


def sent(appliance: Appliance) -> Contract:
    """In parallel order, signed by its initiator already: Li and the seal are on turn together."""
    contract = send(appliance, DOCUMENT, order=SigningOrder.PARALLEL)
    return sign(appliance, contract, 0)


def intent_of(appliance: Appliance, contract: Contract, position: int = 2) -> str:
    return appliance.signing.open(contract.id, contract.parties[position].id, HERE).intent.id


def asked(appliance: Appliance, contract: Contract) -> SealRequest:
    return ask_for(appliance, contract, 2)


def ask_for(appliance: Appliance, contract: Contract, position: int) -> SealRequest:
    """Zhang asks for the seal that is the party at *position*."""
    intent = intent_of(appliance, contract, position)
    appliance.seal_requests.propose(intent, by=ZHANG.subject, reason="年度采购，一式两份")
    confirm_by(appliance, ZHANG.subject, act_of(appliance, intent))
    return appliance.seal_requests.ask(intent, by=ZHANG.subject)


def approve(appliance: Appliance, request: SealRequest) -> Contract:
    """The custodian activates what was asked for, and the request is approved."""
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, request.intent))
    return appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)


def sign(appliance: Appliance, contract: Contract, position: int) -> Contract:
    opened = appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def leaves(appliance: Appliance, contract: Contract) -> list[str]:
    with appliance.database.reading() as tx:
        rows = tx.execute(
            "SELECT leaf FROM ledger JOIN contract_events ON entry = number WHERE contract = ?", (contract.id,)
        )
        return [row[0].decode() for row in rows]


def suspend(appliance: Appliance, since: str | None) -> None:
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE seals SET suspended = ? WHERE subject = ?", (since, CONTRACT_SEAL.subject))


def told(appliance: Appliance, contract: Contract) -> list[tuple[str, str]]:
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT kind, recipient FROM outbox WHERE contract = ? ORDER BY id", (contract.id,))
        return [(row[0], row[1]) for row in rows if row[0].startswith("seal-")]
