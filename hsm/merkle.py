"""The Merkle tree of RFC 6962: hashes and proofs as pure functions (sections 2.1, 2.1.1 and 2.1.2).

A tree is built from *complete subtrees*, each named by the half-open range of leaves ``(start, end)`` that it
covers: its width is a power of two that divides ``start``. With the hashes of these subtrees every proof can be
made. This module says which hashes a proof needs and how they are combined, not where they are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from hsm.errors import ConsistencyRefused

EMPTY_ROOT = hashlib.sha256(b"").digest()
Range = tuple[int, int]
SubtreeHash = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash (32 bytes) of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash (32 bytes) of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def frontier(start: int, end: int) -> list[Range]:
    """The fewest complete subtrees that cover the leaves from *start* to before *end*, left to right.

    *start* is 0 or where a subtree of a tree begins.
    """
    found = []
    while start < end:
        width = 1 << ((end - start).bit_length() - 1)
        if start:
            width = min(width, start & -start)
        found.append((start, start + width))
        start += width
    return found


def range_hash(start: int, end: int, subtree: SubtreeHash) -> bytes:
    """The hash of the leaves from *start* to before *end* as one tree; *subtree* knows complete ones."""
    return fold([subtree(*each) for each in frontier(start, end)])


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of a :func:`frontier`, largest subtree first; over none, that of the empty tree."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def extended(size: int, hashes: Sequence[bytes], leaves: Sequence[bytes]) -> list[bytes]:
    """What the *hashes* at the :func:`frontier` of a tree of *size* become by its next *leaves*, hashes too."""
    waiting = list(hashes)
    for before, leaf in enumerate(leaves, size):
        current, height = leaf, 0
        while before >> height & 1:
            current, height = node_hash(waiting.pop(), current), height + 1
        waiting.append(current)
    return waiting


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes are the audit path of leaf *index* in a tree of *size*, lowest first (2.1.1)."""
    if not 0 <= index < size:
        raise ConsistencyRefused("There is no entry {index} in a log of {size}.", index=index, size=size)
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose hashes prove that a tree of *new* leaves begins with the one of *old*, in order (2.1.2)."""
    if not 0 <= old <= new:
        raise ConsistencyRefused("A log of size {new} does not extend one of {old}.", old=old, new=new)
    if old in (0, new):
        return []
    path: list[Range] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    return [*([] if whole else [(start, end)]), *path[::-1]]


def verify_consistency(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises :class:`ConsistencyRefused` unless *proof* shows that the tree of *new* leaves and *new_root* begins
    with that of *old* leaves and *old_root* (2.1.2). From an *old* of 0 everything follows, with an empty
    proof."""
    ranges = consistency_ranges(old, new)
    _require_hashes(proof, len(ranges))
    known = dict(zip(ranges, proof, strict=True))
    if old == new or old.bit_count() == 1:  # complete in both trees, so no part of the proof
        known[0, old] = old_root

    def root(start: int, end: int) -> bytes:
        if (start, end) in known:
            return known[start, end]
        middle = start + _split(end - start)
        return node_hash(root(start, middle), root(middle, end))

    holds = old_root == EMPTY_ROOT if old == 0 else (root(0, old), root(0, new)) == (old_root, new_root)
    if not holds or (new == 0 and new_root != EMPTY_ROOT):
        raise ConsistencyRefused("This is no beginning of the log: from size {old} to {new}.", old=old, new=new)


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root (32 bytes) that *proof* gives for the leaf hash *leaf*. Raises :class:`ConsistencyRefused`.

    A proof of the wrong length for *index* and *size*, or with a hash that is not 32 bytes, is refused.
    """
    ranges = inclusion_ranges(index, size)
    _require_hashes(proof, len(ranges))
    root = leaf
    for (start, _), sibling in zip(ranges, proof, strict=True):
        root = node_hash(sibling, root) if start < index else node_hash(root, sibling)
    return root


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises :class:`ConsistencyRefused` unless *leaf* (a hash) is at *index* of the tree of *size* and *root*."""
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ConsistencyRefused("The proof does not lead from entry {index} to the log's root.", index=index)


def _split(size: int) -> int:
    """The largest power of two below *size* (2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _require_hashes(proof: Sequence[bytes], count: int) -> None:
    if len(proof) != count or any(len(each) != 32 for each in proof):
        raise ConsistencyRefused(
            "The proof has another number of hashes of 32 bytes than it must have: {given} instead of {count}.",
            count=count,
            given=len(proof),
        )
