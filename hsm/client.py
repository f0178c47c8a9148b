"""The authority as the other processes see it: typed operations, each refused or done, nothing in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hsm.checkpoint import LogExtension
from hsm.connection import Connections
from hsm.interface import AuthorityInterface
from hsm.timestamp import ImprintOrder, IssuedToken
from hsm.timestamp_stream import TimestampStream


class AuthorityClient(AuthorityInterface):
    """The operations through one of the sockets; which are permitted depends on the socket. Thread-safe.

    Its methods are those of :class:`hsm.interface.AuthorityInterface`; *timeout* is in seconds.
    """

    def __init__(self, socket: Path, *, timeout: float = 10.0) -> None:
        self._socket, self._timeout = socket, timeout
        self._connections = Connections(socket, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the calling thread's connection; the next call opens one again."""
        self._connections.close()

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The plain answer of the authority to one request."""
        return self._connections.ask(operation, arguments)

    def timestamp(self, orders: Sequence[ImprintOrder]) -> list[IssuedToken]:
        """One token for each order, in order, all at the authority's own time."""
        return IssuedToken.for_orders(self.timestamp_fields([each.fields() for each in orders]), len(orders))

    def timestamp_stream(self) -> TimestampStream:
        """For the running event loop: a connection of its own for timestamps alone."""
        return TimestampStream(self._socket, timeout=self._timeout)

    def checkpoint(self, extension: LogExtension) -> bytes:
        """The signed note (C2SP tlog-checkpoint) of the log after *extension*, which begins where the checkpoint
        signed last ends. Repeated, it gives the same again."""
        return self.extend_log(extension.start, list(extension.frontier), list(extension.leaves), extension.root)
