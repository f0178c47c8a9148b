"""When two names of organisations are the same to whoever reads them.

Width, case, blanks, punctuation and what nobody sees do not count, nor how a legal form is written.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hsm.names import shortened_organisation

_HAN: Final = "\u3400-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_WRITTEN: Final = (
    ("有限责任公司", "limited"),
    ("有限責任公司", "limited"),
    ("股份有限公司", "by shares"),
    ("有限公司", "limited"),
)
"""Endings of Chinese names, the longer ones first."""
_SPOKEN: Final = {
    **dict.fromkeys(("companylimited", "colimited", "coltd", "limited", "ltd"), "limited"),
    **dict.fromkeys(("jointstockcompanylimited", "jointstockcoltd"), "by shares"),
    **dict.fromkeys(("incorporated", "inc"), "inc"),
    **dict.fromkeys(("corporation", "corp"), "corp"),
    **dict.fromkeys(("limitedliabilitycompany", "llc"), "llc"),
    **dict.fromkeys(("plc", "llp", "gmbh", "ag", "sarl", "srl", "bv", "pteltd", "ptyltd"), ""),
}
"""Last words of other names, written together; an empty form is one of its own."""
_MOST_WORDS: Final = 4


def same_organisation(one: str, other: str) -> bool:
    """Whether *one* would be read as *other*.

    ``ACME Co., Ltd.`` is ``acme limited``, and 有限责任公司 is 有限公司. A name without its legal form is
    the one with it; two different forms (``Acme Ltd``, ``Acme GmbH``) are two organisations. Long names are also
    compared as the subject of a certificate has them: who reads only that would take one for the other.
    """
    return _reads_as(one, other) or _reads_as(shortened_organisation(one), shortened_organisation(other))


def _reads_as(one: str, other: str) -> bool:
    (name, form), (second, another) = _parts(one), _parts(other)
    return bool(name) and name == second and (form is None or another is None or form == another)


def _parts(name: str) -> tuple[str, str | None]:
    """What counts of *name*, and the legal form that it ends with."""
    words = _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()))
    for count in range(min(_MOST_WORDS, len(words) - 1), 0, -1):
        ending = "".join(words[-count:])
        if ending in _SPOKEN:
            return "".join(words[:-count]), _SPOKEN[ending] or ending
    characters = "".join(words)
    for ending, form in _WRITTEN:
        if characters.endswith(ending) and characters != ending:
            return characters.removesuffix(ending), form
    return characters, None
