"""Contracts of the cast in every state, in a real database, for tests of what may be done with them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.contracts.access import refresh_lists
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, ContractRevision, ContractState, Deadline, RevisionKind
from appliance.model.discussion import DraftKind
from appliance.model.partners import Partner, PartnerDetails
from appliance.model.people import Seal, SealKind
from appliance.store import accounts, contracts, discussions, intents, ledger, partners, people
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from tests.appliance.contracts.cast import PARTNERS, ROLES, SEAL, SUBJECTS, contract_in, person
from tests.appliance.store.seeds import CERTIFICATE
from tests.world import sample_document

SPARE = "person-cast-spare"
"""Somebody to whom one can hand over."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The appliance with everybody registered, and a document for drafts."""

    appliance: Appliance
    document: bytes
    digest: str


def set_up(appliance: Appliance) -> Stage:
    """Registers the cast."""
    with appliance.database.transaction() as tx:
        for role in ROLES:
            people.insert_person(tx, person(role), CERTIFICATE)
        _represent(tx, appliance.now())
        spare = replace(person("second"), subject=SPARE, email="spare@cast.example")
        people.insert_person(tx, spare, CERTIFICATE)
        seal = Seal(SEAL, "丙集团示例有限公司", SealKind.CONTRACT, (SUBJECTS["custodian"],), 40.0)
        people.insert_seal(tx, seal, CERTIFICATE)
    document = sample_document()
    return Stage(appliance, document, appliance.blobs.put(document))


def _represent(tx: Transaction, now: datetime) -> None:
    """The partners of the cast, with their representatives."""
    for partner in sorted(set(PARTNERS.values())):
        details = PartnerDetails(partner, registration=partner)
        partners.insert_partner(tx, Partner(partner, details, now, SUBJECTS["initiator"]))
    for role, partner in PARTNERS.items():
        subject, by = SUBJECTS[role], SUBJECTS["initiator"]
        leads = role != "representative"
        partners.insert_representative(tx, subject, partner, administrator=leads, phone="", at=now, by=by)
        accounts.insert_account(tx, subject, subject, handle=secrets.token_bytes(16), now=now)
        accounts.set_password(tx, subject, "$argon2id$not-used")
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        accounts.set_roles(tx, subject, [AccountRole.REPRESENTATIVE])


def stored(stage: Stage, state: ContractState, *, second: str = "second", voiding: bool) -> Contract:
    """A contract of the cast, in the database, under an id of its own."""
    sample = contract_in(state, second=second, voiding=voiding)
    now = stage.appliance.now()
    with stage.appliance.database.transaction() as tx:
        number = tx.execute("SELECT count(*) FROM contracts").fetchone()[0]
        contract = replace(
            sample,
            id=f"cast-{number}",
            created=now,
            deadline=Deadline(now + timedelta(days=7), "Asia/Shanghai"),
            revisions=(ContractRevision(0, RevisionKind.ORIGINAL, stage.digest, len(stage.document), now),),
            parties=tuple(replace(one, id=f"{one.id}-{number}") for one in sample.parties),
        )
        contracts.insert_contract(tx, contract)
        for party in contract.parties:
            contracts.insert_party(tx, contract.id, party)
        with_reason = {"giver": SUBJECTS["former"], "recipient": SUBJECTS["third"], "reason": "示例"}
        contracts.insert_handover(tx, party=contract.parties[2].id, at=now, **with_reason)
        contracts.insert_copy(tx, contract.id, SUBJECTS["copied"], at=now)
        discussions.share(tx, DraftKind.CONTRACT, contract.id, SUBJECTS["colleague"], now)
        if contract.voiding is not None:
            intents.insert_voiding(tx, contract.id, replace(contract.voiding, id=f"voiding-{number}"))
        append_event(tx, AuditEvent(EventKind.CONTRACT_DRAFTED, now, contract.initiator, contract.id))
        refresh_lists(tx, contract.id)
        return contracts.load_contract(tx, contract.id)


def traces(stage: Stage, contract: Contract) -> tuple[Contract, tuple[int, ...], int]:
    """What an act would change: the contract, its history, the letters."""
    with stage.appliance.database.reading() as tx:
        letters = tx.execute("SELECT count(*) FROM outbox").fetchone()[0]
        return contracts.load_contract(tx, contract.id), ledger.entries_of(tx, contract.id), letters
