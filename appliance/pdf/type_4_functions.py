"""Functions that are small programs (PostScript calculator functions, ISO 32000-2, 7.10.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from appliance.pdf.inline_images import NotPlain

_WORD = re.compile(rb"[\x00\t\n\x0c\r ]*([{}]|[^\x00\t\n\x0c\r {}]++)[\x00\t\n\x0c\r ]*")
_NUMBER = re.compile(rb"[+-]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})")
_TINT = {
    **dict.fromkeys(b"abs neg ceiling floor cvr".split(), (1, 1)),
    **dict.fromkeys(b"add sub mul eq ne gt ge lt le".split(), (2, 1)),
    b"dup": (1, 2),
    b"pop": (1, 0),
    b"exch": (2, 2),
    **dict.fromkeys((b"true", b"false"), (0, 1)),
}
_EFFECTS = _TINT | {
    **dict.fromkeys(b"truncate cvi sqrt sin cos not".split(), (1, 1)),
    **dict.fromkeys(b"div idiv mod exp atan and or xor".split(), (2, 1)),
}
"""How many values an operator takes and leaves. Of the others programs make different things: ``round`` of what is
negative, logarithms, shifts."""
_COUNTED = frozenset((b"copy", b"index", b"roll"))
"""Which take as many as a number before them says."""


def require_plain_program(program: bytes, *, inputs: int, results: int, tint: bool = False) -> None:
    """Raises :class:`NotPlain` unless *program* leaves exactly its *results* whatever its *inputs* are, by
    operators that programs compute alike; for a *tint*, none that has no result for some values."""
    words = _WORD.findall(program)
    if b"".join(words) != b"".join(program.split()) or words[:1] != [b"{"]:
        raise NotPlain("a program")
    rest = iter(words[1:])
    if _depth(_block(rest), inputs, _TINT if tint else _EFFECTS) != results or next(rest, None) is not None:
        raise NotPlain("a program that leaves something")


def _block(words: Iterator[bytes]) -> list[Any]:
    found: list[Any] = []
    for word in words:
        if word == b"}":
            return found
        found.append(_block(words) if word == b"{" else word)
    raise NotPlain("a program without end")


def _depth(block: Sequence[Any], depth: int, effects: dict[bytes, tuple[int, int]]) -> int:
    """How many values lie on the stack after *block*."""
    for place, word in enumerate(block):
        before = block[max(0, place - 2) : place]
        if isinstance(word, list):
            continue
        if word in (b"if", b"ifelse"):
            blocks = [each for each in before[-1 if word == b"if" else -2 :] if isinstance(each, list)]
            after = {_depth(each, depth - 1, effects) for each in blocks}
            after |= {depth - 1} if word == b"if" else set()
            if len(blocks) != (1 if word == b"if" else 2) or len(after) != 1:
                raise NotPlain("a program with a choice")
            [depth] = after
        elif word in _COUNTED:
            depth = _counted(word, before, depth)
        elif _NUMBER.fullmatch(word):
            depth += 1
        elif word not in effects or depth < effects[word][0]:
            raise NotPlain(f"a program with {word!r}")
        else:
            depth += effects[word][1] - effects[word][0]
        if not 0 <= depth <= 100:
            raise NotPlain("a program that leaves nothing")
    return depth


def _counted(word: bytes, before: Sequence[Any], depth: int) -> int:
    literal = [each for each in before if isinstance(each, bytes) and re.fullmatch(rb"-?\d{1,2}", each)]
    wanted = 2 if word == b"roll" else 1
    if len(literal) < wanted:
        raise NotPlain("a program that counts")
    count, left = int(literal[-wanted]), depth - wanted
    if not 0 <= count <= left - (word == b"index"):
        raise NotPlain("a program that takes too many")
    return left + {b"copy": count, b"index": 1, b"roll": 0}[word]
