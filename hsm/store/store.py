"""All parts of the store over one connection."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from hsm.store.acts import Acts
from hsm.store.approvals import ApprovalMemory
from hsm.store.ceremonies import Ceremonies
from hsm.store.database import Database
from hsm.store.latch import PinLatch
from hsm.store.log import CheckpointMemory
from hsm.store.people import People
from hsm.store.registry import Registry
from hsm.store.seals import Seals
from hsm.store.setup import SetupCodes
from hsm.store.time import TimeLease


class Store:
    """Opened by each worker for itself, after the fork. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.acts = Acts(self._database)
        self.approvals = ApprovalMemory(self._database)
        self.ceremonies = Ceremonies(self._database)
        self.checkpoints = CheckpointMemory(self._database)
        self.latch = PinLatch(self._database)
        self.people = People(self._database)
        self.registry = Registry(self._database)
        self.seals = Seals(self._database)
        self.setup = SetupCodes(self._database)
        self.time = TimeLease(self._database)

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside, or nothing."""
        return self._database.transaction()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()
