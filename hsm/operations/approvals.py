"""Approvals given before the intent itself is done, for intents that take more than one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsm.operations.context import AuthorityContext
from hsm.wire import activations_from_wire, any_intent_from_wire


class ApprovalOperations:
    """Remembers activations; nothing is signed or changed here."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def approve(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Verifies and remembers one activation; who has approved the intent now, and how many must."""
        intent = any_intent_from_wire(arguments.get("intent"))
        [activation] = activations_from_wire([arguments.get("activation")])
        return self._context.authoriser.approve(intent, activation).to_wire()

    def approvals(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Who has approved an intent, and how many must."""
        return self._context.authoriser.approvals(any_intent_from_wire(arguments.get("intent"))).to_wire()
