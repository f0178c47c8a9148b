"""No attack passes, and each comes back with the right words (``make attacks`` tells how many there are)."""

from __future__ import annotations

import pytest

from tests.attacks.judging import complaint, in_process
from tests.attacks.registry import attacks


@pytest.mark.parametrize("name", attacks())
def test_no_attack_survives(name: str) -> None:
    attack = attacks()[name]
    assert complaint(attack, in_process(attack.attempt())) is None
