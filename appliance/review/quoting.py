"""The part of a sentence that says a clause: a long one is cut at its own joints, and what weighs most is quoted.

Joints are commas, semicolons and colons, numbers of items, and English “and”, “but” and their like where something
new is said after them; none of them in brackets or quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from appliance.review.outline import Sentence

MOST: Final = 16
"""Parts of a sentence at most; what comes after belongs to the last."""

_LEAST: Final = {True: 8, False: 24}
"""Letters that a part has at least, in Chinese and in English; a shorter one goes with the next."""

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_CLOSED: Final = re.compile(r"[(（][^()（）]*[)）]|[“\"][^”\"]*[”\"]|《[^》]*》|【[^】]*】")
_VERB: Final = (
    r"(?:shall|must|will|may|might|can|cannot|is|are|was|has|have|does|do|agrees?|appl(?:y|ies)|submits?|governs?|binds?"
    r"|continues?|remains?|runs?|lasts?|ends?|expires?|starts?|begins?|commences?|takes?|becomes?|comes?|enters?|pays?|keeps?"
    r"|bears?|owes?|undertakes?|warrants?|supersedes?|supplies|provides?|delivers?|decides?|waives?|accepts?|acknowledges?)"
)
_JOINTS: Final = {
    True: re.compile(
        r"(?<=[，；;])|(?<=[,:])(?!\d)|(?=\(\d{1,2}\)|[①-⑳])|(?<=[\u4e00-\u9fff，；:])(?=\d{1,2}[、.)][\u4e00-\u9fff])"
    ),
    False: re.compile(
        r"(?<=[,;:])\s(?!\d{4}\b)|(?:(?<=and)|(?<=or))\s(?=\(\w{1,4}\)\s)"
        rf"|\s(?=(?:and|but|while|whereas|so)\s(?:[\w’'/-]+\s){{0,5}}?{_VERB}\b)"
        r"|\s(?=(?:provided|except|save|unless|failing which|in which case|without prejudice)\b)"
    ),
}  # fmt: skip
_CONDITION: Final = re.compile(
    r"(?:的|时|后|前|起|情况下|情形下|如下)[，,:]?$|(?:^|，)(?:如果?|若|因|凡|除|自|对于?|就|经|未经|在)[^，]*，$"
    r"|^(?:由于|根据|鉴于)|[\u4e00-\u9fff]:$"
    r"|^(?:(?:and|but|or) )?(?:if|when|where|whenever|unless|until|upon|on|after|before|in|should|subject"
    r"|to the extent|for|as|at|by|without|except|save|within|during|once|provided that|notwithstanding)\b[^,]*,?$",
    re.IGNORECASE,
)
"""What is not finished: what follows from it comes next."""

_GOES_ON: Final = re.compile(
    r"^(?:但|而(?!且)|并|且|否则|则|除非|以及|或者?|其(?=[，余中])|该等|上述|前述)"
    r"|^(?:but|shall|must|will|may|can|is|are|was|were|be|been|being|has|have|does|do)\b"
    r"|^(?:and |or )?(?:which|who|whose|that|then|thereby|provided|except|save|unless|failing which|in which case"
    r"|without prejudice|including)\b",
    re.IGNORECASE,
)
"""A part that begins so says too little without the one before."""

_OPENING: Final = re.compile(r"^(?:and|but|so|while|whereas)\s+", re.IGNORECASE)
_ENDS: Final = " ，,;；:：、"

_PART: Final = 1.0
"""So much less than the whole sentence may weigh a part that is quoted in its place."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sentence: where it stands, its ``text`` with known words for the parties, and its signs."""

    place: Sentence
    text: str
    signs: frozenset[str]


def parts(sentence: Sentence) -> list[Sentence]:
    """The parts of *sentence*, in their order; itself where it has no joint."""
    text, chinese = sentence.text, bool(_HAN.search(sentence.text))
    closed = [match.span() for match in _CLOSED.finditer(text)]
    joints = [match.end() for match in _JOINTS[chinese].finditer(text)]
    found: list[int] = [0]
    for at in joints:
        part = text[found[-1] : at].strip()
        inside = any(start < at < end for start, end in closed)
        unfinished = len(part) < _LEAST[chinese] or _CONDITION.search(part)
        if not (inside or unfinished or len(text) - at < _LEAST[chinese]) and len(found) < MOST:
            found.append(at)
    return [between(sentence, *each) for each in pairwise((*found, len(text)))]


def heaviest(
    cut: Sequence[Part], weigh: Callable[[Mapping[str, None]], float], says: Callable[[str], bool], hint: float
) -> tuple[float, int, int]:
    """What the heaviest parts weigh that stand together but are not all, and the first and last of them.

    The sentence's *hint* goes to those with a part that *says* the clause, or to all where none does."""
    said = [bool(hint) and says(each.text) for each in cut]
    found = []
    for first in range(len(cut)):
        if first and _GOES_ON.match(cut[first].place.text):
            continue
        signs: dict[str, None] = {}
        for last in range(first, len(cut)):
            signs.update(dict.fromkeys(cut[last].signs))
            if last - first + 1 < len(cut):
                hinted = not any(said) or any(said[first : last + 1])
                found.append((weigh(signs) + hinted * hint + _PART, -first, last))
    weight, first, last = max(found)
    return weight, -first, last


def between(sentence: Sentence, start: int, end: int) -> Sentence:
    """What *sentence* says from *start* to *end* of its text."""
    return replace(
        sentence, start=sentence.start + start, end=sentence.start + end, text=sentence.text[start:end].strip()
    )


def shown(text: str, sentence: Sentence, quote: Sentence) -> str:
    """*text*, which is the *quote* from *sentence*, with marks where the sentence says more."""
    if quote.start > sentence.start:
        text = f"…{_OPENING.sub('', text)}"
    return f"{text.rstrip(_ENDS)}…" if quote.end < sentence.end else text
