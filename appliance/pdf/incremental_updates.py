"""One incremental update: open a document, change objects, get the bytes to append and nothing else."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_byterange import PdfByteRangeDigest

from appliance.errors import DocumentRefused
from appliance.pdf.reader import read_pdf

_END_OF_LINE = (b"\n", b"\r")
_READING = (PdfError, SigningError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
BROKEN = (*_READING, zlib.error, OSError, ArithmeticError, NotImplementedError)
"""What pyHanko raises for broken files."""


def dictionary(**entries: Any) -> generic.DictionaryObject:
    """A PDF dictionary of *entries*, in their order: texts that begin with ``/`` are names, others strings;
    numbers, lists and maps are what they are in PDF, and objects of pyHanko stay as they are."""
    return generic.DictionaryObject({generic.pdf_name(f"/{key}"): _object(each) for key, each in entries.items()})


def compressed(data: bytes, **entries: Any) -> generic.StreamObject:
    """A compressed stream of *data* with *entries* as for :func:`dictionary`."""
    stream = generic.StreamObject(dictionary(**entries), stream_data=data)
    stream.compress()
    return stream


def _object(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return generic.pdf_name(value) if value.startswith("/") else generic.pdf_string(value)
    if kind is dict:
        return dictionary(**value)
    if kind in (list, tuple, map):
        return generic.ArrayObject([_object(each) for each in value])
    return {int: generic.NumberObject, float: generic.FloatObject}.get(kind, lambda same: same)(value)


class IncrementalUpdate(IncrementalPdfFileWriter):
    """A writer that touches what it is told to and nothing more: no /Info, no XMP, so that every later revision of
    a certified document changes only what its signatures explain."""

    def __init__(self, document: bytes) -> None:
        self.given = len(document)
        reader = read_pdf(document)
        super().__init__(reader.stream, prev=reader)

    def _update_meta(self) -> None:
        pass

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """The document's version stays what it was. Software that signs after us (iText) writes the header's into
        the catalogue, which would take back a higher one of ours, and our own verifier cannot pass that
        (:func:`appliance.pdf.validation.catalogue_changes.keeps_version`); no reader needs a higher one."""
        self.output_version = max(self.prev.input_version, version)

    def update_root(self) -> None:
        """Mark the catalogue as changed."""
        self.mark_update(self._root)

    def annotate(self, page: Any, annotation: Any) -> None:
        """Put *annotation* on *page* (both references)."""
        self.register_annotation(page, annotation)  # type: ignore[no-untyped-call] # pyHanko has no types here

    def appended(self) -> bytes:
        """What this update adds after the given bytes."""
        stream = self._written()
        stream.seek(self.given)
        return stream.read()

    def appended_with_gap(self, signature: PdfByteRangeDigest) -> dict[str, Any]:
        """As ``appended``, with the ByteRange of *signature* filled in; ``start``, ``end`` of its gap."""
        stream = self._written()
        start, end = signature.contents.offsets
        signature.byte_range.fill_offsets(stream, start, end, stream.seek(0, 2))
        stream.seek(self.given)
        return {"appended": stream.read(), "start": start, "end": end}

    def _written(self) -> BytesIO:
        stream: BytesIO = self.prev.stream
        stream.seek(max(0, self.given - 1))
        if stream.read(1) not in _END_OF_LINE:
            stream.write(b"\n")
        self.write_in_place()  # type: ignore[no-untyped-call] # pyHanko has no types here
        return stream


@contextmanager
def refusing_malformed() -> Iterator[None]:
    """Turns what pyHanko raises for broken files into DocumentRefused."""
    try:
        yield
    except DocumentRefused:
        raise
    except PdfDecodeLimitError as error:
        raise DocumentRefused(
            "bomb", "A part of the document unpacks to more than is allowed; it may be made to exhaust memory."
        ) from error
    except (MemoryError, RecursionError):
        raise
    except BROKEN as error:
        raise malformed() from error


def malformed() -> DocumentRefused:
    """The refusal of a document that a library failed at; what that says is for programmers, and of its making."""
    return DocumentRefused(
        "malformed", "The document is not a well-formed PDF; save it again with another program."
    )
