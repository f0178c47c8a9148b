"""Typesets each page, or the pages of one list, in a process that ends afterwards
(docs/decisions/0027-typesetting-process.md)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path

import cbor2
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from appliance.confinement import kernel
from appliance.errors import ConfinementFailed

PATIENCE = 120.0
"""Seconds for one page; three hundred sheets take about forty on a slow machine."""

AT_ONCE = 2
"""Pages set at the same time by one process of the appliance; the others wait."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of the PDFs of one process that are believed."""

GIVES_WAY = 5
"""By how much (nice(1)) pages that nobody waits for come after those of others."""

_turns = threading.BoundedSemaphore(AT_ONCE)
_UNSET = "The text could not be typeset now; nothing is lost, try again in a moment."


class TypesettingFailure(StrEnum):
    """Why there is no PDF: the ``cause`` of the :class:`ConfinementFailed` that is raised."""

    TOO_LARGE = "too-large"
    """It takes more time or memory than is allowed."""
    CRASHED = "crashed"
    UNAVAILABLE = "unavailable"


@cache
def page_template(package: str, name: str) -> Template:
    """The template *name* beside the modules of *package*: ``.html`` escapes what it is given, ``.txt`` does not.
    Rendering fails where something that it names is not given."""
    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def typeset(
    page: str,
    *,
    identifier: bytes | None = None,
    tagged: bool = False,
    images: bool = False,
    patience: float = PATIENCE,
) -> bytes:
    """The PDF (A4) of *page*, a whole HTML document, *tagged* for readers of screens. Thread-safe.

    It loads nothing but *images* that it carries (``data:``). The same page gives the same bytes on the same
    machine where the PDF has an *identifier*; without, it has one by chance. Raises :class:`ConfinementFailed`
    with a :class:`TypesettingFailure` as ``values["cause"]``.
    """
    with _turns:
        [pdf] = _set([(page, identifier)], patience, tagged=tagged, images=images)
    return pdf


def typeset_identified(pages: Sequence[str], *, images: bool = False) -> list[bytes]:
    """The PDFs of *pages* of ours that somebody waits for, set in one process: the second takes a third of the
    first's processor time. Each is identified by what it says, so that the same page gives the same bytes.
    *images*: as for :func:`typeset`.

    Raises as :func:`typeset`.
    """
    with _turns:
        identified = [(each, hashlib.sha256(each.encode()).digest()[:16]) for each in pages]
        return _set(identified, PATIENCE, images=images)


def typeset_together(pages: Sequence[str], *, identifier: bytes, tagged: bool = False) -> list[bytes]:
    """The PDFs of *pages*, the same as :func:`typeset` makes of each, set in one process at low priority: that
    takes a quarter of the processor time. For pages that come from one person: what one breaks, breaks all.

    Raises as :func:`typeset`.
    """
    return _set([(each, identifier) for each in pages], PATIENCE, GIVES_WAY, tagged=tagged)


def _set(
    pages: Sequence[tuple[str, bytes | None]],
    patience: float,
    nice: int = 0,
    *,
    tagged: bool = False,
    images: bool = False,
) -> list[bytes]:
    """The PDFs of *pages*, each with its identifier."""
    order = {"pages": pages, "manner": {"tagged": tagged, "images": images}}
    done = _done(cbor2.dumps(order), patience, nice)
    if done.returncode == 0 and len(done.stdout) <= LARGEST_ANSWER:
        with suppress(cbor2.CBORDecodeError):
            answer: object = cbor2.loads(done.stdout)
            if isinstance(answer, list) and len(answer) == len(pages) and all(map(_is_pdf, answer)):
                return answer
    cause = TypesettingFailure.TOO_LARGE if _ended_by_its_limits(done) else TypesettingFailure.CRASHED
    raise _unset(cause, done.stderr.decode(errors="replace")[-300:])


def _is_pdf(answer: object) -> bool:
    return isinstance(answer, bytes) and answer.startswith(b"%PDF-")


def _done(order: bytes, patience: float, nice: int = 0) -> subprocess.CompletedProcess[bytes]:
    kernel.require_landlock()
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"}
    try:
        return subprocess.run(
            [sys.executable, "-m", "appliance.typesetting.program", str(nice)],
            input=order,
            capture_output=True,
            timeout=patience,
            env=environment | kernel.landlock_demand(),
            cwd=Path("/"),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _unset(TypesettingFailure.TOO_LARGE, "") from error
    except OSError as error:
        raise _unset(TypesettingFailure.UNAVAILABLE, str(error)) from error


def _unset(cause: TypesettingFailure, detail: str) -> ConfinementFailed:
    return ConfinementFailed(_UNSET, cause=cause.value, detail=detail)


def _ended_by_its_limits(done: subprocess.CompletedProcess[bytes]) -> bool:
    """SIGXCPU or SIGKILL by the kernel, or no memory left."""
    return done.returncode in (-24, -9) or b"MemoryError" in done.stderr
