"""What happens to a file between and after signatures: fields filled, validation data, timestamps, notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.attacks.certified import annotate
from tests.interop.bench import Bench
from tests.interop.originals import FILLING
from tests.verification.documents import add_document_timestamp, add_validation_data, change, stamper

NAME = generic.pdf_name


@dataclass(frozen=True)
class Between:
    """``fills``: it fills a field of a form, so that the next signature answers for it; ``allowed``: the lowest
    permission P of a certification that it may follow; ``needs``: as of a producer."""

    perform: Callable[[Bench, bytes], bytes]
    fills: bool = False
    allowed: int = 1
    needs: tuple[str, ...] = ()


def _store(bench: Bench, document: bytes) -> bytes:
    world = bench.people.world
    everyone = [world.signer, world.other, world.tsa, world.issuing, world.root]
    return add_validation_data(document, everyone, [each.read_bytes() for each in bench.people.lists])


def _timestamp(bench: Bench, document: bytes) -> bytes:
    return add_document_timestamp(document, stamper(bench.people.world, datetime.now(UTC).replace(microsecond=0)))


def _round(bench: Bench, document: bytes) -> bytes:
    return _timestamp(bench, _store(bench, document))


def _java_store(bench: Bench, document: bytes) -> bytes:
    lists = ";".join(str(each) for each in bench.people.lists)
    return bench.java(document, {"do": "itext-store", "crls": lists})


def _fill_by_java(program: str, kind: str) -> Callable[[Bench, bytes], bytes]:
    field, value = FILLING[kind]

    def fill(bench: Bench, document: bytes) -> bytes:
        words = {"do": f"{program}-fill", "field": field, "value": value}
        return bench.java(document, words | ({"anew": "yes"} if kind == "text" else {}))

    return fill


def _told_anew(_bench: Bench, document: bytes) -> bytes:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        writer.set_info(generic.DictionaryObject({NAME("/ModDate"): generic.pdf_date(datetime.now(UTC))}))

    return change(document, edit)


def _noted(_bench: Bench, document: bytes) -> bytes:
    def add(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        if "/Annots" not in page:
            page["/Annots"] = generic.ArrayObject()
        annotate("/Text", writer)

    return change(document, add)


_JAVA = ("java", "javac")
BETWEEN: Mapping[str, Between] = {
    "nothing": Between(lambda bench, document: document),
    "validation data": Between(_store),
    "document timestamp": Between(_timestamp),
    "validation data and timestamp": Between(_round),
    "validation data by iText": Between(_java_store, needs=_JAVA),
    "another date": Between(_told_anew),
    **{
        f"{kind} filled by {program}": Between(_fill_by_java(program, kind), fills=True, allowed=2, needs=_JAVA)
        for program, kind in (
            ("itext", "text"), ("itext", "choice"), ("itext", "radio"), ("pdfbox", "text"), ("pdfbox", "radio"),
        )
    },
    "a note": Between(_noted, allowed=3),
}  # fmt: skip
__all__ = ["BETWEEN", "Between"]
