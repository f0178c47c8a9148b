"""Whose turn it is: the roles in rotation, and within a role its channels in the order in which they came.

So whoever crowds one socket makes those on another wait for one frame, not for the crowd.
"""

from __future__ import annotations

from collections import deque

from hsm.channel import Channel
from hsm.config import PeerRole


class RoundRobin:
    """The channels that may have a frame to be answered. Not thread-safe."""

    def __init__(self) -> None:
        self._queues: dict[PeerRole, deque[Channel]] = {role: deque() for role in PeerRole}

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return any(self._queues.values())

    def add(self, channel: Channel) -> None:
        """Puts *channel* at the end of its role's queue, unless it is in it."""
        queue = self._queues[channel.role]
        if channel not in queue:
            queue.append(channel)

    def next(self) -> Channel | None:
        """The next channel, which leaves its queue; its role is then the last in the rotation."""
        for role, queue in self._queues.items():
            if queue:
                self._queues[role] = self._queues.pop(role)
                return queue.popleft()
        return None
