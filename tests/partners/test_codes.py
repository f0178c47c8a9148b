"""Unified social credit codes, by GB 32100-2015."""

from __future__ import annotations

import pytest

from appliance.errors import PreconditionRefused
from appliance.model.partners import CODE_SIGNS, credit_code

REAL = ("91350100M000100Y43", "91110000600037341L", "9144030071526726XG", "91330106673959654P")
"""The example of the standard, and codes that companies publish."""


@pytest.mark.parametrize("code", REAL)
def test_real_codes_are_taken_as_people_write_them(code: str) -> None:
    assert credit_code(code) == code
    assert credit_code(f" {code[:8].lower()} {code[8:]} ") == code


@pytest.mark.parametrize("code", REAL)
def test_one_wrong_sign_anywhere_is_found(code: str) -> None:
    for place in range(18):
        for sign in CODE_SIGNS:
            wrong = code[:place] + sign + code[place + 1 :]
            if wrong != code:
                with pytest.raises(PreconditionRefused):
                    credit_code(wrong)


def test_two_neighbours_in_the_wrong_order_are_found() -> None:
    code = REAL[0]
    for place in range(17):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        if swapped != code:
            with pytest.raises(PreconditionRefused):
                credit_code(swapped)


@pytest.mark.parametrize(
    "typed", ["", "91350100M000100Y4", "91350100M000100Y433", "91350100I000100Y43", "９" * 18]
)
def test_what_has_not_the_form_is_refused(typed: str) -> None:
    with pytest.raises(PreconditionRefused, match="18 digits"):
        credit_code(typed)
