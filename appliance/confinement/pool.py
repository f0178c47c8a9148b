"""The pool: hands each job to a fresh confined child and brings back its result or a typed error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.confinement.limits import Limits


class Confinement:
    """A warm pool of one-shot confined processes. Thread-safe; a context manager; starts on first use.

    ``cache`` is a directory for what is derived once (typefaces); ``warm`` children wait ready.
    """

    def __init__(self, cache: Path, *, warm: int = 2, limits: Limits | None = None) -> None: ...

    def run(self, job: str, arguments: Mapping[str, Any], *, timeout: float = 30.0) -> Any:
        """The result of *job* (a name of ``jobs.JOBS``) called with *arguments*, within *timeout* seconds.

        Raises the ApplianceError by which the job refused, or ConfinementFailed whose ``values["cause"]`` is one of
        ``crashed``, ``timeout``, ``memory``, ``recursion``, ``output``, ``error`` (the document's doing) and
        ``unavailable`` (no confined process could be had).
        """

    def close(self) -> None:
        """End the pool and every child."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
