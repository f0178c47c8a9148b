"""Functions that are small programs (PostScript calculator functions, ISO 32000-2, 7.10.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from appliance.pdf.inline_images import NotPlain

_WORD = re.compile(rb"[\x00\t\n\x0c\r ]*([{}]|[^\x00\t\n\x0c\r {}]++)[\x00\t\n\x0c\r ]*")
_COUNT = re.compile(rb"-?\d{1,2}")
_NUMBER = re.compile(rb"[+-]?(?:\d{1,9}(\.\d{0,20})?|(\.)\d{1,20})")
_TINT = {
    **dict.fromkeys(b"abs neg ceiling floor cvr".split(), ("n", "n")),
    **dict.fromkeys(b"add sub mul div".split(), ("nn", "n")),
    **dict.fromkeys(b"gt ge lt le".split(), ("nn", "b")),
    **dict.fromkeys((b"true", b"false"), ("", "b")),
    **dict.fromkeys((b"and", b"or"), ("bb", "b")),
    b"not": ("b", "b"),
}
_EFFECTS = _TINT | {
    **dict.fromkeys(b"truncate sqrt sin cos".split(), ("n", "n")),
    **dict.fromkeys(b"eq ne".split(), ("nn", "b")),
    **dict.fromkeys(b"idiv mod".split(), ("ii", "i")),
    b"cvi": ("n", "i"),
}
"""What an operator takes and leaves: numbers, whole ones among them (i), or truths (b). Of others, and of other
values, programs make different things: ``round`` of what is negative, logarithms, shifts, truths as colours."""
_DIVIDING = frozenset((b"div", b"idiv", b"mod"))
"""Only by a number that is written there: by nothing, programs divide in their own ways."""
_SQUARES = b"dup mul exch dup mul add".split()
_DEEPEST = 100


def require_plain_program(program: bytes, *, inputs: int, results: int, tint: bool = False) -> None:
    """Raises :class:`NotPlain` unless *program* leaves exactly its *results* whatever its *inputs* are, by
    operators that programs compute alike; for a *tint*, none that has no result for some values."""
    words = _WORD.findall(program)
    if b"".join(words) != b"".join(program.split()) or words[:1] != [b"{"]:
        raise NotPlain("a program")
    rest = iter(words[1:])
    left = _after(_block(rest), "n" * inputs, _TINT if tint else _EFFECTS)
    if left.replace("i", "n") != "n" * results or next(rest, None) is not None:
        raise NotPlain("a program that leaves something else")


def _block(words: Iterator[bytes]) -> list[Any]:
    found: list[Any] = []
    for word in words:
        if word == b"}":
            return found
        found.append(_block(words) if word == b"{" else word)
    raise NotPlain("a program without end")


def _after(block: Sequence[Any], stack: str, effects: dict[bytes, tuple[str, str]]) -> str:
    """The kinds of the values on the *stack* after *block*."""
    for place, word in enumerate(block):
        before = block[max(0, place - 2) : place]
        if isinstance(word, list):
            if b"if" not in block[place + 1 : place + 2] and b"ifelse" not in block[place + 1 : place + 3]:
                raise NotPlain("a part of a program without a choice")
        elif word in (b"if", b"ifelse"):
            parts = [each for each in before[-1 if word == b"if" else -2 :] if isinstance(each, list)]
            after = {_after(each, stack[:-1], effects).replace("i", "n") for each in parts}
            after |= {stack[:-1].replace("i", "n")} if word == b"if" else set()
            if stack[-1:] != "b" or len(parts) != (1 if word == b"if" else 2) or len(after) != 1:
                raise NotPlain("a program with a choice")
            [stack] = after
        elif word == b"sqrt" and block[max(0, place - 6) : place] != _SQUARES:
            raise NotPlain("the root of what may be negative")
        elif number := _NUMBER.fullmatch(word):
            stack += "n" if number[1] or number[2] else "i"
        else:
            moved = _moved(word, before, stack)
            stack = _computed(word, before, stack, effects) if moved is None else moved
        if len(stack) > _DEEPEST:
            raise NotPlain("a program that leaves too much")
    return stack


def _computed(word: bytes, before: Sequence[Any], stack: str, effects: dict[bytes, tuple[str, str]]) -> str:
    takes, leaves = effects.get(word, ("?", ""))
    rest, taken = stack[: len(stack) - len(takes)], stack[len(stack) - len(takes) :]
    by = before[-1] if before and isinstance(before[-1], bytes) and _NUMBER.fullmatch(before[-1]) else b"0"
    if (
        len(stack) < len(takes)
        or (word in _DIVIDING and not float(by))
        or (taken if "i" in takes else taken.replace("i", "n")) != takes
    ):
        raise NotPlain(f"a program with {word!r}")
    return rest + leaves


def _moved(word: bytes, before: Sequence[Any], stack: str) -> str | None:
    """The *stack* after an operator that moves values; None after another one."""
    if word in (b"pop", b"dup", b"exch"):
        taken = stack[-2 if word == b"exch" else -1 :]
        if len(taken) != (2 if word == b"exch" else 1):
            raise NotPlain("a program that takes too many")
        return stack[: -len(taken)] + {b"pop": "", b"dup": taken * 2, b"exch": taken[::-1]}[word]
    wanted = {b"copy": 1, b"index": 1, b"roll": 2}.get(word)
    if wanted is None:
        return None
    literal = [int(each) for each in before[-wanted:] if isinstance(each, bytes) and _COUNT.fullmatch(each)]
    stack = stack[: len(stack) - wanted]
    if len(literal) < wanted or not 0 <= literal[0] <= len(stack) - (word == b"index"):
        raise NotPlain("a program that counts")
    count = literal[0]
    if word == b"index":
        return stack + stack[-1 - count]
    top, rest = stack[len(stack) - count :], stack[: len(stack) - count]
    if word == b"copy" or not count:
        return rest + top * (2 if word == b"copy" else 1)
    turn = -literal[1] % count
    return rest + top[turn:] + top[:turn]
