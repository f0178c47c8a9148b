"""The log as tiles (C2SP ``tlog-tiles``): files that never change, from which everybody can build every proof."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.errors import NotFound
from appliance.ledger.tree import StoredTree
from appliance.store import checkpoints
from appliance.store import ledger as store
from appliance.store.checkpoints import StoredCheckpoint
from appliance.store.database import Database

TILE_WIDTH = 256
_LEVEL_BITS = 8
_PATH = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile: ``level`` (None for one of entries), ``index``, and ``width``, 1 to 256 hashes or entries."""

    level: int | None
    index: int
    width: int

    @classmethod
    def parse(cls, path: str) -> TileName:
        """The tile with the *path* below ``tile/``, in its one form. Raises :class:`NotFound`."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise NotFound("There is no tile {path}; see C2SP tlog-tiles for the form of its name.", path=path)
        level = None if match[1] == "entries" else int(match[1])
        name = cls(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or TILE_WIDTH))
        if name.path() != path:
            raise NotFound("There is no tile {path}; see C2SP tlog-tiles for the form of its name.", path=path)
        return name

    def path(self) -> str:
        """The path below ``tile/``."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"{'entries' if self.level is None else self.level}/{'/'.join(groups)}{partial}"


class Tiles:
    """Tiles of the published log. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tile(self, name: TileName) -> bytes:
        """The tile's bytes. Raises :class:`NotFound` when the newest checkpoint does not reach so far."""
        first, end = name.index * TILE_WIDTH, name.index * TILE_WIDTH + name.width
        with self._database.reading() as tx:
            _require_reached(name, end, checkpoints.last(tx))
            if name.level is None:
                return b"".join(len(leaf).to_bytes(2) + leaf for leaf in store.leaves(tx, first, end))
            tree, height = StoredTree(tx), name.level * _LEVEL_BITS
            return b"".join(tree.subtree(each << height, (each + 1) << height) for each in range(first, end))


def _require_reached(name: TileName, end: int, checkpoint: StoredCheckpoint | None) -> None:
    size = 0 if checkpoint is None else checkpoint.size
    if end > size >> _LEVEL_BITS * (name.level or 0):
        raise NotFound("The log of size {size} has no tile {path} yet.", size=size, path=name.path())
