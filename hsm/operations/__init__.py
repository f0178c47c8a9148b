"""The typed operations; each checks for itself what makes it legitimate."""

from hsm.operations.context import AuthorityContext, open_context
from hsm.operations.registry import Operations

__all__ = ["AuthorityContext", "Operations", "open_context"]
