"""What a revision changed for the eye: the pages whose pictures differ from those of the revision before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from appliance.documents.pictures import PagePictures
from appliance.model.contract import Contract, ContractRevision

MOST: Final = 24
"""Pages that are compared for one revision; those where its party signs come first."""

WIDTH: Final = 640
"""Pixels across, of the pictures that are compared."""


@dataclass(frozen=True, slots=True)
class RevisionDifference:
    """``pages`` (from 0) look different from the revision before; ``compared`` is how many were looked at."""

    pages: tuple[int, ...]
    compared: int
    appended: int
    """Bytes that the revision added at the end of the file; nothing before them changed."""


class RevisionDifferences:
    """Thread-safe. It asks nobody's permission: callers do."""

    def __init__(self, pictures: PagePictures) -> None:
        self._pictures = pictures

    def difference_of(self, contract: Contract, revision: ContractRevision) -> RevisionDifference:
        """The difference that *revision*, not the original, made. Raises :class:`NotFound` when one is missing."""
        before = next(one for one in contract.revisions if one.number == revision.number - 1)
        looked = list(islice(_pages(contract, revision), MOST))
        changed = [page for page in looked if self._seen(before, page) != self._seen(revision, page)]
        return RevisionDifference(tuple(sorted(changed)), len(looked), revision.size - before.size)

    def _seen(self, revision: ContractRevision, page: int) -> bytes:
        return self._pictures.page(revision.digest, page, WIDTH)


def _pages(contract: Contract, revision: ContractRevision) -> Iterator[int]:
    """The pages in the order in which they are worth a look, each once."""
    party = contract.party(revision.party) if revision.party else None
    signed = () if party is None else tuple(dict.fromkeys(place.page for place in party.places))
    yield from signed
    yield from (page for page in range(contract.pages) if page not in signed)
