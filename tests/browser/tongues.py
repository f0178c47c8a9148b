"""Whether a page speaks one language: what a reader sees and hears, apart from what people have written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.language import Language

TECHNICAL = """
Vermilion English ca pem chain crl issuing root vkey log tsa http https localhost kB Chrome Linux Asia Hong Kong
Shanghai Taipei Tokyo Singapore Dubai Africa Europe London Berlin America New York Los Angeles Australia Sydney
Ctrl Shift Page Up Down Delete Escape
"""
"""What stands in Latin letters on Chinese pages too, besides abbreviations: files, browsers, zones, keys."""

ELSEWHERE = ("印", "壹佰万元整")
"""The sign beside a seal, and an amount in capitals as an example of what the field takes."""

READ = """() => {
  const read = [document.title, document.body.innerText];
  for (const each of document.querySelectorAll("[aria-label], [placeholder], [title], img[alt]")) {
    if (!each.checkVisibility()) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"]) read.push(each.getAttribute(name) || "");
  }
  const foreign = [...document.querySelectorAll("code, [lang]:not(html)")].filter(
    (each) => each.lang !== document.documentElement.lang,
  );
  return [read.join("\\n"), foreign.map((each) => each.innerText.trim()).filter(Boolean)];
}"""
"""All that is seen or heard, and of it what is code or says itself that it is in another language."""

_LATIN = re.compile(r"[A-Za-z][A-Za-z’']+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_CODED = re.compile(
    r"[\w.]+@[\w.]+|https?://[\w:./-]+|/[\w./?=&-]+|(?:person|officer|seal)-[\w-]+|[0-9a-f]{8,}"
    r"|\b[0-9a-f]{4}(?: [0-9a-f]{4})+\b",
    re.IGNORECASE | re.ASCII,
)
"""Addresses, names of keys, digests and codes that are compared."""


def strange_words(text: str, foreign: Iterable[str], language: Language, names: set[str]) -> list[str]:
    """The words that are not in *language* in what ``READ`` gave; *names* may stand there in any."""
    return strange_words_in(_without(text, foreign), language, names)


def strange_words_in(text: str, language: Language, names: set[str]) -> list[str]:
    """The same of a mail's text."""
    text = _CODED.sub(" ", text)
    initials = {name[:1] for name in names if not name[:1].isascii()}
    text = _without(text, [*names, *initials, *ELSEWHERE])
    if language is Language.CHINESE:
        words = {word for word in _LATIN.findall(text) if not word.isupper()}
        return sorted(words - set(TECHNICAL.split()))
    return sorted(set(_HAN.findall(text)))


def _without(text: str, parts: Iterable[str]) -> str:
    for part in sorted((each for each in parts if not each.isdigit()), key=len, reverse=True):
        text = text.replace(part, " ")
    return text
