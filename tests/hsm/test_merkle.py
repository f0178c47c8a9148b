"""The tree against the definitions of RFC 6962, written out recursively, for every size up to 40."""

from __future__ import annotations

import pytest

from hsm.errors import ConsistencyRefused
from hsm.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    extended,
    fold,
    frontier,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    range_hash,
    root_from_inclusion,
    verify_inclusion,
)
from tests.log import verify_consistency

LARGEST = 40
LEAVES = [leaf_hash(bytes([number])) for number in range(LARGEST)]


def split(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree(leaves: list[bytes]) -> bytes:
    """MTH, section 2.1."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    k = split(len(leaves))
    return node_hash(tree(leaves[:k]), tree(leaves[k:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), tree(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree(leaves[:k])]


def subproof(old: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF, section 2.1.2."""
    if old == len(leaves):
        return [] if complete else [tree(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], complete), tree(leaves[k:])]
    return [*subproof(old - k, leaves[k:], False), tree(leaves[:k])]


def subtree(start: int, end: int) -> bytes:
    width = end - start
    assert width & (width - 1) == 0
    assert start % width == 0
    return tree(LEAVES[start:end])


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_root(size: int) -> None:
    assert range_hash(0, size, subtree) == tree(LEAVES[:size])
    assert len(frontier(0, size)) == size.bit_count()


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_inclusion(size: int) -> None:
    root = tree(LEAVES[:size])
    for index in range(size):
        proof = [range_hash(*each, subtree) for each in inclusion_ranges(index, size)]
        assert proof == path(index, LEAVES[:size])
        verify_inclusion(index=index, size=size, leaf=LEAVES[index], proof=proof, root=root)
        for other in range(size):
            if other != index:
                with pytest.raises(ConsistencyRefused):
                    verify_inclusion(index=other, size=size, leaf=LEAVES[index], proof=proof, root=root)


@pytest.mark.parametrize("new", range(LARGEST + 1))
def test_consistency(new: int) -> None:
    for old in range(new + 1):
        proof = [range_hash(*each, subtree) for each in consistency_ranges(old, new)]
        if 0 < old < new:
            assert proof == subproof(old, LEAVES[:new], True)
        sizes = {"old_size": old, "new_size": new}
        roots = {"old_root": tree(LEAVES[:old]), "new_root": tree(LEAVES[:new])}
        verify_consistency(**sizes, **roots, proof=proof)
        for wrong in roots if old else ["old_root"]:
            with pytest.raises(ConsistencyRefused):
                verify_consistency(**sizes, **{**roots, wrong: bytes(32)}, proof=proof)
        for position in range(len(proof)):
            changed = [*proof[:position], bytes(32), *proof[position + 1 :]]
            with pytest.raises(ConsistencyRefused):
                verify_consistency(**sizes, **roots, proof=changed)
        with pytest.raises(ConsistencyRefused):
            verify_consistency(**sizes, **roots, proof=[*proof, bytes(32)])


def test_a_frontier_grows_leaf_by_leaf_and_by_many() -> None:
    for start in range(LARGEST + 1):
        edge = [tree(LEAVES[first:end]) for first, end in frontier(0, start)]
        assert fold(edge) == tree(LEAVES[:start])
        for size in range(start, LARGEST + 1):
            assert fold(extended(start, edge, LEAVES[start:size])) == tree(LEAVES[:size])


def test_known_roots() -> None:
    """The reference values of the certificate-transparency project for its eight test leaves."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]
    assert hashes[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree(hashes[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert tree(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_entries_that_are_not_there(index: int, size: int) -> None:
    with pytest.raises(ConsistencyRefused):
        inclusion_ranges(index, size)


@pytest.mark.parametrize("proof", [[], [b"short"], [bytes(32)] * 3])
def test_proofs_of_the_wrong_shape(proof: list[bytes]) -> None:
    with pytest.raises(ConsistencyRefused):
        root_from_inclusion(0, 2, LEAVES[0], proof)


def test_a_shrunken_log() -> None:
    with pytest.raises(ConsistencyRefused):
        consistency_ranges(5, 4)
