"""Approvals given before the intent itself is done, for intents that take more than one person."""

from __future__ import annotations

from hsm.answers import Approvals
from hsm.interface import Approval, OfIntent
from hsm.operations.context import AuthorityContext


class ApprovalOperations:
    """Remembers activations; nothing is signed or changed here."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def approve(self, request: Approval) -> Approvals:
        """Verifies and remembers one activation; who has approved the intent now, and how many must."""
        return self._context.authoriser.approve(request.intent, request.activation)

    def approvals(self, request: OfIntent) -> Approvals:
        """Who has approved an intent, and how many must."""
        return self._context.authoriser.approvals(request.intent)
