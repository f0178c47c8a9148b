"""What passes by itself is a 503, so that callers try again; what takes another beginning is a 409."""

from __future__ import annotations

import pytest

from appliance.errors import StorageError
from hsm import errors
from webui.shared.errors import status_of

_FOR_NOW = (
    errors.AuthorityLocked,
    errors.AuthorityUnreachable,
    errors.ModuleUnavailable,
    errors.StoreUnavailable,
    errors.TimeNotAvailable,
    StorageError,
)


@pytest.mark.parametrize("kind", _FOR_NOW, ids=lambda kind: kind.__name__)
def test_what_passes_by_itself_is_no_fault_of_ours(kind: type[errors.RefusalError]) -> None:
    assert status_of(kind("Not now.")) == 503


def test_a_used_up_activation_is_neither_a_fault_nor_forbidden() -> None:
    assert status_of(errors.ActivationUsed("Begin again.")) == 409
