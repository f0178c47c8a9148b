"""The jobs that run confined: what browsers sent in, PNG out (see :mod:`appliance.confinement.jobs`)."""

from __future__ import annotations

from typing import Any

from appliance.appearances import drawing, scans


def drawn(strokes: list[list[list[float]]]) -> bytes:
    """See :func:`appliance.appearances.drawing.drawn`."""
    return drawing.drawn(drawing.checked(strokes))


def cleaned(data: bytes) -> bytes:
    """See :func:`appliance.appearances.scans.cleaned`."""
    return scans.cleaned(data)


def seal(data: bytes, width_mm: float) -> dict[str, Any]:
    """See :func:`appliance.appearances.scans.stamped`."""
    made = scans.prepare_seal_picture(data, width_mm=width_mm)
    return {"png": made.png, "dpi": made.dpi, "advice": [advice.value for advice in made.advice]}
