"""What officers confirm of a power of attorney, in tests."""

from __future__ import annotations

import hashlib
from typing import Any

LETTER = b"%PDF-1.7 a letter of attorney\n"


def details(**changes: Any) -> dict[str, Any]:
    """The arguments of an officers' intent that confirms a power; changed ones that are None are left out."""
    found = {
        "subject": "power-0123456789ab",
        "agent": "person-zhang",
        "basis": "letter",
        "grantor": "甲公司示例有限公司",
        "principal": "钱示例",
        "kinds": ["采购合同", "服务合同"],
        "counterparties": ["乙公司示例有限公司"],
        "seals": ["seal-alpha-contract"],
        "letter": hashlib.sha256(LETTER).hexdigest(),
        "since": "2026-11-01T16:00:00Z",
        "until": "2027-10-31T16:00:00Z",
        "replaces": 0,
        "registered_by": "person-zhao",
        "limit": 100_000_000,
        "currency": "CNY",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}
