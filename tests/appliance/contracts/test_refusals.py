"""The table of states, roles and permissions, by the workflows themselves: every cell is a call.

What is not allowed is refused and changes nothing; what is allowed is done. Allowed sendings, signatures and
exports need certificates, fields and signatures that the cast does not have: for those, the refusal is about that,
not about permission; ``test_cycle`` and ``tests/whole`` go all the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from appliance.contracts import permissions
from appliance.contracts.access import Command, admit
from appliance.contracts.drafting import DraftTerms
from appliance.contracts.permissions import Permission
from appliance.errors import ApplianceError, EvidenceIncomplete, NotFound, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.model.contract import AmendmentKind, Contract, ContractState, Deadline, SigningOrder
from appliance.model.discussion import DraftKind
from appliance.model.intent import SigningOrigin
from appliance.writing.amendment_drafts import AmendmentTerms
from tests.appliance.contracts.cast import ROLES, SUBJECTS, contract_in, expected, second_for, who
from tests.appliance.contracts.stage import SPARE, Stage, set_up, stored, traces
from tests.world import OURS, World, sequenced, shared_world

BEYOND_ADMISSION = {Permission.SEND, Permission.SIGN, Permission.EXPORT}
"""What asks for more than the cast has, once it is allowed."""

ABOUT_ANOTHER = {Permission.READ, Permission.AGREE_TO_VOID, Permission.AMEND, Permission.DUPLICATE}
"""What leaves the contract itself as it is: reading, and what makes another one."""

_REFUSALS = {*permissions._WRONG_STATE.values(), *permissions._WRONG_PERSON.values()}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


@pytest.fixture(scope="module")
def stage(world: World) -> Iterator[Stage]:
    with world.opened() as appliance, sequenced(appliance, world):
        yield set_up(appliance)


def acts_of(stage: Stage, contract: Contract, role: str) -> dict[Permission, Callable[[], object]]:
    """Each act through its workflow, by *role*."""
    appliance, by, now = stage.appliance, SUBJECTS[role], stage.appliance.now()
    colleague = SUBJECTS["company"] if role == "representative" else SPARE
    own = next((party for party in contract.parties if party.responsible == by), contract.parties[1])
    terms = DraftTerms("另一标题", "采购", "示例", by, None, SigningOrder.PARALLEL)
    later = Deadline(now + timedelta(days=30), "Asia/Shanghai")
    supplement = AmendmentTerms(AmendmentKind.SUPPLEMENT, now.date())

    def read() -> object:
        with appliance.database.reading() as tx:
            return admit(tx, Command(contract.id, Permission.READ, who(role), now))

    return {
        Permission.READ: read,
        Permission.EDIT: lambda: appliance.drafting.revise(contract.id, terms, by=by),
        Permission.COMMENT: lambda: appliance.discussions.comment(
            DraftKind.CONTRACT, contract.id, 0, "示例", by=by
        ),
        Permission.DISCARD: lambda: appliance.endings.discard(contract.id, by=by),
        Permission.DECLINE: lambda: appliance.endings.decline(contract.id, own.id, reason="示例", by=by),
        Permission.HAND_OVER: lambda: appliance.handing_over.hand_over(
            contract.id,
            own.id,
            to=colleague,
            reason="示例",
            by=by,
        ),
        Permission.RECALL: lambda: appliance.endings.recall(contract.id, by=by, reason="示例"),
        Permission.CORRECT: lambda: appliance.drafting.draft_again(contract.id, by=by),
        Permission.EXTEND: lambda: appliance.endings.extend(contract.id, later, by=by),
        Permission.REMIND: lambda: appliance.reminders.on_demand.remind_now(contract.id, by=by),
        Permission.COPY: lambda: appliance.copying.add_reader(contract.id, SPARE, by=by),
        Permission.AMEND: lambda: appliance.amending.draft(contract.id, supplement, stage.document, terms),
        Permission.DUPLICATE: lambda: appliance.drafting.duplicate(contract.id, by=by),
        Permission.VOID: lambda: appliance.voiding.propose(contract.id, reason="示例", by=by),
        Permission.SEND: lambda: appliance.sending.send(contract.id, by=by),
        Permission.SIGN: lambda: appliance.signing.open(contract.id, own.id, SigningOrigin()),
        Permission.EXPORT: lambda: Exporting(appliance).export(contract.id, OURS, by=who(role)),
        Permission.AGREE_TO_VOID: lambda: appliance.voiding.prepare(contract.id, by=by),
        Permission.REFUSE_TO_VOID: lambda: appliance.voiding.refuse(contract.id, reason="示例", by=by),
    }


@pytest.mark.parametrize("state", [*ContractState, "voiding"])
def test_what_is_not_allowed_is_refused_and_changes_nothing(stage: Stage, state: ContractState | str) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in ROLES:
        contract = stored(stage, real, second=second_for(role), voiding=voiding)
        before = traces(stage, contract)
        for act, do in acts_of(stage, contract, role).items():
            if role in expected(real, act, voiding=voiding):
                continue
            with pytest.raises(NotFound if act is Permission.READ else ApplianceError):
                do()
            assert traces(stage, contract) == before, (role, act)


@pytest.mark.parametrize("state", [*ContractState, "voiding"])
def test_what_is_allowed_is_done(stage: Stage, state: ContractState | str) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in ROLES:
        for act in set(acts_of(stage, contract_in(real), role)) - BEYOND_ADMISSION:
            if role in expected(real, act, voiding=voiding):
                contract = stored(stage, real, second=second_for(role), voiding=voiding)
                before = traces(stage, contract)
                acts_of(stage, contract, role)[act]()
                after = traces(stage, contract)
                assert (after == before) is (act in ABOUT_ANOTHER), (role, act)
    assert stage.appliance.listing.list_kinds("*") == ["采购"]


def test_every_permission_has_its_workflow(stage: Stage) -> None:
    assert set(acts_of(stage, contract_in(ContractState.SENT), "initiator")) == set(Permission)


def test_who_may_send_and_sign_is_told_what_is_lacking_not_that_it_is_not_allowed(stage: Stage) -> None:
    draft = stored(stage, ContractState.DRAFT, voiding=False)
    sent = stored(stage, ContractState.SENT, voiding=False)
    for contract, role, permission in (
        (draft, "initiator", Permission.SEND),
        (sent, "second", Permission.SIGN),
    ):
        with pytest.raises(ApplianceError) as refused:
            acts_of(stage, contract, role)[permission]()
        assert refused.value.template not in _REFUSALS


@pytest.mark.parametrize("state", [ContractState.COMPLETED, ContractState.VOIDED, "voiding"])
def test_who_may_export_gets_as_far_as_the_signatures_of_the_package(
    stage: Stage, state: ContractState | str
) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in expected(real, Permission.EXPORT, voiding=voiding):
        contract = stored(stage, real, second=second_for(role), voiding=voiding)
        before = traces(stage, contract)
        with pytest.raises(EvidenceIncomplete, match="at least one signature"):
            acts_of(stage, contract, role)[Permission.EXPORT]()
        assert traces(stage, contract) == before, role


@pytest.mark.parametrize("state", ContractState)
def test_a_contract_is_exported_once_it_is_completed_also_when_it_was_voided_since(
    stage: Stage, state: ContractState
) -> None:
    contract = stored(stage, state, voiding=False)
    before = traces(stage, contract)
    finished = state in (ContractState.COMPLETED, ContractState.VOIDED)
    refused, match = (
        (EvidenceIncomplete, "at least one signature")
        if finished
        else (StateRefused, "evidence can be exported once it is completed")
    )
    with pytest.raises(refused, match=match):
        Exporting(stage.appliance).export(contract.id, OURS)
    assert traces(stage, contract) == before


@pytest.mark.parametrize(
    "act",
    [
        Permission.EDIT,
        Permission.DISCARD,
        Permission.DECLINE,
        Permission.HAND_OVER,
        Permission.RECALL,
        Permission.EXTEND,
    ],
)
def test_what_was_decided_on_an_older_version_is_refused_with_what_happened(stage: Stage, act: Permission) -> None:
    appliance = stage.appliance
    state = ContractState.DRAFT if act in (Permission.EDIT, Permission.DISCARD) else ContractState.SENT
    contract = stored(stage, state, voiding=False)
    seen, by = contract.version, contract.initiator
    later = Deadline(appliance.now() + timedelta(days=20), "Asia/Shanghai")
    if state is ContractState.DRAFT:
        appliance.drafting.remove_party(contract.id, contract.parties[1].id, by=by)
        told = "示例 initiator changed it"
    else:
        appliance.endings.extend(contract.id, later, by=by)
        told = "示例 initiator extended its deadline"
    stale = {
        Permission.EDIT: lambda: appliance.drafting.reorder(contract.id, [], by=by, seen=seen),
        Permission.DISCARD: lambda: appliance.endings.discard(contract.id, by=by, seen=seen),
        Permission.DECLINE: lambda: appliance.endings.decline(
            contract.id, contract.parties[1].id, reason="示例", by=SUBJECTS["second"], seen=seen
        ),
        Permission.HAND_OVER: lambda: appliance.handing_over.hand_over(
            contract.id, contract.parties[1].id, to=SPARE, reason="示例", by=SUBJECTS["second"], seen=seen
        ),
        Permission.RECALL: lambda: appliance.endings.recall(contract.id, by=by, reason="示例", seen=seen),
        Permission.EXTEND: lambda: appliance.endings.extend(contract.id, later, by=by, seen=seen),
    }
    before = traces(stage, contract)
    with pytest.raises(ApplianceError, match=told):
        stale[act]()
    assert traces(stage, contract) == before
