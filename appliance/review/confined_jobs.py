"""The confined job of the content check (see :mod:`appliance.confinement.jobs`): plain values in and out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from appliance.model.review_record import plain
from appliance.pdf import transcript
from appliance.pdf.pages import opened
from appliance.review import rule_files
from appliance.review.checking import check_text, read_pages
from appliance.review.recognition import Recogniser
from appliance.review.rule_book import read_plain


def warm(_cache: Path) -> None:
    """Compile the package's own rules, which children then share."""
    Recogniser(rule_files.load_rules())


def check_content(document: bytes, rules: Mapping[str, Any]) -> Any:
    """See :meth:`appliance.review.checker.Checker.check`."""
    book = read_plain(rules)
    with opened(document) as pdf:
        reading = read_pages(transcript.pages(pdf), time.monotonic)
        return plain(check_text(reading, len(pdf), book, Recogniser(book), partial(transcript.boxes, pdf)))
