"""Somebody who looks at whatever the portal shows: every link of every page, as far as patience goes."""

from __future__ import annotations

from collections import Counter
from html import unescape
from urllib.parse import urldefrag, urljoin

from tests.machine.company import Person

ELSEWHERE = ("/language/", "/static/")
"""What is no page of its own, or changes how the others look."""


def look_around(someone: Person, most: int) -> Counter[int]:
    """Follows links, breadth first, to *most* pages; how many answers there were of each status.

    Raises AssertionError for one that is the portal's own failure.
    """
    waiting, known, answers = ["/"], {"/"}, Counter[int]()
    while waiting and answers.total() < most:
        page = someone.visitor.get(waiting.pop(0))
        assert page.status < 500, f"{someone.login}: {page.path} is answered with {page.status}: {page.said()}"
        answers[page.status] += 1
        for href, _ in page.links(""):
            address = urldefrag(urljoin(page.path, unescape(href))).url
            if address.startswith("/") and not address.startswith(ELSEWHERE) and address not in known:
                known.add(address)
                waiting.append(address)
    return answers
