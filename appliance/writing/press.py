"""The press: typesets texts in a process of its own, which ends with each of them.

Why not one of the jobs of :mod:`appliance.confinement`: docs/decisions/0012-typesetting-process.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import cbor2

from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.model.writing import Wording

PATIENCE = 120.0
"""Seconds for one text; three hundred pages take about forty on a slow machine."""

AT_ONCE = 2
"""Texts typeset at the same time by one process of the appliance; the others wait."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of a PDF that the press believes."""

_TOO_LARGE = "The text is too long to be typeset at once; split it, or upload it as a PDF."


class Press:
    """Makes PDFs (A4) of wordings. Thread-safe; needs nothing but the machine's fonts."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"}

    def typeset(self, wording: Wording) -> bytes:
        """The PDF. The same wording gives the same bytes on the same machine.

        Raises :class:`DocumentRefused` (``too-large``) for what takes too much time or memory, and
        :class:`ConfinementFailed` when the machine cannot typeset at all.
        """
        order = cbor2.dumps({"title": wording.title, "language": wording.language.value, "html": wording.html})
        with self._turns:
            return self._answer(order)

    def _answer(self, order: bytes) -> bytes:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "appliance.writing.typesetter"],
                input=order,
                capture_output=True,
                timeout=self._patience,
                env=self._environment,
                cwd=Path("/"),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DocumentRefused("too-large", _TOO_LARGE) from error
        except OSError as error:
            raise ConfinementFailed(
                "The text could not be typeset now; nothing is lost, try again in a moment.",
                cause="unavailable",
                detail=str(error),
            ) from error
        if done.returncode == 0 and done.stdout.startswith(b"%PDF-") and len(done.stdout) <= LARGEST_ANSWER:
            return done.stdout
        if _ended_by_its_limits(done):
            raise DocumentRefused("too-large", _TOO_LARGE)
        raise ConfinementFailed(
            "The text could not be typeset now; nothing is lost, try again in a moment.",
            cause="crashed",
            detail=done.stderr.decode(errors="replace")[-300:],
        )


def _ended_by_its_limits(done: subprocess.CompletedProcess[bytes]) -> bool:
    """SIGXCPU or SIGKILL by the kernel, or no memory left."""
    return done.returncode in (-24, -9) or b"MemoryError" in done.stderr
