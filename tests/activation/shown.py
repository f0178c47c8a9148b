"""What tests of what is shown share: the words of a page, and that nothing is shown or activated."""

from __future__ import annotations

import html
import io
import re

from PIL import Image

from appliance.activation_requests import ActivationRequest
from tests.activation.conftest import Desk

OTHER = "What would be shown here is not what would be confirmed"


def words_of(page: str) -> str:
    """What is read on a page, without markup and space."""
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", page)))


def shows_nothing(desk: Desk, request: ActivationRequest) -> None:
    """Neither a page with a form nor a picture, and a form that is sent all the same activates nothing."""
    path, seen = desk.put(request), request.intent.challenge().hex()
    answer = desk.get(path)
    assert answer.status_code == 409, answer.text
    assert OTHER in answer.text and "<form" not in answer.text and "<img" not in answer.text
    for picture in ("1.png", "large/1.png", "seal.png"):
        assert desk.get(f"{path}/{seen}/{picture}").status_code == 409
    assert desk.confirm_anyway(request, path).status_code == 409
    assert desk.given(request) == ()


def picture() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((40, 40), 50).save(stream, "PNG")
    return stream.getvalue()
