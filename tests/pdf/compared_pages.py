"""Pages by which programs are compared: text and an area, beside what a test adds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pikepdf import Dictionary, Name, Object, Pdf

from appliance.errors import DocumentRefused
from appliance.pdf import inspection

Make = Callable[[], bytes]
TEXT = b" BT /F1 30 Tf 60 700 Td (PAY) Tj ET 60 500 200 60 re f"


def page_with(change: Callable[[Pdf, Object], object]) -> Make:
    def make() -> bytes:
        with Pdf.new() as pdf:
            page = pdf.add_blank_page(page_size=(595, 842)).obj
            font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            page.Resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(font)))
            content = change(pdf, page)
            page.Contents = pdf.make_stream(content if isinstance(content, bytes) else TEXT)
            file = BytesIO()
            with warnings.catch_warnings(action="ignore"):  # of a field that no form has
                pdf.save(file)
        return file.getvalue()

    return make


def made(pdf: Pdf, value: Any) -> Any:
    return value(pdf) if callable(value) else value


def stream(data: bytes, **entries: Any) -> Callable[[Pdf], Object]:
    return lambda pdf: pdf.make_stream(data, Dictionary(**entries))


def require_refused(document: bytes) -> None:
    """Because programs show it differently."""
    with pytest.raises(DocumentRefused) as refusal:
        inspection.inspect(document, most_pages=9)
    assert refusal.value.reason in ("two-readings", "odd-content")


def require_taken(document: bytes) -> None:
    assert inspection.inspect(document, most_pages=9).pages
