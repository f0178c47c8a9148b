"""The workflows ask the state machine: what it does not allow is refused with its reason, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from appliance.contracts.acts import Act
from appliance.contracts.drafting import DraftTerms
from appliance.contracts.visibility import require_reader
from appliance.errors import ApplianceError, NotFound
from appliance.listing.truth import derive
from appliance.model.contract import Contract, ContractState, Deadline, Revision, RevisionKind, SigningOrder
from appliance.model.people import Seal, SealKind
from appliance.store import contracts, events, handovers, parties, people, voidings
from appliance.wiring import Appliance
from tests.appliance.contracts.cast import ROLES, SEAL, SUBJECTS, contract_in, expected, person, who
from tests.world import World, sample_document, shared_world

SPARE = "person-cast-spare"
"""Somebody to whom one can hand over."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The appliance with everybody registered, and a document for drafts."""

    appliance: Appliance
    document: bytes
    digest: str


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


@pytest.fixture(scope="module")
def stage(world: World) -> Iterator[Stage]:
    with world.opened() as appliance:
        with appliance.database.transaction() as tx:
            for role in ROLES:
                people.insert_person(tx, person(role), b"certificate")
            spare = replace(person("second"), subject=SPARE, email="spare@cast.example")
            people.insert_person(tx, spare, b"certificate")
            seal = Seal(SEAL, "丙集团示例有限公司", SealKind.CONTRACT, (SUBJECTS["custodian"],), 40.0)
            people.insert_seal(tx, seal, b"certificate")
        document = sample_document()
        yield Stage(appliance, document, appliance.blobs.put(document))


def stored(stage: Stage, state: ContractState, *, guest: bool, voiding: bool) -> Contract:
    """A contract of the cast, in the database, under an id of its own."""
    sample = contract_in(state, guest=guest, voiding=voiding)
    now = stage.appliance.now()
    with stage.appliance.database.transaction() as tx:
        number = tx.execute("SELECT count(*) FROM contracts").fetchone()[0]
        contract = replace(
            sample,
            id=f"cast-{number}",
            created=now,
            deadline=Deadline(now + timedelta(days=7), "Asia/Shanghai"),
            revisions=(Revision(0, RevisionKind.ORIGINAL, stage.digest, len(stage.document), now),),
            parties=tuple(replace(one, id=f"{one.id}-{number}") for one in sample.parties),
        )
        contracts.insert(tx, contract)
        for party in contract.parties:
            parties.insert(tx, contract.id, party)
        with_reason = {"giver": SUBJECTS["former"], "recipient": SUBJECTS["third"], "reason": "示例"}
        handovers.insert(tx, party=contract.parties[2].id, at=now, **with_reason)
        if contract.voiding is not None:
            voidings.insert(tx, contract.id, replace(contract.voiding, id=f"voiding-{number}"))
        derive(tx, contract.id)
        return contracts.load(tx, contract.id)


def acts_of(stage: Stage, contract: Contract, role: str) -> dict[Act, Callable[[], object]]:
    """Each act through its workflow, by *role*."""
    house, by, now = stage.appliance, SUBJECTS[role], stage.appliance.now()
    own = next((party for party in contract.parties if party.responsible == by), contract.parties[1])
    terms = DraftTerms("另一标题", "采购", "示例", by, None, SigningOrder.PARALLEL)
    later = Deadline(now + timedelta(days=30), "Asia/Shanghai")

    def read() -> object:
        with house.database.reading() as tx:
            return require_reader(tx, contract.id, who(role), now)

    return {
        Act.READ: read,
        Act.EDIT: lambda: house.drafting.revise(contract.id, terms, by=by),
        Act.DISCARD: lambda: house.endings.discard(contract.id, by=by),
        Act.DECLINE: lambda: house.endings.decline(contract.id, own.id, reason="示例", by=by),
        Act.HAND_OVER: lambda: house.handing_over.hand_over(contract.id, own.id, to=SPARE, reason="示例", by=by),
        Act.RECALL: lambda: house.endings.recall(contract.id, by=by, reason="示例"),
        Act.EXTEND: lambda: house.extending.extend(contract.id, later, by=by),
        Act.VOID: lambda: house.voiding.propose(contract.id, reason="示例", by=by),
        Act.AGREE_TO_VOID: lambda: house.voiding.prepare(contract.id, by=by),
        Act.REFUSE_TO_VOID: lambda: house.voiding.refuse(contract.id, reason="示例", by=by),
    }


