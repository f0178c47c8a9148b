"""Who attacks, how refusals are told, and acts and manifests by which rows are tried."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hsm import canonical
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.intents import OfficerIntent, instant
from hsm.note import LogExtension
from tests.authority import RunningAuthority

ATTACKERS = ("web", "tsa", "scheduler", "console", "backup")
"""The roles of processes that an attacker may control; ``operator`` is root, ``activation`` the service itself."""


def everybody(authority: RunningAuthority) -> list[AuthorityClient]:
    return [authority.client(role) for role in ATTACKERS]


def refused(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(AuthorityError) as caught:
        call(*arguments)
    return str(caught.value)


def vouching(authority: RunningAuthority, guest: str, **changed: str) -> OfficerIntent:
    """That somebody vouches for *guest* as the party p1 of the contract c1."""
    named = {"name": "李外部", "organisation": "己公司外部有限公司", "party": "p1", "channel": "+86 10 1234 5678"}
    signer = {"subject": guest, **named, **changed}
    return authority.officer_act("vouch", contract="c1", title="采购合同", signers=[signer])


def manifest(log: LogExtension, **changed: object) -> bytes:
    """A manifest of evidence with the checkpoint of *log*; with the fields *changed* to that."""
    size, root = len(log.leaves), base64.b64encode(log.root).decode()
    fields = {
        "format": "vermilion-evidence-manifest/3",
        "contract": "contract-1",
        "created": instant(datetime.now(UTC)),
        "made_for": "somebody",
        "checkpoint": {"origin": "vermilion.example/log", "size": size, "root": root},
        "withheld": [],
        "powers_stated_since": 0,
        "files": [{"path": "contract.pdf", "sha256": "0" * 64, "size": 1}],
    }
    return canonical.encode(fields | changed)
