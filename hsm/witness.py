"""The authority's side of the log: it signs a checkpoint only if the log still has all that it had before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hsm.checkpoint import Checkpoint, sign_checkpoint
from hsm.errors import BadRequest, ConsistencyRefused
from hsm.merkle import EMPTY_ROOT, verify_consistency
from hsm.note import NoteKey


@dataclass(frozen=True, slots=True)
class Remembered:
    """The size and root (32 bytes) of the last checkpoint that was signed, or was about to be."""

    size: int
    root: bytes


NOTHING = Remembered(0, EMPTY_ROOT)


class CheckpointMemory(Protocol):
    """Where the last checkpoint is remembered, apart from the log itself; shared by the authority's workers."""

    def last(self) -> Remembered | None:
        """The last one, or ``None`` before the first."""
        ...

    def replace(self, previous: Remembered | None, new: Remembered) -> bool:
        """Atomically and durably put *new* in the place of *previous*; False if *previous* is not the last."""
        ...


class CheckpointWitness:
    """Signs checkpoints of one log."""

    def __init__(self, memory: CheckpointMemory, key: NoteKey, sign: Callable[[bytes], bytes]) -> None:
        """*key* is the log's; its name is the origin. *sign* is its private half."""
        self._memory = memory
        self._key = key
        self._sign = sign

    def sign(self, size: int, root: bytes, consistency: Sequence[bytes]) -> bytes:
        """The signed note of the checkpoint, if *consistency* proves that it extends the last one.

        1. read what was signed last;
        2. check the proof from there;
        3. remember the new state, durably, unless another worker was faster;
        4. sign. In this order a fault in between leaves a memory of what was proven, never a forgotten signature.

        Raises :class:`BadRequest` or :class:`ConsistencyRefused`.
        """
        if len(root) != 32 or not 0 <= size < 1 << 63:
            raise BadRequest("A checkpoint has a size of at most 63 bits and a root of 32 bytes.")
        previous = self._memory.last()
        known = previous or NOTHING
        verify_consistency(
            old_size=known.size, old_root=known.root, new_size=size, new_root=root, proof=consistency
        )
        if not self._memory.replace(previous, Remembered(size, root)):
            raise ConsistencyRefused("Another checkpoint was signed in the meantime; prove from that one.")
        return sign_checkpoint(Checkpoint(self._key.name, size, root), self._key, self._sign)
