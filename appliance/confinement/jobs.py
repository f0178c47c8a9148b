"""The one table of what may run confined (job name → ``module:function``), and what one job may use at most.

A job is called with keyword arguments, which came as CBOR and are of the types that it declares (see
:func:`appliance.confinement.frames.typed`). It reads nothing but its arguments, and refuses by raising
:class:`appliance.errors.ApplianceError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

JOBS: Mapping[str, str] = MappingProxyType(
    {
        "pdf.inspect": "appliance.pdf.inspection:inspect",
        "pdf.add_fields": "appliance.pdf.confined_jobs:add_fields",
        "pdf.merge": "appliance.pdf.merging:merge",
        "pdf.prepare": "appliance.pdf.confined_jobs:prepare",
        "pdf.prepare_archive": "appliance.pdf.signing:prepare_archive",
        "pdf.render": "appliance.pdf.pages:render_page",
        "pdf.picture": "appliance.pdf.pages:picture",
        "pdf.blank_places": "appliance.pdf.pages:blank_places",
        "pdf.require_plain_gap": "appliance.pdf.prepared:require_plain_gap",
        "pdf.require_plain": "appliance.pdf.inspection:require_plain",
        "pdf.draw_prepared": "appliance.pdf.prepared:draw_prepared",
        "pdf.require_filled": "appliance.pdf.validation.filling:require_filled",
        "pdf.text": "appliance.pdf.pages:text",
        "pdf.find": "appliance.pdf.search:find_phrases",
        "pdf.preview": "appliance.pdf.confined_jobs:preview",
        "appearances.drawn": "appliance.appearances.drawing:drawn",
        "appearances.cleaned": "appliance.appearances.scans:cleaned",
        "appearances.readable": "appliance.appearances.scans:readable",
        "appearances.seal": "appliance.appearances.scans:prepare_seal_picture",
        "verification.pdf": "appliance.verification.confined_verification:verify_pdf",
        "verification.timestamp": "appliance.verification.confined_jobs:verify_timestamp",
        "pdf.watermark": "appliance.pdf.confined_jobs:add_watermark",
        "pdf.seal_svg": "appliance.pdf.confined_jobs:seal_svg",
        "pdf.require_shown": "appliance.pdf.confined_jobs:require_shown",
        "pdf.require_room": "appliance.pdf.confined_jobs:require_room",
        "captures.thumbnail": "appliance.evidence.captures.thumbnail:shrink",
        "captures.compared": "appliance.web_capture.pictures:compared",
        "review.check": "appliance.review.checking:check_content",
    }
)

VERIFICATION: Mapping[str, str] = MappingProxyType(
    {name: target for name, target in JOBS.items() if name.startswith("verification.")}
)
"""What a verifier alone needs."""

DRAWING: Mapping[str, str] = MappingProxyType(
    {
        name: JOBS[name]
        for name in ("pdf.require_plain_gap", "pdf.draw_prepared", "pdf.require_plain", "pdf.picture")
    }
)
"""What somebody needs who only shows what is to be signed: no typefaces, so nothing in the cache."""

CAPTURE_PICTURES: Mapping[str, str] = MappingProxyType(
    {f"captures.{name}": f"appliance.web_capture.pictures:{name}" for name in ("assembled", "animated")}
)
"""Pictures that the browser of a capture made: in a process for this capture, which ends with it."""

LISTS: Mapping[str, str] = MappingProxyType({"workbook.read": "appliance.workbook_reading:read_workbook"})
"""Reading what people fill in, which is rare: in a process of its own that ends afterwards, instead of its library
in the memory of all others."""

WARM_UP: tuple[str, ...] = (
    "appliance.pdf.confined_jobs:warm",
    "appliance.verification.confined_jobs:rehearse",
    "appliance.review.checking:warm",
)
"""Called with the cache directory, before the zygote is confined and before any document: what children share."""


def load(table: Mapping[str, str] = JOBS) -> dict[str, Callable[..., Any]]:
    """Import every job of *table*, so that children inherit the modules instead of reading them."""
    loaded: dict[str, Callable[..., Any]] = {}
    for name, target in table.items():
        module, function = target.split(":")
        loaded[name] = getattr(import_module(module), function)
    return loaded


def warm(targets: Iterable[str], cache: Path) -> None:
    """Call every ``module:function`` of *targets* with the *cache* directory, in order."""
    for function in load({target: target for target in targets}).values():
        function(cache)


MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConfinementLimits:
    """Bounds of one job; the kernel or the parent ends what goes beyond.

    ``cpu`` seconds of processor time, ``memory`` bytes of address space, ``files`` open descriptors, ``answer``
    bytes of the encoded result.
    """

    cpu: int = 60
    memory: int = 2048 * MEBIBYTE
    files: int = 64
    answer: int = 256 * MEBIBYTE
