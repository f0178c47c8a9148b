"""Whether a signed file shows one thing: the same in every program, and whatever stands in its signatures' gaps.

The structure is asked first (:mod:`appliance.pdf.one_reading`). Where it is plain, it is a proof. Where it is not,
pages are drawn, since others' files may be odd and harmless: with other bytes in the gap, and from the objects
that our own reader finds. Only a page that looks different counts.
"""

from __future__ import annotations

import secrets
from functools import cached_property

from pyhanko.pdf_utils import generic

from appliance.errors import DocumentRefused
from appliance.pdf.byte_ranges import ByteRange, stated_sizes
from appliance.pdf.object_text import Unreadable
from appliance.pdf.one_reading import different_page, is_plain
from appliance.pdf.page_comparison import NotRendered, PageComparison
from appliance.pdf.pages import is_read_as_written
from appliance.pdf.searched import entry_point
from appliance.pdf.validation.model import Look, Unparseable
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, read_leniently

_SIGNATURES_OWN = frozenset(
    {
        *("/Type", "/Filter", "/SubFilter", "/Contents", "/Cert", "/ByteRange", "/Reference", "/Changes", "/Name"),
        *("/M", "/Location", "/Reason", "/ContactInfo", "/R", "/V", "/Prop_Build", "/Prop_AuthTime"),
        "/Prop_AuthType",
    }
)
"""The entries of a signature (ISO 32000-2, table 255). With others it may be something that is shown."""


class Looks:
    """What can be said about the looks of *pdf* and of the revisions that its signatures cover."""

    def __init__(self, pdf: OpenedPdf) -> None:
        self._pdf = pdf
        self._extents = pdf.extents

    def of_signature(self, value: generic.DictionaryObject, signed: ByteRange, revision: int) -> Look:
        """Of the revision that the signature *value* covers."""
        if self._is_shared(value, signed):
            return Look.SHARED
        elsewhere = self._look_elsewhere(signed)
        if elsewhere is not Look.ONE:
            return elsewhere
        plain, alone = self._is_plain_until(signed.end, revision), self._is_alone(value)
        if plain and alone:
            return Look.ONE
        before = self._pdf.document[: signed.end]
        try:
            if not alone and _depends_on_gap(before, signed):
                return Look.SHARED
        except NotRendered:
            return Look.UNKNOWN
        return Look.ONE if plain else _look_of(before)

    def of_file(self, *, signed_until: int) -> Look:
        """Of the whole file, of which the first *signed_until* bytes are known."""
        document = self._pdf.document
        return Look.ONE if self._is_plain or signed_until == len(document) else _look_of(document)

    @property
    def is_certain(self) -> bool:
        """Whether programs have no choice in what they read, and no object lies within another one."""
        return self._is_plain and self._are_apart

    @cached_property
    def _is_plain(self) -> bool:
        return not self._pdf.lenient and is_plain(self._pdf.document, self._pdf.reader, self._extents)

    def _look_elsewhere(self, signed: ByteRange) -> Look:
        """What the signed bytes could be with the gap at another place of which they say that it is there:
        everything between the two has moved, tables lead to other objects, and the digest is the same."""
        sizes = [size for end, size in self._sizes if end <= signed.end]
        if None in sizes:
            return Look.UNKNOWN
        return Look.SEVERAL if sizes.count(signed.gap_start + signed.length) > 1 else Look.ONE

    @cached_property
    def _sizes(self) -> list[tuple[int, int | None]]:
        return list(stated_sizes(self._pdf.document))

    def _is_plain_until(self, end: int, revision: int) -> bool:
        """Whether the structure is plain, and so is that of the first *end* bytes, with which *revision* ends."""
        if not self._is_plain:
            return False
        try:
            stated = self._pdf.reader.xrefs.get_startxref_for_revision(revision)
            document = self._pdf.document
            whole = end == len(document)  # of which it is known already
            return entry_point(document, end) == stated and (whole or is_read_as_written(document, end))
        except (Unreadable, DocumentRefused, *DAMAGE):
            return False

    def _is_shared(self, value: generic.DictionaryObject, signed: ByteRange) -> bool:
        """Whether another object is known to reach into the signature's, so that something else is drawn since it
        is there; or the dictionary is a note, whose text is /Contents."""
        place = self._pdf.reader.xrefs[value.container_ref]
        if not isinstance(place, int):
            return False
        end = max(self._pdf.document.find(b"endobj", signed.gap_end), signed.gap_end)
        if "/Subtype" in value or self._extents.is_begun_within(place, end):
            return True
        # where objects are apart for any reader, none goes on into the next one
        return not self._are_apart and self._extents.is_overrun(place)

    def _is_alone(self, value: generic.DictionaryObject) -> bool:
        """Whether it is a signature and nothing else, and no object can reach into any other."""
        return _SIGNATURES_OWN.issuperset(value) and self._are_apart

    @cached_property
    def _are_apart(self) -> bool:
        try:
            if not self._is_plain:
                self._extents.require_plain_headers()
            return self._extents.are_apart()
        except Unreadable:
            return False


def _depends_on_gap(document: bytes, signed: ByteRange) -> bool:
    """Whether a page of *document* looks different with other digits in the gap. Raises :class:`NotRendered`."""
    room = signed.gap_end - signed.gap_start - 2
    digits = "".join(secrets.choice("0123456789abcdefABCDEF") for _ in range(room)).encode()
    filled = document[: signed.gap_start + 1] + digits + document[signed.gap_end - 1 :]
    return bool(PageComparison(document).differences(filled))


def _look_of(document: bytes) -> Look:
    try:
        page = different_page(document, read_leniently(document))
    except (NotRendered, Unparseable, *DAMAGE):
        return Look.UNKNOWN
    return Look.ONE if page is None else Look.SEVERAL
