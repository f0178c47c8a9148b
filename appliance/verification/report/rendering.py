"""Rendering a report through one template, for the screen and for paper."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from appliance.language import Language, translator
from appliance.typesetting import PageOptions, typeset
from appliance.verification.model import VerificationReport
from appliance.verification.report.view import view_of


def render_html(report: VerificationReport, language: Language, *, back: str = "") -> str:
    """One HTML document with everything in it: no script, nothing from outside.

    *back* is the address from which it was asked for, for a way back; none in a file that is kept.
    """
    return _rendered(report, language, paper=False, back=back)


def render_pdf(report: VerificationReport, language: Language) -> bytes:
    """The same as a PDF (A4) with its typefaces embedded. Raises as :func:`appliance.typesetting.typeset`."""
    return typeset(_rendered(report, language, paper=True), PageOptions(images=True))


def _rendered(report: VerificationReport, language: Language, *, paper: bool, back: str = "") -> str:
    translate = translator(language)
    return _template().render(
        view=view_of(report, translate),
        file=report.file,
        language=language.value,
        paper=paper,
        back=back,
        raw=json.dumps(report.to_json(), ensure_ascii=False, indent=2),
        translate=translate,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
