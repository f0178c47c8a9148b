"""Key files of backups, as `age-keygen` and `vermilion backup key` write them."""

from __future__ import annotations

import pytest

from hsm.encryption import identities_of, new_identity
from hsm.errors import EncryptionRefused

KEY = new_identity()


def test_comments_and_empty_lines_are_no_keys() -> None:
    assert identities_of(f"# created: 2026-11-25\n# public key: age1…\n\n{KEY}\n") == [KEY]
    assert identities_of("# nothing here\n") == []


def test_another_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(EncryptionRefused, match="not of the form") as refused:
        identities_of("almost-a-secret\n")
    assert "almost-a-secret" not in str(refused.value)
