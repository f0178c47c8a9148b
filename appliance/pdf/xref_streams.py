"""Cross-reference streams are read to the end of their bytes, whatever number of entries they claim.

pyHanko, when it is not strict or the entries have no width, makes entries up until the claimed number is
reached: a stream that claims two thousand million (ISO 32000-2, 7.5.8.2, /Index, /Size, /W) keeps it busy for an
hour. It has no place to say otherwise, so its function is exchanged for ours, which calls it; whoever reads with
pyHanko imports this module first.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyhanko.pdf_utils import generic, xref
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfReadError

_unbounded = xref.parse_xref_stream


def entries(xref_stream: generic.StreamObject, strict: bool = True) -> Iterator[xref.XRefEntry]:
    """The entries of *xref_stream*, no more than its bytes hold. Raises PdfReadError where they have no width."""
    width = sum(int(each) for each in xref_stream["/W"])
    if width < 1:
        raise PdfReadError("a cross-reference stream whose entries have no width")
    for count, entry in enumerate(_unbounded(xref_stream, strict), start=1):
        if count * width > len(xref_stream.read_data(DecodePurpose.XREF_STREAM)):  # decoded by now, and kept
            return
        yield entry


xref.parse_xref_stream = entries
