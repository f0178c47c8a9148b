"""Approvals given before the act itself is done, for acts that take more than one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsm.operations.bench import Bench
from hsm.wire import act_from_wire, activations_from_wire


class Approving:
    """Remembers activations; nothing is signed or changed here."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def approve(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Verifies and remembers one activation; who has approved the act now, and how many must."""
        act = act_from_wire(arguments.get("act"))
        [activation] = activations_from_wire([arguments.get("activation")])
        return self._bench.judge.approve(act, activation).to_wire()

    def approvals(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Who has approved an act, and how many must."""
        return self._bench.judge.approvals(act_from_wire(arguments.get("act"))).to_wire()
