"""What the console may ask of the authority: how things are, locks and lists, officers' acts; no signature."""

from __future__ import annotations

import pytest

from hsm.client import OPERATIONS
from hsm.config import PeerRole

SIGNS = ("sign_document", "sign_manifest", "sign_backup", "timestamp", "checkpoint", "wrap_key", "unwrap_key")
ENROLS = ("enrol_person", "enrol_officer", "enrol_seal", "appoint_officer", "restore_officer", "add_credential")
REGISTERS = ("begin_registration", "register_passkey", "register_known_passkey", "register_pin")


@pytest.mark.parametrize("operation", [*SIGNS, *ENROLS, *REGISTERS])
def test_the_console_signs_opens_and_enrols_nothing(operation: str) -> None:
    assert PeerRole.CONSOLE not in OPERATIONS[operation].roles


def test_what_the_console_may_is_what_an_operator_may_and_less() -> None:
    allowed = {name for name, each in OPERATIONS.items() if PeerRole.CONSOLE in each.roles}
    assert allowed < {name for name, each in OPERATIONS.items() if PeerRole.OPERATOR in each.roles}
    assert {"status", "lock", "unlock", "issue_crl", "rotate", "revoke_certificate"} <= allowed
