"""What the files of a capture package are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from appliance.language import Language
from hsm.manifests import MOST_STEPS

WARC: Final = "capture.warc.gz"
WARC_QUERY: Final = "capture.warc.tsq"
WARC_REPLY: Final = "capture.warc.tsr"
WACZ: Final = "capture.wacz"
PICTURE: Final = "page.png"
PDF: Final = "page.pdf"
TEXT: Final = "page.txt"
FACTS: Final = "capture.json"
CAPTURED: Final = (WACZ, WARC, PDF, PICTURE, TEXT)
"""What the capture itself gave, sorted by path: the files that :data:`FACTS` has the digests of."""
SESSION: Final = "session.webp"
"""The animated pictures of a recorded session, where there is one."""
WARC_IN_WACZ: Final = "archive/capture.warc.gz"
"""Where the WARC lies in the WACZ."""
_STEP: Final = re.compile(r"step-\d\d\.png")


def step_picture(number: int) -> str:
    """The picture after the step *number* (from 1) of a recorded session."""
    return f"step-{number:02}.png"


def is_captured(paths: Iterable[str]) -> bool:
    """Whether *paths* are, in order, those of a capture: :data:`CAPTURED`, and what a recorded session adds."""
    found = list(paths)
    steps = sum(_STEP.fullmatch(each) is not None for each in found)
    pictures = [step_picture(number) for number in range(1, min(steps, MOST_STEPS) + 1)]
    return found in (sorted([*CAPTURED, *pictures]), sorted([*CAPTURED, *pictures, SESSION]))


def is_from_capture(path: str) -> bool:
    """Whether a file of this name is one that the capture gave."""
    return path in (*CAPTURED, SESSION) or _STEP.fullmatch(path) is not None


def certificate_path(language: Language) -> str:
    """The certificate for people to read."""
    return f"certificate.{language.value}.pdf"
