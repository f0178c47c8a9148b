"""Sentences as the tables keep them: template and values apart, so that they can be shown in any language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hsm.errors import Sentence


def encode_sentence(template: str, values: Mapping[str, Any]) -> str:
    """A sentence as a column value; values other than numbers as the text that they are shown as."""
    plain = {name: value if isinstance(value, int | float) else str(value) for name, value in values.items()}
    return json.dumps([template, plain], ensure_ascii=False)


def decode_sentence(column: str) -> Sentence:
    """What :func:`encoded` made."""
    template, values = json.loads(column)
    return Sentence(template, values)
