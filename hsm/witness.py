"""The authority's side of the log: it signs a checkpoint only if the log still has all that it had before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hsm.checkpoint import Checkpoint, sign_checkpoint
from hsm.errors import BadRequest
from hsm.merkle import EMPTY_ROOT, verify_consistency
from hsm.note import NoteKey
from hsm.store.log import CheckpointMemory, RememberedCheckpoint

_NOTHING = RememberedCheckpoint(0, EMPTY_ROOT)


class CheckpointWitness:
    """Signs checkpoints of one log."""

    def __init__(self, memory: CheckpointMemory, key: NoteKey, sign: Callable[[bytes], bytes]) -> None:
        """*key* is the log's; its name is the origin. *sign* is its private half."""
        self._memory = memory
        self._key = key
        self._sign = sign

    def sign(self, size: int, root: bytes, consistency: Sequence[bytes]) -> bytes:
        """The signed note of the checkpoint, if *consistency* proves that it extends the last one.

        1. read what was signed last, keeping other workers out;
        2. check the proof from there;
        3. remember the new state, durably;
        4. sign. In this order a fault in between leaves a memory of what was proven, never a forgotten signature.

        Raises :class:`BadRequest` or :class:`ConsistencyRefused`.
        """
        if len(root) != 32 or not 0 <= size < 1 << 63:
            raise BadRequest("A checkpoint has a size of at most 63 bits and a root of 32 bytes.")
        with self._memory.holding():
            known = self._memory.last() or _NOTHING
            verify_consistency(
                old_size=known.size, old_root=known.root, new_size=size, new_root=root, proof=consistency
            )
            self._memory.remember(RememberedCheckpoint(size, root))
        return sign_checkpoint(Checkpoint(self._key.name, size, root), self._key, self._sign)
