"""Sizes as people read them."""

from __future__ import annotations

import pytest

from appliance.language import Language, translator
from appliance.language.sizes import ByteSize


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 KB"),
        (1, "1 KB"),
        (1024 * 1024 - 1, "1024 KB"),
        (1024 * 1024, "1.0 MB"),
        (139_227_924, "132.8 MB"),
        (100 * 1024 * 1024, "100.0 MB"),
        (100 * 1024 * 1024 + 1, "100.1 MB"),
    ],
)
def test_kilobytes_then_megabytes_with_one_place_rounded_up(size: int, shown: str) -> None:
    assert str(ByteSize(size)) == shown


@pytest.mark.parametrize("language", Language)
def test_a_sentence_shows_its_sizes(language: Language) -> None:
    say = translator(language)
    sentence, most = "The document has {size}; at most {limit} are taken in.", ByteSize(100 * 1024 * 1024)
    said = say(sentence, size=ByteSize(139_227_924), limit=most)
    assert "132.8 MB" in said and "100.0 MB" in said and sentence != said
