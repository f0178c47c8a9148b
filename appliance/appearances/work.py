"""The jobs that run confined: what browsers sent in, PNG out (see :mod:`appliance.confinement.jobs`)."""

from __future__ import annotations

from appliance.appearances import drawing, scanned


def drawn(strokes: list[list[list[float]]]) -> bytes:
    """See :func:`appliance.appearances.drawing.drawn`."""
    return drawing.drawn(drawing.checked(strokes))


def cleaned(data: bytes) -> bytes:
    """See :func:`appliance.appearances.scanned.cleaned`."""
    return scanned.cleaned(data)
