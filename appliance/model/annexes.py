"""Files that belong to a contract: beside its document, or as pages of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

OFFICE: Final = (".docx", ".xlsx", ".pptx", ".odt", ".ods")
"""Endings of files of office programs."""


@dataclass(frozen=True, slots=True)
class MergedPages:
    """Where the pages of an annex are in the contract's document: the ``first`` of them (from 0), their ``count``,
    and the byte of the document at which the update begins (``start``) that brings them."""

    first: int
    count: int
    start: int

    def __str__(self) -> str:
        """As people count pages: ``5`` or ``5–7``."""
        last = self.first + self.count
        return f"{self.first + 1}–{last}" if self.count > 1 else str(last)


@dataclass(frozen=True, slots=True)
class Annex:
    """A file that belongs to a contract, under the ``name`` that it came with. ``digest`` is the SHA-256 (hex)
    under which the blob store keeps its bytes. It lies beside the document, or its pages are ``merged`` into
    that."""

    id: str
    name: str
    digest: str
    size: int
    at: datetime
    merged: MergedPages | None = None

    @property
    def may_hide(self) -> bool:
        """Whether it is a file of office programs, which show it without its hidden sheets, texts and changes.
        Which ones it has is not read: who signs looks at the file itself."""
        return self.name.lower().endswith(OFFICE)
