"""A line in its one form: the same words and marks are always the same values."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.writing.elements import Inline, Line, LineBreak, Run


def tidy(line: Iterable[Inline]) -> Line:
    """Neighbours with the same marks joined, no blanks around lines, no break at the end."""
    found: list[Inline] = []
    for inline in line:
        if isinstance(inline, Run):
            _append(found, inline)
        else:
            if isinstance(inline, LineBreak):
                _strip_end(found)
            found.append(inline)
    _strip_end(found)
    while found and isinstance(found[-1], LineBreak):
        found.pop()
        _strip_end(found)
    return tuple(found)


def _append(found: list[Inline], run: Run) -> None:
    last = found[-1] if found else None
    text = run.text
    if (
        last is None
        or isinstance(last, LineBreak)
        or (isinstance(last, Run) and last.text.endswith(" ") and text.startswith(" "))
    ):
        text = text.lstrip(" ")
    if not text:
        return
    if isinstance(last, Run) and last.marks == run.marks:
        found[-1] = Run(last.text + text, run.marks)
    else:
        found.append(Run(text, run.marks))


def _strip_end(found: list[Inline]) -> None:
    """Takes the blanks from the end of the line so far, and the run when nothing else is in it."""
    while found and isinstance(last := found[-1], Run):
        text = last.text.rstrip(" ")
        if text:
            found[-1] = Run(text, last.marks)
            return
        found.pop()
