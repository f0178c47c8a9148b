"""Contracts for tests of the rules: three parties, nobody has signed yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
    SigningOrder,
)

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def party(position: int, kind: PartyKind = PartyKind.PERSON) -> Party:
    """A waiting party; a seal's requester is ``person-1``."""
    return Party(
        id=f"party-{position}",
        position=position,
        kind=kind,
        subject=f"{kind.value}-{position}",
        name=f"签约方 {position}",
        organisation="甲公司示例有限公司",
        requester="person-1" if kind is PartyKind.SEAL else None,
        field=f"{kind.value}-{position}",
        placement=Placement(0, 10, 80, 25, 8),
    )


def contract(order: SigningOrder = SigningOrder.SEQUENTIAL) -> Contract:
    """Sent, due in a week: two people, then a seal."""
    return Contract(
        id="contract-1",
        title="设备采购合同",
        kind="采购",
        purpose="采购示例设备",
        initiator="person-9",
        order=order,
        deadline=Deadline(NOON + timedelta(days=7), "Asia/Shanghai"),
        state=ContractState.SENT,
        created=NOON,
        pages=3,
        parties=(party(1), party(2), party(3, PartyKind.SEAL)),
        revisions=(
            ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1000, NOON),
            ContractRevision(1, RevisionKind.FIELDS, "1" * 64, 2000, NOON),
        ),
    )
