"""A real home whose policy asks for powers and identity checks, for types of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import ALPHA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG, ZONE
from appliance.model.contract import Contract, Deadline, Money, Party, PartyState, SigningOrder
from appliance.model.intent import PreparedSigning
from appliance.model.powers import Power, PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.wiring import Appliance
from tests.world import World, confirm, confirm_power, contract_now, sample_document, shared_world

POLICY = """
[types."采购合同"]
aliases = ["采购"]
[types."采购合同".powers]
required = true
[types."保密协议".identity]
required = "everybody"
longest_days = 30
[types."合作协议".identity]
required = "outside"
"""

BROKER = replace(ZHANG, subject="person-broker", organisation="丙公司示例有限公司", email="broker@example.com")

LETTER = sample_document(1)
CONTRACT = sample_document(1)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as running:
        running.home.policy.write_text(POLICY, encoding="utf-8")
        yield running


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        opened.registry.add_person(BROKER, None, by="officer-wang")
        yield opened


@dataclass(frozen=True, slots=True)
class Office:
    """Registers, verifies, sends and signs, in one line each."""

    appliance: Appliance

    def draft(self, **changes: object) -> PowerDraft:
        """A letter of Alpha for Zhang, without limits, from now for a month."""
        now = self.appliance.now()
        values: dict[str, object] = {
            "basis": PowerBasis.INSTRUMENT,
            "grantor": ALPHA,
            "principal": "钱示例",
            "agent": ZHANG.subject,
            "scope": PowerScope(seals=(CONTRACT_SEAL.subject,)),
            "since": now - timedelta(days=1),
            "until": now + timedelta(days=30),
        }
        return PowerDraft(**(values | changes))  # type: ignore[arg-type]  # the dataclass checks the names

    def registered(self, **changes: object) -> Power:
        """Registered by Zhao, not verified yet."""
        return self.appliance.powers.register(self.draft(**changes), LETTER, by=CUSTODIAN.subject)

    def verified(self, **changes: object) -> Power:
        """Registered by Zhao and confirmed by the officer."""
        return confirm_power(self.appliance, self.registered(**changes).id)

    def end_all(self) -> None:
        """Revokes whatever counts for Zhang, so that each test starts without any power."""
        for each in self.appliance.powers.of_agent(ZHANG.subject):
            if each.revoked is None and each.refused is None:
                self.appliance.powers.revoke(each.id, reason="示例", by=CUSTODIAN.subject)

    def sent(self, kind: str = "采购合同", amount: Money | None = None, *, seal: bool = False) -> Contract:
        """A contract that waits for Zhang (for Alpha) and Li (for Beta), in any order.

        Somebody of neither sends it: what one's own people lack, they must have before.
        """
        draft = self.drafted(kind, amount, seal=seal, by=BROKER.subject)
        return self.appliance.sending.send(draft.id, by=BROKER.subject)

    def drafted(
        self,
        kind: str = "采购合同",
        amount: Money | None = None,
        *,
        seal: bool = False,
        by: str = ZHANG.subject,
    ) -> Contract:
        """The same before it is sent."""
        appliance = self.appliance
        terms = DraftTerms(
            title="设备采购合同",
            kind=kind,
            purpose="采购示例设备",
            initiator=by,
            deadline=Deadline(appliance.now() + timedelta(days=3), ZONE),
            order=SigningOrder.PARALLEL,
            amount=amount,
        )
        draft = appliance.drafting.draft(CONTRACT, terms)
        appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=by)
        if seal:
            appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=by)
        else:
            appliance.drafting.add_person(draft.id, subject=LI.subject, by=by)
        return contract_now(appliance, draft.id)

    def prepare(self, contract: Contract, party: Party | None = None) -> PreparedSigning:
        """Prepares the first party that waits."""
        waiting = (each for each in contract.parties if each.state is PartyState.WAITING)
        return self.appliance.cycle.prepare(contract.id, (party or next(waiting)).id)

    def sign(self, prepared: PreparedSigning) -> None:
        """Activates and signs; nothing is complete yet."""
        confirm(self.appliance, prepared.intent)
        self.appliance.cycle.sign(prepared.id)

    def signed(self, contract: Contract) -> Contract:
        """The next party's signature, from prepare to complete."""
        prepared = self.prepare(contract)
        self.sign(prepared)
        return self.appliance.cycle.complete(prepared.id)


@pytest.fixture
def office(appliance: Appliance) -> Iterator[Office]:
    made = Office(appliance)
    yield made
    made.end_all()
