"""Refusals in the reader's language, at the place in a form where they belong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request

from appliance.errors import ApplianceError
from hsm.errors import AuthorityError
from webui.shared.language import moment, translate


def field(name: str, most: int) -> str:
    """The posted field, cut where no right value can be any more; empty when it is missing."""
    return request.form.get(name, "")[: most + 1]


def sentence(refusal: ApplianceError | AuthorityError) -> str:
    """The refusal in the reader's language."""
    return spoken(refusal.template, refusal.values)


def spoken(template: str, values: Mapping[str, Any]) -> str:
    """A sentence of the catalogue in the reader's language; an instant in it with the reader's zone."""
    told = {name: moment(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return translate()(template, **told)
