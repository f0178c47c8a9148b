"""Somebody new, and the activation service as the authority sees it."""

from __future__ import annotations

import secrets

import pytest

from hsm.client import AuthorityClient
from tests.authority import RunningAuthority


@pytest.fixture
def subject() -> str:
    """Somebody new."""
    return f"person-{secrets.token_hex(6)}"


@pytest.fixture
def service(authority: RunningAuthority) -> AuthorityClient:
    return authority.client("activation")
