"""Document keys wrapped in the HSM: each role reads its own alone."""

from __future__ import annotations

from hsm.config import PeerRole
from hsm.errors import BadRequest
from hsm.interface import KeyToUnwrap, KeyToWrap
from hsm.operations.context import AuthorityContext

_MOST_KEY_BYTES, _MOST_WRAPPED_BYTES = 64, 256


class KeyWrapOperations:
    """Wraps and unwraps for the caller's role, which the socket and the peer's credentials prove."""

    def __init__(self, context: AuthorityContext, role: PeerRole) -> None:
        self._context = context
        self._role = role

    def wrap_key(self, request: KeyToWrap) -> bytes:
        """A key of 16 to 64 bytes, wrapped."""
        if not 16 <= len(request.key) <= _MOST_KEY_BYTES:
            raise BadRequest("A document key has 16 to {most} bytes.", most=_MOST_KEY_BYTES)
        return self._context.wrapping.wrap(self._role_context(request.context), request.key)

    def unwrap_key(self, request: KeyToUnwrap) -> bytes:
        """The key. Raises :class:`hsm.errors.NotPermitted` when it belongs to another role or context."""
        if len(request.wrapped) > _MOST_WRAPPED_BYTES:
            raise BadRequest("This is no wrapped document key.")
        return self._context.wrapping.unwrap(self._role_context(request.context), request.wrapped)

    def _role_context(self, context: str) -> str:
        if not 0 < len(context) <= 200:
            raise BadRequest("A context has 1 to 200 characters.")
        return f"{self._role.value}:{context}"
