"""Orders for deposits, as the tests of several packages need them."""

from __future__ import annotations

import hashlib
from datetime import date

from appliance.model.deposits import Creation, DepositedFile, HolderKind, RightsHolder, WorkDetails, WorkKind
from appliance.ownership import DepositOrder
from appliance.ownership.declaration import VERSION

HOLDER = RightsHolder(HolderKind.ORGANISATION, "甲公司示例有限公司")


def work(
    kind: WorkKind = WorkKind.DRAWING,
    *,
    holder: RightsHolder = HOLDER,
    completed: date | None = date(2026, 11, 1),
    description: str = "",
) -> WorkDetails:
    """What is declared about a work."""
    return WorkDetails(kind, Creation.EMPLOYEE, holder, VERSION, completed, description)


def order_of_digest(title: str, digest: str, name: str = "", size: int | None = None) -> DepositOrder:
    """An order for one file with this digest."""
    return DepositOrder(title, (DepositedFile(name, digest, size),), work())


def file_of(name: str, content: bytes) -> DepositedFile:
    """The file *name* as a browser tells of it."""
    return DepositedFile(name, hashlib.sha256(content).hexdigest(), len(content))