def traces(stage: Stage, contract: Contract) -> tuple[Contract, tuple[int, ...], int]:
    """What an act would change: the contract, its history, the letters."""
    with stage.appliance.database.reading() as tx:
        letters = tx.execute("SELECT count(*) FROM outbox").fetchone()[0]
        return contracts.load(tx, contract.id), events.of_contract(tx, contract.id), letters


@pytest.mark.parametrize("state", [*ContractState, "voiding"])
def test_what_is_not_allowed_is_refused_and_changes_nothing(stage: Stage, state: ContractState | str) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in ROLES:
        contract = stored(stage, real, guest=role == "guest", voiding=voiding)
        before = traces(stage, contract)
        for act, do in acts_of(stage, contract, role).items():
            if role in expected(real, act, voiding=voiding):
                continue
            with pytest.raises(NotFound if act is Act.READ else ApplianceError):
                do()
            assert traces(stage, contract) == before, (role, act)


@pytest.mark.parametrize("state", [*ContractState, "voiding"])
def test_what_is_allowed_is_done(stage: Stage, state: ContractState | str) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in ROLES:
        for act in acts_of(stage, contract_in(real), role):
            if role in expected(real, act, voiding=voiding):
                contract = stored(stage, real, guest=role == "guest", voiding=voiding)
                before = traces(stage, contract)
                acts_of(stage, contract, role)[act]()
                after = traces(stage, contract)
                reading = act in (Act.READ, Act.AGREE_TO_VOID)
                assert (after == before) is reading, (role, act)
    assert stage.appliance.listing.kinds("*") == ["采购"]


def test_signing_and_sending_ask_too(stage: Stage) -> None:
    for state in ContractState:
        for position in range(4):
            contract = stored(stage, state, guest=False, voiding=False)
            if state is ContractState.SENT and position == 1:
                continue
            before = traces(stage, contract)
            with pytest.raises(ApplianceError):
                stage.appliance.cycle.prepare(contract.id, contract.parties[position].id)
            assert traces(stage, contract) == before
        for role in ROLES:
            if state is not ContractState.DRAFT or role != "initiator":
                with pytest.raises(ApplianceError):
                    stage.appliance.sending.send(contract.id, by=SUBJECTS[role])
        assert traces(stage, contract) == before


@pytest.mark.parametrize("act", [Act.EDIT, Act.DISCARD, Act.DECLINE, Act.HAND_OVER, Act.RECALL, Act.EXTEND])
def test_what_was_decided_on_an_older_version_is_refused_with_what_happened(stage: Stage, act: Act) -> None:
    house = stage.appliance
    state = ContractState.DRAFT if act in (Act.EDIT, Act.DISCARD) else ContractState.SENT
    contract = stored(stage, state, guest=False, voiding=False)
    seen, by = contract.version, contract.initiator
    later = Deadline(house.now() + timedelta(days=20), "Asia/Shanghai")
    if state is ContractState.DRAFT:
        house.drafting.remove_party(contract.id, contract.parties[1].id, by=by)
        told = "示例 initiator changed it"
    else:
        house.extending.extend(contract.id, later, by=by)
        told = "示例 initiator extended its deadline"
    stale = {
        Act.EDIT: lambda: house.drafting.reorder(contract.id, [], by=by, seen=seen),
        Act.DISCARD: lambda: house.endings.discard(contract.id, by=by, seen=seen),
        Act.DECLINE: lambda: house.endings.decline(
            contract.id, contract.parties[1].id, reason="示例", by=SUBJECTS["second"], seen=seen
        ),
        Act.HAND_OVER: lambda: house.handing_over.hand_over(
            contract.id, contract.parties[1].id, to=SPARE, reason="示例", by=SUBJECTS["second"], seen=seen
        ),
        Act.RECALL: lambda: house.endings.recall(contract.id, by=by, reason="示例", seen=seen),
        Act.EXTEND: lambda: house.extending.extend(contract.id, later, by=by, seen=seen),
    }
    before = traces(stage, contract)
    with pytest.raises(ApplianceError, match=told):
        stale[act]()
    assert traces(stage, contract) == before
