"""The sample contract: ours, bilingual, three pages, between companies and people that do not exist."""

from __future__ import annotations

from importlib import resources


def sample_contract() -> bytes:
    """The sample contract as a PDF, typeset from ``contract.html`` beside this file."""
    # WeasyPrint takes a second to import; only this function needs it.
    from weasyprint import HTML  # noqa: PLC0415

    with resources.as_file(resources.files(__name__)) as folder:
        document = HTML(filename=folder / "contract.html").write_pdf()
    if not isinstance(document, bytes):
        raise TypeError("WeasyPrint gave no document.")
    return document
