"""What services request, many times a day and without an activation: timestamps, and checkpoints of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hsm.errors import BadRequest, ConsistencyRefused
from hsm.merkle import EMPTY_ROOT, extended, fold
from hsm.note import MOST_LEAVES, Checkpoint, LogExtension, NoteKey, sign_checkpoint
from hsm.operation_types import SignedCheckpoint
from hsm.operations.context import AuthorityContext, Handlers
from hsm.store.log import CheckpointStore
from hsm.timestamp import TimestampRequest, TokenIssuer, new_serial

_NOTHING = SignedCheckpoint(0, EMPTY_ROOT)


class CheckpointWitness:
    """Signs checkpoints of one log."""

    def __init__(self, memory: CheckpointStore, key: NoteKey, sign: Callable[[bytes], bytes]) -> None:
        """*key* is the log's; its name is the origin. *sign* is its private half."""
        self._memory = memory
        self._key = key
        self._sign = sign

    def sign_extension(self, extension: LogExtension) -> bytes:
        """The signed note of the checkpoint after *extension*, if that begins where the last checkpoint ends.

        1. compute both roots: over the frontier before the new leaves, and with them;
        2. read what was signed last, keeping other workers out: the first root must be that one;
        3. remember the new state, durably;
        4. sign. In this order a fault in between leaves a memory of what was computed, never a forgotten
           signature.

        The frontier needs no memory of its own: only the true one has the remembered root (SHA-256 has no known
        collisions). So a size grows only by leaves that were given, each of which is hashed here. The request that
        led to the last checkpoint may be repeated, and gives that one again. Raises :class:`BadRequest` or
        :class:`ConsistencyRefused`.
        """
        _require_form(extension)
        before = SignedCheckpoint(extension.start, fold(extension.frontier))
        hashes = extended(extension.start, extension.frontier, extension.leaves)
        after = SignedCheckpoint(extension.start + len(extension.leaves), fold(hashes))
        if after.root != extension.root:
            raise ConsistencyRefused(
                "The log of size {size} has another root than the one it claims; nothing was signed.",
                size=after.size,
            )
        with self._memory.exclusive_transaction():
            self._require_next(before, after)
            self._memory.remember(after)
        return sign_checkpoint(Checkpoint(self._key.name, after.size, after.root), self._key, self._sign)

    def _require_next(self, before: SignedCheckpoint, after: SignedCheckpoint) -> None:
        last = self._memory.last() or _NOTHING
        repeated = after == last and (before == _NOTHING or self._memory.has(before))
        if before != last and not repeated:
            raise ConsistencyRefused(
                "The log of size {new} does not contain the one of {old} unchanged.",
                old=last.size,
                new=after.size,
            )


def _require_form(extension: LogExtension) -> None:
    """Raises :class:`BadRequest` for what is no extension of any log."""
    hashes = (*extension.frontier, *extension.leaves, extension.root)
    if any(type(each) is not bytes or len(each) != 32 for each in hashes):
        raise BadRequest("Every hash of a log has 32 bytes.")
    if len(extension.leaves) > MOST_LEAVES:
        raise BadRequest("A log is extended by at most {most} entries in one request.", most=MOST_LEAVES)
    if not 0 <= extension.start < 1 << 62 or len(extension.frontier) != extension.start.bit_count():
        raise BadRequest(
            "A log of size {size} has another number of hashes at its edge than {count}.",
            size=extension.start,
            count=len(extension.frontier),
        )


class CheckpointOperations(Handlers):
    """Signs checkpoints with the log's key."""

    def extend_log(self, start: int, frontier: Sequence[bytes], leaves: Sequence[bytes], root: bytes) -> bytes:
        """The signed note after the given leaves, if the log before them is the one that was signed last."""
        key, signer = self._context.log_signer()
        self._context.token.use(lambda: self._context.token.handle(signer.label))
        extension = LogExtension(start, frontier, leaves, root)
        return CheckpointWitness(self._store.checkpoints, key, signer.sign).sign_extension(extension)


MOST_ORDERS = 256


class TimestampOperations(Handlers):
    """Issues tokens by the current timestamp key; the encoder is kept until that changes."""

    def __init__(self, context: AuthorityContext) -> None:
        super().__init__(context)
        self._issuer: TokenIssuer | None = None
        self._number = 0

    def timestamp_fields(self, orders: list[Any]) -> list[list[Any]]:
        """``[serial, microseconds since 1970, token]`` for each order. All or none."""
        if not 0 < len(orders) <= MOST_ORDERS:
            raise BadRequest("Timestamp orders are a list of 1 to {most}.", most=MOST_ORDERS)
        hashes = self._context.settings.time.hashes
        parsed = [TimestampRequest.from_fields(order, hashes=hashes) for order in orders]
        issuer, now = self._current_issuer(), self._context.time.now
        issued = [issuer.issue(order, gen_time=now(), serial=new_serial()) for order in parsed]
        return [each.fields() for each in issued]

    def _current_issuer(self) -> TokenIssuer:
        signer = self._context.signers.signer("tsa")
        if self._issuer is None or self._number != signer.number:
            settings = self._context.settings.time
            self._issuer = TokenIssuer(signer, policies=settings.policies, accuracy=settings.accuracy)
            self._number = signer.number
        self._context.signers.require_unrevoked(signer)
        return self._issuer
