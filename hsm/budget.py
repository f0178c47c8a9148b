"""What a worker holds in memory for its peers: a budget for each role, and an end to waiting for who stands still.

So a peer that sends and does not read, or never finishes a request, costs its own role some megabytes and some
seconds, and the others nothing.
"""

from __future__ import annotations

from hsm.channel import Channel
from hsm.config import PeerRole

MOST_HELD = 32 * 1024 * 1024
"""Bytes held for all connections of one role in one worker: more than the largest request and reply by far."""
PATIENCE = 10.0
"""Seconds without a byte from or to a peer that has something unfinished; a client gives up as soon."""


class Budget:
    """The channels for which something is held, by role. Not thread-safe."""

    def __init__(self, *, most: int = MOST_HELD) -> None:
        self._most = most
        self._holding: dict[PeerRole, set[Channel]] = {role: set() for role in PeerRole}

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return any(self._holding.values())

    def note(self, channel: Channel) -> list[Channel]:
        """*channel* holds more or less than before; the channels to be closed so that its role keeps its budget:
        those that have stood still for longest."""
        holding = self._holding[channel.role]
        if not channel.held:
            holding.discard(channel)
            return []
        holding.add(channel)
        over = sum(each.held for each in holding) - self._most
        ended: list[Channel] = []
        if over > 0:
            for each in sorted(holding, key=lambda one: one.moved):
                if over <= 0:
                    break
                ended.append(each)
                over -= each.held
        return ended

    def forget(self, channel: Channel) -> None:
        """*channel* is closed."""
        self._holding[channel.role].discard(channel)

    def overdue(self, now: float) -> list[Channel]:
        """The channels whose peers have stood still for too long (*now* is monotonic seconds)."""
        return [each for holding in self._holding.values() for each in holding if now - each.moved > PATIENCE]
