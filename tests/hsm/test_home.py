"""A first home, and the PIN in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm import config
from hsm.errors import ConfigurationRefused
from hsm.home import make_home, user_pin


def test_nothing_in_a_new_home_can_be_read_by_others(tmp_path: Path) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in make_home(tmp_path))


def test_a_pin_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    make_home(tmp_path)
    settings, pin = config.load(tmp_path), tmp_path / "secrets/user.pin"
    assert user_pin(settings, {}) == pin.read_text().strip()
    pin.chmod(0o640)
    with pytest.raises(ConfigurationRefused, match="read by others"):
        user_pin(settings, {})
