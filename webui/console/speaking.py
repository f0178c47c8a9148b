"""Refusals in the reader's language, at the place in a form where they belong."""

from __future__ import annotations

from flask import request

from appliance.errors import ApplianceError
from hsm.errors import AuthorityError
from webui.shared.language import translate


def field(name: str, most: int) -> str:
    """The posted field, cut where no right value can be any more; empty when it is missing."""
    return request.form.get(name, "")[: most + 1]


def sentence(refusal: ApplianceError | AuthorityError) -> str:
    """The refusal in the reader's language."""
    return translate()(refusal.template, **refusal.values)
