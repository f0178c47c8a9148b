"""What colleagues say of a draft before it is sent: comments, versions of a text, and changes proposed to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DraftKind(StrEnum):
    """What is discussed: a text that is being written, or a contract that is not sent yet. The value is the column
    of the tables."""

    TEXT = "text"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Comment:
    """``place`` counts the paragraphs of a text or the pages of a document from 1, and is 0 for the whole;
    ``quote`` is how the paragraph began when it was commented on. ``answers`` is the id of the comment that one
    answers."""

    id: str
    answers: str | None
    place: int
    quote: str
    words: str
    author: str
    at: datetime
    resolved: datetime | None = None
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True)
class CommentThread:
    """A comment with its answers."""

    first: Comment
    answers: tuple[Comment, ...]

    @property
    def open(self) -> bool:
        return self.first.resolved is None


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A wording of a text as it was ``at`` a time. Of a proposal, ``base`` is the wording that it changes, with
    what was accepted of it, and ``rest`` its own, without what was rejected; ``decided`` when nothing was left,
    also because its author has ``withdrawn`` it."""

    number: int
    at: datetime
    author: str
    html: str
    base: str | None = None
    rest: str | None = None
    words: str = ""
    accepted: int = 0
    rejected: int = 0
    decided: datetime | None = None
    withdrawn: bool = False

    @property
    def proposed(self) -> bool:
        return self.base is not None

    @property
    def open(self) -> bool:
        """Whether something of the proposal is still to be decided."""
        return self.proposed and self.decided is None


@dataclass(frozen=True, slots=True)
class SharedDraft:
    """A draft that somebody was asked to comment on; ``by`` is whose it is."""

    kind: DraftKind
    id: str
    title: str
    by: str
    at: datetime
