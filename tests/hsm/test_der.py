"""DER, read and written octet by octet where a library would not say where a value ends."""

from __future__ import annotations

import pytest

from hsm import der


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 70_000])
def test_the_first_element_ends_where_its_length_says(length: int) -> None:
    whole = der.element(der.OCTET_STRING, bytes(length))
    assert der.first(whole + b"\0" * 9) == whole
