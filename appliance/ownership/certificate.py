"""The certificate as people hold it: one page that says what is proven, what is not, and how to check it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from appliance.evidence.history import local
from appliance.language import Language, translator
from appliance.typesetting import typeset


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What stands on the certificate. ``serial`` is the timestamp's number in hex, ``size`` in bytes or None."""

    number: str
    title: str
    depositor: str
    organisation: str
    file: str
    digest: str
    size: int | None
    at: datetime
    zone: str
    serial: str
    issuer: str
    address: str


def certificate_pdf(facts: CertificateFacts, language: Language) -> bytes:
    """An A4 page with its typefaces embedded; not sealed yet. Raises as :func:`appliance.typesetting.typeset`."""
    return typeset(certificate_html(facts, language))


def certificate_html(facts: CertificateFacts, language: Language) -> str:
    """The page before it is set."""
    return _template().render(
        facts=facts,
        language=language.value,
        moment=local(facts.at, facts.zone),
        digest=[facts.digest[start : start + 8] for start in range(0, 64, 8)],
        translate=translator(language),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(
            lambda name: resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("certificate.html")
