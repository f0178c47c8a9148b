"""The authority's own rules in this process, with keys in memory: for tests of what is built on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hsm.errors import AuthorityError, ModuleUnavailable, Sentence
from hsm.note import LogExtension, NoteKey
from hsm.operation_types import AuthorityState, AuthorityStatus, ClockReport, SignedCheckpoint
from hsm.operations.services import CheckpointWitness
from hsm.store.database import AuthorityDatabase
from hsm.store.log import CheckpointStore
from hsm.timestamp import IssuedToken, TimestampRequest, TokenIssuer, new_serial
from hsm.timestamp_stream import Done
from tests.hsm.memory import MemoryAuthority, sign_with

ORIGIN = "log.jia.example"
POLICY = "1.3.6.1.4.1.57264.99.1"


class LocalAuthority:
    """Refuses what the authority refuses: its witness, its memory on disk and its token issuer are the real ones.

    ``failure`` is raised instead of every answer while it is set; after ``checkpoints_left`` checkpoints
    the HSM is gone; ``batches`` counts orders call by call.
    """

    def __init__(self, folder: Path) -> None:
        self.roots = MemoryAuthority()
        log = self.roots.signer("ed25519")
        self.private, self.key = log.key, NoteKey.from_public_key(ORIGIN, log.key.public_key())
        self.memory = CheckpointStore(AuthorityDatabase(folder / "authority.db"))
        self.witness = CheckpointWitness(self.memory, self.key, lambda data: sign_with(log.key, data))
        self.known = self.memory.last()
        self.tsa = self.roots.timestamper()
        self.issuer = TokenIssuer(self.tsa, policies=[POLICY], accuracy=timedelta(seconds=1))
        self.serial: Callable[[], int] = new_serial
        self.hashes: tuple[str, ...] = ("sha256", "sha384", "sha512")
        self.failure: AuthorityError | None = None
        self.checkpoints_left: int | None = None
        self.batches: list[int] = []

    def status(self) -> AuthorityStatus:
        self._fail()
        known = self.known
        return AuthorityStatus(
            state=AuthorityState.OPERATIONAL,
            sentence=Sentence("The authority is operational."),
            version="test",
            clock=ClockReport("declared", True, Sentence("declared, not proven")),
            keys=(),
            origin=ORIGIN,
            policies=(POLICY,),
            hashes=self.hashes,
            checkpoint=None if known is None else SignedCheckpoint(known.size, known.root),
        )

    def checkpoint(self, extension: LogExtension) -> bytes:
        self._fail()
        if self.checkpoints_left is not None:
            if not self.checkpoints_left:
                raise ModuleUnavailable("The HSM does not answer.")
            self.checkpoints_left -= 1
        note = self.witness.sign_extension(extension)
        self.known = self.memory.last()
        return note

    def timestamp(self, orders: Sequence[TimestampRequest]) -> list[IssuedToken]:
        self._fail()
        self.batches.append(len(orders))
        return [self.issuer.issue(each, gen_time=datetime.now(UTC), serial=self.serial()) for each in orders]

    def timestamp_stream(self) -> LocalLane:
        return LocalLane(self)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class LocalLane:
    """As :class:`hsm.timestamp_stream.TimestampStream`: answers later, in the loop, never before it was asked."""

    def __init__(self, authority: LocalAuthority) -> None:
        self._authority = authority

    def sign_orders(self, orders: Sequence[TimestampRequest], done: Done) -> None:
        asyncio.get_running_loop().call_soon(self._answer, orders, done)

    def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, orders: Sequence[TimestampRequest], done: Done) -> None:
        try:
            signed: list[IssuedToken] | Exception = self._authority.timestamp(orders)
        except AuthorityError as refusal:
            signed = refusal
        done(signed)
