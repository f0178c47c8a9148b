"""The content check of one document, in a confined job: the text of pages and a rule book in, findings and
their places out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

from appliance.model.contract import Placement
from appliance.model.review import AmountFound, CheckResult, ClauseFinding, DateFound, encode_result
from appliance.pdf import search
from appliance.pdf.pages import opened
from appliance.pdf.search import PageText
from appliance.review import rule_files
from appliance.review.amounts_and_dates import days, sums
from appliance.review.outline import Sentence, sentences
from appliance.review.prose import ProseBlock, TextSource, blocks, source
from appliance.review.quoting import shown
from appliance.review.recognition import ENOUGH, ClauseEvidence, Recogniser
from appliance.review.rule_book import RuleBook, read_plain

FEWEST_LETTERS: Final = 20
"""A page that shows a picture and has fewer letters is taken for a picture of text."""

PATIENCE: Final = 12.0
"""Seconds for taking in the pages; then the check says where it stopped."""

MOST_LETTERS: Final = 1_500_000
"""About 400 closely printed pages of Latin script, or 1,000 Chinese ones."""

MOST_AMOUNTS: Final = 200
_QUOTED: Final = 80

Boxes = Callable[[int, int, int], Iterable[tuple[float, float, float, float]]]
"""Page, first and one past the last character of its text → the boxes where they are seen."""


@dataclass(frozen=True, slots=True)
class PagesRead:
    """The pages that were read in time."""

    texts: tuple[str, ...]
    unread: tuple[int, ...]


def read_pages(pages: Iterable[PageText], clock: Callable[[], float]) -> PagesRead:
    """The text of *pages*, for at most :data:`PATIENCE` seconds by *clock* and :data:`MOST_LETTERS`."""
    texts: list[str] = []
    unread: list[int] = []
    until, letters = clock() + PATIENCE, 0
    for number, page in enumerate(pages):
        seen = sum(1 for letter in page.text if not letter.isspace())
        if (not seen and page.drawn) or (seen < FEWEST_LETTERS and page.picture):
            unread.append(number)
        texts.append(page.text)
        letters += len(page.text)
        if clock() >= until or letters >= MOST_LETTERS:
            break
    return PagesRead(tuple(texts), tuple(unread))


def check_text(
    reading: PagesRead, pages: int, book: RuleBook, recogniser: Recogniser, boxes: Boxes
) -> CheckResult:
    """What the text has. *pages* is how many the document has; *boxes* tells where text is seen."""
    found = blocks(reading.texts)
    told = list(sentences(found, recogniser.samples))
    marks = _Marks(found, source(reading.texts), "\n".join(reading.texts), boxes)
    return CheckResult(
        pages=pages,
        pages_read=len(reading.texts),
        unread=reading.unread,
        clauses=tuple(rule.key for rule in book.clauses),
        findings=tuple(
            ClauseFinding(each.clause, _quote(marks.quoted(each)), marks.of(each.sentences))
            for each in recogniser.evidence(told)
        ),
        amounts=tuple(_amounts(found, marks))[:MOST_AMOUNTS],
        dates=tuple(_dates(found, marks))[:MOST_AMOUNTS],
    )


@dataclass(frozen=True, slots=True)
class _Marks:
    """From letters of blocks to boxes on pages."""

    blocks: Sequence[ProseBlock]
    source: TextSource
    raw: str
    boxes: Boxes

    def written(self, told: Sentence) -> str:
        """The sentence in the document's own characters, without the ends of its lines."""
        block = self.blocks[told.block]
        kept, before = [], -1
        for letter, origin in zip(
            block.text[told.start : told.end], block.origin[told.start : told.end], strict=True
        ):
            if letter == " ":
                kept.append(letter)
            elif origin != before:
                kept.append(self.raw[origin])
                before = origin
        return "".join(kept).strip()

    def quoted(self, evidence: ClauseEvidence) -> str:
        """The part of the first sentence that says the clause."""
        return shown(self.written(evidence.quote), evidence.sentences[0], evidence.quote)

    def of(self, told: Sequence[Sentence]) -> tuple[Placement, ...]:
        return tuple(spot for each in told[:ENOUGH] for spot in self.between(each.block, each.start, each.end))

    def between(self, block: int, start: int, end: int) -> Iterator[Placement]:
        for page, first, last in self.source.spans(self.blocks[block].origin[start:end]):
            for box in self.boxes(page, first, last):
                yield Placement(page, *box)


def _amounts(found: Sequence[ProseBlock], marks: _Marks) -> Iterator[AmountFound]:
    for number, block in enumerate(found):
        for one in sums(block.text):
            yield AmountFound(
                value=_decimal(one.value),
                currency=one.currency,
                words="" if one.words is None else _decimal(one.words),
                quote=_quote(block.text[one.start : one.end]),
                spots=tuple(marks.between(number, one.start, one.end)),
            )


def _dates(found: Sequence[ProseBlock], marks: _Marks) -> Iterator[DateFound]:
    for number, block in enumerate(found):
        for one in days(block.text):
            spots = tuple(marks.between(number, one.start, one.end))
            yield DateFound(one.day.isoformat(), _quote(block.text[one.start : one.end]), spots)


def _decimal(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _quote(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def warm(_cache: Path) -> None:
    """Compile the package's own rules, which children then share."""
    Recogniser(rule_files.load_rules())


def check_content(document: bytes, rules: Mapping[str, Any]) -> Any:
    """See :meth:`appliance.review.reviewing.ContentChecker.check_document`."""
    book = read_plain(rules)
    with opened(document) as pdf:
        reading = read_pages(search.pages(pdf), time.monotonic)
        return encode_result(check_text(reading, len(pdf), book, Recogniser(book), partial(search.boxes, pdf)))
