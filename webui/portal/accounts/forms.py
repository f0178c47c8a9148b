"""Reading the fields of account forms, and what goes back into them."""

from __future__ import annotations

from flask import request

from appliance.errors import ApplianceError
from webui.shared.language import translate


def field(name: str, most: int) -> str:
    """The posted field, cut where no right value can be any more; empty when it is missing."""
    return request.form.get(name, "")[: most + 1]


def sentence(refusal: ApplianceError) -> str:
    """The refusal in the reader's language."""
    return translate()(refusal.template, **refusal.values)


_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
_BROWSERS = ("MicroMessenger", "Edg", "OPR", "Firefox", "Chrome", "Safari")
_NAMES = {"Mac OS X": "macOS", "CrOS": "ChromeOS", "Edg": "Edge", "OPR": "Opera", "MicroMessenger": "WeChat"}


def device(agent: str) -> str:
    """What browser and system an agent line speaks of, such as “Chrome · Windows”; empty when it says nothing."""
    parts = [next((each for each in known if each in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(_NAMES.get(part, part) for part in parts if part)
