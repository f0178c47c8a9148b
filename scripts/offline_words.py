"""Writes ``clients/offline_verifier/src/words.ts``: the Chinese of what verify.html says, from the catalogue.

python -m scripts.offline_words
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.language import chinese_messages

ROOT: Final = Path(__file__).parents[1] / "clients/offline_verifier"
WORDS: Final = ROOT / "src/words.ts"

_TOKENS: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|`(?:[^`\\]|\\.)*`|("(?:[^"\\\n]|\\.)*"(?:\s*\+\s*"(?:[^"\\\n]|\\.)*")*)""", re.DOTALL
)
"""Comments and templates, of which nothing is taken, or strings that are put together."""
_PIECE: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_SAID: Final = re.compile(r'data-say="([^"]+)"')
_SENTENCE: Final = re.compile(r"[A-Z{“(][^\n]* [^\n]*")
"""What people read begins with a capital and has blanks; single words are sought in the page alone."""
_WORD: Final = re.compile(r"[A-Z][a-z]+")
_OTHERS: Final = frozenset({"Captured pages", "English", "System Volume Information", "X509 CRL"})
"""What is said in its own language, or by no people."""

_HEAD: Final = """\
/**
 * The Chinese of everything that the page says, by the English: made by `python -m scripts.offline_words` from
 * appliance/language/zh, where it is written.
 */

export const CHINESE: Readonly<Record<string, string>> = {
"""


def literals(below: str = "src") -> Iterator[str]:
    """Every text in the sources of the page and the engine, or in the folder *below* of them."""
    for path in sorted((ROOT / below).rglob("*.ts")):
        if path != WORDS:
            for token in _TOKENS.finditer(path.read_text(encoding="utf-8")):
                if token[1]:
                    yield "".join(json.loads(piece) for piece in _PIECE.findall(token[1]) if _is_json(piece))
    yield from _SAID.findall((ROOT / "page/page.html").read_text(encoding="utf-8"))


def sentences() -> set[str]:
    """Those that people read, by their form."""
    found = {each for each in literals() if _SENTENCE.fullmatch(each) and re.search("[a-z]{2}", each)}
    return (found | {each for each in literals("src/page") if _WORD.fullmatch(each)}) - _OTHERS


def words() -> str:
    """The file, with whatever of the texts the catalogue has."""
    known = chinese_messages()
    lines = (f"  {_text(each)}: {_text(known[each])},\n" for each in sorted(set(literals())) if each in known)
    return _HEAD + "".join(lines) + "};\n"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_json(piece: str) -> bool:
    try:
        json.loads(piece)
    except ValueError:
        return False
    return True


def main() -> None:
    """Writes the file."""
    WORDS.write_text(words(), encoding="utf-8")


if __name__ == "__main__":
    main()
