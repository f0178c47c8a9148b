"""Document keys wrapped in the HSM: each role reads its own alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsm.config import PeerRole
from hsm.errors import BadRequest
from hsm.operations.context import AuthorityContext
from hsm.wire import field

_MOST_KEY_BYTES, _MOST_WRAPPED_BYTES = 64, 256


class KeyWrapOperations:
    """Wraps and unwraps for the caller's role, which the socket and the peer's credentials prove."""

    def __init__(self, context: AuthorityContext, role: PeerRole) -> None:
        self._context = context
        self._role = role

    def wrap_key(self, arguments: Mapping[str, Any]) -> bytes:
        """A key of 16 to 64 bytes, wrapped."""
        key = field(arguments, "key", bytes)
        if not 16 <= len(key) <= _MOST_KEY_BYTES:
            raise BadRequest("A document key has 16 to {most} bytes.", most=_MOST_KEY_BYTES)
        return self._context.wrapping.wrap(self._role_context(arguments), key)

    def unwrap_key(self, arguments: Mapping[str, Any]) -> bytes:
        """The key. Raises :class:`hsm.errors.NotPermitted` when it belongs to another role or context."""
        wrapped = field(arguments, "wrapped", bytes)
        if len(wrapped) > _MOST_WRAPPED_BYTES:
            raise BadRequest("This is no wrapped document key.")
        return self._context.wrapping.unwrap(self._role_context(arguments), wrapped)

    def _role_context(self, arguments: Mapping[str, Any]) -> str:
        context = field(arguments, "context", str)
        if not 0 < len(context) <= 200:
            raise BadRequest("A context has 1 to 200 characters.")
        return f"{self._role.value}:{context}"
