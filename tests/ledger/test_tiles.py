"""Tiles (C2SP tlog-tiles): from them alone a stranger builds the whole tree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.errors import NotFound
from appliance.ledger import LogProofs, Sequencer, TileName, Tiles
from appliance.store.database import Database
from hsm.merkle import leaf_hash, node_hash
from tests.ledger.test_sequencer import root_of

Grow = Callable[[int], None]
SIZE = 600


@pytest.fixture
def tiles(database: Database, sequencer: Sequencer, grow: Grow) -> Tiles:
    grow(SIZE)
    sequencer.run_once()
    return Tiles(database)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("0/000", TileName(0, 0, 256)),
        ("0/x001/x234/067", TileName(0, 1234067, 256)),
        ("2/000.p/7", TileName(2, 0, 7)),
        ("entries/x001/000.p/255", TileName(None, 1000, 255)),
        ("63/000.p/1", TileName(63, 0, 1)),
    ],
)
def test_names_have_one_form(path: str, name: TileName) -> None:
    assert TileName.parse(path) == name
    assert name.path() == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "0", "0/0", "0/0000", "64/000", "00/000", "0/x000/001", "0/000.p/0", "0/000.p/256", "0/000.p/007"),
        *("-1/000", "0/000/", "entries/abc", "../0/000", "0/x001/x001/x001/x001/x001/x001/x001/001", "0/٠٠٠"),
    ],
)
def test_other_names_are_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        TileName.parse(path)


def test_tiles_rebuild_the_tree(tiles: Tiles, database: Database) -> None:
    parts = [tiles.tile(TileName.parse(path)) for path in ("entries/000", "entries/001", "entries/002.p/88")]
    leaves = [leaf for part in parts for leaf in unpacked(part)]
    assert len(leaves) == SIZE
    assert root_of(leaves) == LogProofs(database).checkpoint().root
    hashes = b"".join(tiles.tile(TileName.parse(path)) for path in ("0/000", "0/001", "0/002.p/88"))
    assert hashes == b"".join(leaf_hash(leaf) for leaf in leaves)
    assert tiles.tile(TileName.parse("1/000.p/2")) == root_of(leaves[:256]) + root_of(leaves[256:512])
    assert node_hash(root_of(leaves[:256]), root_of(leaves[256:512])) == root_of(leaves[:512])


def test_a_partial_tile_begins_the_whole_one(tiles: Tiles) -> None:
    whole = tiles.tile(TileName.parse("0/001"))
    assert tiles.tile(TileName.parse("0/001.p/3")) == whole[: 3 * 32]


@pytest.mark.parametrize(
    "path", ["0/002", "0/002.p/89", "0/003.p/1", "1/000", "1/000.p/3", "2/000.p/1", "entries/002"]
)
def test_tiles_that_do_not_exist_yet_are_not_found(tiles: Tiles, path: str) -> None:
    with pytest.raises(NotFound):
        tiles.tile(TileName.parse(path))


def unpacked(part: bytes) -> list[bytes]:
    leaves = []
    while part:
        length = int.from_bytes(part[:2])
        leaves.append(part[2 : 2 + length])
        part = part[2 + length :]
    return leaves
